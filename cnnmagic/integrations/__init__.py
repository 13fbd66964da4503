"""What connects cnnmagic to engines that a user has already; none of it is imported before it is used."""

"""Other engines and stores: each module is imported only by what uses it, inside functions."""

"""What tests read from an error of the language."""

from cnnmagic import CnnError


def lines(error: CnnError) -> list[int]:
    """The lines of all problems that have one."""
    return [problem.place.line for problem in error.problems if problem.place]

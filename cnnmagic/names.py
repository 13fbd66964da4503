"""Names: those that a notebook can hold as a variable, and those that Keras takes for models and layers."""

from __future__ import annotations

import keyword
import re

from cnnmagic.errors import RunError

# TensorFlow's rule for the scope of an operation, without the marks that no identifier has.
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
UNNAMED = "net"


def check_name(name: str) -> None:
    """Raise `RunError` for a name of a run that is no identifier of Python's."""
    if not isinstance(name, str) or not name.isidentifier():
        raise RunError(f"`{name}` can't be the name of a run.", remedy="Use letters, digits and `_`, a letter first.")
    if keyword.iskeyword(name):
        message, remedy = f"`{name}` can't be the name of a run.", f"Name it otherwise: `{name}_net`."
        raise RunError(message, reason="It is a word of Python's.", remedy=remedy)


def is_scope_name(name: str) -> bool:
    """Whether a model or a layer of Keras can have the name on every backend."""
    return bool(_SCOPE.fullmatch(name))


def scope_name(name: str) -> str:
    """The name for a Keras model; `net` where not every backend takes it, such as one in Korean."""
    return name if is_scope_name(name) else UNNAMED

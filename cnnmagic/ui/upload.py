"""The files that a reader has given to an upload widget."""

from __future__ import annotations

from typing import Any


def uploaded(value: Any) -> list[bytes]:
    """The bytes of each file in the value of a `FileUpload`: a dictionary by name in ipywidgets 7, a tuple in 8."""
    files = value.values() if isinstance(value, dict) else value
    return [bytes(file["content"]) for file in files]

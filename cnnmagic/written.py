"""Scripts, arrays and pictures that a user asks for, as files: never over one of the user's, nor hiding a module."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from zipfile import ZipFile

from cnnmagic.datasets import Arrays
from cnnmagic.errors import RunError
from cnnmagic.plans import Plan

SCRIPT_MARK = ': a convolutional network in Keras."""'
ARRAYS_MARK = "arrays written by cnnmagic"
PICTURE_MARK = "<!-- drawn by cnnmagic -->"
MARK_WITHIN = 400  # bytes from the beginning or the end of a file


def write_script(name: str, plan: Plan, path: str | None = None, force: bool = False) -> Path:
    """Write a plan as Keras code, and arrays of the notebook beside it as `NAME_data.npz`; returns the script's path.

    Without a path it is `NAME.py`, or `NAME_net.py` where that would hide a module. Raises `RunError` where a file that
    was not written here would be overwritten, unless `force` allows it, or a module would be hidden.
    """
    from cnnmagic.lang.python import to_python

    target = _script_path(name, path)
    with_arrays = plan.training is not None and isinstance(plan.source, Arrays)
    arrays = target.with_name(f"{name}_data.npz")
    if not force:
        forced = f"%cnn export {name} {target} --force"
        _check_ours(target, SCRIPT_MARK, forced)
        if with_arrays:
            _check_ours(arrays, ARRAYS_MARK, forced)
    target.write_text(to_python(plan, name), encoding="utf-8")
    if with_arrays:
        from cnnmagic.engine.export import write_arrays

        assert isinstance(plan.source, Arrays)  # `with_arrays` says so
        write_arrays(plan.source, arrays)
        with ZipFile(arrays, "a") as archive:
            archive.comment = ARRAYS_MARK.encode()
    return target


def write_picture(name: str, picture: str, force: bool = False) -> Path:
    """Write a drawing as `NAME.svg`; raises `RunError` as for a script."""
    path = Path(f"{name}.svg")
    if not force:
        _check_ours(path, PICTURE_MARK, f"%cnn plan {name} --picture --force")
    path.write_text(f"{picture}\n{PICTURE_MARK}\n", encoding="utf-8")
    return path


def _script_path(name: str, path: str | None) -> Path:
    target = Path(path or f"{name}.py")
    if not target.parent.is_dir():
        raise RunError(f"there is no folder `{target.parent}`.", remedy="Make it, or choose another path.")
    if not _hides_a_module(target):
        return target
    other = target.with_name(f"{target.stem}_net.py")
    if path is None:
        return other
    message = f"a script `{target}` would hide the module `{target.stem}` from all that runs in its folder."
    raise RunError(message, remedy=f"Name it otherwise: `%cnn export {name} {other}`.")


def _hides_a_module(path: Path) -> bool:
    """Whether `import` finds a module of the script's name elsewhere: Python's own, or an installed one."""
    if path.suffix != ".py":
        return False
    here = {path.parent.resolve(), Path.cwd()}
    elsewhere = [place for place in sys.path if place and Path(place).resolve() not in here]
    found = PathFinder.find_spec(path.stem, elsewhere)
    return path.stem in sys.stdlib_module_names or (found is not None and found.loader is not None)


def _check_ours(path: Path, mark: str, forced: str) -> None:
    """Raise `RunError` where a file is there that does not bear the mark of those that are written here."""
    if path.exists() and not (path.is_file() and mark.encode() in _edges(path)):
        remedy = f"Choose another path, or overwrite it: `{forced}`."
        raise RunError(f"`{path}` is there already, and was not written by cnnmagic.", remedy=remedy)


def _edges(path: Path) -> bytes:
    """The first and the last bytes of a file, which may be large."""
    with path.open("rb") as file:
        head = file.read(MARK_WITHIN)
        file.seek(max(0, path.stat().st_size - MARK_WITHIN))
        return head + file.read()

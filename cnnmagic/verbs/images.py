"""The verbs that show images: `data` looks through those of a plan, `predict` answers for one's own."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from cnnmagic.errors import CnnError, RunError
from cnnmagic.plans import Output
from cnnmagic.run import Run
from cnnmagic.session import Session

SHOWN_PREDICTIONS = 20
SHOWN_CLASSES = 3


def data(session: Session, name: str | None) -> None:
    """Look through a network's data: images of each class, counts, sizes, means, and what is wrong with which."""
    from cnnmagic.engine.inspection import survey

    _, found = session.find_plan(name)
    if found.source is None:
        raise RunError("this network has no data.", remedy="Give its cell a `data` line.")
    told = survey(found)
    if not session.is_notebook:
        print(told)
        return
    from IPython.display import display

    from cnnmagic.ui.data_page import data_html

    display({"text/plain": str(told), "text/html": data_html(told)}, raw=True)


def predict(session: Session, name: str | None, words: Sequence[str]) -> None:
    """Tell the likeliest classes for images: a path, several, or a variable that holds paths or arrays."""
    given = [name, *words] if name is not None else list(words)
    is_name = bool(given) and given[0] in session.known and (len(given) > 1 or not Path(given[0]).exists())
    run = session.find_run(given.pop(0) if is_name else None)
    if not given:
        remedy = "For example `%cnn predict net photo.jpg`, or with a variable `images`: `%cnn predict net images`."
        raise RunError("`predict` needs images.", remedy=remedy)
    images = _images(session, given)
    with session.after_the_end_of(run, "predict"):
        answers = as_probabilities(run.predict(images, _bare(given[0])), run.plan.output)
    names = _names(images, len(answers))
    lines = [f"{n}  {likeliest(answer, run.dataset.classes)}" for n, answer in zip(names, answers, strict=True)]
    more = len(lines) - SHOWN_PREDICTIONS
    ending = f"… and {more:,} more: `{run.name}.predict({_bare(given[0])})` gives all."
    told = "\n".join([*lines[:SHOWN_PREDICTIONS], *([ending] if more > 0 else [])])
    if session.is_notebook and (page := _page(run, images, answers, names)):
        from IPython.display import display

        display({"text/plain": told, "text/html": page}, raw=True)
    else:
        print(told)


def as_probabilities(answers: Any, output: Output | None) -> Any:
    """Answers (count, units) of a network with this output as probabilities."""
    if output is None or not output.gives_logits:
        return answers
    from cnnmagic.engine.probe_judging import probabilities

    found = probabilities(answers, "linear")
    return found[:, 1:] if output.units == 1 else found


def likeliest(answer: Any, classes: Sequence[str]) -> str:
    """The likeliest classes with their probabilities, in one line."""
    if len(answer) == 1:
        return f"{classes[-1]} {answer[0]:.1%}"
    best = sorted(range(len(answer)), key=lambda number: -answer[number])[:SHOWN_CLASSES]
    return "  ".join(f"{classes[number] if number < len(classes) else number} {answer[number]:.1%}" for number in best)


def _images(session: Session, words: Sequence[str]) -> Any:
    """The value of the variable of that name, for one word that is one; else paths as they are."""
    from cnnmagic.lang.variables import look_up

    if len(words) == 1 and _bare(words[0]) in session.variables:
        return _uploaded(session.variables[_bare(words[0])])
    for folder in [Path(word) for word in words if Path(word).is_dir()]:
        raise RunError(f"`{folder}` is a folder.", remedy=f"Give the path of an image in it: `{_example(folder)}`.")
    if len(words) > 1 or Path(words[0]).suffix or Path(words[0]).exists():
        return list(words) if len(words) > 1 else words[0]
    try:
        return _uploaded(look_up(_bare(words[0]), session.variables))
    except CnnError as error:
        remedy = "Give the path of an image, or the name of a variable that holds images."
        raise RunError(f"`{words[0]}` is neither a file nor a variable.", remedy=remedy) from error


def _bare(word: str) -> str:
    """The name of a variable, without the braces that a cell needs."""
    return word.strip("{} ")


def _example(folder: Path) -> Path:
    """The first image in a folder, else what one might be called."""
    from cnnmagic.engine.folders import IMAGES

    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    return next(iter(found), folder / "photo.jpg")


def _uploaded(value: Any) -> Any:
    """The files of an upload widget as bytes; anything else as it is."""
    files = getattr(value, "value", None)
    if not hasattr(value, "accept") or not files:
        return value
    from cnnmagic.ui.upload import uploaded

    return uploaded(files)


def _names(images: Any, count: int) -> list[str]:
    if isinstance(images, str | PathLike):
        return [Path(images).name]
    if isinstance(images, list | tuple) and all(isinstance(image, str | PathLike) for image in images):
        return [Path(image).name for image in images]
    return [f"{number:>4}" for number in range(count)]


def _page(run: Run, images: Any, answers: Any, names: Sequence[str]) -> str:
    """The pictures as the network gets them, each with its answer."""
    from cnnmagic.ui.image_grid import Cell, grid
    from cnnmagic.ui.images import black_and_white, photo

    ready = run.dataset.prepare(images[:SHOWN_PREDICTIONS] if isinstance(images, list | tuple) else images)
    shown = [image[0] for image in ready] if isinstance(ready, list) else ready[:SHOWN_PREDICTIONS]
    cells = [
        Cell(photo(image, *black_and_white(image)), f"{name.strip()}: {likeliest(answer, run.dataset.classes)}")
        for image, answer, name in zip(shown, answers, names, strict=False)  # of many answers the first are shown
    ]
    return grid(cells, f"{run.name} takes them for", side=128)

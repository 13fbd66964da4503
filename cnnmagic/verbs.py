"""The verbs of `%cnn`: the words that each takes, and what it does with the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from cnnmagic.comparison import difference, zoo_table
from cnnmagic.errors import CnnError, RunError
from cnnmagic.lang.wording import closest, listed, sentence
from cnnmagic.run import Run
from cnnmagic.session import DEFAULT_NAME, Session, retrained
from cnnmagic.words import Answered, Words

__all__ = ["Answered", "act", "cell_words", "line_words"]

SHOWN_PREDICTIONS = 20
SHOWN_CLASSES = 3


def act(session: Session, line: str) -> None:
    """Carry out the line of a `%cnn` magic; raises `CnnError`, and `Answered` after a call for help."""
    known = tuple(VERBS)
    first = (line.split() or ["help"])[0]
    if first not in known and not first.startswith("-"):
        message = sentence(f"no verb `{first}`{closest(first, known)}")
        raise CnnError(message, remedy=f"There are {listed(known)}; `%cnn help` explains them.")
    words = vars(line_words().read(line.strip() or "help"))
    VERBS[words.pop("verb")](session, **words)


def cell_words() -> Words:
    """The words of a `%%cnn` line."""
    words = Words(prog="%%cnn", description="Build and train the network that the cell describes.")
    words.add_argument("name", nargs="?", default=DEFAULT_NAME, help="name of the run, a variable of the notebook")
    waiting = words.add_mutually_exclusive_group()
    waiting.add_argument("--wait", action="store_true", help="return when the training is over")
    waiting.add_argument("--background", action="store_true", help="return at once, in a terminal too")
    return words


def line_words() -> Words:
    """The words of a `%cnn` line: a verb and what it takes."""
    words = Words(prog="%cnn", description="Act on a network by its name; without a name on the last one.")
    kinds = words.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Words)
    verbs: dict[str, Words] = {}
    for name, action in VERBS.items():
        help_text = (action.__doc__ or "").strip()
        verbs[name] = kinds.add_parser(name, help=help_text, description=help_text)
        if name not in ("help", "runs", "lr", "diff"):
            verbs[name].add_argument("name", nargs="?", help="name of the network")
    verbs["train"].add_argument("words", nargs="*", help="words of a `train` line: epochs=5 lr=0.01")
    verbs["train"].add_argument("--wait", action="store_const", const=True, help="return when the training is over")
    verbs["lr"].add_argument("words", nargs="*", metavar="NAME RATE", help="name of the network, new rate")
    verbs["plan"].add_argument("--picture", action="store_true", help="draw it")
    verbs["diff"].add_argument("name", help="name of a network")
    verbs["diff"].add_argument("other", help="name of another network")
    verbs["export"].add_argument("path", nargs="?", help="file to write; named after the network if not given")
    for kind in ("python", "keras", "savedmodel", "onnx", "litert"):
        verbs["export"].add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, help=f"as {kind}")
    verbs["evaluate"].add_argument("split", nargs="?", default="test", help="test, validation or train")
    verbs["predict"].add_argument("variable", nargs="?", help="variable that holds the images")
    verbs["help"].add_argument("word", nargs="?", help="a verb, or a word of the language")
    return words


def plan(session: Session, name: str | None, picture: bool) -> None:
    """Show the table of a network: layers, shapes, parameters, FLOPs, receptive fields, memory; or its picture."""
    shown, found = session.find_plan(name)
    if picture:
        session.show_picture(shown, found)
    else:
        session.show_plan(shown, found)


def train(session: Session, name: str | None, words: Sequence[str], wait: bool | None) -> None:
    """Train a planned network, or train one again from new weights; words such as epochs=5 change its `train` line."""
    if name is not None and ("=" in name or name.isdigit()):
        words, name = [name, *words], None
    chosen, found = session.find_plan(name)
    session.train(chosen, retrained(found, " ".join(words)), wait)


def stop(session: Session, name: str | None) -> None:
    """End a training after the batch under way; the model keeps what it has learned."""
    _active(session, name, "stop").stop()


def pause(session: Session, name: str | None) -> None:
    """Hold a training after the batch under way."""
    _active(session, name, "pause").pause()


def resume(session: Session, name: str | None) -> None:
    """Let a paused training go on."""
    _active(session, name, "resume").resume()


def lr(session: Session, words: Sequence[str]) -> None:
    """Show the learning rate, or set it for the batches to come: lr NAME 0.001, or lr 0.001."""
    name = next((word for word in words if word.isidentifier()), None)
    rates = [word for word in words if word != name]
    run = session.find_run(name)
    if not rates:
        print(f"{run.name}: learning rate {run.state.learning_rate:.4g}")
        return
    try:
        rate = float(rates[0])
    except ValueError:
        raise RunError(f"`{rates[0]}` is no number.", remedy="For example `%cnn lr 0.001`.") from None
    _active(session, name, "set the rate of").set_learning_rate(rate)


def wait(session: Session, name: str | None) -> None:
    """Wait until a training is over; an interrupt ends the waiting only."""
    run = session.find_run(name)
    if session.is_notebook:
        session.wait(run)
    else:
        session.show(run, wait=True)


def show(session: Session, name: str | None) -> None:
    """Show a running or finished training again, in this cell."""
    session.show(session.find_run(name), wait=not session.is_notebook)


def runs(session: Session) -> None:
    """List the networks of this notebook."""
    if not session.known:
        print("No networks yet: make one in a `%%cnn` cell.")
    for name, found in session.known.items():
        print(found.state.sentence() if isinstance(found, Run) else f"{name}: planned, {found.parameters:,} parameters")


def evaluate(session: Session, name: str | None, split: str) -> None:
    """Print loss and accuracy on the test images, after the end of the training."""
    run = session.find_run(name)
    scores = run.evaluate(split)
    count = len(getattr(run.dataset, split))
    print(f"{run.name}: {split} accuracy {scores['accuracy']:.2%}, loss {scores['loss']:.4f} on {count:,} images")


def zoo(session: Session, name: str | None) -> None:
    """List studied networks with parameters, FLOPs and input size; with a name print its text as a ready cell."""
    from cnnmagic.zoo import zoo_names, zoo_text

    if name is None:
        print(zoo_table())
    elif name in zoo_names():
        print(f"%%cnn {name}\n{zoo_text(name)}", end="")
    else:
        near = closest(name, zoo_names())
        raise RunError(
            sentence(f"no network `{name}`{near}"), remedy="" if near else f"There are {listed(zoo_names())}."
        )


def fmt(session: Session, name: str | None) -> None:
    """Print the cell of a network in its canonical form."""
    from cnnmagic.lang.canonical import canonical

    shown, found = session.find_plan(name)
    print(f"%%cnn {shown}\n{canonical(found.text)}", end="")


def diff(session: Session, name: str, other: str) -> None:
    """Show how the texts and the plans of two networks differ."""
    plans = [session.find_plan(chosen)[1] for chosen in (name, other)]
    print(difference(plans[0], plans[1], name, other))


def export(session: Session, name: str | None, path: str | None, kind: str | None) -> None:
    """Write a network as Keras code (--python), or the trained model (--keras, --savedmodel, --onnx, --litert)."""
    shown, found = session.find_plan(name)
    if kind in (None, "python"):
        print(f"written: {session.export_python(shown, found, path)}")
    else:
        print(f"written: {session.export_model(session.find_run(name), kind, path)}")


def help_on(session: Session, word: str | None) -> None:
    """List the verbs, or explain a verb or a word of the language, such as `conv`."""
    from cnnmagic.word_help import explain_word

    if word is None:
        line_words().print_help()
        return
    if word in VERBS:
        with suppress(Answered):
            act(session, f"{word} --help")
    if word not in VERBS or word == "train":
        print(explain_word(word))


def predict(session: Session, name: str | None, variable: str | None) -> None:
    """Print the likeliest classes for images held by a variable of the notebook."""
    from cnnmagic.lang.variables import look_up

    if variable is None:
        name, variable = None, name
    if variable is None:
        raise RunError(
            "`predict` needs images.", remedy="For example `%cnn predict net images`, with a variable `images`."
        )
    run = session.find_run(name)
    answers = run.predict(look_up(variable.strip("{} "), session.variables))
    for number, answer in enumerate(answers[:SHOWN_PREDICTIONS]):
        print(f"{number:>4}  {_likeliest(answer, run.dataset.classes)}")
    if len(answers) > SHOWN_PREDICTIONS:
        print(
            f"… and {len(answers) - SHOWN_PREDICTIONS:,} more: `{run.name}.predict({variable.strip('{} ')})` gives all."
        )


def _likeliest(answer: Any, classes: Sequence[str]) -> str:
    if len(answer) == 1:
        return f"{classes[-1]} {answer[0]:.1%}"
    best = sorted(range(len(answer)), key=lambda number: -answer[number])[:SHOWN_CLASSES]
    return "  ".join(f"{classes[number] if number < len(classes) else number} {answer[number]:.1%}" for number in best)


def _active(session: Session, name: str | None, verb: str) -> Run:
    run = session.find_run(name)
    if run.is_done:
        raise RunError(
            f"can't {verb} {run.name}: it has {run.state.phase}.", remedy=f"`%cnn train {run.name}` trains it anew."
        )
    return run


VERBS: dict[str, Callable[..., None]] = {
    "help": help_on,
    "plan": plan,
    "train": train,
    "stop": stop,
    "pause": pause,
    "resume": resume,
    "lr": lr,
    "wait": wait,
    "show": show,
    "runs": runs,
    "evaluate": evaluate,
    "predict": predict,
    "export": export,
    "zoo": zoo,
    "diff": diff,
    "fmt": fmt,
}

"""The verbs of `%cnn`: the words that each takes, and what it does with the session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from cnnmagic.errors import CnnError
from cnnmagic.pipeline import DEFAULT_NAME
from cnnmagic.session import Session
from cnnmagic.verbs.asking import ask, doctor, explain, lang
from cnnmagic.verbs.images import data, predict
from cnnmagic.verbs.looking import compare, diff, evaluate, export, fmt, load, plan, report, runs, save, show, zoo
from cnnmagic.verbs.rates import lrfind
from cnnmagic.verbs.steering import lr, more, pause, resume, rollback, stop, sweep, train, wait
from cnnmagic.wording import closest, listed, sentence
from cnnmagic.words import Answered, Words

__all__ = ["VERBS", "Answered", "act", "cell_words", "line_words"]
SPOKEN = ("ask", "explain")


def act(session: Session, line: str) -> None:
    """Carry out the line of a `%cnn` magic; raises `CnnError`, and `Answered` after a call for help."""
    known = tuple(VERBS)
    first = (line.split() or ["help"])[0]
    if first not in known and not first.startswith("-"):
        message = sentence(f"no verb `{first}`{closest(first, known)}")
        raise CnnError(message, remedy=f"There are {listed(known)}; `%cnn help` explains them.")
    if first in SPOKEN and "--help" not in line.split():  # free words may hold an apostrophe, which closes nothing
        return VERBS[first](session, line.split()[1:])
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
        if name not in ("help", "lr", "more", "compare", "diff", "doctor", "lang", *SPOKEN):
            verbs[name].add_argument("name", nargs="?", help="name of the network")
    verbs["train"].add_argument("words", nargs="*", help="words of a `train` line: epochs=5 lr=0.01")
    verbs["train"].add_argument("--lr", metavar="RATE", help="learning rate; `found` for that of `%%cnn lrfind`")
    verbs["train"].add_argument("--wait", action="store_const", const=True, help="return when the training is over")
    verbs["lr"].add_argument("words", nargs="*", metavar="NAME RATE", help="name of the network, new rate")
    verbs["more"].add_argument("words", nargs="*", metavar="NAME EPOCHS", help="name of the network, epochs to train")
    verbs["load"].add_argument("number", nargs="?", type=int, help="which of its trainings; the last if not given")
    verbs["compare"].add_argument("names", nargs="*", metavar="NAME", help="names of runs, or name/number")
    verbs["plan"].add_argument("--picture", action="store_true", help="draw it")
    verbs["plan"].add_argument("--force", action="store_true", help="overwrite a picture that is another's")
    verbs["diff"].add_argument("name", help="name of a network")
    verbs["diff"].add_argument("other", help="name of another network")
    verbs["export"].add_argument("path", nargs="?", help="file to write; named after the network if not given")
    for kind in ("python", "keras", "savedmodel", "onnx", "litert"):
        verbs["export"].add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, help=f"as {kind}")
    verbs["export"].add_argument("--force", action="store_true", help="overwrite a script or arrays that are another's")
    verbs["save"].add_argument("path", nargs="?", help="file to write; NAME.keras if not given")
    verbs["save"].add_argument("--register", metavar="MODEL", help="its name in MLflow: catalog.schema.model")
    verbs["report"].add_argument("path", nargs="?", help="file or folder to write to; NAME.html if not given")
    verbs["report"].add_argument("--force", action="store_true", help="overwrite a file that is no report")
    verbs["evaluate"].add_argument("split", nargs="?", default="test", help="test, validation or train")
    verbs["predict"].add_argument("words", nargs="*", metavar="IMAGE", help="path of an image, or a variable")
    for verb in SPOKEN:
        verbs[verb].add_argument("words", nargs="*", metavar="NAME QUESTION", help="network, and what you ask")
    verbs["lang"].add_argument("wanted", nargs="?", metavar="LANGUAGE", help="en or ko")
    verbs["help"].add_argument("word", nargs="?", help="a verb, or a word of the language")
    words.verbs = verbs
    return words


def help_on(session: Session, word: str | None) -> None:
    """List the verbs, or explain a verb or a word of the language, such as `conv`."""
    from cnnmagic.word_help import explain_word

    if word is None:
        line_words().print_help()
        return
    if word in VERBS:
        with suppress(Answered):
            act(session, f"{word} --help")
    if word not in VERBS or word in ("train", "data"):
        print(explain_word(word))


VERBS: dict[str, Callable[..., None]] = {
    "help": help_on,
    "plan": plan,
    "train": train,
    "stop": stop,
    "pause": pause,
    "resume": resume,
    "more": more,
    "rollback": rollback,
    "lr": lr,
    "lrfind": lrfind,
    "sweep": sweep,
    "wait": wait,
    "show": show,
    "runs": runs,
    "load": load,
    "compare": compare,
    "evaluate": evaluate,
    "predict": predict,
    "data": data,
    "export": export,
    "save": save,
    "report": report,
    "zoo": zoo,
    "diff": diff,
    "fmt": fmt,
    "ask": ask,
    "explain": explain,
    "doctor": doctor,
    "lang": lang,
}

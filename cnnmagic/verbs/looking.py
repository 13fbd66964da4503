"""The verbs that show something or write it down: plan, show, runs, load, compare, evaluate, report, zoo, export …"""

from __future__ import annotations

from collections.abc import Sequence

from cnnmagic.comparison import difference, zoo_plan, zoo_table
from cnnmagic.errors import RunError
from cnnmagic.logbook import details, runs_table, standings
from cnnmagic.session import Session
from cnnmagic.sweeping import load_if_sweep, show_sweep, sweep_of
from cnnmagic.ui.overlay import MOST_RUNS
from cnnmagic.wording import closest, listed, sentence
from cnnmagic.written import write_script
from cnnmagic.zoo import zoo_names, zoo_text


def plan(session: Session, name: str | None, picture: bool, force: bool) -> None:
    """Show the table of a network: layers, shapes, parameters, FLOPs, receptive fields, memory; or its picture."""
    shown, found = session.find_plan(name)
    if picture:
        session.show_picture(shown, found, force)
    else:
        session.show_plan(shown, found)


def show(session: Session, name: str | None) -> None:
    """Show a running or finished training, or sweep, again, in this cell."""
    if sweep_of(session, name) is not None:
        show_sweep(session, name)
        return
    session.show(session.find_run(name), wait=not session.is_notebook)


def runs(session: Session, name: str | None) -> None:
    """List the networks of this notebook and the runs on disk; with a name its trainings, and the last one's text."""
    found = session.entries(name)
    if not found:
        print("No networks yet: make one in a `%%cnn` cell." if name is None else f"There is no run `{name}`.")
    else:
        print(runs_table(found) if name is None else f"{runs_table(found)}\n\n{details(session.entry(name))}")


def load(session: Session, name: str | None, number: int | None) -> None:
    """Bring a run, or a sweep, back from disk as it was last kept: load NAME, or load NAME 3 for its third training."""
    if name is None:
        raise RunError("`load` needs the name of a run.", remedy="`%cnn runs` lists them.")
    if number is not None or "/" in name or not load_if_sweep(session, name):
        print(session.load(name, number))


def compare(session: Session, names: Sequence[str]) -> None:
    """Show the curves of two to four runs over each other, and how their texts differ: compare A B, or A/1 A/2."""
    if not 2 <= len(names) <= MOST_RUNS:
        raise RunError(f"`compare` takes 2 to {MOST_RUNS} runs.", remedy="For example `%cnn compare lenet5 vgg8`.")
    for name in names:
        if (sweep := sweep_of(session, name)) is not None:
            best = sweep.state.best
            trial = best.run if best is not None else f"{name}_1"
            remedy = f"`%cnn sweep {name}` shows its trials; each is a run of its own, such as `{trial}`."
            raise RunError(f"{name} is a sweep, and runs are compared.", remedy=remedy)
    session.compare([session.entry(name) for name in names])


def evaluate(session: Session, name: str | None, split: str) -> None:
    """Print loss and accuracy on the test images, after the end of the training."""
    run = session.find_run(name)
    with session.after_the_end_of(run, "evaluate"):
        scores = run.evaluate(split)
    count = len(getattr(run.dataset, split))
    print(f"{run.name}: {split} accuracy {scores['accuracy']:.2%}, loss {scores['loss']:.4f} on {count:,} images")


def zoo(session: Session, name: str | None) -> None:
    """List studied networks with parameters, FLOPs and input size; with a name print its text as a ready cell."""
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
    """Show how the texts and the plans of two networks differ, of this notebook or of the zoo."""
    of_zoo = set(zoo_names()) - set(session.known)
    plans = [zoo_plan(each) if each in of_zoo else session.find_plan(each)[1] for each in (name, other)]
    print(difference(plans[0], plans[1], name, other))


def export(session: Session, name: str | None, path: str | None, kind: str | None, force: bool) -> None:
    """Write a network as Keras code (--python), or the trained model (--keras, --savedmodel, --onnx, --litert)."""
    shown, found = session.find_plan(name)
    if kind in (None, "python"):
        written = write_script(shown, found, path, force)
        why = "" if path or written.stem == shown else f" (`{shown}.py` would hide the module `{shown}`)"
        print(f"written: {written}{why}")
    else:
        run = session.find_run(name)
        with session.after_the_end_of(run, "export"):
            print(f"written: {session.export_model(run, kind, path)}")


def save(session: Session, name: str | None, path: str | None, register: str | None) -> None:
    """Save a trained model as NAME.keras; with --register in MLflow's registry, for scoring tables of images."""
    run = session.find_run(name)
    with session.after_the_end_of(run, "save"):
        if register is None:
            print(f"written: {session.export_model(run, 'keras', path)}")
            return
        from cnnmagic.integrations.mlflow import register as register_model

        session.say_loading()
        print(f"registered: {register} version {register_model(run, register)}")


def report(session: Session, name: str | None, path: str | None, force: bool) -> None:
    """Write all that is known of a network as one page of HTML: cell, plan, picture, curves, answers, versions."""
    from cnnmagic.reporting import write_report

    shown = session.find_plan(name)[0]
    rows = standings(session.entries(), session.entry(shown))
    written = write_report(shown, session.find(shown), path, force, session.variables, session.texts, rows)
    print(f"written: {written}")

"""The verbs that act on a training: train, stop, pause, resume, more, rollback, lr, wait."""

from __future__ import annotations

from collections.abc import Sequence

from cnnmagic.errors import RunError
from cnnmagic.pipeline import retrained
from cnnmagic.run import Run
from cnnmagic.session import Session
from cnnmagic.sweeping import show_sweep, sweep_of, wait_for
from cnnmagic.verbs.rates import with_found_rate


def train(session: Session, name: str | None, words: Sequence[str], wait: bool | None, lr: str | None) -> None:
    """Train a planned network, or train one again from new weights; words such as epochs=5 change its `train` line."""
    words = [*words, *([] if lr is None else [f"lr={lr}"])]
    if name is not None and ("=" in name or name.isdigit()):
        words, name = [name, *words], None
    chosen, found = session.find_plan(name)
    session.train(chosen, retrained(found, " ".join(with_found_rate(session, chosen, found, words))), wait)


def stop(session: Session, name: str | None) -> None:
    """End a training, or a sweep, after the batch under way; what it has learned is kept."""
    if (sweep := sweep_of(session, name)) is not None and not sweep.is_done:
        sweep.stop()
    else:
        _active(session, name, "stop").stop()


def pause(session: Session, name: str | None) -> None:
    """Hold a training after the batch under way."""
    _active(session, name, "pause").pause()


def resume(session: Session, name: str | None) -> None:
    """Let a paused, stopped or failed training or sweep go on; one whose kernel has died goes on where it was."""
    session.resume(name)


def more(session: Session, words: Sequence[str]) -> None:
    """Train more epochs after the end, with the optimizer as it is: more NAME 5, or more 5."""
    name = next((word for word in words if word.isidentifier()), None)
    counts = [word for word in words if word != name]
    if len(counts) != 1 or not counts[0].isdecimal():
        raise RunError("`more` needs a number of epochs.", remedy="For example `%cnn more net 5`.")
    session.more(session.find_run(name), int(counts[0]))


def rollback(session: Session, name: str | None) -> None:
    """Give the model the weights of its best epoch."""
    run = session.find_run(name)
    with session.after_the_end_of(run, "rollback"):
        epoch = run.roll_back()
    print(f"{run.name} has the weights of epoch {epoch}, its best.")


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
    if run.snapshot is None:  # then there is nothing to go on from
        _active(session, name, "set the rate of")
    run.set_learning_rate(rate)
    if not run.is_done:
        print(f"{run.name}: learning rate {rate:.4g} from the next batch on.")
    else:
        way = f"more {run.name} 5" if run.state.phase in ("finished", "stopped early") else f"resume {run.name}"
        print(f"{run.name}: learning rate {rate:.4g} when it goes on, by `%cnn {way}`.")


def wait(session: Session, name: str | None) -> None:
    """Wait until a training or a sweep is over; an interrupt ends the waiting only."""
    if (sweep := sweep_of(session, name)) is not None:
        wait_for(session, sweep)
        return
    run = session.find_run(name)
    if session.is_notebook:
        session.wait(run)
    else:
        session.show(run, wait=True)


def sweep(session: Session, name: str | None) -> None:
    """Show a sweep: its trials, the best one and its cell, what mattered; or run that of a cell without `train`."""
    show_sweep(session, name)


def _active(session: Session, name: str | None, verb: str) -> Run:
    run = session.find_run(name)
    if run.is_done:
        raise RunError(
            f"can't {verb} {run.name}: it has {run.state.phase}.", remedy=f"`%cnn train {run.name}` trains it anew."
        )
    return run

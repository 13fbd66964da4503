"""Sweeps and the session: starts one, lets it go on, shows it, finds it by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnmagic.errors import RunError
from cnnmagic.plans import Plan
from cnnmagic.sweep_run import SweepRun
from cnnmagic.trials import hints, trials_text

if TYPE_CHECKING:
    from cnnmagic.integrations.sweep_cells import Given
    from cnnmagic.integrations.sweep_folder import SweepRecord
    from cnnmagic.session import Session


def start_sweep(session: Session, name: str, plan: Plan, wait: bool | None = None) -> SweepRun:
    """Start the sweep of a plan under a name and show it; an earlier sweep of that name is stopped first."""
    from cnnmagic.integrations.study import load_optuna

    load_optuna()
    session.say_loading()
    from cnnmagic.integrations.sweep import begin_sweep

    _stop_earlier(session, name)
    sweep = begin_sweep(name, plan, _given(session))
    _keep(session, sweep)
    _show(session, sweep, session.waits() if wait is None else wait)
    return sweep


def resume_if_sweep(session: Session, name: str | None) -> bool:
    """Let the sweep of a name go on, of this notebook or from disk; False where there is none that is the last."""
    here = sweep_of(session, name)
    record = _record_to_resume(session, name)
    if here is not None and not here.is_done:
        if here.is_stopping:
            here.wait_quietly()
        else:
            raise RunError(f"the sweep of {here.name} is under way.", remedy=f"`%cnn sweep {here.name}` shows it.")
    if record is None:
        return False
    session.check_name(record.name)
    from cnnmagic.integrations.study import load_optuna

    load_optuna()
    session.say_loading()
    from cnnmagic.integrations.sweep import resume_sweep

    sweep = resume_sweep(record, _given(session))
    _keep(session, sweep)
    done, whole = len(sweep.state.ended), sweep.state.whole
    print(f"the sweep of {sweep.name} goes on: {done} of {whole} trials are done")
    _show(session, sweep, session.waits())
    return True


def load_if_sweep(session: Session, name: str) -> bool:
    """Bring the sweep of a name back from disk, with all that it has found; False where no sweep is its last."""
    record = _record(name)
    if record is None or _is_trained_since(record, name):
        return False
    session.check_name(name)
    here = session.sweeps.get(name)
    if here is not None and not here.is_done:
        raise RunError(f"the sweep of {name} is under way.", remedy=f"`%cnn sweep {name}` shows it.")
    if record.is_running:
        message = f"{name} is swept in another process."
        raise RunError(message, remedy=f"`%cnn sweep {name}` shows how far it is; stop it there, or wait for its end.")
    sweep = _read(session, record)
    _keep(session, sweep)
    print("\n\n".join([sweep.state.sentence(), *hints(sweep.state)]))
    return True


def show_sweep(session: Session, name: str | None) -> None:
    """Show where a sweep stands; one that is only planned is started, one of another kernel is read from disk."""
    sweep = sweep_of(session, name)
    if sweep is not None:
        _show(session, sweep, wait=not session.is_notebook and not sweep.is_done)
        return
    found = session.known.get(name) if name else next(reversed(session.known.values()), None)
    if isinstance(found, Plan) and found.choices and found.sweep is not None:
        start_sweep(session, session.find_plan(name)[0], found)
        return
    record = _record(name)
    if record is None:
        chosen = session.find_plan(name)[0] if name in session.known or name is None else name
        remedy = "Put choices in braces, such as `conv {16, 32} 3x3`, and a line `sweep random trials=12`."
        raise RunError(f"there is no sweep of `{chosen}`.", remedy=remedy)
    _show(session, _read(session, record), wait=False)


def sweep_of(session: Session, name: str | None) -> SweepRun | None:
    """The sweep of a name in this notebook; without a name that of the last network, if it is one."""
    chosen = name or next(reversed(session.known), "")
    return session.sweeps.get(chosen)


def wait_for(session: Session, sweep: SweepRun) -> None:
    """Wait for a sweep and for the last painting of its view; an interrupt ends the waiting only."""
    name = sweep.name
    try:
        sweep.wait_quietly()
        board = session.dashboards.get(name)
        if board is not None:
            board.painted.wait(5)
    except KeyboardInterrupt:
        message = f"the waiting is over, and the sweep of {name} goes on in the background."
        raise RunError(message, remedy=f"`%cnn sweep {name}` shows it, `%cnn stop {name}` ends it.") from None
    sweep.wait()


def _show(session: Session, sweep: SweepRun, wait: bool) -> None:
    if session.is_notebook:
        from cnnmagic.ui.sweep_board import SweepBoard

        board = SweepBoard(sweep)
        session.dashboards[sweep.name] = board
        board.show()
        if wait:
            wait_for(session, sweep)
    elif wait:
        from cnnmagic.ui.terminal import follow_sweep

        follow_sweep(sweep)
        if sweep.state.error is not None:
            raise sweep.state.error
    else:
        print(trials_text(sweep.state))


def _keep(session: Session, sweep: SweepRun) -> None:
    session.keep(sweep.name, sweep.plan, sweep)
    session.sweeps[sweep.name] = sweep
    sweep.show = lambda: _show(session, sweep, wait=False)


def _stop_earlier(session: Session, name: str) -> None:
    """End the sweep or the training of that name that is under way."""
    earlier: Any = session.sweeps.get(name) or session.known.get(name)
    if not isinstance(earlier, Plan) and earlier is not None and not earlier.is_done:
        what = "sweep" if isinstance(earlier, SweepRun) else "training"
        print(f"The {what} of {name} that was under way is stopped.")
        earlier.stop()
        earlier.wait_quietly()


def _given(session: Session) -> Given:
    from cnnmagic.integrations.sweep_cells import Given

    return Given(session.variables, session.texts)


def _read(session: Session, record: SweepRecord) -> SweepRun:
    from cnnmagic.integrations.study import load_optuna

    load_optuna()
    from cnnmagic.integrations.sweep import read_sweep

    return read_sweep(record, _given(session))


def _record(name: str | None) -> SweepRecord | None:
    from cnnmagic.integrations.sweep_folder import last_sweep, sweep_records

    return last_sweep(name) if name else next(reversed(sweep_records()), None)


def _record_to_resume(session: Session, name: str | None) -> SweepRecord | None:
    """The sweep that `resume` means: of a name unless a training has it since; without one the last that was broken
    off, unless a network of this notebook is there to go on."""
    if name is None and session.known and sweep_of(session, None) is None:
        return None
    if name is None and (here := sweep_of(session, None)) is not None:
        name = here.name
    record = _record(name)
    if record is None or (name is not None and name in session.known and name not in session.sweeps):
        return None
    return None if _is_trained_since(record, name) else record


def _is_trained_since(record: SweepRecord, name: str | None) -> bool:
    """Whether a training that is no trial of it, of a name or of any, began after a sweep."""
    from cnnmagic.storage import records

    begun = [run.about["created"] for run in records(name) if not run.name.startswith(f"{record.name}_")]
    return bool(begun) and begun[-1] > record.about["created"]

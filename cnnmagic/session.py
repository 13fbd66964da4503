"""The networks of one notebook by name: runs their cells, shows them, finds them again."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from weakref import ref

from cnnmagic.datasets import Arrays
from cnnmagic.errors import RunError
from cnnmagic.lifecycle import begin, load_record, resume_record, work_of
from cnnmagic.logbook import Entry, comparison_text, entry_of, entry_of_record, parted
from cnnmagic.names import check_name
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.places import check_places
from cnnmagic.plans import Plan
from cnnmagic.rates import RateCurve
from cnnmagic.run import Run
from cnnmagic.storage import Record, find_record, records
from cnnmagic.sweep_run import SweepRun
from cnnmagic.trials import hints, phase_text

Planned = Plan | Run


class Session:
    """The runs of one notebook; `shell` is its IPython shell, or None in a plain program."""

    def __init__(self, shell: Any = None):
        self.shell = shell
        self.known: dict[str, Planned] = {
            name: value
            for name, value in self.variables.items()
            if isinstance(value, Plan | Run) and not name.startswith("_")
        }
        self.dashboards: dict[str, Any] = {}
        self.found_rates: dict[str, tuple[Plan, RateCurve]] = {}
        self.sweeps: dict[str, SweepRun] = {}

    def run_cell(self, name: str, text: str, wait: bool | None = None, first_line: int = 2) -> None:
        """Plan a `%%cnn` cell, show the plan and, where the cell says `train`, start its training.

        `wait` tells whether to return only at the end of the training; if None, as the front end needs it.
        """
        self.check_name(name)
        plan = make_plan(text, self.variables, first_line=first_line, texts=self.texts, name=name)
        self.show_plan(name, plan)
        if plan.training is None:
            self.keep(name, plan)
        elif plan.choices:
            from cnnmagic.sweeping import start_sweep

            start_sweep(self, name, plan, wait)
        else:
            self.train(name, plan, wait)

    def train(self, name: str, plan: Plan, wait: bool | None = None) -> Run:
        """Start the training of a plan under a name and show it."""
        run = self.start(name, plan)
        self.show(run, self.waits() if wait is None else wait)
        return run

    def start(self, name: str, plan: Plan) -> Run:
        """Start the training of a plan under a name; an earlier training of that name is stopped first."""
        from cnnmagic.engine.backend import give_memory_back

        if plan.choices:
            message = f"{name} has choices in braces, and one training takes one value of each."
            raise RunError(message, remedy=f"`%cnn sweep {name}` tries them, `cnnmagic.sweep` does in a program.")
        if plan.training is not None and plan.training.workers is not None:
            self._stop_earlier(name, wait=True)  # its workers hold slots of the cluster
        told = check_places(plan)
        dataset = load_data(plan)
        run = begin(name, plan, self._build(name, plan), dataset, self.texts)
        for note in told:
            run.note(note)
        self._stop_earlier(name)
        self.keep(name, run)
        run.start(work_of(run))
        give_memory_back()
        return run

    def resume(self, name: str | None) -> None:
        """Let a paused, stopped or failed training go on, of this notebook or of one whose kernel is gone."""
        from cnnmagic.sweeping import resume_if_sweep

        if resume_if_sweep(self, name):
            return
        found = self.known.get(name) if name else next(reversed(self.known.values()), None)
        if isinstance(found, Run):
            if found.is_stopping:
                found.wait_quietly()  # the later of two words holds
            if not found.is_done:
                found.resume()
                return
            found.go_on()
            self.show(found, self.waits())
            return
        record = self._record(name)
        self.say_loading()
        run = resume_record(record, self.variables)
        self.keep(record.name, run)
        self.show(run, self.waits())

    def more(self, run: Run, epochs: int) -> None:
        """Train more epochs of a run and show it."""
        run.more(epochs)
        self.show(run, self.waits())

    def load(self, name: str, number: int | None = None) -> Run:
        """Bring a run back from disk as it was at its last checkpoint; `net/3` is the third training of `net`."""
        name, named = parted(name)
        number = named if number is None else number
        self.check_name(name)
        record = find_record(name, number)
        self.say_loading()
        run = load_record(record, self.variables)
        self._stop_earlier(name)
        self.keep(name, run)
        return run

    def entries(self, name: str | None = None) -> list[Entry]:
        """The networks of this notebook and the runs on disk, as rows; of one name, or `name/number`, if given."""
        if name is not None and "/" in name:
            return [self.entry(name)]
        here = {known: found for known, found in self.known.items() if name in (None, known)}
        folders = {found.folder for found in here.values() if isinstance(found, Run)}
        kept = [entry_of_record(record) for record in records(name) if record.folder not in folders]
        rows = [entry_of(known, found) for known, found in here.items()]
        swept = [_as_sweep(row, self.sweeps.get(row.name)) for row in rows]
        return [*swept, *kept]

    def entry(self, name: str) -> Entry:
        """The row of a network of this notebook, or of a run on disk: `name`, or `name/number`."""
        if name in self.known:
            return entry_of(name, self.known[name])
        return entry_of_record(find_record(*parted(name)))

    def compare(self, entries: Sequence[Entry]) -> None:
        """Show the curves of runs over each other, their scores, and how the text of each differs from the first's."""
        told = comparison_text(entries)
        if not self.is_notebook:
            print(told)
            return
        from IPython.display import display

        from cnnmagic.ui.overlay import overlay_html

        histories = {entry.name: entry.history for entry in entries}
        text = f'<pre style="line-height:1.4">{escape(told)}</pre>'
        display({"text/plain": told, "text/html": overlay_html(histories) + text}, raw=True)

    def show(self, run: Run, wait: bool = False) -> None:
        """Show a run in the cell that runs now: a dashboard in a notebook, a line of progress in a terminal."""
        if self.is_notebook:
            dashboard = self.dashboard_of(run)
            dashboard.show()
            if wait:
                self.wait(run)
        elif wait or run.is_done:
            from cnnmagic.ui.terminal import follow

            follow(run)
            if run.state.error is not None:
                run.wait()
        else:
            print(run)

    def dashboard_of(self, run: Run) -> Any:
        """A new dashboard of a run, with its questions."""
        from cnnmagic.ui.dashboard import Dashboard

        self.dashboards[run.name] = Dashboard(run, partial(_questions, self, ref(run)))
        return self.dashboards[run.name]

    def wait(self, run: Run) -> None:
        """Wait for a run and for the last painting of its view; an interrupt ends the waiting only."""
        try:
            run.wait_quietly()
            if run.name in self.dashboards:
                self.dashboards[run.name].painted.wait(5)
        except KeyboardInterrupt:
            raise _waited_enough(run) from None
        run.wait()

    @contextmanager
    def after_the_end_of(self, run: Run, verb: str) -> Iterator[None]:
        """Do what needs the end of a training: say so where it must be waited for; an interrupt ends this alone."""
        if not run.is_done and run.state.phase != "paused":
            print(f"`{verb}` waits for the end of the training of {run.name} …", flush=True)
        try:
            yield
        except KeyboardInterrupt:
            raise (RunError(f"`{verb}` is interrupted.") if run.is_done else _waited_enough(run)) from None

    def show_plan(self, name: str, plan: Plan) -> None:
        """Print the plan as text, or as a table where the front end shows HTML."""
        if not self.is_notebook:
            print(plan)
            return
        from IPython.display import display

        from cnnmagic.ui.plan_html import plan_html

        display({"text/plain": str(plan), "text/html": plan_html(plan, name)}, raw=True)

    def show_picture(self, name: str, plan: Plan) -> None:
        """Draw the network in a notebook; in a terminal write the picture to a file."""
        from cnnmagic.ui.architecture import draw_network

        if self.is_notebook:
            from IPython.display import display

            text = {"text/plain": str(plan), "text/html": draw_network(plan, name)}
            display(text, raw=True)
        else:
            path = Path(f"{name}.svg")
            path.write_text(draw_network(plan, name, color="#24292f"), encoding="utf-8")
            print(f"written: {path}")

    def export_python(self, name: str, plan: Plan, path: str | None) -> Path:
        """Write a plan as Keras code, and arrays of the notebook beside it; returns the script's path."""
        from cnnmagic.lang.python import to_python

        target = Path(path or f"{name}.py")
        if not target.parent.is_dir():
            raise RunError(f"there is no folder `{target.parent}`.", remedy="Make it, or choose another path.")
        target.write_text(to_python(plan, name), encoding="utf-8")
        if plan.training is not None and isinstance(plan.source, Arrays):
            from cnnmagic.engine.export import write_arrays

            write_arrays(plan.source, target.with_name(f"{name}_data.npz"))
        return target

    def export_model(self, run: Run, kind: str, path: str | None) -> Path:
        """Write a run's trained model in one of Keras's formats, after the end of its training."""
        from cnnmagic.engine.export import export_model

        run.wait_until_usable()
        run.wait()
        return export_model(run.model, kind, Path(path) if path else Path(run.name))

    @property
    def variables(self) -> Mapping[str, Any]:
        """The notebook's variables."""
        return {} if self.shell is None else self.shell.user_ns

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the networks so far, by name, for `use`."""
        return {name: (found if isinstance(found, Plan) else found.plan).text for name, found in self.known.items()}

    def keep(self, name: str, what: Planned, shown: Any = None) -> None:
        """Remember a plan or a run, and make it, or the sweep of the plan, the notebook's variable of that name."""
        self.known.pop(name, None)  # it is the last one now
        self.known[name] = what
        self.sweeps.pop(name, None)
        if isinstance(what, Run):
            from cnnmagic.asking import asking  # here, where a second of Keras has passed already

            what.show = lambda: self.show(what)
            asking(what)
        if self.shell is not None:
            self.shell.push({name: what if shown is None else shown}, interactive=True)

    def check_name(self, name: str) -> None:
        """Raise `RunError` for a name that can't be a variable, or that would hide something of the user's."""
        check_name(name)
        held = self.variables.get(name)
        if name in self.variables and not isinstance(held, Plan | Run | SweepRun):
            message = (
                f"`{name}` is a variable of this notebook already ({type(held).__name__}), and the run would hide it."
            )
            raise RunError(message, remedy=f"Name the cell otherwise: `%%cnn {name}_net`.")
        if name == "cnnmagic" or (held is None and hasattr(builtins, name)):
            raise RunError(
                f"`{name}` is a name of Python's own.", remedy=f"Name the cell otherwise: `%%cnn {name}_net`."
            )

    def find(self, name: str | None) -> Planned:
        """The run or plan of a name; without a name the last one. Raises `RunError` where there is none."""
        if name is not None and name not in self.known and ("/" in name or records(name)):
            raise RunError(f"`{name}` is a training on disk.", remedy=f"`%cnn load {name}` brings it here first.")
        if not self.known:
            raise RunError("there is no network yet.", remedy="Make one in a `%%cnn` cell.")
        if name is None:
            return next(reversed(self.known.values()))
        if name not in self.known:
            from cnnmagic.wording import closest

            near = closest(name, self.known)
            there = ", ".join(f"`{known}`" for known in self.known)
            raise RunError(f"no run `{name}`{near or '.'}", remedy="" if near else f"There are {there}.")
        return self.known[name]

    def find_plan(self, name: str | None) -> tuple[str, Plan]:
        """The name and the plan of a network, trained or not; without a name of the last one."""
        found = self.find(name)
        chosen = next(known for known, value in reversed(self.known.items()) if value is found)
        return chosen, found if isinstance(found, Plan) else found.plan

    def find_run(self, name: str | None) -> Run:
        """The run of a name; raises `RunError` where it is only planned."""
        found = self.find(name)
        if isinstance(found, Run):
            return found
        wanted = name or next(reversed(self.known))
        if (sweep := self.sweeps.get(wanted)) is not None:
            raise RunError(f"the sweep of {wanted} {phase_text(sweep.state)}.", remedy=" ".join(hints(sweep.state)))
        verb, does = ("sweep", "tries its choices") if found.choices else ("train", "trains it")
        raise RunError(f"`{wanted}` is planned and not trained.", remedy=f"`%cnn {verb} {wanted}` {does}.")

    def _build(self, name: str, plan: Plan) -> Any:
        self.say_loading()
        return build_model(plan, name)

    def say_loading(self) -> None:
        from cnnmagic.engine import backend

        if self.shell is not None and not backend.is_loaded():
            print("Loading Keras …", flush=True)

    def _record(self, name: str | None) -> Record:
        """The last training on disk of a name; without a name the last one that did not end and is not under way."""
        if name is not None:
            self.check_name(name)
            return find_record(name)
        for record in reversed(records()):
            if record.about["phase"] not in ("finished", "stopped early") and not record.is_running:
                return record
        raise RunError("there is no training to resume.", remedy="`%cnn runs` lists what is kept on disk.")

    def _stop_earlier(self, name: str, wait: bool = False) -> None:
        earlier, sweep = self.known.get(name), self.sweeps.get(name)
        if isinstance(earlier, Run) and not earlier.is_done:
            print(f"The training of {name} that was under way is stopped.")
            earlier.stop()
            if wait:
                earlier.wait_quietly()
        if sweep is not None and not sweep.is_done:
            print(f"The sweep of {name} that was under way is stopped.")
            sweep.stop()

    @property
    def is_notebook(self) -> bool:
        """Whether a kernel with a front end runs this, and not a terminal or a plain program."""
        return getattr(self.shell, "kernel", None) is not None

    def waits(self) -> bool:
        """Whether a cell must wait for its training: in a terminal, and where no one sits at the notebook.

        Executors such as nbclient and papermill end a cell's output with the cell; they are known by allowing no input.
        """
        if not self.is_notebook:
            return True
        return not getattr(self.shell.kernel, "_allow_stdin", True)


def _questions(session: Session, found: ref[Run]) -> Any:
    """The page of questions on a run; an empty one where the run is gone, since another has its name."""
    import ipywidgets as widgets

    from cnnmagic.panels import questions_panel

    run = found()
    return widgets.HTML() if run is None else questions_panel(session, run.name, run).box


def _waited_enough(run: Run) -> RunError:
    message = f"the waiting is over, and {run.name} goes on in the background."
    return RunError(message, remedy=f"`%cnn show {run.name}` shows it, `%cnn stop {run.name}` ends it.")


def _as_sweep(row: Entry, sweep: SweepRun | None) -> Entry:
    return row if sweep is None else replace(row, phase=f"sweep {sweep.state.phase}")

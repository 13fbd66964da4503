"""The magics in a real IPython shell: loading, cells, verbs, and errors without a traceback."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from cnnmagic.errors import CnnError, DataError, ParseError, PlanError, RunError
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.session import Session
from cnnmagic.verbs import VERBS

LAYERS = "conv 2 3x3 relu\nflatten\noutput 10\nseed 1"
DIGITS = f"data digits\n{LAYERS}\ntrain epochs=1 batch=256"
LONG = f"data digits\n{LAYERS}\ntrain epochs=10000 batch=64"


class Shell:
    """A terminal's IPython with the extension; what a cell prints is its answer."""

    def __init__(self, capture: pytest.CaptureFixture[str]):
        self.ip, self.capture = InteractiveShell.instance(), capture
        self.ip.run_line_magic("load_ext", "cnnmagic")

    def __call__(self, cell: str) -> str:
        self.capture.readouterr()
        result = self.ip.run_cell(cell)
        result.raise_error()
        return self.capture.readouterr().out

    def fails(self, cell: str, kind: type[BaseException] = CnnError) -> str:
        """The text that the shell shows of a cell's error."""
        self.capture.readouterr()
        result = self.ip.run_cell(cell)
        assert type(result.error_in_exec) is kind
        shown = "".join(self.capture.readouterr())
        assert "Traceback" not in shown
        assert str(result.error_in_exec) in shown
        return str(result.error_in_exec)

    def __getitem__(self, name: str) -> Any:
        return self.ip.user_ns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.ip.user_ns


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of runs for each test alone."""
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    InteractiveShell.clear_instance()
    shell = Shell(capsys)
    yield shell
    for value in list(shell.ip.user_ns.values()):
        if isinstance(value, Run):
            value.stop()
            value.wait_quietly(30)
    shell.ip.run_line_magic("unload_ext", "cnnmagic")
    InteractiveShell.clear_instance()


def in_fresh_python(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


FRESH = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.process_time()
shell.run_line_magic("load_ext", "cnnmagic")
load = time.process_time() - start
start = time.process_time()
shell.run_cell("%%cnn\\ninput 28x28x1\\nconv 8 3x3 rleu\\noutput 10")
mistyped = time.process_time() - start
shell.run_cell("%cnn help"); shell.run_cell("%cnn runs")
shell.run_cell("%%cnn\\ninput 28x28x1\\nconv 8 3x3 relu\\nflatten\\noutput 10")
heavy = {"keras", "tensorflow", "sklearn", "matplotlib", "ipywidgets"} & set(sys.modules)
print("RESULT", load, mistyped, *heavy)
"""


def test_loading_and_a_mistyped_cell_are_quick_and_import_no_keras() -> None:
    """By the processor's time, which no other process takes from it."""
    line = next(line for line in in_fresh_python(FRESH).splitlines() if line.startswith("RESULT"))
    _, load, mistyped, *heavy = line.split()
    assert heavy == []
    assert float(load) < 1.5  # the import of Keras takes three seconds and more; benchmarks tell the rest
    assert float(mistyped) < 1.5


def test_unloading_takes_the_magics_and_leaves_the_runs(shell: Shell) -> None:
    shell("%%cnn kept\ninput 8x8x1\n" + LAYERS)
    shell("%unload_ext cnnmagic")
    magics = shell.ip.magics_manager.magics
    assert "cnn" not in magics["line"]
    assert "cnn" not in magics["cell"]
    assert isinstance(shell["kept"], Plan)
    shell("%load_ext cnnmagic")
    assert "cnn" in magics["line"]


def test_a_reload_finds_the_runs_of_before(shell: Shell) -> None:
    shell("%%cnn kept\ninput 8x8x1\n" + LAYERS)
    shell("%reload_ext cnnmagic")
    assert re.search(r"^kept +planned ", shell("%cnn runs"), re.MULTILINE)


def test_a_cell_without_train_is_planned_and_kept(shell: Shell) -> None:
    told = shell("%%cnn lenet\ninput 8x8x1\n" + LAYERS)
    assert told.startswith("line  layer")
    assert isinstance(shell["lenet"], Plan)
    assert str(shell["lenet"]) in told
    assert shell("%cnn plan lenet") == shell("%cnn plan") == told
    rows = shell("%cnn runs").splitlines()[1:]
    assert [row.split()[:5] for row in rows] == [["lenet", "planned", "-", "-", f"{shell['lenet'].parameters:,}"]]


def test_the_name_is_optional(shell: Shell) -> None:
    shell("%%cnn\ninput 8x8x1\n" + LAYERS)
    assert isinstance(shell["net"], Plan)


@pytest.mark.parametrize(
    ("line", "setup", "message"),
    [
        ("2net", "", "`2net` can't be the name of a run."),
        ("my-net", "", "`my-net` can't be the name of a run."),
        ("class", "", "`class` can't be the name of a run."),
        ("print", "", "`print` is a name of Python's own."),
        ("cnnmagic", "", "`cnnmagic` is a name of Python's own."),
        ("images", "images = [1, 2]", "`images` is a variable of this notebook already (list)"),
        ("Out", "", "`Out` is a variable of this notebook already"),
        ("zero", "zero = 0", "`zero` is a variable of this notebook already (int)"),
        ("nothing", "nothing = None", "`nothing` is a variable of this notebook already"),
    ],
)
def test_names_that_are_refused(line: str, setup: str, message: str, shell: Shell) -> None:
    shell(setup)
    before = dict(shell.ip.user_ns)
    text = shell.fails(f"%%cnn {line}\ninput 8x8x1\n{LAYERS}", RunError)
    assert text.startswith(message)
    assert shell.ip.user_ns.get(line, "") is before.get(line, "")


@pytest.mark.parametrize("name", ["netz", "_net", "新", "Net2"])
def test_names_that_are_accepted(name: str, shell: Shell) -> None:
    shell(f"%%cnn {name}\ninput 8x8x1\n{LAYERS}")
    assert isinstance(shell[name], Plan)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("%%cnn wrong\ninput 8x8x1\nconv 2 3x3 rleu\noutput 10", PlanError),
        ("%%cnn wrong\ninput 8x8x1\nconv (((\noutput 10", ParseError),
        ("%%cnn wrong\n\n", PlanError),
        ("%%cnn wrong\ninput 8x8x1\nconv 2 3x3\ntrain", PlanError),
        ("%%cnn wrong\ndata nothing.npz\nconv 2 3x3\nflatten\noutput\ntrain", DataError),
        ("%%cnn wrong\ndata {{missing}} {{missing}}\nconv 2 3x3\nflatten\noutput\ntrain", PlanError),
        ("%%cnn wrong --wiat\ninput 8x8x1\n" + LAYERS, CnnError),
        ("%%cnn wrong more\ninput 8x8x1\n" + LAYERS, CnnError),
        ('%%cnn wrong "\ninput 8x8x1\n' + LAYERS, CnnError),
        ("%%cnn wrong --wait --background\n" + DIGITS, CnnError),
    ],
)
def test_a_wrong_cell_leaves_nothing(cell: str, kind: type[CnnError], shell: Shell) -> None:
    shell.ip.run_cell(cell)
    shell.fails(cell, kind)
    assert "wrong" not in shell
    assert "No networks yet" in shell("%cnn runs")


def test_an_error_has_line_caret_and_remedy_and_no_traceback(shell: Shell) -> None:
    text = shell.fails("%%cnn\ninput 28x28x1\nconv 8 3x3 rleu\nflatten\noutput 10", PlanError)
    assert text.splitlines() == [
        "line 3: no activation `rleu`; did you mean `relu`?",
        "   3 | conv 8 3x3 rleu",
        "     |            ^^^^",
    ]


def test_bad_data_is_an_error_at_the_data_line_and_the_earlier_run_stays(shell: Shell) -> None:
    shell("%%cnn net\n" + DIGITS)
    earlier = shell["net"]
    shell.ip.push({"x": np.full((20, 8, 8, 1), np.nan), "y": np.arange(20) % 2})
    text = shell.fails("%%cnn net\ndata {{x}} {{y}}\nconv 2 3x3\nflatten\noutput\ntrain", DataError)
    assert text.startswith("line 2: `x[0]` holds NaN")
    assert "   2 | data {{x}} {{y}}" in text
    assert shell["net"] is earlier
    assert shell("%cnn evaluate net").startswith("net: test accuracy")


def test_a_cell_trains_and_the_verbs_answer(shell: Shell) -> None:
    told = shell("%%cnn net\n" + DIGITS)
    run = shell["net"]
    assert run.state.phase == "finished"
    assert told.rstrip().endswith(repr(run))
    rows = shell("%cnn runs").splitlines()[1:]
    assert [row.split()[:6] for row in rows] == [
        ["net", "finished", "1", "of", "1", f"{run.history['val_accuracy'][0]:.2%}"]
    ]
    scores = run.evaluate()
    expected = f"net: test accuracy {scores['accuracy']:.2%}, loss {scores['loss']:.4f} on 359 images\n"
    assert shell("%cnn evaluate") == shell("%cnn evaluate net") == expected
    assert "validation accuracy" in shell("%cnn evaluate net validation")
    assert shell("%cnn lr") == "net: learning rate 0.001\n"
    assert repr(run) in shell("%cnn show net")
    assert repr(run) in shell("%cnn wait net")
    shell.ip.push({"images": run.dataset.test.images[:22]})
    lines = shell("%cnn predict net images").splitlines()
    answers = run.predict(run.dataset.test.images[:22])
    assert len(lines) == 21
    assert lines[0].split()[:2] == ["0", str(answers[0].argmax())]
    assert lines[-1] == "… and 2 more: `net.predict(images)` gives all."
    assert shell("%cnn predict net {{images[3]}}").split()[:2] == ["0", str(answers[3].argmax())]


def test_predict_takes_the_last_network(shell: Shell) -> None:
    shell("%%cnn net\n" + DIGITS)
    shell.ip.push({"images": shell["net"].dataset.test.images[:2]})
    assert len(shell("%cnn predict images").splitlines()) == 2


@pytest.mark.parametrize("output", ["output 10 linear", "output 10 relu", "output 1 linear"])
def test_predict_tells_probabilities_of_a_network_that_answers_with_logits(shell: Shell, output: str) -> None:
    shell.ip.push(
        {"x": np.random.default_rng(0).random((40, 4, 4, 1)), "y": np.arange(40) % (10 if "10" in output else 2)}
    )
    shell(f"%%cnn net\ndata {{{{x}}}} {{{{y}}}}\nflatten\n{output}\ntrain epochs=1")
    shell.ip.push({"image": shell["x"][:1]})
    logits = shell["net"].predict(shell["x"][:1])[0].astype(float)
    weights = np.exp(logits) if len(logits) > 1 else np.array([1.0, np.exp(logits[0])])
    wanted = (weights / weights.sum())[::-1] if len(logits) == 1 else np.sort(weights / weights.sum())[::-1]
    told = [float(number) / 100 for number in re.findall(r"([-\d.]+)%", shell("%cnn predict net image"))]
    np.testing.assert_allclose(told, wanted[: len(told)], atol=0.00051)


def test_a_training_in_the_background_obeys_the_verbs(shell: Shell) -> None:
    shell("%%cnn net --background\n" + LONG)
    run = shell["net"]
    assert not run.is_done
    shell("%cnn pause net")
    while run.state.phase != "paused":
        run.wait_quietly(0.01)
    assert re.search(r"^net +paused ", shell("%cnn runs"), re.MULTILINE)
    assert shell.fails("%cnn evaluate net", RunError).startswith("net is paused.")
    shell("%cnn lr 0.125")
    shell("%cnn lr net 0.25")
    shell("%cnn resume")
    while run.state.phase == "paused":
        run.wait_quietly(0.01)
    assert shell("%cnn lr net") == "net: learning rate 0.25\n"
    shell("%cnn stop")
    run.wait_quietly(30)
    assert run.state.phase == "stopped"
    for verb in ("stop", "pause"):
        assert "net: it has stopped" in shell.fails(f"%cnn {verb}", RunError)
    told = "net: learning rate 0.125 when it goes on, by `%cnn resume net`.\n"
    assert shell("%cnn lr net 0.125") == told


def test_what_waits_for_the_end_of_a_paused_training_says_so(shell: Shell, tmp_path: Path) -> None:
    shell("%%cnn net --background\n" + LONG)
    run = shell["net"]
    shell("%cnn pause net")
    while run.state.phase != "paused":
        run.wait_quietly(0.01)
    for verb in ("rollback net", f"export net --keras {tmp_path / 'net.keras'}"):
        assert shell.fails(f"%cnn {verb}", RunError).startswith("net is paused.")
    shell("%cnn stop")
    run.wait_quietly(30)


def test_a_training_that_failed_of_its_rate_goes_on_with_another(shell: Shell) -> None:
    shell("%%cnn net --background\n" + LONG)
    run = shell["net"]
    while not run.state.history:
        run.wait_quietly(0.01)
    shell("%cnn lr net 1e20")
    run.wait_quietly(60)
    assert run.state.phase == "failed"
    shell("%cnn lr net 0.001")
    epochs = len(run.state.history)
    run.go_on()
    while not run.is_done and len(run.state.history) < epochs + 2:
        run.wait_quietly(0.01)
    shell("%cnn stop net")
    run.wait_quietly(60)
    assert run.state.phase == "stopped" and run.state.learning_rate == pytest.approx(0.001)


def test_training_anew_stops_the_training_under_way(shell: Shell) -> None:
    shell("%%cnn net --background\n" + LONG)
    first = shell["net"]
    told = shell("%%cnn net\n" + DIGITS)
    assert "The training of net that was under way is stopped." in told
    assert first.state.phase == "stopped"
    assert shell["net"] is not first
    assert shell["net"].state.phase == "finished"


@pytest.mark.parametrize(
    "line",
    [
        "train net epochs=2 batch=512",
        "train epochs=2 batch=512",
        "train net --wait epochs=2 batch=512",
        "train --wait net epochs=2 batch=512",
        "train net epochs=2 batch=512 --wait",
    ],
)
def test_further_words_change_the_train_line(line: str, shell: Shell) -> None:
    shell("%%cnn net\ndata digits\n" + LAYERS)
    shell(f"%cnn {line}")
    run = shell["net"]
    assert (run.state.epochs, run.state.batch_size, run.state.phase) == (2, 512, "finished")


def test_training_again_keeps_the_other_words(shell: Shell) -> None:
    shell("%%cnn net\n" + DIGITS.replace("epochs=1", "epochs=1 sgd lr=0.5"))
    shell("%cnn train net epochs=2")
    assert shell["net"].plan.training.learning_rate == 0.5
    assert shell["net"].plan.training.optimizer == "sgd"
    assert len(shell["net"].history["loss"]) == 2


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("trian", CnnError, "no verb `trian`; did you mean `train`?"),
        ("evaluate", RunError, "there is no network yet."),
        ("stop nothing", RunError, "there is no network yet."),
    ],
)
def test_wrong_verbs_before_any_network(line: str, kind: type[CnnError], message: str, shell: Shell) -> None:
    assert shell.fails(f"%cnn {line}", kind).startswith(message) or not message


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("stop nett", RunError, "no run `nett`; did you mean `net`?"),
        ("stop other", RunError, "no run `other`."),
        ("evaluate net", RunError, "`net` is planned and not trained."),
        ("predict net images", RunError, "`net` is planned and not trained."),
        ("train net epochs=many", PlanError, ""),
        ("train net rleu", PlanError, ""),
        ("train net", DataError, "there are no data to train on."),
        ("lr net fast", RunError, ""),
    ],
)
def test_wrong_words(line: str, kind: type[CnnError], message: str, shell: Shell) -> None:
    shell("%%cnn net\ninput 8x8x1\n" + LAYERS)
    assert shell.fails(f"%cnn {line}", kind).startswith(message)
    assert isinstance(shell["net"], Plan)


def test_a_rate_that_is_none(shell: Shell) -> None:
    shell("%%cnn net --background\n" + LONG)
    for rate in ("0", "-1", "-1e-3"):
        assert shell.fails(f"%cnn lr {rate}", RunError).startswith("a learning rate is a number above 0")


@pytest.fixture
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_a_found_rate_trains(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell(f"%%cnn net\n{DIGITS.replace('train epochs=1', 'train adam epochs=1')}")
    before = [weight.copy() for weight in shell["net"].model.get_weights()]
    told = shell("%cnn lrfind net")
    assert "batch 1 of 200" in told or "begins" in told
    assert "smoothed" in told and "`%cnn train net --lr found`" in told
    assert all((one == other).all() for one, other in zip(before, shell["net"].model.get_weights(), strict=True))
    rate = float(told.split("the lowest: ")[1].split("\n")[0].rstrip("."))
    found = f"learning rate {rate:g}, as `%cnn lrfind net` found it"
    assert found in shell("%cnn train net --lr found")
    assert shell["net"].is_done and shell["net"].plan.training.learning_rate == rate
    plans: list[Any] = []
    monkeypatch.setattr(Session, "train", lambda session, name, plan, wait: plans.append(plan))
    for words in ("lr=found", "net learning_rate=found 1", "--lr=found"):
        assert found in shell(f"%cnn train {words}")
        assert plans.pop().training.learning_rate == rate
    assert "may find another rate" in shell("%cnn train net sgd --lr found")
    assert plans.pop().training.optimizer == "sgd"


def test_a_range_test_is_refused_where_it_makes_no_sense(shell: Shell) -> None:
    shell(f"%%cnn net\ninput 8x8x1\n{LAYERS}")
    assert "no data to try rates on" in shell.fails("%cnn lrfind net", RunError)
    assert "`%cnn lrfind net` finds one" in shell.fails("%cnn train net --lr found", RunError)
    shell("%%cnn net\ndata digits\nconv 2 3x3")
    assert "no `output`" in shell.fails("%cnn lrfind net", PlanError)
    shell(f"%%cnn net --background\n{LONG}")
    assert "would slow it down" in shell.fails("%cnn lrfind net", RunError)
    shell["net"].stop()


def test_a_rate_as_an_option(shell: Shell) -> None:
    shell(f"%%cnn net\n{DIGITS}")
    shell("%cnn train --lr 0.02 net 1")
    assert shell["net"].plan.training.learning_rate == 0.02
    assert "is not a number above 0" in shell.fails("%cnn train net --lr fast", PlanError)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(verb: str, shell: Shell, hundred_columns, golden: Callable[[str, str], None]) -> None:
    golden(f"help/{verb}.txt", shell(f"%cnn {verb} --help"))


def test_help_takes_a_verb(shell: Shell) -> None:
    assert shell("%cnn help stop") == shell("%cnn stop --help")


def test_help_takes_a_word_of_the_language(shell: Shell) -> None:
    assert "Keras's Conv2D" in shell("%cnn help conv")
    assert shell("%cnn train --help") in shell("%cnn help train")


def test_help_lists_the_verbs(shell: Shell, hundred_columns, golden: Callable[[str, str], None]) -> None:
    told = shell("%cnn help")
    assert shell("%cnn") == shell("%cnn --help") == told
    assert all(f"\n    {verb} " in told for verb in VERBS)
    golden("help/cnn.txt", told)
    golden("help/cell.txt", shell("%%cnn --help\n"))


def test_a_failing_training_raises_in_the_cell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import cnnmagic.engine.fit

    def fail(*arguments: Any) -> None:
        raise OSError("the device is full")

    monkeypatch.setattr(cnnmagic.engine.fit, "fit", fail)
    shell.capture.readouterr()
    result = shell.ip.run_cell("%%cnn net\n" + DIGITS)
    assert isinstance(result.error_in_exec, OSError)
    assert "net: failed: OSError: the device is full" in shell.capture.readouterr().out
    monkeypatch.undo()
    shell("%%cnn net\n" + DIGITS)
    assert shell["net"].state.phase == "finished"

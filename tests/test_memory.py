"""Out of memory: known in every library's words, told with numbers; and batches found by estimate and by trial."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic import lifecycle, memory
from cnnmagic.engine.batch_trial import find_batch
from cnnmagic.engine.trainer import KerasTrainer
from cnnmagic.errors import DataError, RunError
from cnnmagic.lifecycle import begin, work_of
from cnnmagic.memory import is_out_of_memory, largest_batch, largest_that_runs, memory_there, settled, told_of_memory
from cnnmagic.pipeline import build_model, load_data, make_plan, retrained
from cnnmagic.run import Run
from tests.engine.photos import folder

NET = "data digits\nconv 4 3x3 relu\nflatten\noutput 10\nseed 3\ntrain epochs=1 batch={batch}"


class ResourceExhaustedError(Exception):
    """As TensorFlow names it."""


class XlaRuntimeError(RuntimeError):
    """As JAX names it."""


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (ResourceExhaustedError("failed to allocate memory"), True),
        (XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 123 bytes."), True),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (np.exceptions.AxisError("no such axis"), False),
        (ValueError("Received a label value of 99"), False),
        (XlaRuntimeError("INTERNAL: no kernel"), False),
    ],
)
def test_the_words_of_every_library(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) == expected


def test_tensorflow_s_own_class_is_known() -> None:
    errors = pytest.importorskip("tensorflow").errors
    assert is_out_of_memory(errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"))


def test_a_run_that_has_no_memory_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: 2_000_000_000)
    plan = make_plan(NET.format(batch=64), {})
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))

    def exhausted(*words: Any, **options: Any) -> None:
        raise ResourceExhaustedError("OOM when allocating tensor")

    monkeypatch.setattr("cnnmagic.engine.trainer.fit_of", lambda model: exhausted)
    run.start(work_of(run))
    with pytest.raises(RunError) as caught:
        run.wait(60)
    need = plan.memory(64)
    assert need is not None
    assert f"needs at least {need / 1e6:.3g} MB" in str(caught.value)
    assert "2 GB" in str(caught.value)
    assert "`batch=32`" in str(caught.value)
    assert isinstance(caught.value.__cause__, ResourceExhaustedError)


def test_other_errors_stay_as_they_are() -> None:
    error = ValueError("no")
    assert told_of_memory(error, make_plan(NET.format(batch=64), {})) is error


def test_the_largest_batch_is_the_largest_power_of_two_that_leaves_room() -> None:
    plan = make_plan(NET.format(batch=64), {})
    for size in (1, 8, 64, 512):
        need = plan.memory(size)
        assert need is not None
        assert largest_batch(plan, int(need / memory.USABLE) + 1) == size
    assert largest_batch(plan, 1_000) == 0
    assert largest_batch(make_plan("input ?x?x3\nconv 8 3x3\nglobalavgpool\noutput 10", {}), 10**9) == 32


def test_memory_there_is_the_machine_s_or_less() -> None:
    psutil = pytest.importorskip("psutil")
    assert 10**8 < memory_there() <= psutil.virtual_memory().total * 1.001


def test_a_container_s_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("123456789\n")
    monkeypatch.setattr(memory, "CGROUPS", (limit, tmp_path / "none"))
    assert memory.memory_of_process() == 123_456_789
    limit.write_text("max\n")
    assert memory.memory_of_process() > 123_456_789


@pytest.mark.parametrize(
    ("fits", "first", "most", "expected"),
    [
        (1_000, 32, 256, 256),
        (100, 32, 256, 64),
        (32, 32, 256, 32),
        (20, 32, 256, 16),
        (1, 32, 256, 1),
        (50, 128, 128, 32),
    ],
)
def test_doubling_and_halving(fits: int, first: int, most: int, expected: int) -> None:
    tried: list[int] = []

    def attempt(size: int) -> None:
        tried.append(size)
        if size > fits:
            raise ResourceExhaustedError

    assert largest_that_runs(attempt, first, most) == expected
    assert len(tried) == len(set(tried))


def test_where_not_even_one_image_fits_the_error_is_told() -> None:
    def attempt(size: int) -> None:
        raise OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemoryError):
        largest_that_runs(attempt, 8, 64)


def test_a_trial_leaves_the_model_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that runs out of memory above 64 images, of a data set of 20,000."""
    rows = np.random.default_rng(0)
    variables = {"x": rows.random((20_000, 4, 4, 1), "float32"), "y": rows.integers(3, size=20_000)}
    plan = make_plan("data {{x}} {{y}}\nflatten\ndropout 0.5\noutput 3\ntrain batch=auto", variables)
    assert plan.training is not None
    assert plan.training.batch_size == 128
    dataset, model = load_data(plan), build_model(plan, "net")
    before, step = model.get_weights(), model.train_on_batch

    def train_on_batch(images: Any, labels: Any) -> Any:
        if len(images) > 64:
            raise ResourceExhaustedError("OOM when allocating tensor")
        return step(images, labels)

    object.__setattr__(model, "train_on_batch", train_on_batch)
    assert find_batch(model, dataset, 16) == 64
    assert find_batch(model, dataset, 128) == 64
    assert all((one == other).all() for one, other in zip(before, model.get_weights(), strict=True))
    assert int(model.optimizer.iterations) == 0
    monkeypatch.setattr("cnnmagic.engine.backend.device_name", lambda: "GPU")
    run = lifecycle.begin("net", plan, model, dataset)
    assert run.plan.training is not None
    assert run.plan.training.batch_size == 64
    assert "batch=auto is 64" in run.state.notes[-1]


@pytest.mark.parametrize("bad", ["skip", "stop"])
def test_a_trial_passes_over_images_that_can_t_be_read(
    bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(tmp_path / "photos", 40)
    for number in range(0, 40, 4):
        (path / "dark" / f"{number}.png").write_bytes(b"spoilt")
    plan = make_plan(f"data images:{path} bad={bad}\nflatten\noutput\nseed 1\ntrain epochs=1 batch=auto tune=no", {})
    monkeypatch.setattr("cnnmagic.engine.backend.device_name", lambda: "GPU")
    run = begin("net", plan, build_model(plan, "net"), load_data(plan))
    assert run.plan.training is not None and plan.training is not None
    assert run.plan.training.batch_size == plan.training.batch_size
    run.start(work_of(run))
    if bad == "skip":
        assert any("left out: 10 images can't be read" in note for note in run.wait(60).state.notes)
    else:
        with pytest.raises(DataError, match="10 images can't be read"):
            run.wait(60)


def test_where_no_image_can_be_read_there_is_no_trial(tmp_path: Path) -> None:
    path = folder(tmp_path / "photos")
    plan = make_plan(f"data images:{path}\nflatten\noutput\ntrain batch=auto", {})
    dataset = load_data(plan)
    for file in path.rglob("*.png"):
        file.write_bytes(b"spoilt")
    assert find_batch(build_model(plan, "net"), dataset, 4) == 4


def test_a_batch_of_auto_that_does_not_fit_after_all_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    fit, sizes = KerasTrainer.fit, []

    def fit_small(trainer: KerasTrainer, loop: Any, *given: Any) -> None:
        sizes.append(loop.training.batch_size)
        if sizes[-1] > 4:
            loop.model.set_weights([np.zeros_like(weight) for weight in loop.model.get_weights()])
            raise ResourceExhaustedError("OOM when allocating tensor")
        fit(trainer, loop, *given)

    monkeypatch.setattr(KerasTrainer, "fit", fit_small)
    run = cnnmagic.train(NET.format(batch="auto"))
    assert sizes == [16, 8, 4]
    assert run.plan.training is not None and run.plan.training.batch_size == 4
    assert [note for note in run.state.notes if "not enough memory" in note][-1].startswith("batch=auto is 4: ")
    monkeypatch.setattr(KerasTrainer, "fit", fit)
    other = cnnmagic.train(NET.format(batch=4))
    assert run.history["loss"] == other.history["loss"]
    with pytest.raises(RunError, match="not enough memory"):  # a batch that the user chose stays as it is
        monkeypatch.setattr(KerasTrainer, "fit", fit_small)
        cnnmagic.train(NET.format(batch=8))


@pytest.mark.parametrize(("fits", "expected"), [(512, 16), (8, 8), (0, 1)])
def test_auto_is_a_number_from_the_plan_on(fits: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    need = make_plan(NET.format(batch=64), {}).memory(fits) or 0
    monkeypatch.setattr(memory, "memory_there", lambda: int(need / memory.USABLE) + 1)
    plan = make_plan(NET.format(batch="auto"), {})
    assert plan.training is not None
    assert plan.training.batch_size == expected
    assert any(f"batch=auto is {expected}" in note for note in plan.notes)
    assert ("not even one image" in plan.notes[-1]) == (fits == 0)
    assert settled(plan) is plan
    again = retrained(plan, "batch=64")
    assert again.training is not None
    assert (again.training.batch_size, again.batch_is_auto) == (64, False)
    assert retrained(again, "batch=auto").batch_is_auto


def test_auto_trains() -> None:
    plan = make_plan(NET.format(batch="auto"), {})
    run = begin("net", plan, build_model(plan, "net"), load_data(plan))
    run.start(work_of(run))
    assert run.wait(60).state.batch_size == 16


HUGE = "input 64x64x3\nconv 4 3x3 relu\n{layer}\noutput 10"


@pytest.mark.parametrize(
    ("layer", "train", "there", "told"),
    [
        ("dense 100000", "", 10**9, ["line 3: `dense 100000` has 1,537,700,000 of the network's", "6.15 GB", "1 GB"]),
        (
            "dense 100000",
            "data {{images}} {{labels}}\ntrain",
            10**10,
            ["18.5 GB in float32 with the optimizer's numbers, and"],
        ),
        ("dense 100000", "data {{images}} {{labels}}\ntrain sgd", 10**10, []),
        ("dense 1000000000", "", 10**9, ["They take 61.5 TB in float32, and"]),
        ("dense 100", "", 10**3, []),
    ],
)
def test_weights_beyond_the_memory_are_told_before_they_are_built(
    layer: str, train: str, there: int, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: there)
    text = f"{HUGE.format(layer=layer)}\n{train}"
    planned = make_plan(text, {"images": np.zeros((40, 64, 64, 3), "uint8"), "labels": np.arange(40) % 10})
    if not told:
        return memory.check_weights(planned)
    with pytest.raises(RunError, match="of the network's"):
        load_data(planned)
    with pytest.raises(RunError) as caught:
        build_model(planned)
    assert [word for word in told if word not in str(caught.value)] == []

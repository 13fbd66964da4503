"""A run's thread, queue and methods, with work that stands for Keras's."""

import _thread
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from cnnmagic.device import device
from cnnmagic.errors import DataError, RunError
from cnnmagic.events import (
    BatchEnded,
    EpochEnded,
    Event,
    Finished,
    Pause,
    Paused,
    Resume,
    SetLearningRate,
    Started,
    Stop,
)
from cnnmagic.pipeline import make_plan
from cnnmagic.run import Run
from cnnmagic.state import HISTORY, RunState

PLAN = make_plan("input 8x8x1\nconv 4 3x3\nflatten\noutput 10", {})
STARTED = Started(2, 10, 32, 320, "CPU", "float32", 0.001, 1.0)
SOON = 60.0


class Model:
    def evaluate(self, images, labels, **options):
        return {"loss": float(len(images)), "accuracy": 1.0}

    def predict(self, images, **options):
        return [[1.0]] * len(images)


class Images(list[int]):
    def given(self):
        return {"images": self, "labels": ()}


class Dataset:
    train, validation, test = Images(range(3)), Images(), Images(range(2))

    def prepare(self, images):
        if not images:
            raise DataError("no images.")
        return tuple(images)


class Work:
    """Runs until it is told to stop; holds the commands that came."""

    def __init__(self):
        self.begun, self.commands = threading.Event(), []

    def __call__(self, emit, commands):
        emit(STARTED)
        self.begun.set()
        while not isinstance(command := commands.get(timeout=SOON), Stop):
            self.commands.append(command)
        emit(Finished("stopped", 2.0))


@pytest.fixture
def started() -> Iterator[tuple[Run, Work]]:
    run, work = Run("net", PLAN, Model(), Dataset()), Work()
    run.start(work)
    assert work.begun.wait(SOON)
    yield run, work
    run.stop()
    run.wait_quietly(SOON)


def telling(*events: Event):
    """Work that is to emit these events."""

    def work(emit, commands):
        for event in events:
            emit(event)

    return work


def finished(*events: Event) -> Run:
    """A run that is over, and of which these events came."""
    run = Run("net", PLAN, Model(), Dataset())
    run.start(telling(*events))
    run.wait_quietly(SOON)
    return run


def failing(emit, commands) -> None:
    emit(STARTED)
    raise MemoryError("the device is full")


def test_commands_reach_the_work_in_order(started) -> None:
    run, work = started
    assert not run.is_done
    run.pause()
    run.resume()
    run.set_learning_rate(1)
    run.stop()
    assert run.wait(SOON) is run
    assert run.is_done
    assert work.commands == [Pause(), Resume(), SetLearningRate(1.0)]
    assert run.state.phase == "stopped"
    assert repr(run) == "net: stopped, epoch 1 of 2"


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e39, "fast", None])
def test_a_rate_that_is_none_is_refused(started, rate: object) -> None:
    run, work = started
    with pytest.raises(RunError, match="a learning rate is a number above 0"):
        run.set_learning_rate(rate)
    assert not work.commands


def test_a_rate_of_numpy_is_a_rate(started) -> None:
    numpy = pytest.importorskip("numpy")
    run, work = started
    run.set_learning_rate(numpy.float32(0.5))
    run.stop()
    run.wait(SOON)
    assert work.commands == [SetLearningRate(0.5)]


def test_commands_after_the_end_do_nothing() -> None:
    run = finished(STARTED, Finished("finished", 2.0))
    for act in (run.stop, run.pause, run.resume, lambda: run.set_learning_rate(0.1)):
        act()
    assert run.state.phase == "finished"


def test_a_failure_is_raised_by_wait_every_time() -> None:
    run = Run("net", PLAN, Model(), Dataset())
    run.start(failing)
    for _ in range(2):
        with pytest.raises(MemoryError, match="the device is full"):
            run.wait(SOON)
    assert run.is_done
    assert repr(run) == "net: failed, epoch 1 of 2: MemoryError: the device is full"


def test_a_failure_frees_the_device(started) -> None:
    run, _ = started
    broken = Run("broken", PLAN, Model(), Dataset())
    broken.start(failing)
    run.stop()
    broken.wait_quietly(SOON)
    assert finished(STARTED, Finished("finished", 2.0)).state.phase == "finished"


def test_wait_with_a_timeout_returns_though_the_training_goes_on(started) -> None:
    run, _ = started
    run.wait(0.05)
    assert not run.is_done


def test_an_interrupt_ends_the_waiting_and_not_the_work(started) -> None:
    run, _ = started
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts aside
    try:
        threading.Timer(0.1, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            run.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    assert not run.is_done
    run.stop()
    assert run.wait(SOON).state.phase == "stopped"


def test_a_second_run_waits_for_its_turn(started) -> None:
    first, _ = started
    second, work = Run("second", PLAN, Model(), Dataset()), Work()
    second.start(work)
    assert not work.begun.wait(0.1)
    assert second.state.phase == "queued"
    first.stop()
    assert work.begun.wait(SOON)
    second.stop()
    assert second.wait(SOON).state.phase == "stopped"


def test_runs_train_in_the_order_in_which_they_came(started) -> None:
    first, _ = started
    order: list[str] = []

    def train(run: Run) -> None:
        run.listen(lambda state, event: order.append(run.name) if event is STARTED else None)
        run.start(telling(STARTED, Finished("finished", 2.0)))

    later = [Run(f"run{number}", PLAN, Model(), Dataset()) for number in range(6)]
    for run in later:
        train(run)
    first.stop()
    for run in later:
        run.wait(SOON)
    assert order == [run.name for run in later]
    assert device.is_free


def test_a_rate_that_no_batch_has_seen_holds_when_it_goes_on() -> None:
    run, work = Run("net", PLAN, Model(), Dataset()), Work()
    run.start(work)
    assert work.begun.wait(SOON)
    run.stop()
    run.set_learning_rate(0.1)  # before the end or after it, as chance has it
    run.wait(SOON)
    run.set_learning_rate(0.2)
    run.pause()
    again = Work()
    run.start(again)
    run.stop()
    run.wait(SOON)
    assert again.commands == [SetLearningRate(0.2)]


def test_a_run_stopped_before_its_turn_never_begins(started) -> None:
    first, _ = started
    second, work = Run("second", PLAN, Model(), Dataset()), Work()
    second.start(work)
    second.stop()
    second.wait(SOON)
    assert (second.state.phase, work.begun.is_set(), first.is_done) == ("stopped", False, False)
    assert second.state.seconds == 0


def test_listeners_get_every_state_with_its_event_in_the_work_s_thread() -> None:
    heard: list[tuple[RunState, Event, str]] = []
    run = Run("net", PLAN, Model(), Dataset())
    run.listen(lambda state, event: heard.append((state, event, threading.current_thread().name)))
    run.start(telling(STARTED, Finished("finished", 2.0)))
    run.wait(SOON)
    assert [event for _, event, _ in heard] == [STARTED, Finished("finished", 2.0)]
    assert [state.phase for state, _, _ in heard] == ["training", "finished"]
    assert {thread for _, _, thread in heard} == {"cnnmagic-net"}


def test_a_listener_that_fails_does_not_end_the_training() -> None:
    heard: list[str] = []

    def broken(state: RunState, event: Event) -> None:
        raise OSError("the log is full")

    run = Run("net", PLAN, Model(), Dataset())
    run.listen(broken)
    run.listen(lambda state, event: heard.append(state.phase))
    run.start(telling(STARTED, Finished("finished", 2.0)))
    run.wait(SOON)
    assert heard == ["training", "finished"]


def test_history_has_a_list_for_each_name() -> None:
    logs = [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.75}]
    epochs = [EpochEnded(number, log, 0.1, 2.0, 9.0, 3.0) for number, log in enumerate(logs, 1)]
    history = finished(STARTED, *epochs, Finished("finished", 4.0)).history
    assert tuple(history)[: len(HISTORY)] == HISTORY
    assert history == {
        "loss": [1.0, 0.5],
        "accuracy": [0.5, 0.75],
        "val_loss": [],
        "val_accuracy": [],
        "learning_rate": [0.1, 0.1],
        "seconds": [2.0, 2.0],
        "images_per_second": [9.0, 9.0],
    }


def test_evaluate_and_predict_wait_for_the_end(started) -> None:
    run, _ = started
    threading.Timer(0.2, run.stop).start()
    assert run.evaluate() == {"loss": 2.0, "accuracy": 1.0}
    assert run.is_done
    assert run.evaluate("train")["loss"] == 3.0
    assert run.predict([1, 2]) == [[1.0], [1.0]]


def test_evaluate_takes_the_images_that_are_there_at_the_end(started) -> None:
    run, _ = started
    run.dataset = Dataset()  # of files, of which one that can't be read is left out meanwhile

    def end() -> None:
        run.dataset = Dataset()
        run.dataset.test = Images(range(1))
        run.stop()

    threading.Timer(0.2, end).start()
    assert run.evaluate()["loss"] == 1.0


@pytest.mark.parametrize(
    ("split", "message", "remedy"),
    [
        ("tests", "no split `tests`", "`test`, `validation` and `train`"),
        ("classes", "no split `classes`", "`test`, `validation` and `train`"),
        ("validation", "the validation split is empty", "`train validation=0.1`"),
    ],
)
def test_a_split_that_is_not_there(started, split: str, message: str, remedy: str) -> None:
    with pytest.raises(RunError, match=message) as caught:
        started[0].evaluate(split)
    assert remedy in str(caught.value)


def test_an_empty_test_split_names_the_data_line() -> None:
    run = finished(STARTED, Finished("finished", 2.0))
    run.dataset = Dataset()
    run.dataset.test = Images()
    with pytest.raises(RunError, match="the test split is empty") as caught:
        run.evaluate()
    assert "data" in caught.value.problems[0].remedy


def test_bad_images_are_refused_before_any_waiting(started) -> None:
    with pytest.raises(DataError):
        started[0].predict([])


def test_evaluate_of_a_paused_run_says_so_instead_of_waiting() -> None:
    run, held = Run("net", PLAN, Model(), Dataset()), threading.Event()

    def work(emit, commands):
        emit(STARTED)
        emit(BatchEnded(1, 1, 1.0, {}, 0.1, 1.0, 1.5))
        emit(Paused(2.0))
        held.wait(SOON)

    run.start(work)
    try:
        while run.state.phase != "paused":
            time.sleep(0.01)
        with pytest.raises(RunError, match="net is paused"):
            run.evaluate()
        with pytest.raises(RunError, match="net is paused"):
            run.predict([1])
    finally:
        held.set()
        run.wait_quietly(SOON)


def test_what_waits_for_the_end_ends_with_a_pause() -> None:
    run, paused, held = Run("net", PLAN, Model(), Dataset()), threading.Event(), threading.Event()

    def work(emit, commands):
        emit(STARTED)
        emit(BatchEnded(1, 1, 1.0, {}, 0.1, 1.0, 1.5))
        paused.wait(SOON)
        emit(Paused(2.0))
        held.wait(SOON)

    run.start(work)
    threading.Timer(0.2, paused.set).start()
    try:
        with pytest.raises(RunError, match="net is paused"):
            run.evaluate()
    finally:
        held.set()
        run.wait_quietly(SOON)


def test_of_many_who_start_a_run_at_once_one_does() -> None:
    run, refused = finished(STARTED, Finished("stopped", 2.0)), []
    work = Work()

    def start() -> None:
        try:
            run.start(work)
        except RunError as error:
            refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert work.begun.wait(SOON)
    assert len(refused) == 9 and "net is" in str(refused[0])
    run.stop()
    assert run.wait(SOON).state.phase == "stopped"


def test_many_presses_from_many_threads_end_in_order() -> None:
    run, work = Run("net", PLAN, Model(), Dataset()), Work()
    run.start(work)
    presses = [run.pause, run.resume, lambda: run.set_learning_rate(0.1)] * 30
    threads = [threading.Thread(target=press) for press in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.stop()
    run.wait(SOON)
    assert len(work.commands) == len(presses)

"""A real kernel without a browser: run-all, headless executors, controls over comm messages, interrupts."""

import queue
import time
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

LAYERS = "data digits\nconv 4 3x3 relu\nflatten\noutput 10\nseed 1"
SHORT = f"%%cnn net\n{LAYERS}\ntrain epochs=2 batch=128"
LONG = f"%%cnn net\n{LAYERS}\ntrain epochs=100000 batch=64"
LOAD = "%load_ext cnnmagic"
PATIENCE = 60.0


class Kernel:
    """A kernel with someone at the notebook, and all messages that it sent."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.told: list[dict[str, Any]] = []

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def send(self, code: str) -> str:
        """Ask for a cell's execution as a front end does, and return the request's number."""
        return str(self.client.execute(code, allow_stdin=True, stop_on_error=False))

    def reply(self, request: str) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == request:
                self.listen()
                return dict(message["content"])

    def listen(self, seconds: float = 0.2) -> None:
        """Take in what the kernel has said on its public channel."""
        end = time.monotonic() + 10 * seconds  # in a training there is always something more to hear
        while time.monotonic() < end:
            try:
                self.told.append(self.client.get_iopub_msg(timeout=seconds))
            except queue.Empty:
                return

    def begun(self, code: str, stop_on_error: bool = False) -> str:
        """Ask for a cell's execution, and return the request's number once the cell runs."""
        request = str(self.client.execute("print('begun')\n" + code, allow_stdin=True, stop_on_error=stop_on_error))
        end = time.monotonic() + PATIENCE
        while "begun" not in self.output(request):
            assert time.monotonic() < end
            self.listen()
        return request

    def __call__(self, code: str) -> str:
        """Run a cell and return what it printed or its last value; an error of it is raised."""
        request = self.send(code)
        content = self.reply(request)
        assert content["status"] == "ok", content
        return self.output(request)

    def output(self, request: str) -> str:
        """What a cell printed, and its value as text; an update belongs to the cell of the display that it names."""
        found = []
        for message in self.told:
            if message["parent_header"].get("msg_id") == request and message["msg_type"] != "update_display_data":
                content = message["content"]
                found.append(content.get("text", "") or content.get("data", {}).get("text/plain", ""))
        return "".join(found)

    def control(self, description: str) -> str:
        """The comm of the last control that bears a description."""
        opened = [m["content"] for m in self.told if m["msg_type"] == "comm_open"]
        found = [c["comm_id"] for c in opened if c["data"]["state"].get("description") == description]
        return str(found[-1])

    def states(self) -> list[dict[str, Any]]:
        """What controls were told to show, in order."""
        sent = [m["content"]["data"] for m in self.told if m["msg_type"] in ("comm_open", "comm_msg")]
        return [data.get("state", {}) for data in sent]

    def click(self, description: str, subshell: str | None = None) -> None:
        self.say(description, {"method": "custom", "content": {"event": "click"}}, subshell)

    def say(self, description: str, data: dict[str, Any], subshell: str | None = None) -> None:
        message = self.client.session.msg("comm_msg", {"comm_id": self.control(description), "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)

    def subshell(self) -> str:
        """A further shell thread of the kernel, as JupyterLab makes one for its comms."""
        request = self.client.session.msg("create_subshell_request")
        self.client.control_channel.send(request)
        while True:
            message = self.client.get_control_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                assert message["content"]["status"] == "ok"
                return str(message["content"]["subshell_id"])

    def wait_for(self, condition: str) -> None:
        end = time.monotonic() + PATIENCE
        while self(condition) != "True":
            assert time.monotonic() < end, condition
            time.sleep(0.05)


@pytest.fixture(scope="module")
def started() -> Iterator[Kernel]:
    kernel = Kernel()
    kernel(LOAD)
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(started: Kernel) -> Iterator[Kernel]:
    """The kernel; the run that a test leaves behind is ended."""
    yield started
    started("if 'net' in globals(): net.stop(); net.wait_quietly(30)")


@pytest.fixture
def training(kernel: Kernel) -> Kernel:
    """A kernel in which `net` trains for long, its dashboard shown."""
    kernel(LONG)
    kernel.wait_for("len(net.history['loss']) > 0")
    return kernel


def pictures(cell: Any) -> list[Any]:
    return [out for out in cell.outputs if "data:image/svg+xml;base64," in out.get("data", {}).get("text/html", "")]


def executed(*cells: str) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook.cells


def test_headless_execution_waits_and_keeps_the_picture() -> None:
    _, cell, after = executed(LOAD, SHORT, "print(net.state.phase, net.evaluate().keys())")
    (picture,) = pictures(cell)
    assert "application/vnd.jupyter.widget-view+json" not in picture["data"]
    assert picture["data"]["text/plain"].startswith("net finished. epoch 2 of 2.")
    assert after.outputs[0]["text"] == "finished dict_keys(['accuracy', 'loss'])\n"
    said = [out["text"] for out in cell.outputs if out.output_type == "stream"]
    assert said == ["Loading Keras …\n"]


def test_headless_execution_stops_at_an_error_of_the_cell() -> None:
    with pytest.raises(CellExecutionError) as caught:
        executed(LOAD, "%%cnn net\ninput 8x8x1\nconv 8 3x3 rleu\nflatten\noutput 10", "1 / 0")
    assert "no activation `rleu`; did you mean `relu`?" in str(caught.value)
    assert "ZeroDivisionError" not in str(caught.value)


def test_a_cell_returns_at_once_and_the_next_one_waits(kernel: Kernel) -> None:
    requests = [kernel.send(cell) for cell in (SHORT, "net.state.phase", "len(net.predict(net.dataset.test.images))")]
    replies = [kernel.reply(request) for request in requests]
    assert {reply["status"] for reply in replies} == {"ok"}
    assert kernel.output(requests[1]) != "'finished'"
    assert kernel.output(requests[2]) == "359"
    assert kernel("net.state.phase") == "'finished'"


def test_the_stop_button_stops(training: Kernel) -> None:
    training.click("Stop")
    training("%cnn wait")
    assert training("net.state.phase") == "'stopped'"


def test_the_stop_button_stops_while_a_cell_is_busy(training: Kernel) -> None:
    if training("import ipykernel; ipykernel.version_info >= (7, 1)") != "True":
        pytest.skip("this ipykernel hears nothing while a cell runs")
    subshell = training.subshell()
    busy = training.begun(
        "import time\nend = time.time() + 40\nwhile not net.is_done and time.time() < end: time.sleep(0.01)\n"
        "net.is_done"
    )
    training.click("Stop", subshell)
    training.reply(busy)
    assert training.output(busy).endswith("True")
    assert training("net.state.phase") == "'stopped'"


def test_pause_rate_and_resume(training: Kernel) -> None:
    training.click("Pause")
    training.wait_for("net.state.phase == 'paused'")
    training.say("learning rate", {"method": "update", "state": {"value": 0.0125}, "buffer_paths": []})
    training.wait_for("abs(net.state.learning_rate - 0.0125) < 1e-6")
    request = training.send("net.evaluate()")
    assert training.reply(request)["ename"] == "RunError"
    training.click("Pause")
    training.wait_for("net.state.phase == 'training'")


def test_an_interrupt_ends_the_waiting_and_not_the_training(training: Kernel) -> None:
    for cell in ("%cnn wait", "net.wait()", "net.evaluate()"):
        request = training.begun(cell)
        time.sleep(0.3)
        training.manager.interrupt_kernel()
        training.reply(request)
        assert training("net.is_done") == "False"


def test_what_would_follow_an_interrupted_wait_is_not_run(training: Kernel) -> None:
    waiting = training.begun("%cnn wait", stop_on_error=True)
    after = training.client.execute("follow = 'ran'", allow_stdin=True, stop_on_error=True)
    time.sleep(0.3)
    training.manager.interrupt_kernel()
    reply = training.reply(waiting)
    assert (reply["status"], reply["ename"]) == ("error", "RunError")
    assert "net goes on in the background" in reply["evalue"]
    assert training.reply(after)["status"] == "aborted"


def test_lrfind_returns_at_once_and_its_button_trains(kernel: Kernel) -> None:
    kernel(f"%%cnn net\n{LAYERS}\n")
    request = kernel.send("%cnn lrfind net")
    assert kernel.reply(request)["status"] == "ok"
    assert kernel("type(net).__name__") == "'Plan'"
    end = time.monotonic() + PATIENCE
    while not any(state.get("description", "").startswith("Train with") for state in kernel.states()):
        assert time.monotonic() < end
        kernel.listen()
    kept = [m["content"]["data"] for m in kernel.told if m["msg_type"] == "update_display_data"][-1]
    assert "Suggested is a tenth" in kept["text/plain"]
    assert "data:image/svg+xml;base64," in kept["text/html"]
    kernel.click("Stop")  # what the button said when it was made
    kernel.wait_for("type(net).__name__ == 'Run'")
    assert kernel("net.plan.training.learning_rate > 0.001") == "True"
    kernel.wait_for("net.state.epoch > 0")
    kernel("net.stop(); net.wait_quietly(30)")
    assert any("progressbar" in str(state.get("value", "")) for state in kernel.states())


def test_show_after_the_end_is_a_picture(kernel: Kernel) -> None:
    kernel(SHORT + "\n")
    kernel("%cnn wait")
    request = kernel.send("%cnn show net")
    kernel.reply(request)
    (shown,) = [
        m["content"]["data"]
        for m in kernel.told
        if m["parent_header"].get("msg_id") == request and m["msg_type"] == "display_data"
    ]
    assert set(shown) == {"text/plain", "text/html"}
    assert "data:image/svg+xml;base64," in shown["text/html"]


def test_the_picture_of_the_end_reaches_the_cell_that_trained(kernel: Kernel) -> None:
    request = kernel.send(SHORT)
    kernel.reply(request)
    kernel("%cnn wait")
    kernel.listen(1.0)
    updates = [m for m in kernel.told if m["msg_type"] == "update_display_data"]
    assert "net finished" in updates[-1]["content"]["data"]["text/plain"]
    shown = [m for m in kernel.told if m["parent_header"].get("msg_id") == request and m["msg_type"] == "display_data"]
    assert _display(updates[-1]) in map(_display, shown)


def test_a_sweep_stops_by_its_button_and_comes_back_in_a_new_kernel(kernel: Kernel) -> None:
    pytest.importorskip("optuna", reason="sweeps need Optuna")
    layers = LAYERS.replace("conv 4", "conv {4, 8}")
    kernel(f"%%cnn tuned\n{layers}\ntrain epochs=12 batch=64\nsweep grid prune=no")
    kernel.wait_for("len(tuned.state.ended) == 1 and tuned.run is not None")
    kernel.listen()
    assert any("trial 2 of 2" in str(state.get("value", "")) for state in kernel.states())
    kernel.click("Stop")
    kernel.wait_for("tuned.is_done")
    scores = kernel("tuned.state.phase, list(tuned.best.scores)")
    later = Kernel()
    try:
        later(LOAD)
        told = later("%cnn load tuned")
        assert "tuned: stopped, 1 of 2 trials are done" in told
        assert "`%cnn resume tuned` goes on with trial 2 of 2." in told
        assert "`%cnn load tuned_1` brings the best network back." in told
        assert later("tuned.state.phase, list(tuned.best.scores)") == scores
        later("%cnn load tuned_1")
        assert later("tuned_1.history['val_accuracy'] == list(tuned.best.scores)") == "True"
        later("%cnn resume tuned")
        later("%cnn wait tuned")
        assert later("tuned.state.phase, len(tuned.state.ended)") == "('finished', 2)"
    finally:
        later.close()


def _display(message: dict[str, Any]) -> str:
    return str(message["content"].get("transient", {}).get("display_id", id(message)))


def test_a_run_is_let_go_when_another_has_its_name(kernel: Kernel) -> None:
    kernel(SHORT + "\n")
    kernel("%cnn wait")
    kernel("import gc, weakref; earlier = weakref.ref(net), weakref.ref(net.model)")
    kernel(SHORT)
    kernel("%cnn wait")
    kernel.wait_for("gc.collect() and False or [found() for found in earlier] == [None, None]")


def test_no_message_of_a_training_is_large(training: Kernel) -> None:
    """And what a widget shows is sent once a painting, of which there are five a second at most."""
    training.told.clear()
    end = time.monotonic() + PATIENCE
    while len(sent := [m for m in training.told if m["msg_type"] == "comm_msg"]) < 20:
        assert time.monotonic() < end
        time.sleep(0.5)
        training.listen()
    assert max(len(str(m["content"]["data"])) for m in sent) < 5_000
    for widget in {m["content"]["comm_id"] for m in sent}:
        moments = [m["header"]["date"].timestamp() for m in sent if m["content"]["comm_id"] == widget]
        assert len(moments) <= 5 * (moments[-1] - moments[0]) + 2

"""A JupyterLab server of the tests' own, which ends when they do."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

STARTED_WITHIN = 60

# The server asks to be ended with the process that started it, even if that one is killed. It asks for
# itself: a function run between fork and exec can hang where the parent has threads, as TensorFlow does.
LAUNCH = """
import ctypes, signal, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
from jupyterlab.labapp import main
main()
"""

# Autosave and the offer of news would come in between at a moment that differs from run to run, and
# by default the page has no text of a cell that is scrolled out of view.
SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


class Server:
    """JupyterLab on 127.0.0.1, with configuration, data and notebooks in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.token = secrets.token_hex()
        self.address = f"http://127.0.0.1:{free_port()}"
        self.notebooks.mkdir()
        self.write_settings()
        self._process = self._start()
        self._wait_until_it_answers()

    def write(self, name: str, cells: list[str]) -> None:
        """Write a notebook of these code cells where the server finds it."""
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": spec})
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, self.notebooks / name)

    def write_settings(self) -> None:
        """Put the user's settings back to what every test starts from."""
        folder = self.folder / "config/lab/user-settings/@jupyterlab"
        shutil.rmtree(folder, ignore_errors=True)
        for name, values in SETTINGS.items():
            path = folder / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def end_sessions(self) -> None:
        """End every kernel, so that nothing trains on while the next test runs."""
        for session in json.loads(self.request("GET", "/api/sessions")):
            self.request("DELETE", f"/api/sessions/{session['id']}")

    def request(self, method: str, path: str) -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.address + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        options = [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.address.rpartition(':')[2]}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.expose_app_in_browser=True",
        ]
        with (self.folder / "server.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-c", LAUNCH, *options],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _environment(self) -> dict[str, str]:
        """This process's environment without what the user's own Jupyter is set to."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
        own = {f"JUPYTER_{name.upper()}_DIR": str(self.folder / name) for name in ("config", "data", "runtime")}
        return {**kept, **own, "IPYTHONDIR": str(self.folder / "ipython"), "JUPYTER_TOKEN": self.token}

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.request("GET", "/api")
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text()[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

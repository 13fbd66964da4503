"""Finds a Chromium to drive; run as a script, installs one where none is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The path of a Chromium that runs: the one CNNMAGIC_CHROMIUM names, the system's, or Playwright's own."""
    named = os.environ.get("CNNMAGIC_CHROMIUM")
    if named:
        return named
    system = (path for name in NAMES if (path := shutil.which(name)) and runs(path))
    return next(system, None) or of_playwright()


def runs(path: str) -> bool:
    """Whether this is a browser: on Ubuntu the name may belong to a stub that asks for a snap."""
    return subprocess.run([path, "--version"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def of_playwright() -> str | None:
    """The Chromium in Playwright's own folder, if it was ever put there."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Install Chromium as this system does it, or in Playwright's own folder."""
    apt = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None
    if apt and install_with_apt():
        return
    # With apt at hand Playwright can install the libraries that its Chromium needs, too.
    options = ["--with-deps"] if apt else []
    subprocess.run([sys.executable, "-m", "playwright", "install", *options, "chromium"])


def install_with_apt() -> bool:
    """Whether apt gave a browser that runs: Debian's does, while Ubuntu has a stub or nothing."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "chromium"]):
        if subprocess.run(["apt-get", *command], env=quiet, stdin=subprocess.DEVNULL).returncode != 0:
            return False
    path = shutil.which("chromium")
    return path is not None and runs(path)


if __name__ == "__main__":
    if find() is None:
        install()
    path = find()
    if path is None:
        sys.exit("no Chromium was found, and none could be installed: name one in CNNMAGIC_CHROMIUM")
    print(f"Chromium: {path}")

"""Fixtures that any test may ask for: golden files and the folder of larger data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# TensorFlow's log from C++ would drown what the tests say; kernels and servers that tests start inherit this.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What a plan says of the precision must not depend on the machine that tests it.
os.environ["CNNMAGIC_HARDWARE"] = "plain"

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write tests/golden/ anew from what the code now says"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A function that holds a text against a file under tests/golden/, as in golden("errors/rleu.txt", text)."""
    rewrite = request.config.getoption("--rewrite-golden")

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        text = text.rstrip("\n") + "\n"
        if rewrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if not path.exists():
            pytest.fail(f"tests/golden/{name} is missing: write it with --rewrite-golden, and read it", pytrace=False)
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session", autouse=True)
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of all tests are kept, kernels and servers that they start included."""
    folder = tmp_path_factory.mktemp("runs")
    os.environ["CNNMAGIC_RUNS"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with mnist.npz and other data too large to be kept here."""
    name = os.environ.get("CNNMAGIC_TEST_DATA")
    if not name:
        pytest.skip("CNNMAGIC_TEST_DATA does not name a folder of test data")
    folder = Path(name)
    if not folder.is_dir():
        pytest.fail(f"CNNMAGIC_TEST_DATA names {name}, which is no folder", pytrace=False)
    return folder

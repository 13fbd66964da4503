"""Files that a user asks for: an earlier one is written anew, one of the user's own is kept, no module is hidden."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic.errors import RunError
from cnnmagic.pipeline import make_plan
from cnnmagic.session import Session
from cnnmagic.verbs import act
from cnnmagic.written import write_script

NET = "conv 2 3x3\nflatten\noutput 2"
ARRAYS: dict[str, Any] = {"x": np.zeros((20, 8, 8), np.uint8), "y": np.arange(20) % 2}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def session_of(name: str) -> Session:
    session = Session()
    session.keep(name, make_plan(f"data {{{{x}}}} {{{{y}}}}\n{NET}\ntrain", dict(ARRAYS)))
    return session


def test_a_script_and_its_arrays_are_written_and_written_again(here: Path, capsys: Any) -> None:
    session = session_of("net")
    for _ in range(2):
        act(session, "export net")
        assert capsys.readouterr().out == "written: net.py\n"
    assert sorted(path.name for path in here.iterdir()) == ["net.py", "net_data.npz"]
    ast.parse((here / "net.py").read_text(encoding="utf-8"))
    with np.load(here / "net_data.npz") as arrays:
        assert arrays["x"].shape == (20, 8, 8, 1) and list(arrays["y"]) == list(ARRAYS["y"])


@pytest.mark.parametrize("name", ["net.py", "net_data.npz"])
def test_a_file_of_the_users_own_is_kept(name: str, here: Path, capsys: Any) -> None:
    (here / name).write_bytes(b"print('mine')")
    session = session_of("net")
    with pytest.raises(RunError) as told:
        act(session, "export net")
    assert str(told.value) == (
        f"`{name}` is there already, and was not written by cnnmagic.\n"
        "Choose another path, or overwrite it: `%cnn export net net.py --force`."
    )
    assert [(path.name, path.read_bytes()) for path in here.iterdir()] == [(name, b"print('mine')")]
    act(session, "export net net.py --force")
    assert (here / "net.py").read_text(encoding="utf-8").startswith('"""net: ')
    np.load(here / "net_data.npz").close()


def test_a_picture_of_the_users_own_is_kept(here: Path, capsys: Any) -> None:
    (here / "net.svg").write_text("<svg/>")
    session = session_of("net")
    with pytest.raises(RunError, match=r"`net\.svg` is there already") as told:
        act(session, "plan net --picture")
    assert "`%cnn plan net --picture --force`" in str(told.value) and (here / "net.svg").read_text() == "<svg/>"
    for words in ("--force", ""):
        act(session, f"plan net --picture {words}")
    assert (here / "net.svg").read_text(encoding="utf-8").startswith("<svg xmlns=")


@pytest.mark.parametrize("name", ["keras", "numpy", "code"])
def test_no_script_hides_a_module(name: str, here: Path, capsys: Any) -> None:
    plan = make_plan(f"input 8x8x1\n{NET}", {})
    session = Session()
    session.keep(name, plan)
    act(session, f"export {name}")
    assert capsys.readouterr().out == f"written: {name}_net.py (`{name}.py` would hide the module `{name}`)\n"
    with pytest.raises(RunError, match=f"would hide the module `{name}`") as told:
        write_script("net", plan, f"{name}.py", force=True)
    assert f"`%cnn export net {name}_net.py`" in str(told.value)
    assert [path.name for path in here.iterdir()] == [f"{name}_net.py"]


def test_a_module_of_the_same_folder_is_the_script_of_before(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(here))
    plan = make_plan(f"input 8x8x1\n{NET}", {})
    assert write_script("model", plan) == write_script("model", plan) == Path("model.py")
    with pytest.raises(RunError, match="there is no folder"):
        write_script("model", plan, "nowhere/model.py")

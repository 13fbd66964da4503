"""Each folder is an import rule: who may import whom, and what a bare import pulls in."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cnnmagic"
PLAIN = (
    *("errors", "layers", "datasets", "plans", "events", "state", "schedules", "table", "words", "formulas"),
    *("storage", "wording", "optimizers", "rates", "diagnosis", "memory", "hardware", "fused", "collector", "device"),
    *("survey", "markup", "databricks", "trials", "held_back", "celltext", "names", "certainty"),
)
ABOVE = ("lang", "engine", "explain", "ui", "integrations", "pipeline", "lifecycle", "session", "magic", "verbs", "run")
FORBIDDEN = {
    **dict.fromkeys(PLAIN, ABOVE),
    "lang": ("engine", "explain", "ui", "integrations", "pipeline", "lifecycle", "session", "magic", "verbs", "run"),
    "engine": ("lang", "explain", "ui", "integrations", "pipeline", "lifecycle", "session", "magic", "verbs", "run"),
    "explain": ("lang", "engine", "ui", "integrations", "pipeline", "lifecycle", "session", "magic", "verbs", "run"),
    "ui": ("engine", "lang", "explain", "integrations", "pipeline", "lifecycle", "session", "magic", "verbs"),
    "run": ("lang", "engine", "explain", "ui", "integrations", "pipeline", "lifecycle", "session", "magic", "verbs"),
    "rate_search": ("lang", "engine", "explain", "ui", "integrations", "pipeline", "lifecycle", "session", "verbs"),
    "sweep_run": ("lang", "engine", "explain", "ui", "integrations", "pipeline", "lifecycle", "session", "verbs"),
    "pipeline": ("lifecycle", "session", "magic", "verbs", "ui", "explain"),
    "lifecycle": ("session", "magic", "verbs", "ui", "explain"),
    "places": ("lifecycle", "session", "magic", "verbs", "ui", "explain"),
    "recorder": ("lifecycle", "session", "magic", "verbs", "ui", "explain"),
    "written": ("lifecycle", "session", "magic", "verbs", "ui", "explain"),
    "session": ("magic", "verbs"),
}
# These connect the parts, and may import whatever they connect.
CONNECTING = (
    "__init__",
    "asking",
    "network_probe",
    "panels",
    "reporting",
    "sweeping",
    "magic",
    "verbs",
    "comparison",
    "logbook",
    "completion",
    "tab",
    "word_help",
    "vocabulary",
    "topics",
    "integrations",
    "zoo",
)
HEAVY = ("keras", "tensorflow", "torch", "jax", "sklearn", "mlflow", "pyspark", "optuna")


def part(path: Path) -> str:
    """The folder or root module that a file belongs to: `lang`, `plan`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(tree: ast.AST, inside_functions: bool = True) -> set[str]:
    """Full names of the modules that a tree imports when it runs; those for types alone are left out."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if is_for_types(node) or (not inside_functions and isinstance(node, ast.FunctionDef)):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        found |= imports(node, inside_functions)
    return found


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}


@pytest.mark.parametrize("importer", FORBIDDEN)
def test_imports_point_one_way(importer):
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, tree in trees().items()
        if part(path) == importer
        for name in imports(tree)
        if name.startswith("cnnmagic.") and name.split(".")[1] in FORBIDDEN[importer]
    ]
    assert wrong == []


def test_every_part_has_its_rule():
    assert {part(path) for path in trees()} - {*CONNECTING, *FORBIDDEN} == set()


def test_nothing_heavy_is_imported_outside_functions():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path, tree in trees().items()
        for name in imports(tree, inside_functions=False)
        if name.split(".")[0] in HEAVY
    ]
    assert wrong == []


MISTYPED = """\
import cnnmagic
try:
    cnnmagic.plan("data mnist\\nconv 8 3x3 rleu\\noutput 10\\ntrain")
except cnnmagic.CnnError:
    pass
"""
PLANNED = "import cnnmagic; str(cnnmagic.plan('data digits\\nconv 8 3x3\\noutput'))"
LOADED = """\
from IPython.testing.globalipapp import start_ipython
shell = start_ipython()
shell.run_line_magic("load_ext", "cnnmagic")
shell.run_cell("%%cnn net\\ndata digits\\nconv 8 3x3\\noutput")
assert "net" in shell.user_ns
"""


@pytest.mark.parametrize(
    "code",
    [
        "import cnnmagic",
        "import cnnmagic.magic",
        "import cnnmagic.session",
        "import cnnmagic.ui.dashboard",
        MISTYPED,
        PLANNED,
        LOADED,
    ],
)
def test_no_keras_is_pulled_in_by(code):
    ending = f"\nimport sys; sys.exit([name for name in {HEAVY} if name in sys.modules] or 0)"
    result = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")

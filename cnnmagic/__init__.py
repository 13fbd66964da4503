"""cnnmagic: build, train and understand a convolutional network in a notebook cell.

`%load_ext cnnmagic`, then a `%%cnn` cell. The functions here are the same for programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnmagic.errors import CnnError, DataError, ParseError, PlanError, RunError

if TYPE_CHECKING:
    from cnnmagic.plans import Plan
    from cnnmagic.run import Run
    from cnnmagic.sweep_run import SweepRun

__version__ = "0.1.0"
__all__ = [
    "CnnError",
    "DataError",
    "ParseError",
    "PlanError",
    "RunError",
    "build",
    "find_question",
    "from_keras",
    "load",
    "plan",
    "resume",
    "sweep",
    "to_python",
    "train",
]


def plan(text: str, **variables: Any) -> Plan:
    """Plan a network from the text of a cell, without Keras; `variables` serve `{{name}}`. Raises `CnnError`."""
    return _planned(text, variables)


def build(plan: Plan | str, **variables: Any) -> Any:
    """The `keras.Model` of a plan (or of a text), compiled where it has an output; raises `CnnError`."""
    from cnnmagic.pipeline import build_model

    return build_model(_planned(plan, variables))


def to_python(plan: Plan | str, name: str = "net", **variables: Any) -> str:
    """Plain Keras code for a plan (or a text): model, data and training, without cnnmagic; raises `CnnError`.

    Arrays of the notebook (`data {{x}} {{y}}`) the script reads from `NAME_data.npz` in the folder where it runs: `x`
    of (count, height, width, channels), `y` of class numbers 0, 1, 2 …, and `x_test`, `y_test` where the data have a
    test set. `%cnn export` writes that file; in a program
    `np.savez("net_data.npz", x=x, y=np.unique(y, return_inverse=True)[1])` does.
    """
    from cnnmagic.lang.python import to_python as write

    return write(_planned(plan, variables), name)


def from_keras(model: Any) -> str:
    """The text of a Functional or Sequential Keras model of known layers; raises `CnnError`."""
    from cnnmagic.engine.from_keras import from_keras as read
    from cnnmagic.pipeline import make_plan

    text = read(model)
    try:
        make_plan(text, {})
    except CnnError as error:
        reason = f"Its text would not be taken: {error.problems[0].message}"
        raise CnnError("this model can't be written in the language.", reason=reason) from error
    return text


def train(
    text: Plan | str,
    data: Any = None,
    wait: bool = True,
    name: str = "net",
    progress: bool | None = None,
    **variables: Any,
) -> Run:
    """Train the network of a text or of its plan, and return its run; with `wait`, once the training is over.

    `data` replaces the `data` line. It is one of

    - a known name such as "mnist";
    - a path: an .npz file, a folder, zip or tar of images, a CSV or Parquet file with columns such as image and
      label; or a table of Spark, "table:catalog.schema.name";
    - (images, labels), or with a test set (images, labels, test images, test labels); images are an array of
      count x height x width x channels, or a list of paths;
    - a pandas, Polars or Spark frame, a Hugging Face data set, a `tf.data.Dataset`.

    While it waits, `progress` prints a line of text for every epoch; if None, it does so on Databricks, where a job
    shows nothing else.

    Raises `CnnError` if the text or the data are wrong, and whatever error ended the training.
    """
    from cnnmagic.databricks import runtime_of
    from cnnmagic.names import check_name
    from cnnmagic.pipeline import retrained
    from cnnmagic.session import Session
    from cnnmagic.ui.terminal import report

    check_name(name)
    planned = _planned(text, variables, data, trains=True)
    run = Session().start(name, planned if planned.training else retrained(planned, ""))
    if wait and (bool(runtime_of()) if progress is None else progress):
        report(run)
    return run.wait() if wait else run


def sweep(text: str, data: Any = None, wait: bool = True, name: str = "net", **variables: Any) -> SweepRun:
    """Run the sweep of a text whose choices stand in braces; with `wait` return when it is over.

    `data` is as for `train`. The same text, swept before and broken off, goes on where it was. Raises `CnnError` where
    the text or the data are wrong, where Optuna is not there, and where every trial failed.
    """
    from cnnmagic.integrations.study import load_optuna
    from cnnmagic.names import check_name

    check_name(name)
    planned = _planned(text, variables, data, trains=True)
    if planned.sweep is None:
        raise PlanError("there is no `sweep` line.", remedy="Add one, such as `sweep random trials=12`.")
    load_optuna()
    from cnnmagic.integrations.sweep import begin_sweep
    from cnnmagic.integrations.sweep_cells import Given

    found = begin_sweep(name, planned, Given(variables, {}, data))
    return found.wait() if wait else found


def load(name: str, number: int | None = None, data: Any = None, **variables: Any) -> Run:
    """A run kept on disk as it was at its last checkpoint; `number` tells which training of that name, else the last.

    `data` and `variables` are those that it was trained with. Raises `CnnError`.
    """
    from cnnmagic.asking import asking
    from cnnmagic.lifecycle import load_record
    from cnnmagic.storage import find_record

    return asking(load_record(find_record(name, number), variables, data))


def resume(name: str, data: Any = None, wait: bool = True, **variables: Any) -> Run:
    """Train a run whose process was stopped or killed to its end, from its last checkpoint.

    `data` and `variables` are those that it was trained with. Raises `CnnError`, and what the training failed of.
    """
    from cnnmagic.asking import asking
    from cnnmagic.lifecycle import resume_record
    from cnnmagic.storage import find_record

    run = asking(resume_record(find_record(name), variables, data))
    return run.wait() if wait else run


def find_question(text: str) -> str | None:
    """The id of the question that free words in English or Korean ask, such as `softmax`; None where none fits."""
    from cnnmagic.explain.find import find_question as find

    return find(text)


def _planned(given: Plan | str, variables: dict[str, Any], data: Any = None, trains: bool = False) -> Plan:
    """The plan of a text; a plan as it is, but with other data or values by its text. Raises `CnnError`.

    For what `trains`, an option of `train` among the variables must be asked for in the text.
    """
    from cnnmagic.lang.variables import check_used
    from cnnmagic.pipeline import make_plan
    from cnnmagic.plans import Plan

    if not isinstance(given, Plan | str):
        remedy = "For example `cnnmagic.train('data digits\\nconv 8 3x3\\noutput\\ntrain')`."
        raise PlanError(f"a network is given as text or as its plan, not as {type(given).__name__}.", remedy=remedy)
    if isinstance(given, Plan) and data is None and not variables:
        return given
    text = given if isinstance(given, str) else given.text
    if trains:
        check_used(text, variables)
    return make_plan(text, variables, data=data)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext cnnmagic`."""
    import cnnmagic.plans  # noqa: F401  (here, where it is not felt, so that the first cell answers sooner)
    from cnnmagic import tab
    from cnnmagic.magic import CnnMagics, keep_empty_cell, keep_question_mark

    magics = CnnMagics(shell)
    shell.register_magics(magics)
    tab.register(shell, magics)
    shell.input_transformers_cleanup.extend([keep_empty_cell, keep_question_mark])


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext cnnmagic`: the magics go, runs and their variables stay."""
    from cnnmagic import tab
    from cnnmagic.magic import keep_empty_cell, keep_question_mark

    tab.unregister(shell)
    for transformer in (keep_empty_cell, keep_question_mark):
        if transformer in shell.input_transformers_cleanup:
            shell.input_transformers_cleanup.remove(transformer)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("cnn", None)
    shell.magics_manager.registry.pop("CnnMagics", None)

"""`Plan` to plain Keras code: a script that needs no cnnmagic and trains to the same numbers under the same seed."""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from typing import Any

from cnnmagic.datasets import ARCHIVES, NAMED, Arrays, Facts, File, Folder, Named
from cnnmagic.errors import PlanError
from cnnmagic.lang.python_folder import folder_code, folder_imports, left_out
from cnnmagic.lang.python_training import LONGEST_LINE, needs_math, training_code
from cnnmagic.layers import Merge
from cnnmagic.names import scope_name
from cnnmagic.plans import Plan, Step

SAME_NUMBERS_TWICE = ("kernel_size", "strides", "pool_size", "dilation_rate", "size")
TAKEN = {
    *("inputs", "outputs", "x", "model", "keras", "layers", "np", "math", "load_digits", "train_test_split", "digits"),
    *("arrays", "split", "resized", "optimizer", "history", "loss", "accuracy", "factor", "Schedule", "PEAK"),
    *("WARM_UP", "Batches", "Mean", "smoothed", "each_class", "on_processor", "fuse_batch_norm"),
    *("x_train", "y_train", "x_test", "y_test", "x_validation", "y_validation"),
}
SPLIT = '''
def split(x, y, part):
    """The rest and a part kept apart, each class in its share where there are images enough."""
    kept = max(1, round(part * len(x)))
    counts = np.unique(y, return_counts=True)[1]
    enough = counts.min() >= 2 and min(kept, len(x) - kept) >= len(counts)
    shares = y if enough else None
    rest, kept = train_test_split(np.arange(len(x)), test_size=kept, random_state={seed}, stratify=shares)
    return x[rest], y[rest], x[kept], y[kept]

'''


def to_python(plan: Plan, name: str = "net") -> str:
    """A script that builds the plan's model and, where the plan trains, loads its data, trains and evaluates it.

    Arrays of the notebook are expected in `NAME_data.npz`, as x, y and, where given, x_test, y_test.
    """
    if plan.base is not None:
        raise PlanError(
            f"pretrained weights of `{plan.base.name}` can't be written as code.",
            remedy="Save the trained model: `%cnn export NAME --keras`.",
        )
    trains = plan.training is not None and plan.output is not None
    parts = [f'"""{name}: a convolutional network in Keras."""\n', _imports(plan, trains)]
    if trains:
        _check_written(plan)
        parts += [_data(plan, name)]
    parts += [_seed(plan), _model(plan, name)]
    if trains:
        parts += [training_code(plan)]
    else:
        parts += ["model.summary()\n"]
    return "\n".join(part for part in parts if part)


def _check_written(plan: Plan) -> None:
    """Raise `PlanError` for data, or a way to feed them, that the script would not have."""
    facts, source = plan.facts, plan.source
    encoded = facts is not None and facts.encoded
    reason = ""
    if encoded and (not isinstance(source, Folder) or source.path.lower().endswith(ARCHIVES)):
        reason = f"images of `{source}` can't be read by it."
    elif encoded and None in plan.input_shape:
        reason = "batches of images of different sizes are cnnmagic's own."
    elif plan.training is not None and plan.training.mixing:
        reason = "`mixup` and `cutmix` are fed by cnnmagic."
    if reason:
        remedy = (
            "Save the trained model: `%cnn export NAME --keras`; without its `train` line the model alone is written."
        )
        raise PlanError("this training can't be written as code.", reason=reason, remedy=remedy)


def _imports(plan: Plan, trains: bool) -> str:
    lines = ["import keras", "from keras import layers"]
    if trains:
        standard = ["import math\n"] if needs_math(plan) else []
        lines = [*standard, *lines[:1], "import numpy as np", *lines[1:]]
        if isinstance(plan.source, Named) and plan.source.name == "digits":
            lines.append("from sklearn.datasets import load_digits")
        if isinstance(plan.source, Folder):
            lines = folder_imports(lines)
        if _parts(plan):
            lines.append("from sklearn.model_selection import train_test_split")
    return "\n".join(lines) + "\n"


def _seed(plan: Plan) -> str:
    lines = [f'keras.config.set_dtype_policy("mixed_{plan.precision}")'] if plan.precision != "float32" else []
    lines += [f"keras.utils.set_random_seed({plan.seed})"] if plan.seed is not None else []
    return "\n".join([*lines, ""]) if lines else ""


def _data(plan: Plan, name: str) -> str:
    parts = _parts(plan)
    lines = [SPLIT.format(seed=plan.seed or 0)] if parts else []
    lines += ["# Data: images (count, height, width, channels) with the values that they have, labels 0, 1, 2 …"]
    lines += _reading(plan, name)
    for kept, part in parts.items():
        lines += [f"x_train, y_train, x_{kept}, y_{kept} = split(x_train, y_train, {part!r})"]
    if isinstance(plan.source, Folder):
        came = plan.facts.splits if plan.facts else ()
        lines += left_out(plan, [*(came or ("train",)), *parts])
    if plan.resize and not isinstance(plan.source, Folder):
        lines += _resizing(plan)
    return "\n".join(lines) + "\n"


def _parts(plan: Plan) -> dict[str, float]:
    """The parts of the training images that are kept apart, in the order in which they are taken."""
    came = plan.facts.splits if plan.facts else ()
    tests = plan.facts is None or bool(plan.facts.tests or came)
    parts = {"test": 0.0 if tests else plan.test, "validation": plan.training.validation if plan.training else 0.0}
    return {name: part for name, part in parts.items() if part and name not in came}


def _reading(plan: Plan, name: str) -> list[str]:
    tests = plan.facts is None or bool(plan.facts.tests)
    channels = "x_train = x_train.reshape(*x_train.shape[:3], -1)", "x_test = x_test.reshape(*x_test.shape[:3], -1)"
    match plan.source:
        case Named("digits"):
            return [
                "digits = load_digits()",
                'x_train, y_train = digits.images.astype("uint8")[..., np.newaxis], digits.target',
            ]
        case Named(known):
            assert known in NAMED  # a plan has no other names
            lines = [f"(x_train, y_train), (x_test, y_test) = keras.datasets.{known}.load_data()"]
            return [*lines, *channels, "y_train, y_test = y_train.ravel(), y_test.ravel()"]
        case Folder():
            return folder_code(plan)
        case File(path):
            return _file(path, plan.facts)
        case Arrays():
            lines = [f'arrays = np.load("{name}_data.npz")', 'x_train, y_train = arrays["x"], arrays["y"]']
            further = ['x_test, y_test = arrays["x_test"], arrays["y_test"]'] if tests else []
            return [*lines, *further]
    raise PlanError(f"data from {plan.source} can't be written as code.")


def _file(path: str, facts: Facts | None) -> list[str]:
    """The arrays of a file by the names that they have there, labels brought to numbers."""
    names = facts.names if facts and facts.names else ("x_train", "y_train", "x_test", "y_test")
    lines = [f"arrays = np.load({path!r})"]
    splits = zip(("train", "test"), names[::2], names[1::2], strict=False)
    for split, images, labels in splits:
        lines += [f'x_{split}, y_{split} = arrays["{images}"], arrays["{labels}"]']
        lines += [f"x_{split} = x_{split}.reshape(*x_{split}.shape[:3], -1)"]
        rows = f"y_{split}.ndim == 2 and y_{split}.shape[1] > 1"
        lines += [f"y_{split} = y_{split}.argmax(axis=1) if {rows} else y_{split}.ravel()"]
    if facts and facts.classes != tuple(map(str, range(len(facts.classes)))):
        lines += ["classes, y_train = np.unique(y_train, return_inverse=True)"]
        lines += ["y_test = np.searchsorted(classes, y_test)"] if len(names) == 4 else []
    return lines


def _resizing(plan: Plan) -> list[str]:
    resize = plan.resize
    assert resize is not None  # the caller looked
    aspect = {"crop": ", crop_to_aspect_ratio=True", "pad": ", pad_to_aspect_ratio=True"}.get(resize.how, "")
    tests = plan.facts is None or bool(plan.facts.tests) or bool(plan.test)
    names = (
        ["x_train"]
        + (["x_test"] if tests else [])
        + (["x_validation"] if plan.training and plan.training.validation else [])
    )
    call = (
        f'keras.ops.image.resize(images.astype("float32"), ({resize.height}, {resize.width}), antialias=True{aspect})'
    )
    return [
        "",
        "",
        "def resized(images):",
        f"    sized = keras.ops.convert_to_numpy({call})",
        '    return (np.rint(sized) if images.dtype.kind in "ui" else sized).astype(images.dtype)',
        "",
        "",
        *(f"{name} = resized({name})" for name in names),
    ]


def _model(plan: Plan, name: str) -> str:
    variables = _variables(plan)
    shape = ", ".join(map(str, plan.input_shape)) + ("," if len(plan.input_shape) == 1 else "")
    lines = [f'inputs = keras.Input(({shape}), name="input")']
    for step in plan.steps:
        sources = [variables[source] for source in step.inputs]
        given = f"[{', '.join(sources)}]" if isinstance(step.layer, Merge) else sources[0]
        arguments = _arguments(plan, step)
        line = f"{variables[step.name]} = layers.{step.layer.kind}({', '.join(arguments)})({given})"
        lines.append(line if len(line) <= LONGEST_LINE else _broken(variables[step.name], step, arguments, given))
    output = variables[plan.steps[-1].name] if plan.steps else "inputs"
    return "\n".join([*lines, f'model = keras.Model(inputs, {output}, name="{scope_name(name)}")', ""])


def _variables(plan: Plan) -> dict[str, str]:
    """A variable for each step: `x` where only the next step reads it, else the step's own name."""
    readers = Counter(source for step in plan.steps for source in step.inputs)
    following = {before.name: after for before, after in zip(plan.steps, plan.steps[1:], strict=False)}
    variables = {"input": "inputs"}
    for step in plan.steps:
        after = following.get(step.name)
        alone = readers[step.name] == 1 and after is not None and step.name in after.inputs
        taken = step.name in TAKEN or keyword.iskeyword(step.name) or hasattr(builtins, step.name)
        variables[step.name] = "x" if alone else f"{step.name}_" if taken else step.name
    if plan.steps:
        variables[plan.steps[-1].name] = "outputs"
    return variables


def _broken(variable: str, step: Step, arguments: list[str], given: str) -> str:
    """A call with each argument on a line of its own."""
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"{variable} = layers.{step.layer.kind}(\n{inner})({given})"


def _arguments(plan: Plan, step: Step) -> list[str]:
    positional = [_literal(value) for value in getattr(step.layer, "positional", ())]
    given = step.layer.arguments()
    keywords = [f"{name}={_literal(_shortened(name, value))}" for name, value in given.items()]
    plain = ['dtype="float32"'] if plan.precision != "float32" and plan.policy_of(step) == "float32" else []
    return [*positional, *keywords, *plain, f'name="{step.name}"']


def _shortened(name: str, value: Any) -> Any:
    """3 for (3, 3), as Keras takes it too."""
    pair = isinstance(value, tuple) and len(value) == 2 and name in SAME_NUMBERS_TWICE
    return value[0] if pair and value[0] == value[1] else value


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and 0 < value < 0.1 and value == 1 / round(1 / value):
        return f"1 / {round(1 / value)}"
    return repr(value)

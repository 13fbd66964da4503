"""What the directives of a cell say but for `train`: `data`, `input`, `resize`, `augment`, `seed`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from cnnmagic import datasets
from cnnmagic.errors import PlanError, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import bind
from cnnmagic.lang.lines import second_statement
from cnnmagic.lang.values import LARGEST_SEED, read
from cnnmagic.layers import (
    Layer,
    RandAugment,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Shape,
    option,
)
from cnnmagic.plans import Resize
from cnnmagic.wording import closest, counted, listed, sentence

LARGEST_SIDE = 65_536
PREFIXES = {"images:": "path of a folder", "table:": "name of a table"}
LIST_OF_DATA = (
    "Ways to give data: `data digits`, mnist, fashion_mnist, cifar10 or cifar100; `data images:FOLDER`, with a folder "
    "for each class; a file, `data PATH` (.npz, .npy, .csv, .parquet, .zip, .tar); arrays of the notebook, "
    "`data {{images}} {{labels}}`, or a frame, `data {{frame}} image=COLUMN label=COLUMN`; a table of Spark, "
    "`data table:CATALOG.SCHEMA.TABLE image=COLUMN label=COLUMN`."
)


def read_input(directive: syntax.Directive) -> tuple[Shape, str]:
    """The shape of `input 28x28x1` and a note where something was added to it."""
    sizes = [word for word in directive.words if isinstance(word.value, syntax.Size) and word.key in (None, "shape")]
    numbers = [word.value for word in directive.words if isinstance(word.value, int) and not word.key]
    if len(numbers) in (2, 3) and len(numbers) == len(directive.words):
        whole = replace(directive.words[0], value=syntax.Size(tuple(numbers)))
        return read_input(replace(directive, words=(whole,)))
    if len(sizes) != 1 or len(directive.words) != 1:
        remedy = "Write `input 28x28x1`: height x width x channels; `?x?x3` takes images of any size."
        raise PlanError("`input` needs one size.", place=directive.place, remedy=remedy)
    dimensions, place = sizes[0].value.dimensions, sizes[0].place  # type: ignore[union-attr]  # the list holds sizes only
    if len(dimensions) not in (2, 3) or dimensions[2:] == (None,):
        message = f"`{sizes[0].value}` is no size of an image."
        raise PlanError(message, place=place, remedy="Write height x width x channels, such as `28x28x1` or `?x?x3`.")
    if any(size is not None and not 1 <= size <= LARGEST_SIDE for size in dimensions):
        raise PlanError(f"every dimension must be from 1 to {LARGEST_SIDE:,}.", place=place)
    if len(dimensions) == 2:
        return (*dimensions, 1), f"`input {sizes[0].value}` is taken as grey images, {sizes[0].value}x1"
    return dimensions, ""


DEFAULT_TEST = 0.2


@dataclass(frozen=True, kw_only=True)
class DataWords:
    """What `data` takes besides where the data are."""

    test: float = option(
        "fraction", DEFAULT_TEST, bare=False, help="part kept apart as test images where the data have none"
    )
    bad: str = option("bad", "stop", bare=False, help="stop at images that can't be read, or skip them")
    balance: str = option("balance", "no", bare=False, help="weights lets each class count the same in the loss, or no")
    image: str = option("name", "", bare=False, help="the column of images in a table, their paths or their bytes")
    label: str = option("name", "", bare=False, help="the column of labels in a table")


def read_data(directive: syntax.Directive, lookup: Callable[[str], Any]) -> tuple[datasets.Source, DataWords]:
    """Where the data come from, and what else the line says of them."""
    options = DataWords(**bind(DataWords, "data", [word for word in directive.words if word.key]).values)
    given = _prefixed([word for word in directive.words if not word.key])
    if not given:
        raise PlanError("`data` does not say which.", place=directive.place, remedy=LIST_OF_DATA)
    first = _path_in_variable(given[0], lookup)
    if isinstance(first.value, syntax.Variable):
        return _of_notebook(directive, given, lookup, options), options
    if len(given) > 1:
        return _several_files([first, *given[1:]]), options
    source = _named_or_file(first, options, lookup)
    if (options.image or options.label) and not isinstance(source, datasets.Table | datasets.SparkTable):
        word = next(word for word in directive.words if word.key in ("image", "label"))
        message = f"`{word.key}=` names a column, and `{first.value}` is no table."
        raise PlanError(
            message, place=word.place, remedy="Columns are those of a .csv, a .parquet, a table or a frame."
        )
    return source, options


def _is_variable(name: str, lookup: Callable[[str], Any]) -> bool:
    try:
        lookup(name)
    except PlanError:
        return False
    return True


def _prefixed(given: list[syntax.Word]) -> list[syntax.Word]:
    """`images:` or `table:` and what follows it as one word: a quoted path, or `{{folder}}`."""
    prefix = str(given[0].value).lower() if len(given) == 2 else ""
    if prefix in PREFIXES:
        rest = given[1].value
        if isinstance(rest, syntax.Variable):
            return [replace(given[1], value=syntax.Variable(f"{prefix}{rest.path}"))]
        return [replace(given[1], value=syntax.Text(f"{prefix}{rest}"))]
    return given


def _path_in_variable(word: syntax.Word, lookup: Callable[[str], Any]) -> syntax.Word:
    """`data {{path}}` with the path, or the known name, that a variable holds."""
    if not isinstance(word.value, syntax.Variable):
        return word
    prefix = next((prefix for prefix in PREFIXES if word.value.path.startswith(prefix)), "")
    try:
        value = lookup(word.value.path.removeprefix(prefix))
    except PlanError as error:
        raise error.at(word.place) from None
    if isinstance(value, str | PathLike):
        return replace(word, value=syntax.Text(f"{prefix}{value}"))
    if prefix:
        message = f"`{word.value.path.removeprefix(prefix)}` is {type(value).__name__}, and no {PREFIXES[prefix]}."
        raise PlanError(message, place=word.place, remedy=f"After `{prefix}` stands a {PREFIXES[prefix]} as text.")
    return word


def _of_notebook(
    directive: syntax.Directive, given: list[syntax.Word], lookup: Callable[[str], Any], options: DataWords
) -> datasets.Source:
    """Arrays, lists of paths, or what holds images and labels together."""
    strange = next((word for word in given if not isinstance(word.value, syntax.Variable)), None)
    if strange is not None:
        raise _too_many(given, given.index(strange))
    paths = [word.value.path for word in given if isinstance(word.value, syntax.Variable)]
    values = _looked_up(given, paths, lookup)
    if len(values) <= 2 and all(map(datasets.is_held, values)):
        return datasets.Held(tuple(paths), tuple(values), options.image, options.label)
    if len(values) not in (2, 4):
        remedy = "Write `data {{images}} {{labels}}`, with a test set `data {{x}} {{y}} {{x_test}} {{y_test}}`."
        raise PlanError(
            f"`data` needs images and labels, and gets {counted(len(paths), 'array')}.",
            place=directive.place,
            remedy=remedy,
        )
    return datasets.Arrays(tuple(paths), tuple(values))


def _looked_up(given: list[syntax.Word], paths: list[str], lookup: Callable[[str], Any]) -> list[Any]:
    problems: list[Problem] = []
    values = []
    for path, word in zip(paths, given, strict=True):
        try:
            values.append(lookup(path))
        except PlanError as error:
            problems += error.at(word.place).problems
    if problems:
        raise PlanError.gather(problems)
    return values


def _too_many(given: list[syntax.Word], position: int) -> PlanError:
    """The error for a word after the data: the next statement, a name without its braces, or one too many."""
    second = second_statement("data", given[position:])
    if second is not None:
        return PlanError(second)
    remedy = _in_braces(given) if str(given[0].value).lower() not in datasets.NAMED else ""
    message = f"`{given[position].value}` is more than `data` takes."
    return PlanError(message, place=given[position].place, remedy=remedy or LIST_OF_DATA)


def _in_braces(given: list[syntax.Word]) -> str:
    """`Did you mean …` for names of variables without their two braces; empty where the words are no names."""
    names = []
    for word in given:
        value: syntax.Value = word.value
        if isinstance(value, syntax.Choices) and len(value.values) == 1:
            value = value.values[0]
        names.append(value.path if isinstance(value, syntax.Variable) else str(value))
        if not isinstance(value, syntax.Name | syntax.Variable):
            return ""
    return f"Did you mean `data {' '.join('{{' + name + '}}' for name in names)}`, values of the notebook?"


def _several_files(given: list[syntax.Word]) -> datasets.File:
    """`data IMAGES.npy LABELS.npy`, and a test set after them."""
    arrays = all(str(word.value).lower().endswith(".npy") for word in given)
    if not arrays and not any(isinstance(word.value, syntax.Text) for word in given):
        raise _too_many(given, 1)
    if not arrays or len(given) not in (2, 4):
        message = f"`{given[1].value}` is more than `data` takes."
        remedy = "An `.npy` file holds one array: write `data IMAGES.npy LABELS.npy`." if arrays else LIST_OF_DATA
        raise PlanError(message, place=given[1].place, remedy=remedy)
    return datasets.File(str(given[0].value), tuple(str(word.value) for word in given[1:]))


def _named_or_file(word: syntax.Word, options: DataWords, lookup: Callable[[str], Any]) -> datasets.Source:
    text = str(word.value)
    if text.lower() in datasets.NAMED:
        return datasets.Named(text.lower())
    found = datasets.source_at(text, options.image, options.label) if isinstance(word.value, syntax.Text) else None
    if found is not None:
        return found
    message = f"no data `{text}`{closest(text, datasets.NAMED)}"
    if isinstance(word.value, syntax.Text):
        message = (
            f"`{text}` is no file that can be read here: its name must end in .npz, .npy, .csv, .parquet, .zip or .tar."
        )
        raise PlanError(message, place=word.place, remedy=f"A folder of images is `data images:{text}`.")
    remedy = "" if message.endswith("?") else LIST_OF_DATA
    if isinstance(word.value, syntax.Choices):
        remedy = _in_braces([word]) or remedy
    elif remedy and _is_variable(text, lookup):
        remedy = f"A value of the notebook stands in braces: `data {{{{{text}}}}}`."
    raise PlanError(sentence(message), place=word.place, remedy=remedy)


@dataclass(frozen=True, kw_only=True)
class ResizeWords:
    """What `resize` takes."""

    size: tuple[int, int] = option("pair", help="height and width")
    how: str = option("name", "stretch", help="stretch, crop or pad")


def read_resize(directive: syntax.Directive) -> Resize:
    """The size of `resize 224x224 crop`."""
    values = bind(ResizeWords, "resize", directive.words).values
    how = values.get("how", "stretch").lower()
    remedy = "Write `resize 224x224`, and after it `stretch` (as it is), `crop` or `pad`."
    if "size" not in values or max(values["size"]) > LARGEST_SIDE:
        raise PlanError("`resize` needs a height and a width.", place=directive.place, remedy=remedy)
    if how not in ("stretch", "crop", "pad"):
        raise PlanError(f"no way `{how}` to resize.", place=directive.place, remedy=remedy)
    height, width = values["size"]
    return Resize(height, width, how)


def read_seed(directive: syntax.Directive) -> int:
    """The number of `seed 7`."""
    value = directive.words[0].value if len(directive.words) == 1 else None
    if not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        message = f"`seed` needs one whole number from 0 to {LARGEST_SEED:,}."
        raise PlanError(message, place=directive.place, remedy="For example `seed 7`.")
    return value


FLIPS = {
    "horizontal": "horizontal",
    "vertical": "vertical",
    "both": "horizontal_and_vertical",
    "horizontal_and_vertical": "horizontal_and_vertical",
    "yes": "horizontal",
}
MIXINGS = {"mixup": 0.2, "cutmix": 1.0}  # of images and labels, with Keras's own strength
AUGMENTATIONS = ("flip", "rotate", "zoom", "shift", "crop", "brightness", "contrast", "randaugment", *MIXINGS)


def read_augment(directive: syntax.Directive, shape: Shape, pixels: tuple[float, float] = (0, 1)) -> list[Layer]:
    """The random layers of `augment flip, rotate 15, crop=4`, for images of `shape` with `pixels` from … to."""
    layers: list[Layer] = []
    words = list(_pairs(directive.words))
    if not words:
        raise PlanError(
            "`augment` does not say how.", place=directive.place, remedy="For example `augment flip, rotate 15`."
        )
    for name, value, word in words:
        if name in MIXINGS:  # they change labels too, and are no layers
            continue
        try:
            layers.append(_augmentation(name, value, shape, pixels))
        except PlanError as error:
            raise error.at(word.place) from None
    return layers


def read_mixing(directive: syntax.Directive) -> tuple[tuple[str, float], ...]:
    """`mixup` and `cutmix` of an `augment` line, each with its strength: Keras's `alpha`, or `factor`."""
    found: dict[str, float] = {}
    for name, value, word in _pairs(directive.words):
        if name not in MIXINGS:
            continue
        strength = MIXINGS[name] if value is None else read("number", value)
        if not 0 < strength <= 1:
            message = f"`{name}` takes a number above 0 and up to 1, and gets {strength:g}."
            raise PlanError(message, place=word.place, remedy=f"Keras's own is {MIXINGS[name]:g}.")
        found[name] = strength
    return tuple(found.items())


def _pairs(words: Sequence[syntax.Word]) -> Any:
    """(name, value or None, word) of `flip`, `rotate 15` and `crop=4`."""
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word.key:
            yield word.key, word.value, word
            continue
        value = None
        if position < len(words) and not words[position].key and _belongs(word, words[position].value):
            value = words[position].value
            position += 1
        yield str(word.value).lower(), value, word


def _belongs(word: syntax.Word, value: syntax.Value) -> bool:
    """Whether a bare value goes with the augmentation before it: a number with any, a direction with `flip`."""
    direction = str(word.value).lower() == "flip" and str(value).lower() in FLIPS
    return direction or isinstance(value, int | float)


def _augmentation(name: str, value: syntax.Value | None, shape: Shape, span: tuple[float, float]) -> Layer:
    if name not in AUGMENTATIONS:
        message = f"no augmentation `{name}`{closest(name, AUGMENTATIONS)}"
        remedy = "" if message.endswith("?") else f"Known are {listed(AUGMENTATIONS)}."
        raise PlanError(sentence(message), remedy=remedy)
    amount = None if value is None or name == "flip" else read("number", value)
    limit = {"rotate": 360.0, "crop": float(min(shape[0] or 1, shape[1] or 1))}.get(name, 1.0)
    if amount is not None and not 0 <= amount <= limit:
        raise PlanError(f"`{name}` takes a number from 0 to {limit:g}, and gets {amount:g}.")
    height, width = shape[0], shape[1]
    match name:
        case "flip":
            if value is not None and str(value).lower() not in FLIPS:
                raise PlanError(f"`flip={value}` is not one of `horizontal`, `vertical`, `both`.")
            return RandomFlip(mode=FLIPS[str(value or "horizontal").lower()])
        case "rotate":
            return RandomRotation(factor=(10.0 if amount is None else amount) / 360)
        case "zoom":
            return RandomZoom(height_factor=0.1 if amount is None else amount)
        case "shift":
            part = 0.1 if amount is None else amount
            return RandomTranslation(height_factor=part, width_factor=part)
        case "crop":
            if height is None or width is None:
                raise PlanError("`crop` needs images of one size.", remedy="Use `shift 0.1` for images of any size.")
            pixels = 4.0 if amount is None else amount
            return RandomTranslation(
                height_factor=pixels / height,
                width_factor=pixels / width,
                fill_mode="constant",
                interpolation="nearest",
            )
        case "brightness":
            return RandomBrightness(factor=0.2 if amount is None else amount, value_range=span)
        case "randaugment":
            return RandAugment(factor=0.5 if amount is None else amount, value_range=span)
    return RandomContrast(factor=0.2 if amount is None else amount, value_range=span)

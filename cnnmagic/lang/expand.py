"""One statement to Keras layers: `conv 64 3x3 bn relu` is a convolution, a normalisation and an activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnmagic.errors import PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import Binding, bind, require
from cnnmagic.lang.values import plain_word
from cnnmagic.layers import (
    BY_WORD,
    KERAS_LAYERS,
    Activation,
    BatchNormalization,
    Conv2DTranspose,
    Dense,
    KerasLayer,
    Layer,
    Misfit,
    option,
)
from cnnmagic.layers.arithmetic import reach

POOLS = {
    (kind, pool): word
    for kind, word in (("max", "maxpool"), ("avg", "avgpool"), ("average", "avgpool"))
    for pool in ("pool", "pooling")
}


@dataclass(frozen=True)
class Expansion:
    """The layers of a statement, each with the word that names it, and what was found on the way."""

    layers: tuple[tuple[Layer, str], ...]
    binding: Binding


def expand(kind: type[Layer], statement: syntax.Layer) -> Expansion:
    """The layers that a statement of a layer class stands for; raises `PlanError`."""
    flags = ("bn",) if kind.takes_bn else ()
    words, note = padding_habit(kind, statement.words)
    binding = bind(kind, statement.name, words, flags, kind.keras_only)
    require(kind, statement.name, binding.values)
    layer = kind(**binding.values)
    word = kind.words[0] if kind.words else kind.__name__.lower()
    if note:
        binding = replace(binding, notes=(*binding.notes, note))
    if isinstance(layer, Activation):
        return Expansion(((layer, layer.activation),), binding)
    if "bn" not in binding.flags:
        return Expansion(((layer, word),), binding)
    return Expansion(tuple(_normalized(layer, word, "use_bias" in binding.values)), binding)


def _normalized(layer: Any, word: str, keeps_bias: bool) -> list[tuple[Layer, str]]:
    """The layer without activation (and without bias, which the shift of bn replaces), bn, the activation."""
    plain = replace(layer, activation=None, use_bias=layer.use_bias if keeps_bias else False)
    activation = [(Activation(activation=layer.activation), layer.activation)] if layer.activation else []
    return [(plain, word), (BatchNormalization(), "bn"), *activation]


def padding_habit(kind: type[Layer], words: Sequence[syntax.Word]) -> tuple[Sequence[syntax.Word], str]:
    """`pad=1` beside a 3x3 kernel means `same`, as Caffe and darknet files write it; `pad=same` is `padding=same`."""
    pads = [
        word
        for word in words
        if word.key == "pad" or (word.key == "padding" and isinstance(word.value, int | syntax.Size))
    ]
    if not pads or "padding" not in kind.__dataclass_fields__ or "cropping" in kind.__dataclass_fields__:
        return words, ""
    rest = [word for word in words if word not in pads]
    if isinstance(pads[0].value, syntax.Name):
        return [*rest, replace(pads[0], key="padding")], "`pad` is Keras's `padding`"
    values = bind(kind, kind.words[0], rest, ("bn",), kind.keras_only).values
    pad = pads[0].value
    margins = _margins(pads[0])
    if set(margins) == {0}:
        return rest, f"`{pads[0].key}={pad}` is Keras's `padding=valid`"
    if _reaches(kind, values) == tuple(2 * margin + 1 for margin in margins):
        same = syntax.Word(syntax.Name("same"), pads[0].place, "padding")
        kernel = values.get("kernel_size") or values["pool_size"]
        return [*rest, same], f"`{pads[0].key}={pad}` with a {kernel[0]}x{kernel[1]} kernel is Keras's `padding=same`"
    remedy = f"Put a line `pad {pad}` before this one, and leave `{pads[0].key}=` out."
    if kind is Conv2DTranspose:
        remedy = "Write `same` or `valid`, and put a line `crop` or `pad` after this one where another size is meant."
    raise PlanError(f"`{pads[0].key}={pad}` does not fit this kernel evenly.", place=pads[0].place, remedy=remedy)


def _margins(word: syntax.Word) -> tuple[int, int]:
    """The rows and the columns that `pad=1`, or `pad=1x2`, adds on each side; raises `PlanError` for anything else."""
    value = word.value
    sizes = (value, value) if isinstance(value, int) else value.dimensions if isinstance(value, syntax.Size) else ()
    if len(sizes) != 2 or any(size is None or size < 0 for size in sizes):
        message = f"`{word.key}={value}` is no padding."
        raise PlanError(message, place=word.place, remedy="Write `same` or `valid`, or pixels such as `pad=1`.")
    return sizes[0] or 0, sizes[1] or 0


def _reaches(kind: type[Layer], values: Mapping[str, Any]) -> tuple[int, ...]:
    """Pixels that a kernel spans, one more than `same` adds around; strides of a transposed one take from it."""
    kernel = values.get("kernel_size") or values.get("pool_size") or ()
    dilation, strides = values.get("dilation_rate", (1, 1)), values.get("strides", (1, 1))
    spans = tuple(reach(size, rate) for size, rate in zip(kernel, dilation, strict=False))
    if kind is not Conv2DTranspose:
        return spans
    return tuple(span - stride + 1 for span, stride in zip(spans, strides, strict=False))


@dataclass(frozen=True, kw_only=True)
class OutputWords:
    """What `output` takes: the number of classes, and another activation where wanted."""

    units: int | None = option("count", None, help="number of classes; that of the data if not given")
    activation: str | None = option("activation", None, help="softmax, or sigmoid for one unit, if not given")


def expand_output(statement: syntax.Layer, classes: int | None) -> tuple[Dense, Binding]:
    """The dense layer that `output N` stands for; `classes` is what the data have."""
    binding = bind(OutputWords, "output", statement.words, (), Dense.keras_only)
    units = binding.values.get("units", classes)
    if units is None:
        remedy = "Write `output 10` for ten classes, or give the data."
        raise PlanError("`output` does not say how many classes there are.", place=statement.place, remedy=remedy)
    activation = binding.values.get("activation") or ("sigmoid" if units == 1 else "softmax")
    return Dense(units=units, activation=activation, extra=binding.values.get("extra", ())), binding


def expand_keras(statement: syntax.Layer) -> KerasLayer | None:
    """A further layer of Keras by its own name, its words handed on as they are; None where Keras has none."""
    names = {name.lower(): name for name in KERAS_LAYERS}
    name = names.get(_bare(statement.name))
    if name is None:
        return None
    choice = next((word for word in statement.words if isinstance(word.value, syntax.Choices)), None)
    if choice is not None:
        raise PlanError(
            f"`{name}` is Keras's own and takes no choices.", place=choice.place, remedy="Choose one value."
        )
    positional = tuple(plain_word(word) for word in statement.words if not word.key)
    extra = tuple((word.key, plain_word(word)) for word in statement.words if word.key)
    layer = KerasLayer(class_name=name, positional=positional, extra=extra)
    try:
        layer.bound()  # here too, for the sizes may never be known
    except Misfit as misfit:
        place = statement.place
        words = place.source[place.column - 1 : place.end_column - 1].strip()
        raise PlanError(f"`{words}` {misfit}", place=place.of(misfit.word), remedy=misfit.remedy) from None
    return layer


def layer_class(name: str) -> type[Layer] | None:
    """The class that a word, or a Keras class name, stands for."""
    word = _bare(name)
    return BY_WORD.get(word) or BY_WORD.get(word.replace("_", ""))


def _bare(name: str) -> str:
    """`conv2d` of `tf.keras.layers.Conv2D`."""
    return name.lower().removeprefix("tf.").removeprefix("keras.").removeprefix("layers.")


def _pool_in_one_word(statement: syntax.Layer) -> syntax.Layer:
    """`max pool 3` and `3x3 max pool` with the pool in one word."""
    written = [statement.name.lower(), *(str(word.value).lower() for word in statement.words[:2] if not word.key)]
    words = statement.words
    if tuple(written[:2]) in POOLS:
        return replace(statement, name=POOLS[written[0], written[1]], words=words[1:])
    if tuple(written[1:]) in POOLS:
        name = syntax.Name(POOLS[written[1], written[2]])
        return replace(statement, words=(replace(words[0], value=name), *words[2:]))
    return statement


def in_word_order(statement: syntax.Layer) -> syntax.Layer:
    """`7x7 conv, 64, /2`, as papers write it: the layer's name is the second word, or the second and third."""
    statement = _pool_in_one_word(statement)
    head = syntax.read_value(statement.name)
    first = statement.words[0] if statement.words else None
    if (
        isinstance(head, syntax.Name | syntax.Text)
        or first is None
        or first.key
        or not isinstance(first.value, syntax.Name)
    ):
        return statement
    if layer_class(first.value.text) is None:
        return statement
    size = syntax.Word(head, replace(statement.place, end_column=statement.place.column + len(statement.name)))
    return replace(statement, name=first.value.text, words=(size, *statement.words[1:]))

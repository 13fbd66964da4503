"""Where paths part and meet: residual blocks, branches, joins, squeeze-and-excitation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnmagic.errors import CnnError, Place, PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.graph import Graph, Tensor
from cnnmagic.lang.values import read
from cnnmagic.layers import (
    MERGES,
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    Multiply,
    Shape,
)
from cnnmagic.plans import INPUT
from cnnmagic.wording import closest, sentence

if TYPE_CHECKING:
    from cnnmagic.lang.walk import Walk

MERGE_CLASSES = {kind.verb: kind for kind in MERGES}


def squeeze_and_excite(walk: Walk, statement: syntax.Layer) -> None:
    """`se 16`: weigh each channel by what the whole image shows (J. Hu et al., "Squeeze-and-Excitation", 2018)."""
    if len(statement.words) > 1 or any(word.key or not isinstance(word.value, int) for word in statement.words):
        raise PlanError("`se` takes one number, the reduction.", remedy="For example `se 16`.")
    ratio = read("count", statement.words[0].value) if statement.words else 16
    if walk.lost or walk.current is None:
        return
    entry, place = walk.current, statement.place
    channels = entry.shape[-1] or 1
    squeezed: list[tuple[Layer, str]] = [
        (GlobalAveragePooling2D(keepdims=True), "squeeze"),
        (Dense(units=max(1, channels // ratio), activation="relu"), "reduce"),
        (Dense(units=channels, activation="sigmoid"), "excite"),
    ]
    for layer, word in squeezed:
        walk.push(layer, (walk.current,), place, word)
    walk.push(Multiply(), (entry, walk.current), place, "se", statement.label or "")


def residual(walk: Walk, statement: syntax.Residual) -> None:
    activation, project = _residual_words(statement)
    entry = walk.current
    walk.suite(statement.body)
    if walk.lost or entry is None or walk.current is None:
        return
    place, inner = statement.place, walk.current
    if inner.source == entry.source:
        raise PlanError("this `residual` holds no layers.", remedy="Indent the layers that its input goes around.")
    if inner.shape != entry.shape or (None in entry.shape and max(_strides(entry, inner)) > 1):
        entry = _projected(walk, entry, inner, place, project)
    walk.push(MERGE_CLASSES["add"](), (inner, entry), place, "add")
    if activation:
        walk.append(Activation(activation=activation), place, activation)


def _projected(walk: Walk, entry: Tensor, inner: Tensor, place: Place, project: bool) -> Tensor:
    """The block's input brought to the shape of its end by a 1x1 convolution and bn."""
    strides = _strides(entry, inner)
    ends = _difference(entry.shape, inner.shape) or f"strides of {strides[0]}x{strides[1]}"
    if not project:
        remedy = "Take `project=no` away, or make both ends alike."
        raise PlanError(f"the two ends of `residual` differ ({ends}).", remedy=remedy)
    if len(entry.shape) != 3 or len(inner.shape) != 3:
        message = f"the two ends of `residual` differ ({ends}), and only volumes can be projected."
        raise PlanError(message, remedy="Let its last layer give what comes in: as many numbers, the same shape.")
    convolution = Conv2D(filters=inner.shape[-1] or 1, kernel_size=(1, 1), strides=strides, use_bias=False)
    if convolution.output_shape(entry.shape) != inner.shape:
        remedy = "Use `same` padding inside, so that only strides change the size."
        raise PlanError(f"the two ends of `residual` differ in size ({ends}).", remedy=remedy)
    walk.push(convolution, (entry,), place, "project")
    walk.append(BatchNormalization(), place, "project_bn")
    stride = f" /{strides[0]}" if max(strides) > 1 else ""
    way = f"a 1x1 convolution{stride} with bn"
    walk.notes.append(f"line {place.line}: the ends of `residual` differ ({ends}), so its input goes through {way}")
    assert walk.current is not None  # two layers were just added
    return walk.current


def _strides(entry: Tensor, inner: Tensor) -> tuple[int, int]:
    """How much smaller a block makes its input, in height and width."""
    down, across = (after / before for before, after in zip(entry.field.jump, inner.field.jump, strict=True))
    return max(1, round(down)), max(1, round(across))


def branches(walk: Walk, statement: syntax.Branches) -> None:
    entry, ends = walk.current, []
    for branch in statement.branches:
        walk.count()
        walk.current = entry
        walk.suite(branch.body)
        ends.append(walk.current)
    if walk.lost or entry is None:
        return
    tensors = tuple(end for end in ends if end is not None)
    if len(tensors) < 2:
        raise PlanError("`branches` needs two branches at least.", remedy="A bare `branch` is the input itself.")
    walk.push(MERGE_CLASSES[statement.merge](), tensors, statement.place, statement.merge)


def join(walk: Walk, statement: syntax.Join) -> None:
    named = [_labelled(walk, word) for word in statement.words]
    if walk.lost or walk.current is None:
        return
    if statement.kind != "from":
        name = statement.label or ""
        walk.push(MERGE_CLASSES[statement.kind](), (walk.current, *named), statement.place, statement.kind, name)
    elif len(named) > 1:
        raise PlanError("`from` takes one label.", remedy="Use `add` or `concat` to bring several together.")
    else:
        walk.current = named[0]
    if statement.label:
        walk.label(statement)


def _labelled(walk: Walk, word: syntax.Word) -> Tensor:
    name = str(word.value)
    if name == INPUT and walk.graph:
        return walk.graph.start()
    if name not in walk.labels:
        if walk.lost:
            return Tensor(INPUT, (), walk.current.field) if walk.current else Graph(()).start()
        message = f"no layer is labelled `{name}`{closest(name, walk.labels)}"
        remedy = "" if message.endswith("?") else f"Label it where it stands: `{name} <- conv 32 3x3`."
        raise PlanError(sentence(message), place=word.place, remedy=remedy)
    return walk.labels[name]


def _residual_words(statement: syntax.Residual) -> tuple[str | None, bool]:
    activation, project = None, True
    for word in statement.words:
        if word.key in (None, "activation", "project"):
            try:
                value = read("flag" if word.key == "project" else "activation", word.value)
            except CnnError as error:
                raise error.at(word.place) from None
            activation, project = (activation, value) if word.key == "project" else (value, project)
        else:
            raise PlanError(
                f"`residual` has no argument `{word.key}`.",
                place=word.place,
                remedy="It takes an activation and `project=no`.",
            )
    return activation, project


def _difference(one: Shape, other: Shape) -> str:
    """`8 and 16 channels`, or the two shapes where they differ in more; empty where they are written alike."""
    if one == other:
        return ""
    if one[:-1] == other[:-1]:
        return f"{one[-1]} and {other[-1]} {'channels' if len(one) > 1 else 'numbers'}"
    return " and ".join("x".join("?" if size is None else str(size) for size in shape) for shape in (one, other))

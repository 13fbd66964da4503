"""Blocks found in a graph of layers: `se`, `residual` and `branches`, each folded to one node with one source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cnnmagic.layers import (
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    Maximum,
    Merge,
    Multiply,
    Shape,
)

ENTRY = 0
DEEPEST = 5  # blocks in blocks: what is more deeply nested reads better with labels


@dataclass(frozen=True)
class Node:
    """A layer, or a block of them: `ways` lead from the block's source to `layer`, in which they meet."""

    name: str
    layer: Layer
    sources: tuple[int, ...]
    shape: Shape
    word: str = ""  # how a block is written: `se 16`, `residual`, `branches`
    ways: tuple[tuple[int, ...], ...] = ()
    depth: int = 0

    @property
    def is_suite(self) -> bool:
        """Whether it is written with indented lines, and so can't carry a label."""
        return self.word in ("residual", "branches")


Nodes = Mapping[int, Node]


@dataclass(frozen=True)
class Folding:
    """A graph whose blocks are folded: `parts` are the nodes within them, and the merges as they were."""

    nodes: dict[int, Node]
    parts: dict[int, Node]
    merges: dict[int, Node]

    def without(self, number: int) -> Folding:
        """The same with one block laid open again."""
        inside = [part for way in self.nodes[number].ways for part in way]
        nodes = {**self.nodes, **{part: self.parts[part] for part in inside}, number: self.merges[number]}
        return Folding(nodes, self.parts, self.merges)


def fold(nodes: Nodes) -> Folding:
    """Fold what can be written as a block; those within others come first, as `nodes` are in the order of computing."""
    folding = Folding(dict(nodes), {}, {})
    readers = Counter(source for node in nodes.values() for source in node.sources)
    for number, node in nodes.items():
        if not isinstance(node.layer, Merge) or len(node.sources) < 2:
            continue
        block = _block(node, folding.nodes, readers)
        if block is None:
            continue
        inside = [part for way in block.ways for part in way]
        folding.merges[number] = node
        folding.parts.update({part: folding.nodes.pop(part) for part in inside})
        folding.nodes[number] = block
        readers[block.sources[0]] -= len(node.sources) - 1
    return folding


def chain(number: int, nodes: Nodes, readers: Counter[int]) -> tuple[int, tuple[int, ...]]:
    """Where the straight way to a node begins, and the nodes on it, each read by the next one alone."""
    way: list[int] = []
    while number != ENTRY and readers[number] == 1 and len(nodes[number].sources) == 1:
        way.append(number)
        number = nodes[number].sources[0]
    return number, tuple(reversed(way))


def _block(merge: Node, nodes: Nodes, readers: Counter[int]) -> Node | None:
    """The block that ends in a merge whose ways all begin in one place; None where they don't."""
    chains = [chain(source, nodes, readers) for source in merge.sources]
    begins, ways = {begin for begin, _ in chains}, [way for _, way in chains]
    if len(begins) > 1 or sum(not way for way in ways) > 1:
        return None
    if any(nodes[number].depth >= DEEPEST for way in ways for number in way):
        return None
    begin = begins.pop()
    for recognize in (_squeeze, _residual, _branches):
        if (found := recognize(merge, begin, ways, nodes)) is not None:
            depth = 1 + max(nodes[number].depth for way in ways for number in way)
            return replace(merge, sources=(begin,), word=found[0], ways=found[1], depth=depth)
    return None


Found = tuple[str, tuple[tuple[int, ...], ...]] | None


def _squeeze(merge: Node, begin: int, ways: list[tuple[int, ...]], nodes: Nodes) -> Found:
    """`se N`: a global mean and two dense layers weigh the channels."""
    way = max(ways, key=len)
    channels = merge.shape[-1]
    if not isinstance(merge.layer, Multiply) or len(ways) != 2 or () not in ways or len(way) != 3 or not channels:
        return None
    squeeze, reduce, excite = (nodes[number].layer for number in way)
    units = reduce.units if isinstance(reduce, Dense) else channels
    ratio = max(1, channels // units)
    wanted = (
        GlobalAveragePooling2D(keepdims=True),
        Dense(units=max(1, channels // ratio), activation="relu"),
        Dense(units=channels, activation="sigmoid"),
    )
    return (f"se {ratio}", (way,)) if (squeeze, reduce, excite) == wanted else None


def _residual(merge: Node, begin: int, ways: list[tuple[int, ...]], nodes: Nodes) -> Found:
    """`residual`: the sum of a way and of where it began, or of that brought to its shape."""
    if not isinstance(merge.layer, Add) or len(ways) != 2:
        return None
    if () in ways:
        way = max(ways, key=len)
        return ("residual", (way,)) if _keeps_scale(way, nodes) else None
    inner, side = ways
    return ("residual", (inner, side)) if _is_projection(begin, side, inner, nodes) else None


def _is_projection(begin: int, side: tuple[int, ...], inner: tuple[int, ...], nodes: Nodes) -> bool:
    """Whether a way is what `residual` puts there by itself: a 1x1 convolution as strided as the other way, and bn."""
    last = nodes[inner[-1]]
    if nodes[begin].shape == last.shape:
        return False
    strides = [1.0, 1.0]
    for number in inner:
        window = nodes[number].layer.window() if not nodes[number].word else None
        if window is None:
            return False
        strides = [have * further for have, further in zip(strides, window.stride, strict=True)]
    down, across = (max(1, round(stride)) for stride in strides)
    convolution = Conv2D(filters=last.shape[-1] or 1, kernel_size=(1, 1), strides=(down, across), use_bias=False)
    return [nodes[number].layer for number in side] == [convolution, BatchNormalization()]


def _branches(merge: Node, begin: int, ways: list[tuple[int, ...]], nodes: Nodes) -> Found:
    """`branches`: ways from one place that meet again, one of them perhaps the place itself."""
    if not isinstance(merge.layer, Add | Average | Maximum | Concatenate):
        return None
    if () in ways and not all(_keeps_scale(way, nodes) for way in ways):
        return None
    return "branches", tuple(ways)


def _keeps_scale(way: tuple[int, ...], nodes: Nodes) -> bool:
    """Whether no layer of a way has strides; what goes past a way down and up again is told by a label."""
    windows = [nodes[number].layer.window() for number in way if not nodes[number].word]
    return all(window is None or window.stride == (1, 1) for window in windows)

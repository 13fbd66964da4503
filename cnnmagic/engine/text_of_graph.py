"""A graph of layers to lines of the language: in a reader's order, with labels only where one is needed."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnmagic.engine.text_of_blocks import ENTRY, Folding, Node, Nodes, fold
from cnnmagic.errors import CnnError
from cnnmagic.layers import Activation, BatchNormalization, Concatenate, Dense, Layer, Merge
from cnnmagic.layers.phrase import phrase

INDENT = "    "
RESERVED = ("input", "output", "rescale")
_FREE = re.compile(r"any(x(any|\d+))*", re.IGNORECASE)  # free dimensions, not names
_LINE = re.compile(r"line\d+_(?=[^\W\d])")  # what a plan puts before the names of its layers


@dataclass(frozen=True)
class _Reading:
    """A node in its place: the node that it goes on from, where that is not the one before, and those it meets."""

    number: int
    begin: int | None
    others: tuple[int, ...]

    @property
    def named(self) -> tuple[int, ...]:
        """The nodes that are read by their labels."""
        begin = () if self.begin is None else (self.begin,)
        return tuple(number for number in (*begin, *self.others) if number != ENTRY)


def statements(nodes: Nodes) -> list[str]:
    """The lines of the language for a graph whose last node is the output; raises `CnnError`."""
    output, folding = next(reversed(list(nodes))), fold(nodes)
    while True:
        readings = list(_readings(folding.nodes, output))
        labelled = {number for reading in readings for number in reading.named}
        blocks = [number for number in labelled if folding.nodes[number].is_suite]
        if not blocks:
            return list(_Writer(folding, readings, labelled).lines())
        for number in blocks:  # indented lines carry no label, so that these are written with labels within
            folding = folding.without(number)


def _readings(nodes: Nodes, output: int) -> Iterator[_Reading]:
    current = ENTRY
    for number in _ordered(nodes, output):
        first, *others = nodes[number].sources
        if others == [current] and first != current and _may_swap(nodes[number], nodes):
            first, others = current, [first]
        yield _Reading(number, None if first == current else first, tuple(others))
        current = number


def _ordered(nodes: Nodes, output: int) -> Iterator[int]:
    """The nodes in the order of writing: each way to its end, and that which a merge goes on from last."""
    seen = {ENTRY}
    stack = [(output, iter(_turned(nodes[output].sources)))]
    seen.add(output)
    while stack:
        number, sources = stack[-1]
        following = next((source for source in sources if source not in seen), None)
        if following is None:
            stack.pop()
            yield number
        else:
            seen.add(following)
            stack.append((following, iter(_turned(nodes[following].sources))))


def _turned(sources: Sequence[int]) -> tuple[int, ...]:
    return (*sources[1:], *sources[:1])


def _may_swap(merge: Node, nodes: Nodes) -> bool:
    """Whether the two sources of a sum or product may change places.

    The order of a model's weights hangs on the order of sources, but not where one is on the straight way to the other.
    """
    begin, number = merge.sources
    while number not in (begin, ENTRY) and len(nodes[number].sources) == 1:
        number = nodes[number].sources[0]
    return number == begin and not isinstance(merge.layer, Concatenate)


class _Writer:
    """Writes the nodes in their order, some of them together in one line."""

    def __init__(self, folding: Folding, readings: Sequence[_Reading], labelled: set[int]):
        self.nodes = {**folding.parts, **folding.nodes}
        self.readings = readings
        self.output = readings[-1].number
        self.labels = {ENTRY: "input"}
        for reading in readings:
            if reading.number in labelled:
                self.labels[reading.number] = _identifier(self.nodes[reading.number].name, self.labels.values())

    def lines(self) -> Iterator[str]:
        read = {reading.number: reading for reading in self.readings}
        for group in self._groups([reading.number for reading in self.readings]):
            reading = read[group[0]]
            if reading.begin is not None:
                yield f"from {self.labels[reading.begin]}"
            label = f"{self.labels[group[-1]]} <- " if group[-1] in self.labels else ""
            first, *rest = self._statement(group, reading.others)
            yield from (label + first, *rest)

    def _groups(self, numbers: Iterable[int]) -> Iterator[list[int]]:
        """The nodes that one line tells: a convolution with its normalisation and activation, a residual with its."""
        group: list[int] = []
        for number in numbers:
            if group and not self._joins(group, number):
                yield group
                group = []
            group.append(number)
        yield group

    def _joins(self, group: Sequence[int], number: int) -> bool:
        first, last, node = self.nodes[group[0]], group[-1], self.nodes[number]
        if last in self.labels or node.sources != (last,):
            return False
        if first.word == "residual":  # whose line can't carry the activation's label
            return len(group) == 1 and isinstance(node.layer, Activation) and number not in self.labels
        if len(group) == 1:
            open_end = first.layer.takes_bn and getattr(first.layer, "activation", None) is None
            return open_end and node.layer == BatchNormalization()
        return len(group) == 2 and isinstance(node.layer, Activation)

    def _statement(self, group: Sequence[int], others: Sequence[int] = ()) -> list[str]:
        node = self.nodes[group[0]]
        layers = [self.nodes[number].layer for number in group]
        if node.word == "residual":
            return [" ".join(["residual", *map(phrase, layers[1:])]) + ":", *self._suite(node.ways[0])]
        if node.word == "branches":
            inner = [line for way in node.ways for line in self._branch(way)]
            return [f"branches -> {phrase(node.layer)}:", *inner]
        if node.word:
            return [node.word]
        if isinstance(node.layer, Merge):
            return [" ".join([node.layer.verb, *(self.labels[number] for number in others)])]
        self._check_dense(node)
        return [_output(node.layer) if group[-1] == self.output and len(group) == 1 else _together(layers)]

    def _branch(self, way: Sequence[int]) -> list[str]:
        lines = ["branch:", *self._suite(way)] if way else ["branch"]
        return [INDENT + line for line in lines]

    def _suite(self, way: Sequence[int]) -> list[str]:
        return [INDENT + line for group in self._groups(way) for line in self._statement(group)]

    def _check_dense(self, node: Node) -> None:
        if isinstance(node.layer, Dense) and len(self.nodes[node.sources[0]].shape) > 1:
            remedy = "In the language a dense layer flattens first; a 1x1 convolution does the same here."
            raise CnnError(f"`{node.name}` is a dense layer on a volume.", remedy=remedy)


def _together(layers: Sequence[Any]) -> str:
    """One layer's words, or those of a layer with `bn` and an activation."""
    if len(layers) == 1:
        return phrase(layers[0])
    first, bias = replace(layers[0], use_bias=True), ["use_bias=yes"] if layers[0].use_bias else []
    return " ".join([phrase(first), "bn", *map(phrase, layers[2:]), *bias])


def _output(layer: Layer) -> str:
    """A closing dense layer with softmax or sigmoid is the network's `output`."""
    if not isinstance(layer, Dense) or layer.activation not in ("softmax", "sigmoid") or not layer.use_bias:
        return phrase(layer)
    usual = "sigmoid" if layer.units == 1 else "softmax"
    if layer.extra or (layer.units == 1 and layer.activation != usual):
        return phrase(layer)
    return f"output {layer.units}" + ("" if layer.activation == usual else f" {layer.activation}")


def _identifier(name: str, taken: Iterable[str]) -> str:
    """A label after a layer's name, one that no other layer has and that is no word of another meaning."""
    wished = re.sub(r"\W", "_", _LINE.sub("", name))
    usable = wished.isidentifier() and not keyword.iskeyword(wished) and wished not in RESERVED
    wished = wished if usable and not _FREE.fullmatch(wished) else f"layer_{wished}"
    others, label, count = set(taken), wished, 1
    while label in others:
        count += 1
        label = f"{wished}_{count}"
    return label

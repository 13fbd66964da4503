"""Finds what a network's wiring amounts to: rows, forks into rows, skips, and stretches that come again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from cnnmagic.ui.sketch import Box, Fork, Frame, Row

# A repeated stretch is drawn once where this leaves out so many boxes; a pair of boxes reads better drawn out.
LEAST_SAVED = 2
LONGEST_PERIOD = 100
# Skips within skips beyond this are drawn flat, as arcs over one row.
DEEPEST = 30


def wired(boxes: Sequence[Box]) -> Row:
    """The whole network as one row that begins with its input, the first box."""
    rest = _Reader(list(boxes)).row(range(1, len(boxes)), 0)
    return _joined([Row((boxes[0],)), rest])


class _Reader:
    """Finds rows, forks and repeats among boxes, by what each reads."""

    def __init__(self, boxes: list[Box]):
        self.boxes = boxes
        self.depth = 0
        known: dict[object, int] = {}
        self.keys = [known.setdefault(_looks(box, boxes), len(known)) for box in boxes]

    def row(self, members: Sequence[int], entry: int) -> Row:
        """The members, in order, as one row that `entry` alone feeds."""
        if self.depth >= DEEPEST:
            return self.tangle(members, entry)
        self.depth += 1
        stretches = self.stretches(members, entry)
        row = self.chain(stretches, [entry, *(stretch[-1] for stretch in stretches)])
        self.depth -= 1
        return row

    def stretches(self, members: Sequence[int], entry: int) -> list[list[int]]:
        """The members cut after each box that alone is read later: nothing passes a cut but what that box gives."""
        last_reader = {entry: entry} | {member: member for member in members}
        for member in members:
            last_reader |= dict.fromkeys(self.boxes[member].sources, member)
        stretches: list[list[int]] = [[]]
        open_until = last_reader[entry]
        for member in members:
            stretches[-1].append(member)
            if open_until <= member:
                stretches.append([])
            open_until = max(open_until, last_reader[member])
        return stretches[:-1]

    def chain(self, stretches: Sequence[list[int]], entries: Sequence[int]) -> Row:
        """The stretches one after the other, a run of equal ones as a frame around the first of them."""
        keys = [self.key(*both) for both in zip(stretches, entries, strict=False)]
        rows = []
        for first, period, times in _runs(keys):
            chosen = stretches[first : first + period]
            if times == 1:
                rows.append(self.stretch(chosen[0], entries[first]))
            else:
                self.share_lines(stretches[first : first + period * times], times)
                rows.append(Row((Frame(self.chain(chosen, entries[first:]), times),)))
        return _joined(rows)

    def key(self, stretch: list[int], entry: int) -> tuple[object, ...]:
        """What equal stretches have in common: the looks of their boxes, and what each reads."""
        places = {entry: -1} | {member: place for place, member in enumerate(stretch)}
        return tuple((self.keys[m], tuple(places[source] for source in self.boxes[m].sources)) for m in stretch)

    def share_lines(self, stretches: Sequence[list[int]], times: int) -> None:
        """Give the boxes of the first of so many copies the lines of all."""
        members = [member for stretch in stretches for member in stretch]
        length = len(members) // times
        for place, member in enumerate(members[:length]):
            lines = frozenset[int]().union(*(self.boxes[copy].lines for copy in members[place::length]))
            self.boxes[member] = replace(self.boxes[member], lines=lines)

    def stretch(self, members: list[int], entry: int) -> Row:
        """One stretch: a box, a row with an arc over it, a fork, or a tangle."""
        box = self.boxes[members[-1]]
        rows = self.branches(members, entry)
        if rows is None:
            return self.tangle(members, entry)
        if len(rows) == 1:
            return Row((box,))
        if len(rows) == 2 and any(row.pieces for row in rows) and not all(row.pieces for row in rows):
            inner = next(row for row in rows if row.pieces)
            return Row((*inner.pieces, box), (*inner.arcs, (-1, len(inner.pieces))), inner.loose)
        return Row((Fork(tuple(rows), box),))

    def branches(self, members: list[int], entry: int) -> list[Row] | None:
        """The rows that the last member joins, in its order; None where the wiring is another."""
        *inner, end = members
        groups = {group[-1]: group for group in self.groups(inner)}
        sources = self.boxes[end].sources
        read = [source for source in sources if source != entry]
        if sorted(read) != sorted(groups):
            return None
        return [Row() if source == entry else self.row(groups[source], entry) for source in sources]

    def groups(self, members: list[int]) -> list[list[int]]:
        """The members parted into groups between which nothing flows."""
        leaders: dict[int, int] = {}
        for member in members:
            leaders[member] = member
            for source in self.boxes[member].sources:
                if source in leaders:
                    leaders[_leader(leaders, member)] = _leader(leaders, source)
        groups: dict[int, list[int]] = {}
        for member in members:
            groups.setdefault(_leader(leaders, member), []).append(member)
        return list(groups.values())

    def tangle(self, members: Sequence[int], entry: int) -> Row:
        """Any wiring at all: boxes in their order, and an arc for whatever doesn't come from the box before."""
        places = {entry: -1} | {member: place for place, member in enumerate(members)}
        arcs, loose = [], set()
        for place, member in enumerate(members):
            sources = [places[source] for source in self.boxes[member].sources]
            if place - 1 in sources:
                sources.remove(place - 1)
            else:
                loose.add(place)
            arcs += [(source, place) for source in sources]
        return Row(tuple(self.boxes[member] for member in members), tuple(arcs), frozenset(loose))


def _looks(box: Box, boxes: list[Box]) -> object:
    shapes = tuple(boxes[source].shape for source in box.sources)
    return box.kind, box.phrases, box.shape, shapes, box.parameters, box.mark


def _leader(leaders: dict[int, int], member: int) -> int:
    """The first member that stands for the member's group, with a shorter way to it for the next time."""
    while leaders[member] != member:
        leaders[member] = leaders[leaders[member]]
        member = leaders[member]
    return member


def _runs(keys: Sequence[tuple[object, ...]]) -> Iterable[tuple[int, int, int]]:
    """Part the keys into runs (first, period, times); what does not repeat is a run of one, once."""
    first = 0
    while first < len(keys):
        period, times = 1, 1
        most = LEAST_SAVED - 1
        for length in range(1, min(LONGEST_PERIOD, (len(keys) - first) // 2) + 1):
            found = _times(keys, first, length)
            saved = (found - 1) * sum(map(len, keys[first : first + length]))
            if saved > most:
                period, times, most = length, found, saved
        yield first, period, times
        first += period * times


def _times(keys: Sequence[object], first: int, period: int) -> int:
    """How often the `period` keys from `first` come, one after the other."""
    place = first + period
    while place < len(keys) and keys[place] == keys[place - period]:
        place += 1
    return (place - first) // period


def _joined(rows: Sequence[Row]) -> Row:
    """Rows one after the other as one row."""
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row.pieces))
    placed = list(zip(rows, (start for start, _ in pairwise(starts)), strict=True))
    return Row(
        tuple(piece for row in rows for piece in row.pieces),
        tuple((start + source, start + target) for row, start in placed for source, target in row.arcs),
        frozenset(start + place for row, start in placed for place in row.loose),
    )

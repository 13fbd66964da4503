"""Text to `Program`: reads a cell with lark and gives every word its place."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput
from lark.indenter import DedentError, Indenter

from cnnmagic.errors import CnnError, ParseError, Place, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.limits import MOST_IN_BRACKETS, MOST_IN_STATEMENT
from cnnmagic.lang.lines import check_python, check_separator
from cnnmagic.lang.slips import explain, no_colon
from cnnmagic.lang.source import Source, read_source
from cnnmagic.lang.syntax import SUITES

DIRECTIVES = syntax.DIRECTIVES
JOINS = ("from", "add", "concat", "average", "max", "multiply")
KEYWORDS = (*DIRECTIVES, *SUITES, *JOINS, "use")
INPUTS = ("keras.input", "layers.input", "keras.layers.input", "tf.keras.input", "tf.keras.layers.input")
MERGES = ("concat", "add", "average", "max")
READ_AGAIN = 20
READ_AT_MOST = 100_000  # characters read in vain, after which the slips found so far are told


class _Indentation(Indenter):
    NL_type = "_NL"
    OPEN_PAREN_types = ["LPAR", "LBRACE"]  # noqa: RUF012  (lark's own interface)
    CLOSE_PAREN_types = ["RPAR", "RBRACE"]  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8


@functools.cache
def _lark() -> Lark:
    return Lark.open("grammar.lark", rel_to=__file__, parser="lalr", postlex=_Indentation())


def parse(text: str, first_line: int = 1) -> syntax.Program:
    """Read a cell; `first_line` is the number its first line has for the user.

    Raises `ParseError` with all the lines that can't be read, and with the rest of the cell as its `rest`.
    """
    source = read_source(text, first_line)
    problems: list[Problem] = []
    tree = _read(source, problems)
    reader = _Reader(source, problems)
    statements = tuple(reader.statements(tree.children)) if tree else ()
    if problems:
        error = ParseError.gather(problems)
        if tree and not any(_is_needed(problem, source) for problem in problems):
            error.rest = syntax.Program(text, statements, first_line, whole=False)
        raise error
    return syntax.Program(text, statements, first_line)


def _is_needed(problem: Problem, source: Source) -> bool:
    """Whether without a problem's line the others would be taken for mistakes: a block's, or one of the whole cell."""
    if problem.place is None:
        return True
    words = source.written[problem.place.line - source.first_line].replace("(", " ").split()
    return not words or words[0].lower() in ("block", "use", "branch", "branches", *DIRECTIVES)


def _read(source: Source, problems: list[Problem]) -> Tree[Token] | None:
    """The tree; a line that can't be read is told, struck out, and the rest read again for further mistakes."""
    read = 0
    for _ in range(READ_AGAIN):
        try:
            return _lark().parse(source.text)
        except DedentError:
            problems.append(source.uneven_indentation())
            return None
        except AssertionError:  # lark's Indenter counts brackets so
            problems.append(source.unbalanced_bracket())
            return None
        except UnexpectedInput as slip:
            problem, line = explain(slip, source)
            problems.append(problem)
            read += slip.pos_in_stream or 0
            if read > READ_AT_MOST or not source.strike(line):
                return None
    return None


class _Reader:
    """Turns lark's tree into statements; what is wrong goes to `problems`, and reading goes on."""

    def __init__(self, source: Source, problems: list[Problem]):
        self.source, self.problems = source, problems

    def statements(self, trees: Iterable[Any]) -> Iterator[syntax.Statement]:
        for tree in trees:
            try:
                yield self.statement(tree)
            except CnnError as error:
                self.problems.extend(error.problems)

    def statement(self, tree: Tree[Token]) -> syntax.Statement:
        parts: dict[str, Any] = {getattr(part, "data", "head"): part for part in tree.children}
        head = parts["head"]
        check_separator(str(head), self.source.span(head, head))
        words = self.words(parts["arguments"])
        suite = next((parts[kind] for kind in ("suite", "empty_suite") if kind in parts), None)
        label = str(parts["label"].children[0]) if "label" in parts else None
        target = parts["target"].children[0] if "target" in parts else None
        place = self.source.whole(head.line)
        keyword = "input" if head.lower() in INPUTS else head.lower()
        body = tuple(self.statements(suite.children)) if suite is not None else ()
        check_python(keyword, place, words, suite is not None)
        _check_frame(keyword, place, suite is not None, bool(body), label is not None, target is not None)
        match keyword:
            case "block":
                return self.block(place, words, body)
            case "repeat":
                return syntax.Repeat(place, words, body)
            case "residual":
                return syntax.Residual(place, words, body)
            case "branches":
                return self.branches(place, words, target, body)
            case "branch":
                return syntax.Branch(place, words, str(words[0].value) if words else None, body)
            case "use":
                return self.use(place, words)
            case _ if keyword in DIRECTIVES:
                return syntax.Directive(place, words, keyword)
            case _ if keyword in JOINS and not words:
                remedy = f"Label it where it stands, `stem <- conv 32 3x3`, then write `{keyword} stem`."
                raise ParseError(f"`{keyword}` needs the label of a layer.", place=place, remedy=remedy)
            case _ if keyword in JOINS and _names_only(words):
                return syntax.Join(place, words, keyword, label)
        return syntax.Layer(place, words, str(head), label)

    def block(self, place: Place, words: tuple[syntax.Word, ...], body: tuple[syntax.Statement, ...]) -> syntax.Block:
        head = place.source[words[0].place.column - 2] if words else "("
        if head == "(" or words[0].key or not isinstance(words[0].value, syntax.Name):
            raise ParseError(
                "a block needs a name.",
                place=place,
                remedy="Write `block NAME(filters, stride=1):` and indent its lines.",
            )
        parameters = []
        for word in words[1:]:
            name = word.key or (word.value.text if isinstance(word.value, syntax.Name) else None)
            if name is None or not name.isidentifier():
                raise ParseError(f"`{word.value}` is no name for a parameter.", place=word.place)
            parameters.append(syntax.Parameter(name, word.value if word.key else None))
        return syntax.Block(place, words, words[0].value.text, tuple(parameters), body)

    def branches(
        self, place: Place, words: tuple[syntax.Word, ...], target: Token | None, body: tuple[syntax.Statement, ...]
    ) -> syntax.Branches:
        merge = target.lower() if target else ""
        if merge not in MERGES:
            raise ParseError(
                f"`branches` can't end in `{merge}`." if merge else "`branches` does not say how its branches meet.",
                place=place,
                remedy="Write `branches -> concat:`, or `add`, `average`, `max`.",
            )
        strange = next((statement for statement in body if not isinstance(statement, syntax.Branch)), None)
        if strange is not None:
            raise ParseError("only `branch` may stand here.", place=strange.place, remedy="Put it under a `branch:`.")
        return syntax.Branches(place, words, merge, tuple(s for s in body if isinstance(s, syntax.Branch)))

    def use(self, place: Place, words: tuple[syntax.Word, ...]) -> syntax.Use:
        if not words or words[0].key:
            raise ParseError("`use` needs the name of a network.", place=place, remedy="For example `use lenet5`.")
        return syntax.Use(place, words[1:], str(words[0].value))

    def words(self, tree: Tree[Token]) -> tuple[syntax.Word, ...]:
        words = tuple(self.flat(tree.children))
        if len(words) > MOST_IN_STATEMENT:
            message = f"this statement has {len(words):,} words, and {MOST_IN_STATEMENT:,} is the limit."
            raise ParseError(message, place=words[MOST_IN_STATEMENT].place)
        return words

    def flat(self, items: Iterable[Any], inside: bool = False) -> Iterator[syntax.Word]:
        """The words of a statement; brackets around a list of arguments add nothing, those inside them make a size."""
        items = list(items)
        for position, item in enumerate(items):
            if not inside and isinstance(item, Tree) and item.data == "group" and _is_call(items, position):
                yield from self.flat(_inside(item), inside=True)
            elif isinstance(item, Tree) and item.data == "keyword":
                key, value = item.children
                place = self.source.span(key, value)
                yield syntax.Word(self.value(value), place, str(key).lower())
            else:
                yield syntax.Word(self.value(item), self.source.span(item, item))

    def value(self, item: Any) -> syntax.Value:
        if isinstance(item, Tree):
            self.check_amount(item)
            if item.data == "call":
                return self.call(item)
            return self.choices(item) if item.data == "choices" else self.size(item)
        match item.type:
            case "VARIABLE":
                return syntax.Variable(str(item)[2:-2].strip())
            case "STRING":
                return syntax.Text(str(item)[1:-1])
        check_separator(str(item), self.source.span(item, item))
        return syntax.read_value(str(item))

    def check_amount(self, tree: Tree[Token]) -> None:
        """Brackets and braces hold only so many values, those in brackets in them counted too."""
        amount = sum(1 for _ in tree.scan_values(lambda _: True))
        if amount > MOST_IN_BRACKETS:
            place = self.source.span(tree, tree)
            raise ParseError(f"these hold {amount:,} values, and {MOST_IN_BRACKETS:,} is the limit.", place=place)

    def call(self, tree: Tree[Token]) -> syntax.Call:
        """`l2(0.0001)`, `max_norm(3, axis=0)`: a name and, in brackets, what it takes."""
        name, _, *arguments, _ = tree.children
        words = self.flat([argument for argument in arguments if argument is not None], inside=True)
        return syntax.Call(str(name), tuple((word.key, word.value) for word in words))

    def size(self, group: Tree[Token]) -> syntax.Size | syntax.Numbers:
        """`(3, 3)` or `((0, 1), (2, 3))`, as Python writes a size; `(0.5, -1)`, numbers that are none."""
        values = [self.value(item) for item in _inside(group)]
        dimensions = [
            part for value in values for part in (value.dimensions if isinstance(value, syntax.Size) else (value,))
        ]
        numbers = tuple(dimension for dimension in dimensions if isinstance(dimension, int | float))
        if not numbers or len(numbers) < len(dimensions):
            place = self.source.span(group, group)
            raise ParseError("brackets here must hold numbers.", place=place, remedy="Write a size as `3x3`.")
        whole = tuple(number for number in numbers if isinstance(number, int))
        return syntax.Size(whole) if len(whole) == len(numbers) else syntax.Numbers(numbers)

    def choices(self, tree: Tree[Token]) -> syntax.Choices:
        words = [part for item in _inside(tree) for part in _range_parts(self.value(item))]
        names = [word.lower if isinstance(word, syntax.Name) else str(word) for word in words]
        place = self.source.span(tree, tree)
        if ".." not in names:
            if not words:
                raise ParseError("these braces are empty.", place=place, remedy="List choices: `{16, 32, 64}`.")
            return syntax.Choices(tuple(words), place=place)
        log = names[-1:] == ["log"]
        ends = [word for word in words if isinstance(word, int | float)]
        if names[1:2] != [".."] or len(ends) != 2 or len(words) != 3 + log or not ends[0] < ends[1]:
            remedy = "Write it as `{0.0001 .. 0.1 log}`, the smaller number first."
            raise ParseError("this range can't be read.", place=place, remedy=remedy)
        return syntax.Choices(tuple(ends), span=True, log=log, place=place)


def _range_parts(value: syntax.Value) -> tuple[syntax.Value, ...]:
    """`4..8` in braces as the three words that `4 .. 8` is; any other value as it is."""
    low, dots, high = str(value).partition("..") if isinstance(value, syntax.Name | syntax.Text) else ("", "", "")
    ends = [syntax.read_value(end) for end in (low, high) if end]
    if not dots or not ends or not all(isinstance(end, int | float) for end in ends):
        return (value,)
    return (*ends[: bool(low)], syntax.read_value(".."), *ends[bool(low) :])


def _inside(tree: Tree[Token]) -> list[Any]:
    """What stands between two brackets."""
    return [item for item in tree.children[1:-1] if item is not None]


def _is_call(items: list[Any], position: int) -> bool:
    """Whether a group is an argument list: it follows the head, or a block's name, and nothing else."""
    return position == 0 or (position == 1 and len(items) == 2 and isinstance(items[0], Token))


def _names_only(words: tuple[syntax.Word, ...]) -> bool:
    return bool(words) and all(isinstance(word.value, syntax.Name) and not word.key for word in words)


def _check_frame(keyword: str, place: Place, suite: bool, body: bool, label: bool, target: bool) -> None:
    """Colon, indented lines, label and arrow stand only where they mean something."""
    needs_suite = keyword in SUITES and keyword != "branch"
    if suite and keyword not in SUITES:
        raise ParseError(f"`{keyword}` opens no block.", place=place, remedy="Take the `:` at its end away.")
    if needs_suite and not suite:
        raise ParseError(no_colon(keyword, place))
    if suite and not body:
        raise ParseError(f"`{keyword}` has no lines in it.", place=place, remedy="Indent the lines that belong to it.")
    if label and keyword in KEYWORDS and keyword not in JOINS:
        raise ParseError(
            f"`{keyword}` can't carry a label.", place=place, remedy="Label a layer: `name <- conv 32 3x3`."
        )
    if target and keyword != "branches":
        remedy = "Layers follow one another, one a line, without an arrow."
        raise ParseError("`->` belongs to `branches` only.", place=place, remedy=remedy)

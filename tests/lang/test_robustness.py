"""Whatever the text: a plan, or a `CnnError` whose places lie inside the text, within two seconds."""

import random
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnnmagic import CnnError, plan
from cnnmagic.lang import limits
from cnnmagic.lang.parser import KEYWORDS
from cnnmagic.layers import ACTIVATIONS, BY_WORD
from cnnmagic.plans import Plan
from tests.lang.cells import CELLS

SECONDS = 2  # of its own process; the slowest text below takes a quarter of it
PATIENT = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
WORDS = [*BY_WORD, *KEYWORDS, *ACTIVATIONS[:5], "output", "se", "bn", "same", "valid", "net", "a", "b"]
PIECES = [
    *("3x3", "3", "64", "/2", "0", "-1", "1e9", "0.5", "?", "?x?x3", "28x28x1", "1/255", "adam", "mnist", "x.npz"),
    *("strides=2", "filters={16, 32}", "lr={1e-4 .. 1e-1 log}", "{{x}}", "{{x.y}}", "{", "}", "(", ")", ",", "=", ":"),
    *("->", "<-", "'", '"', "#", "\\", "\t", "합성곱", "\u00a0", "\u2028", "\x0c", "\x85"),
]


def answer(text: str) -> Plan | CnnError:
    """What `plan` says to a text, which must be one of two things, in time, at a place that is there."""
    result, spent = timed(text)
    if isinstance(result, CnnError):
        check_places(text, result)
        assert (
            any(problem.place for problem in result.problems) or not text.strip("\ufeff \n") or "empty" in str(result)
        )
    # A machine that others use as well may take several times as long for once.
    assert spent < SECONDS or timed(text)[1] < SECONDS
    return result


def timed(text: str) -> tuple[Plan | CnnError, float]:
    """A plan or an error, either told as text, and the seconds of the process that it took."""
    start = time.process_time()
    try:
        result: Plan | CnnError = plan(text, x=3, width=8)
    except CnnError as error:
        result = error
    assert str(result).strip()
    return result, time.process_time() - start


def check_places(text: str, error: CnnError) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for place in filter(None, (problem.place for problem in error.problems)):
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= place.end_column <= len(lines[place.line - 1].expandtabs()) + 2


statements = st.builds(
    lambda depth, head, words, end: "    " * depth + " ".join([head, *words]) + end,
    st.integers(0, 3),
    st.sampled_from(WORDS),
    st.lists(st.sampled_from([*PIECES, *WORDS]), max_size=5),
    st.sampled_from(["", "", "", ":", "  # why"]),
)


@PATIENT
@given(st.text(max_size=300))
@example("\x00")
@example("\ufeff\ufeff%%cnn")
@example("\x0b\x0c\x1c\x85\u2028\u2029")
@example("repeat 1:\n\u3000relu")
@example("\r")
def test_any_text(text):
    answer(text)


@PATIENT
@given(st.lists(statements, max_size=12).map("\n".join))
@example("input 28x28x1\nadd")
@example("input 8x8x1\nbranch")
def test_any_words_of_the_language(text):
    answer(text)


@PATIENT
@given(st.sampled_from(list(CELLS.values())), st.randoms(use_true_random=False), st.integers(1, 6))
def test_any_slip_of_the_keys(cell, chance: random.Random, slips):
    characters = list(cell)
    for _ in range(slips):
        place = chance.randrange(len(characters))
        match chance.randrange(4):
            case 0:
                del characters[place]
            case 1:
                characters.insert(place, chance.choice("(){}=:,#'\"<>-/?x \n\t0한"))
            case 2:
                characters[place] = chance.choice(cell)
            case _:
                other = chance.randrange(len(characters))
                characters[place], characters[other] = characters[other], characters[place]
    answer("".join(characters))


DEEP = "".join("  " * depth + "repeat 1:\n" for depth in range(150)) + "  " * 150 + "relu\n"
CHAIN = "".join(f"block b{n}(f):\n  b{n + 1} f\n" for n in range(100)) + "b0 1\n"
DEEP_CHAIN = "".join(
    f"block b{n}:\n" + "".join(" " * depth + "repeat 1:\n" for depth in range(1, 12)) + " " * 12 + f"b{n + 1}\n"
    for n in range(45)
)
DEEP_CHAIN += "block b45:\n relu\nb0\n"
LARGE = {
    "one_long_word": "a" * 100_000,
    "one_long_number": "conv " + "9" * 90_000,
    "long_line_of_words": "input 8x8x1\nconv " + "relu " * 19_000,
    "long_line_of_strangers": "input 8x8x1\nconv " + "rleu " * 19_000,
    "long_line_of_names": "input 8x8x1\nconv " + "a=1 " * 20_000,
    "many_unknown_layers": "input 8x8x1\n" + "".join(f"con{n}\n" for n in range(11_000)),
    "many_unknown_labels": "input 8x8x1\n" + "".join(f"l{n} <- relu\nadd m{n}\n" for n in range(2000)),
    "many_layers": "input 8x8x1\n" + "relu\n" * 19_000 + "output 3",
    "many_unreadable_lines": "relu =\n" * 14_000,
    "many_labels": "input 8x8x1\n" + "".join(f"l{n} <- relu\n" for n in range(3000)) + "add nothing\n",
    "many_dead_ends": "input 8x8x1\n" + "from input\nrelu\n" * 3000,
    "open_brackets": "(" * 100_000,
    "open_brackets_in_words": "conv " + "(" * 5000 + "1" + ")" * 5000,
    "closing_brackets": ")" * 100_000,
    "braces": "conv " + "{" * 50_000,
    "nested_braces": "conv " + "{" * 3000 + "1" + "}" * 3000,
    "quotes": "'" * 99_999,
    "blank_lines": "\n" * 100_000,
    "blanks": " " * 100_000,
    "comments": "# 한국어\n" * 11_000,
    "equals": "conv " + "a=" * 40_000,
    "deep_suites": "input 8x8x1\n" + DEEP,
    "ever_deeper": "".join(" " * depth + "repeat 1:\n" for depth in range(420)),
    "ever_less_deep": "".join(" " * depth + "relu\n" for depth in range(420, 0, -1)),
    "deep_calls": "input 8x8x1\n" + CHAIN,
    "deep_calls_of_deep_suites": "input 8x8x1\n" + DEEP_CHAIN,
    "nested_repeats": "input 8x8x1\nrepeat 300:\n repeat 300:\n  repeat 300:\n   relu",
    "nested_repeats_of_nothing": "input 8x8x1\n"
    + "".join(" " * n + "repeat 40000:\n" for n in range(5))
    + " " * 5
    + "block b:\n      relu",
    "repeat_of_labels": "input 8x8x1\nrepeat 40000:\n  from input",
    "doubling_blocks": "input 8x8x1\n"
    + "block b0:\n  relu\n"
    + "".join(f"block b{n + 1}:\n  b{n}\n  b{n}\n" for n in range(40))
    + "b40",
    "doubling_channels": "input 8x8x1\nrepeat 2000:\n  branches -> concat:\n    branch\n    branch",
    "huge_filters": "input 8x8x1\n" + "conv 1000000000 1x1\n" * 5,
    "huge_upsample": "input 8x8x1\nrepeat 2000:\n  upsample 1000000000",
    "huge_pad": "input 8x8x1\nrepeat 100:\n  pad 999999999",
    "many_choices": "input 8x8x1\nconv {" + "1, " * 30_000 + "} 3x3",
    "many_variables": "input 8x8x1\nconv " + "{{x}} " * 16_000,
    "long_path": "input 8x8x1\nconv {{x" + "[0]" * 30_000 + "}}",
    "tiny_lines": "r\n" * 50_000,
    "tiny_lines_of_old_macs": "r\r" * 50_000,
    "lines_up_to_the_limit": "input 8x8x1\n" + f"{'conv 8 3 same':<20}\n" * (limits.MOST_LINES - 1),
    "words_up_to_the_limit": "input 8x8x1\n" + ("concat" + " a" * 99 + "\n") * 199,
    "slips_at_the_end": "input 8x8x1\n" + "conv 8 3x3 same bn\n" * 3900 + "conv =\n" * 30,
    "strangers_at_the_end": "input 8x8x1\n" + "conv 8 3x3 same bn\n" * 3900 + "conv 8 rleu\n" * 60,
    "many_blocks_and_slips": "".join(f"block block{n}:\n relu\n" for n in range(1900)) + "blck\n" * 100,
    "many_parameters": f"block b({', '.join(f'p{n}=1' for n in range(9000))}):\n relu\nrepeat 9000:\n b",
    "long_joins_repeated": "input 8x8x1\na <- relu\nrepeat 9000:\n concat" + " a" * 99 + "\n conv 1 1",
    "long_sizes_repeated": "input 8x8x1\nflatten\nrepeat 9000:\n reshape 8x8\n reshape " + "1x" * 40_000 + "64",
    "choices_repeated": "input 8x8x1\nsweep\nrepeat 9000:\n"
    + " conv"
    + "".join(f" {name}={{{'1, ' * 900}1}}" for name in ("filters", "kernel_size", "strides", "dilation_rate")),
    "choices_on_many_lines": "input 8x8x1\nsweep\n" + "conv {1, 2} 1\n" * 3900,
    "doubling_blocks_with_values": "input 8x8x1\nblock b0(f):\n  conv f 1\n"
    + "".join(f"block b{n + 1}(f):\n  b{n} f\n  b{n} f\n" for n in range(40))
    + "b40 1",
    "labels_and_calls": "input 8x8x1\n"
    + "".join(f"l{n} <- relu\n" for n in range(1900))
    + "block b:\n from input\n"
    + "b\n" * 1900,
    "quotes_in_pairs": "input 8x8x1\nconv " + "''" * 40_000,
    "digits_and_a_letter": "input 8x8x1\nconv " + "9" * 90_000 + "a",
    "a_long_fraction": "input 8x8x1\nconv " + "9" * 45_000 + "/" + "9" * 45_000 + "a",
    "many_branches_repeated": "input 8x8x1\nrepeat 5000:\n branches -> add:\n" + "  branch\n" * 3900,
    "many_branches_called": "input 8x8x1\nblock b:\n branches -> add:\n" + "  branch\n" * 1900 + "b\n" * 1900,
    "labels_in_deep_calls": "input 8x8x1\na <- relu\n"
    + "".join(f"block b{n}:\n  l{n} <- relu\n  b{n + 1}\n" for n in range(48))
    + "block b48:\n  repeat 4000:\n   add"
    + " a" * 99
    + "\nb0\n",
    "calls_with_other_values": "input 8x8x1\nblock b(f, g, h):\n conv f 1\n"
    + "".join(f"b {n + 1} 2 3\n" for n in range(3900)),
    "surrogates": "\ud800 \udfff\n" * 20_000,
    "nothing_but_nul": "\x00\n" * 50_000,
    "a_long_path": "data " + "a/" * 40_000 + ".npz\nrelu",
    "a_path_of_nobody": "data ~nobody-of-that-name/a.npz\nrelu",
    "windows": CELLS["lenet5"].replace("\n", "\r\n"),
    "too_long": "relu\n" * 20_001,
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_text(name):
    answer(LARGE[name])


@pytest.mark.parametrize("deep", [limits.DEEPEST_SUITE + 1, 400, 430])
def test_suites_too_deep_are_refused_by_a_limit_at_their_line(deep):
    result = answer("".join(" " * depth + "repeat 1:\n" for depth in range(deep)) + " " * deep + "relu\n")
    assert isinstance(result, CnnError)
    assert f"more than {limits.DEEPEST_SUITE} deep" in str(result)
    assert result.problems[0].place and result.problems[0].place.line == limits.DEEPEST_SUITE + 2


def test_lines_in_brackets_are_no_suites():
    text = "input 8x8x1\nconv(\n" + "".join(" " * depth + "\n#\n" for depth in range(200)) + " " * 200 + "3, 3x3)"
    assert isinstance(answer(text), Plan)


def test_a_long_word_is_told_in_short():
    assert len(str(answer("input 8x8x1\nconv " + "x" * 50_000))) < 2_000


@pytest.mark.parametrize("times", ["1000000000", "50001", "99999999999999999999", "0", "-1", "1.5", "{2, 3}", "?"])
def test_a_repeat_beyond_the_limit_is_refused(times):
    result = answer(f"input 8x8x1\nrepeat {times}:\n    relu\noutput 3")
    assert isinstance(result, CnnError) and result.problems[0].place and result.problems[0].place.line == 2


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("    ", "\t"),
        lambda text: "\n\n" + text + "\n\n",
        lambda text: text.replace("\n", "   \n"),
        lambda text: "".join(f"    {line}\n" for line in text.splitlines()),
        lambda text: text.replace("\n", "  # 한국어 주석 (괄호: '따옴표\n"),
        lambda text: text.replace("vgg(", "블록(").replace("\nvgg ", "\n블록 "),
        str.strip,
    ],
    ids=["crlf", "bom", "tabs", "blank lines", "trailing blanks", "indented", "comments", "korean", "stripped"],
)
def test_a_cell_in_another_dress_is_the_same_cell(name, change):
    result, plain = answer(change(CELLS[name])), answer(CELLS[name])
    assert isinstance(result, Plan) and isinstance(plain, Plan)
    assert [step.layer for step in result.steps] == [step.layer for step in plain.steps]

"""The plan as HTML: the same cells as in the text, each row with its line, nothing of the user's unescaped."""

from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser

import pytest

from cnnmagic.pipeline import make_plan
from cnnmagic.table import HEADER, rows, summary, totals
from cnnmagic.ui.plan_html import LONGEST_OPEN, plan_html

LENET = """data mnist
input 28x28x1
conv 6 5x5 same tanh
avgpool 2
conv 16 5x5 tanh
avgpool 2
flatten
dense 120 tanh
dense 84 tanh
output 10
train epochs=12 batch=128 optimizer=adam"""


class Cells(HTMLParser):
    """The texts of a table's cells, and the tags that were there."""

    def __init__(self, html: str):
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.titles: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.titles.append(dict(attributes).get("title", ""))
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_cells_are_those_of_the_text(golden: Callable[[str, str], None]) -> None:
    plan = make_plan(LENET, {}, first_line=2)
    html = plan_html(plan, "lenet5")
    table = Cells(html)
    assert [tuple(row) for row in table.rows] == [HEADER, *rows(plan), totals(plan)]
    assert table.titles[2:-1] == [line.strip() for line in LENET.splitlines()[2:-1]]
    assert not table.open
    plain = unescape(html.replace("<code>", "").replace("</code>", ""))
    assert all(line.replace("`", "") in plain for line in summary(plan))
    golden("ui/plan.html.txt", html.replace("><", ">\n<"))


@pytest.mark.parametrize("layers", [3, LONGEST_OPEN + 1])
def test_long_tables_are_folded(layers: int) -> None:
    html = plan_html(make_plan("input 64x64x1\n" + "conv 2 1x1\n" * layers, {}))
    assert html.startswith("<details open>") == (layers < LONGEST_OPEN)


def test_text_of_users_is_escaped() -> None:
    text = "input 8x8x1\nconv 2 3x3 # <script>alert('x')</script>\nflatten\noutput 2"
    html = plan_html(make_plan(text, {}), "<b>name</b>")
    assert "script" not in Cells(html).tags
    assert "b" not in Cells(html).tags
    assert "<script" not in html

"""The questions as their reader meets them: each opens with its figure, controls work, a twin trains, in two languages.

axe-core, of Deque Systems, looks for what keeps people out: https://github.com/dequelabs/axe-core.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from cnnmagic.explain.catalogue import QUESTIONS
from cnnmagic.explain.texts import table
from tests.browser.access import violations
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

LOAD = "%load_ext cnnmagic"
CELL = """%%cnn net --wait
data digits
conv 16 3x3 same bn relu
maxpool 2
conv 16 3x3 same relu
flatten
dropout 0.25
dense 32 relu
output 10
train epochs=2 batch=64
seed 1"""
HOSTILE = """import numpy as np
images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8)
told = ['<img src=x onerror="window.hit=1">', "'\\"\\u202eb 🐈 </pre><script>window.hit=1</script>"]
names = np.array(told)[np.arange(60) % 2]"""
HOSTILE_CELL = """%%cnn odd --wait
data {{images}} {{names}}
conv 2 3x3 relu
flatten
output
train epochs=1"""
ENGLISH, KOREAN = (f"%cnn lang {language}\n%cnn ask net" for language in ("en", "ko"))
FIGURE = "svg[role=img], img[src^='data:image/png']"


@pytest.fixture(scope="module")
def trained(shared_lab: Lab) -> Iterator[Notebook]:
    """A notebook with a trained network. Tests that open one of their own stand below those that share this."""
    notebook = shared_lab.open([LOAD, CELL, ENGLISH, KOREAN, "%cnn ask net why softmax"])
    notebook.run_and_wait(0)
    notebook.run_and_wait(1)
    yield notebook
    shared_lab.close()


@pytest.fixture
def asked(trained: Notebook) -> Notebook:
    """The notebook with the questions in sight as they come, in English: all folded."""
    trained.run_and_wait(2)
    return trained


def fold(notebook: Notebook, cell: int, title: str):
    return notebook.output(cell).get_by_role("button", name=re.compile(r"[▸▾] " + re.escape(title)))


def opened(notebook: Notebook, cell: int, title: str):
    """The page of a question, which is opened, with its figure."""
    button = fold(notebook, cell, title)
    button.click()
    page = button.locator("xpath=following-sibling::*[1]")
    page.locator(FIGURE).first.wait_for()
    return page


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_question_opens_with_its_figure(language: str, asked: Notebook, axe: str) -> None:
    cell = 2
    if language == "ko":
        cell = 3
        asked.run_and_wait(cell)
    for question in QUESTIONS:
        title = table(language, question)["title"]
        page = opened(asked, cell, title)
        assert page.locator(f"[lang={language}]").count() >= 1
        fold(asked, cell, title).click()
        expect(page).to_be_hidden()
    opened(asked, cell, table(language, "softmax")["title"])
    assert violations(asked, cell, axe) == []


def test_free_words_open_the_question(asked: Notebook) -> None:
    asked.run_and_wait(4)
    asked.output(4).get_by_text("Probabilities at temperature 1").wait_for()
    box = asked.output(4).get_by_placeholder("ask in your own words")
    box.fill("필터 크기는 항상 홀수인가요?")
    box.press("Enter")
    asked.output(4).get_by_text("Drawn on image 0").wait_for()
    box.fill("two pizzas, please")
    box.press("Enter")
    asked.output(4).get_by_text("no question fits “two pizzas, please”").wait_for()


def test_a_twin_shows_both_curves(asked: Notebook) -> None:
    page = opened(asked, 2, "Are filter sizes always odd?")
    page.get_by_role("button", name="Train the twin with 4x4 windows").click()
    page.get_by_text("net_odd_filters: finished").wait_for(timeout=60_000)
    curve = page.locator("svg[aria-label^='validation loss']")
    label = curve.get_attribute("aria-label") or ""
    assert "net" in label and "net_odd_filters" in label
    page.get_by_text("%%cnn net_odd_filters").wait_for()


def test_numbers_and_lists_change_the_answer(asked: Notebook) -> None:
    page = opened(asked, 2, "How does a convolution work")
    step = page.get_by_label("step")
    step.focus()
    step.press("ArrowUp")
    page.get_by_text("row 4, column 5").first.wait_for()
    page.get_by_role("combobox").select_option("line5_conv")
    page.get_by_text("filter 0 of line5_conv").first.wait_for()


def test_the_keyboard_reaches_a_question(asked: Notebook) -> None:
    asked.output(2).get_by_placeholder("ask in your own words").focus()
    asked.page.keyboard.press("Tab")
    asked.page.keyboard.press("Enter")
    asked.output(2).get_by_text("all the arithmetic of this network").wait_for()


def test_the_dashboard_has_a_page_of_questions(lab: Lab) -> None:
    notebook = lab.open([LOAD, CELL.replace(" --wait", "").replace("epochs=2", "epochs=2000"), "net.stop()"])
    notebook.run_and_wait(0)
    notebook.run_and_wait(1)
    output = notebook.output(1)
    output.get_by_text(re.compile(r"epoch [2-9] of")).first.wait_for()
    output.get_by_role("tab", name="Questions").click()
    opened(notebook, 1, "Why softmax on the last fully connected layer?")
    notebook.run_and_wait(2)
    output.locator("img[alt^='net stopped']").wait_for()
    output.get_by_text("Probabilities at temperature 1").wait_for()


def test_names_of_classes_are_text_on_the_page(lab: Lab) -> None:
    notebook = lab.open([LOAD, HOSTILE, HOSTILE_CELL, "%cnn ask odd"])
    for cell in range(4):
        notebook.run_and_wait(cell)
    for question in ("confusion", "softmax", "features", "gradcam"):
        opened(notebook, 3, table("en", question)["title"])
    notebook.output(3).get_by_text('<img src=x onerror="window.hit=1">').first.wait_for(state="attached")
    notebook.save()
    notebook.reload()
    assert notebook.page.evaluate("window.hit") is None

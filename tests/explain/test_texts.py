"""The files of words: two languages with the same keys and the same places for values, and works to read."""

import re
from importlib.resources import files
from string import Formatter

import pytest

import cnnmagic
from cnnmagic.errors import CnnError
from cnnmagic.explain import language
from cnnmagic.explain.catalogue import QUESTIONS, answer, applying, title_of
from cnnmagic.explain.language import set_language
from cnnmagic.explain.questions.next import works
from cnnmagic.explain.texts import table
from tests.explain.reading import CELLS, DIGITS

FILES = [*QUESTIONS, "panel", "report"]
OWN = {"address", "columns"}  # what a language may say otherwise


def flat(told: object, name: str = "") -> dict[str, object]:
    if isinstance(told, dict):
        return {key: value for part, inner in told.items() for key, value in flat(inner, f"{name}.{part}").items()}
    return {name: told}


def places(text: object) -> set[str]:
    return {str(name) for _, name, _, _ in Formatter().parse(str(text)) if name}


@pytest.mark.parametrize("question", FILES)
def test_both_languages_have_the_same_keys_and_places(question: str) -> None:
    english, korean = (flat(table(name, question)) for name in ("en", "ko"))
    assert english.keys() == korean.keys()
    for key in english:
        assert places(english[key]) == places(korean[key]), key
        assert bool(english[key]) and bool(korean[key])


@pytest.mark.parametrize("question", FILES)
def test_korean_is_korean(question: str) -> None:
    for key, text in flat(table("ko", question)).items():
        if isinstance(text, str) and not key.endswith((".address", "link.title", ".unit", "drawn", "busy", "heat")):
            assert re.search("[가-힣]", text), key


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_number_has_a_label_and_a_source(question: str) -> None:
    for told in table("en", question).get("numbers", {}).values():
        assert told["label"] and told["source"]


def test_no_file_is_without_its_question() -> None:
    for name in ("en", "ko"):
        found = {
            path.name.removesuffix(".toml") for path in files("cnnmagic.explain").joinpath(f"locale/{name}").iterdir()
        }
        assert found == {*FILES, "find"}


@pytest.mark.parametrize("cell", CELLS)
def test_numbers_are_the_same_in_both_languages(cell: str) -> None:
    plan = cnnmagic.plan(CELLS[cell])
    for question in applying(plan):
        told = {}
        for name in ("en", "ko"):
            set_language(name)
            told[name] = answer(question, plan)
        one, other = told["en"], told["ko"]
        assert [number.value for number in one.numbers] == [number.value for number in other.numbers]
        assert one.title != other.title and "{" not in other.title
        assert (one.experiment is None) == (other.experiment is None)
        if one.experiment and other.experiment:
            assert one.experiment.text == other.experiment.text
        assert str(other) and other._repr_html_().count("<") > 3


def test_the_language_is_chosen_by_word_variable_or_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_chosen", [])
    for variable in ("CNNMAGIC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    assert language.language() == "en"
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert language.language() == "ko"
    assert title_of("pooling") == "풀링은 무엇을 하나요?"
    monkeypatch.setenv("CNNMAGIC_LANG", "en")
    assert language.language() == "en"
    set_language("Korean")
    assert language.language() == "ko"
    with pytest.raises(CnnError, match="no answers in `fr`"):
        set_language("fr")


def test_works_to_read_are_told_whole() -> None:
    plan = cnnmagic.plan(DIGITS)
    told = answer("next", plan).text
    for work in works():
        assert 1950 < int(work["year"]) <= 2026 and work["address"].startswith("https://")
        assert work["why_en"] and re.search("[가-힣]", work["why_ko"])
    assert "Batch normalization" in told and "Dropout" in told and "residual" not in told

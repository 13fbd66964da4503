"""What all tests of answers need: the language as it was."""

from collections.abc import Iterator

import pytest

from cnnmagic.explain import language


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answers are in English unless a test chooses otherwise."""
    monkeypatch.setattr(language, "_chosen", ["en"])
    yield

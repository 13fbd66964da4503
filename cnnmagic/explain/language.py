"""The language of the answers: of the session where it was chosen, else of the environment, else English."""

from __future__ import annotations

import os

from cnnmagic.errors import CnnError
from cnnmagic.wording import listed

LANGUAGES = {"en": "English", "ko": "한국어"}
VARIABLE = "CNNMAGIC_LANG"
_chosen: list[str] = []  # at most one: what `%cnn lang` has set


def language() -> str:
    """The language in force: `en` or `ko`."""
    if _chosen:
        return _chosen[-1]
    for name in (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG"):
        start = os.environ.get(name, "")[:2].lower()
        if start:
            return start if start in LANGUAGES else "en"
    return "en"


def set_language(name: str) -> None:
    """Answer in this language from now on: `en` or `ko`; raises `CnnError` for another."""
    wanted = {"english": "en", "korean": "ko", "한국어": "ko", "영어": "en"}.get(name.lower(), name.lower())
    if wanted not in LANGUAGES:
        raise CnnError(f"there are no answers in `{name}`.", remedy=f"There are {listed(LANGUAGES)}.")
    _chosen[:] = [wanted]

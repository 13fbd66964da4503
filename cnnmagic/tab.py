"""Connects the Tab key to `completion`: a matcher of IPython's that answers in `%%cnn` cells and on `%cnn` lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

if TYPE_CHECKING:
    from cnnmagic.magic import CnnMagics

IDENTIFIER = "cnnmagic"
FIRST = 100
FILES = frozenset({"IPCompleter.file_matcher"})

Matcher = Callable[[CompletionContext], SimpleMatcherResult]


def register(shell: Any, magics: CnnMagics) -> None:
    """Let the Tab key know the language; `magics.session` is made only when a cell of ours is completed."""
    unregister(shell)
    shell.Completer.custom_matchers.append(matcher(magics))


def unregister(shell: Any) -> None:
    """Leave the Tab key as it was."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [kept for kept in matchers if getattr(kept, "matcher_identifier", "") != IDENTIFIER]


def matcher(magics: CnnMagics) -> Matcher:
    """The matcher over the networks of a session."""

    @context_matcher(priority=FIRST, identifier=IDENTIFIER)
    def match(context: CompletionContext) -> SimpleMatcherResult:
        # Every Tab in any cell comes by here, and the language is imported only where it is used.
        if "%cnn" not in context.full_text:
            return SimpleMatcherResult(completions=[])
        return _match(context, magics)

    return match


def _match(context: CompletionContext, magics: CnnMagics) -> SimpleMatcherResult:
    from cnnmagic.completion import complete
    from cnnmagic.zoo import zoo_names

    lines = context.full_text.split("\n")
    cursor = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
    found = complete(context.full_text, cursor, tuple(magics.session.known), zoo_names())
    completions = [SimpleCompletion(text=one.text, type=one.kind) for one in found.candidates]
    if not completions and not found.others:
        # IPython lets no matcher answer "nothing, and let nobody else answer": what is there already says as much.
        completions = [SimpleCompletion(text=context.full_text[found.start : cursor], type="text")]
    return SimpleMatcherResult(
        completions=completions,
        matched_fragment=context.full_text[found.start : cursor],
        ordered=True,
        suppress=True,
        do_not_suppress=set(FILES) if found.others == "files" else set(),
    )

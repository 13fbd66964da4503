"""`kernel_regularizer=l2(0.0001)`: a call to the rule for weights that it stands for."""

from __future__ import annotations

from typing import Any

from cnnmagic.errors import PlanError
from cnnmagic.lang import syntax
from cnnmagic.layers.weight_rules import RULES, WeightRule, kind_of, word_of
from cnnmagic.wording import closest, listed, sentence

WORDS = ("mode", "distribution")
OTHER_NAMES = ("uniform", "normal", "one", "zero", "identityinitializer", "identity_initializer")


def read_call(argument: str, call: syntax.Call) -> WeightRule:
    """The initializer, regularizer or constraint that a call gives to an argument; raises `PlanError`."""
    kind = kind_of(argument)
    if not kind:
        remedy = "Initializers, regularizers and constraints do: `kernel_regularizer=l2(0.0001)`."
        raise PlanError(f"`{argument}` takes no `{call}`.", remedy=remedy)
    class_name = _class_name(kind, call.name)
    names = RULES[kind][class_name]
    given: dict[str, Any] = {}
    for position, (key, value) in enumerate(call.arguments):
        name = key or (names[position] if position < len(names) else "")
        if name not in names or name in given:
            what = f"`{key or value}` is no argument of `{call.name}`, or one too many."
            raise PlanError(what, remedy=f"It takes {listed(names) or 'none'}.")
        given[name] = _plain(name, value, call)
    return WeightRule(kind, class_name, tuple((name, given[name]) for name in names if name in given))


def check_rule(argument: str, written: str) -> None:
    """Raise `PlanError` where a word is no rule for weights that Keras knows by name."""
    kind = kind_of(argument)
    if kind and written.lower() not in OTHER_NAMES:
        _class_name(kind, written)


def _class_name(kind: str, written: str) -> str:
    """Keras's class for `l2`, `L2` or `keras.regularizers.L2`."""
    name = written.rsplit(".", 1)[-1].lower()
    known = {word: class_name for class_name in RULES[kind] for word in (class_name.lower(), word_of(class_name))}
    if name not in known:
        words = [word_of(class_name) for class_name in RULES[kind]]
        near = closest(name, words)
        raise PlanError(sentence(f"no {kind} `{written}`{near}"), remedy="" if near else f"There are {listed(words)}.")
    return known[name]


def _plain(name: str, value: syntax.Value, call: syntax.Call) -> Any:
    match value:
        case int() | float() if name not in WORDS:
            return value
        case syntax.Name() | syntax.Text() if name in WORDS:
            return str(value).lower()
        case syntax.Size(dimensions=sizes) if name == "axis" and None not in sizes:
            return sizes
    raise PlanError(f"`{name}` in `{call}` is not {'a word' if name in WORDS else 'a number'}.")

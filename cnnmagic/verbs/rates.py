"""The verb that finds a learning rate, and the rate that it found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.pipeline import load_data, retrained
from cnnmagic.plans import Plan, Training
from cnnmagic.rate_search import RateSearch, Tell
from cnnmagic.rates import RateCurve
from cnnmagic.run import Run
from cnnmagic.session import Session

FOUND = ("lr=found", "learning_rate=found")


def lrfind(session: Session, name: str | None) -> None:
    """Find a learning rate: train a copy of a network with rising rates, show the losses, and suggest one."""
    chosen, plan = session.find_plan(name)
    search = _search(session, chosen, plan)
    search.start()
    if not session.is_notebook:
        _tell(search, trains=not plan.choices)
        return
    from cnnmagic.ui.range_view import RangeView

    view = RangeView(search, None if plan.choices else partial(_train, session, chosen, plan))
    view.show()
    if session.waits():
        view.painted.wait()


def with_found_rate(session: Session, name: str, plan: Plan, words: list[str]) -> list[str]:
    """The words of a training with the number in place of `lr=found`; raises `RunError` where none was found."""
    others = [word for word in words if word.lower() not in FOUND]
    if len(others) == len(words):
        return words
    if name not in session.found_rates:
        raise RunError(f"no rate has been found for {name}.", remedy=f"`%cnn lrfind {name}` finds one.")
    tested, curve = session.found_rates[name]
    if curve.suggested is None:
        raise RunError(f"the range test of {name} came to no rate.", remedy=curve.reason)
    print(f"learning rate {curve.suggested:g}, as `%cnn lrfind {name}` found it")
    if _matters(tested) != _matters(retrained(plan, " ".join(others))):
        print(f"{name} is not as it was then: `%cnn lrfind {name}` may find another rate")
    return [*others, f"lr={curve.suggested!r}"]


def _matters(plan: Plan) -> object:
    """What a found rate depends on."""
    training = plan.training or Training()
    return plan.steps, training.optimizer, training.batch_size, training.precision


def _search(session: Session, name: str, plan: Plan) -> RateSearch:
    found = session.find(name)
    if isinstance(found, Run) and not found.is_done:
        remedy = f"`%cnn wait {name}` waits for its end, `%cnn stop {name}` ends it."
        raise RunError(f"{name} is {found.state.phase}, and the test would slow it down.", remedy=remedy)
    if plan.source is None:
        raise RunError(f"{name} has no data to try rates on.", remedy="Give it a line such as `data digits`.")
    plan = retrained(plan, "")  # raises where there is no output to train
    dataset = found.dataset if isinstance(found, Run) else load_data(plan)
    session.say_loading()
    training = plan.training or Training()

    from cnnmagic.engine.range_test import copy_of, range_test

    model = copy_of(plan)

    def test(tell: Tell, stopped: Callable[[], bool]) -> RateCurve:
        return range_test(model, dataset, training.batch_size, plan.seed or 0, tell, stopped)

    return RateSearch(name, test, lambda curve: session.found_rates.update({name: (plan, curve)}))


def _tell(search: RateSearch, trains: bool) -> None:
    """Follow a search in a terminal, and print what it found; and how it `trains` with it, if it can."""
    from cnnmagic.ui.range_chart import range_text
    from cnnmagic.ui.terminal import follow_search

    follow_search(search)
    if search.error is not None:
        raise search.error
    if search.curve is not None:
        print(range_text(search.curve, search.name))
        if search.curve.suggested is not None and trains:
            print(f"\n`%cnn train {search.name} --lr found` trains with it.")


def _train(session: Session, name: str, plan: Plan, rate: float) -> Any:
    """Start a training with a rate; its dashboard."""
    return session.dashboard_of(session.start(name, retrained(plan, f"lr={rate!r}")))

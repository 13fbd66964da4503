"""Is the learning rate right?"""

from __future__ import annotations

from cnnmagic.diagnosis import ENOUGH_BATCHES, Diagnosis, diagnose
from cnnmagic.explain.answer import Answer, Experiment, Number
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import twin_of, with_train
from cnnmagic.layers.written import number_text
from cnnmagic.plans import Plan, Training
from cnnmagic.state import RunState

# Rates of Keras 3 where a cell gives none.
DEFAULTS = {"sgd": 0.01, "adafactor": 0.001, "ftrl": 0.001, "ScheduleFreeAdamW": 0.0025} | dict.fromkeys(
    ("adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion", "lamb", "muon"), 0.001
)
NO_NUMBERS = ("loss is NaN", "loss is infinite", "beyond all numbers", "no numbers any more")
FAR_WORSE = 10  # times the loss of guessing, which no training comes to whose rate is right, however short it was
TOO_LOW = ("rate too low", "learns nothing")


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The rate in force, what the losses say of it, and a tenth or ten times of it to try."""
    if plan.output is None:
        return None
    words, training = Words("learning-rate"), plan.training or plan.recipe or Training()
    rate = _rate(training, state)
    values = {"optimizer": training.optimizer, "schedule": training.schedule}
    numbers = [] if rate is None else [words.number("rate", rate, **values)]
    if (broke := _broke_off(state)) or state is None or not state.history:
        text = words.all("text", "diverged" if broke else "missing", **values, why=broke)
        return words.answer(text, tuple(numbers), None, _experiment(plan, rate, None, words))
    found = next((one for one in diagnose(state) if one.question == "learning-rate"), None)
    numbers += _measured(state, words)
    parts = [words("text", **values), _verdict(state, found, words), words("finder")]
    return words.answer("\n\n".join(parts), tuple(numbers), probe.curves(), _experiment(plan, rate, found, words))


def _verdict(state: RunState, found: Diagnosis | None, words: Words) -> str:
    done = sum(point.batches for point in state.points)
    if found is not None:
        return words("verdict_" + found.kind.replace(" ", "_"))
    if state.chance and state.history[-1]["loss"] > FAR_WORSE * state.chance:
        return words("far_worse", **_fall(state), guessing=state.chance)
    if done < ENOUGH_BATCHES:
        return words("early", batches=done, enough=ENOUGH_BATCHES)
    return words("fine", **_fall(state))


def _broke_off(state: RunState | None) -> str:
    """What ended a training whose loss or weights became no numbers; empty for any other."""
    told = state.failure.partition(": ")[2] if state is not None else ""  # without the kind of error
    return told if any(sign in told for sign in NO_NUMBERS) else ""


def _rate(training: Training, state: RunState | None) -> float | None:
    """The rate of the run, of the cell, or of Keras."""
    if state is not None and state.peak_rate:
        return state.peak_rate
    return training.learning_rate or DEFAULTS.get(training.optimizer)


def _measured(state: RunState, words: Words) -> list[Number]:
    first, last = state.history[0]["loss"], state.history[-1]["loss"]
    found = [words.number("first", first, images=state.images), words.number("last", last, epoch=len(state.history))]
    if state.chance:
        found.append(words.number("chance", state.chance, classes=len(state.classes)))
    return found


def _fall(state: RunState) -> dict[str, float]:
    return {"first": state.history[0]["loss"], "last": state.history[-1]["loss"], "epochs": len(state.history)}


def _experiment(plan: Plan, rate: float | None, found: Diagnosis | None, words: Words) -> Experiment | None:
    if rate is None:
        return None
    other = float(f"{rate * 10 if found and found.kind in TOO_LOW else rate / 10:.6g}")
    text = with_train(plan, f"lr={number_text(other)}")
    return twin_of(plan, words("button", rate=number_text(other)), text)

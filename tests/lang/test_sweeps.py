"""The `sweep` line and its braces: what is read, what is refused, and the text with values in their place."""

import pytest

from cnnmagic import PlanError, plan
from cnnmagic.lang.sweeps import filled_text, trials_of, without_workers
from cnnmagic.plans import Sweep

HEAD = "data digits\ninput 8x8x1\n"
NET = "conv {4, 8} 3x3\nflatten\noutput\ntrain"

LINES = {
    "sweep": Sweep(),
    "sweep random trials=12 goal=val_accuracy seed=0": Sweep(trials=12, seed=0),
    "sweep grid": Sweep(method="grid"),
    "sweep tpe 30 val_loss": Sweep(method="tpe", trials=30, goal="val_loss"),
    "sweep goal=loss prune=no": Sweep(goal="loss", prune=False),
    "sweep random trials=12 workers=4": Sweep(trials=12, workers=4),
    "sweep 3 workers=2": Sweep(trials=3, workers=2),
}


@pytest.mark.parametrize("line", LINES)
def test_line(line: str) -> None:
    assert plan(f"{HEAD}{NET}\n{line}").sweep == LINES[line]


CHOICES = {
    "conv {4, 8} {3x3, 5x5} {relu, tanh}": ["filters 4 8", "kernel_size 3x3 5x5", "activation relu tanh"],
    "conv 4 3x3\ndropout {0.1 .. 0.5}": ["rate 0.1 0.5"],
    "conv {2 .. 6} kernel=3": ["filters 2 6"],
    "conv {2..6} kernel=3": ["filters 2 6"],
    "conv 4 3x3\ndropout {.1...5}": ["rate 0.1 0.5"],
    "repeat {1, 2}:\n    conv 4 3x3 same": ["repeat 1 2"],
    "block b(f, g=3):\n    conv f g same\n    conv f g same\nb {4, 8}\nb {2, 4} 1": ["filters 4 8", "filters 2 4"],
    "conv 4 3x3\ndropout {0.1, 1e-5}": ["rate 0.1 1e-05"],
    "conv 4 3x3 kernel_initializer={he_normal, zeros}": ["kernel_initializer he_normal zeros"],
}


@pytest.mark.parametrize("layers", CHOICES)
def test_choices(layers: str) -> None:
    text = f"{HEAD}{layers}\nflatten\noutput\ntrain\nsweep"
    found = plan(text).choices
    assert [f"{choice.argument} {' '.join(choice.written)}" for choice in found] == CHOICES[layers]
    lines = text.split("\n")
    for choice in found:
        assert choice.place is not None
        braces = lines[choice.place.line - 1][choice.place.column - 1 : choice.place.end_column - 1]
        assert (braces[0], braces[-1]) == ("{", "}")
        assert choice.line == choice.place.line


REFUSED = {
    "conv 4 3x3\nflatten\noutput\ntrain\nsweep": "`sweep` has nothing to choose from",
    f"{NET}": "a choice in braces needs a `sweep` line",
    f"{NET}\nsweep bayes": "no way `bayes` to pick combinations.",
    f"{NET}\nsweep tep": "no way `tep` to pick combinations; did you mean `tpe`?",
    f"{NET}\nsweep goal=val_acuracy": "no goal `val_acuracy`; did you mean `val_accuracy`?",
    f"{NET}\nsweep trials=0": "`trials=0`: `0` is not a whole number of at least 1.",
    f"{NET}\nsweep seed=-1": "`-1` is not a whole number from 0 on.",
    f"{NET}\nsweep\nsweep": "a second `sweep`; the first is on line 7",
    f"{NET} lr={{0.1 .. 1}}\nsweep grid": "a grid needs lists, and {0.1 .. 1} is a range.",
    f"resize {{8x8, 9x9}}\n{NET}\nsweep": "a choice can't be made here.",
    f"{NET} batch={{{', '.join(map(str, range(1, 502)))}}}\nsweep grid": "comes to 1,002 trainings, and 1,000 is",
    f"{NET}\nsweep workers=0": "`workers=0`: `0` is not a whole number of at least 1.",
    f"{NET}\nsweep workers=two": "`workers=two`: `two` is not a whole number of at least 1.",
    f"{NET}\nsweep wrkers=2": "`sweep` has no argument `wrkers`; did you mean `workers`?",
    f"{NET} workers=2\nsweep workers=4": "`sweep workers=4` trains each trial in one task, and `train workers` shares",
    f"{NET} devices=all\nsweep workers=2": "and `train devices` shares it out",
    f"{NET} workers={{1, 2}}\nsweep workers=2": "and `train workers` shares it out",
    f"{NET} lr={{-1 .. 1 log}}\nsweep": "`-1` is not a number above 0.",
    "conv 4 3x3\ngaussiannoise {0.1, 0.2}\nflatten\noutput\ntrain\nsweep": "takes no choices.",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan(HEAD + text)
    assert REFUSED[text] in str(caught.value)


def test_what_clashes_with_workers_is_told_at_their_word() -> None:
    with pytest.raises(PlanError) as caught:
        plan(f"{HEAD}{NET} devices=2\nsweep grid workers=3")
    (problem,) = caught.value.problems
    assert problem.place is not None
    assert (problem.place.line, problem.place.column, problem.place.end_column) == (7, 12, 21)


def test_one_device_for_each_trial_goes_with_workers() -> None:
    assert plan(f"{HEAD}{NET} devices=1\nsweep workers=3").sweep == Sweep(workers=3)


def test_choices_of_a_text_that_is_taken_over_are_refused() -> None:
    from cnnmagic.pipeline import make_plan

    with pytest.raises(PlanError, match="in the text that `use` takes over"):
        make_plan("data digits\nuse other\ntrain\nsweep", {}, texts={"other": f"{NET}\nsweep"})


COUNTS = {
    "sweep": 4,
    "sweep grid": 4,
    "sweep trials=3": 3,
    "sweep grid trials=2": 2,
    "sweep trials=50": 4,
}


@pytest.mark.parametrize("line", COUNTS)
def test_trials_are_no_more_than_there_are_combinations(line: str) -> None:
    planned = plan(f"{HEAD}{NET} batch={{16, 32}}\n{line}")
    assert planned.sweep is not None
    assert trials_of(planned.sweep, planned.choices) == COUNTS[line]


NOTES = {
    f"{NET}\nsweep": "the sweep trains all 2 combinations, picked at random, for the highest val_accuracy",
    f"{NET}\nsweep grid val_loss": "the sweep trains all 2 combinations, in a random order, for the lowest val_loss",
    f"{NET} lr={{1e-4 .. 1 log}}\nsweep tpe 20": "the sweep trains 20 of countless combinations, "
    "picked by what the trainings before have shown (TPE), for the highest val_accuracy",
    f"{NET}\nsweep workers=2": "the sweep trains all 2 combinations, picked at random, for the highest "
    "val_accuracy, 2 at a time on the Spark cluster",
    f"{NET}\nsweep trials=9": "there are 2 combinations, and `trials=9` asks for more",
}


@pytest.mark.parametrize("text", NOTES)
def test_the_plan_tells_what_the_sweep_comes_to(text: str) -> None:
    assert NOTES[text] in plan(HEAD + text).notes


FILLED = {
    "conv {4, 8} {3x3, 5x5}  # two {braces}\nflatten\noutput\ntrain lr={1e-2, 1e-3}\nsweep  # go": (
        ("8", "5x5", "0.001"),
        "conv 8 5x5  # two {braces}\nflatten\noutput\ntrain lr=0.001\n",
    ),
    "Conv2D(filters={4,\n   8}, kernel_size=3)\nsweep\nflatten\noutput\ntrain": (
        ("8",),
        "Conv2D(filters=8, kernel_size=3)\n\nflatten\noutput\ntrain\n",
    ),
}


@pytest.mark.parametrize("text", FILLED)
def test_values_take_the_place_of_braces(text: str) -> None:
    values, wanted = FILLED[text]
    planned = plan(HEAD + text)
    places = {c.place: value for c, value in zip(planned.choices, values, strict=True) if c.place}
    assert planned.sweep is not None
    filled = filled_text(planned.text, 1, places, planned.sweep.place)
    assert filled == HEAD + wanted
    assert plan(filled).choices == ()


WITHOUT_WORKERS = {
    "conv 4\nsweep random trials=12 workers=4\ntrain": "conv 4\nsweep random trials=12\ntrain",
    "sweep workers=2 random  # workers=3": "sweep random  # workers=3",
    "SWEEP grid, workers = {{n}}": "SWEEP grid",
    "Sweep grid, WORKERS = 12, trials=3": "Sweep grid, trials=3",
    "train workers=2\nsweep  # workers=3": None,
}


@pytest.mark.parametrize("text", WITHOUT_WORKERS)
def test_workers_are_no_matter_to_what_is_swept(text: str) -> None:
    assert without_workers(text) == (WITHOUT_WORKERS[text] or text)

"""What the trials of a sweep train: for values of its choices the text, the plan, and the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnmagic.engine.splits import fingerprint
from cnnmagic.errors import DataError
from cnnmagic.integrations.study import names_of
from cnnmagic.lang.sweeps import filled_text
from cnnmagic.pipeline import load_data, make_plan
from cnnmagic.plans import Plan, Sweep, Training


@dataclass(frozen=True)
class Given:
    """What a cell needs besides its text: the notebook's variables, texts that it may use, data in place of its own."""

    variables: Mapping[str, Any]
    texts: Mapping[str, str]
    data: Any = None


class Cells:
    """The cells of a swept plan, one for each way to choose; `names` are those of its choices, `seed` is the sweep's.

    The splits of the data are read once for all cells that share them.
    """

    def __init__(self, plan: Plan, given: Given):
        assert plan.sweep is not None  # only a plan with a `sweep` line comes here
        self.plan, self.given, self.options = plan, given, plan.sweep
        self.names = names_of(plan.choices)
        self.seed = next((seed for seed in (plan.sweep.seed, plan.seed) if seed is not None), 0)
        self._datasets: dict[object, Any] = {}

    def text_of(self, values: Mapping[str, str]) -> str:
        """The cell with values in place of the braces, without the `sweep` line, the seed written down."""
        places = {choice.place: values[name] for name, choice in self.names.items() if choice.place}
        text = filled_text(self.plan.text, self.plan.first_line, places, self.options.place)
        text += "" if self.plan.training else "train\n"
        return text + ("" if self.plan.seed is not None else f"seed {self.seed}\n")

    def plan_of(self, values: Mapping[str, str]) -> Plan:
        """The plan of these values; raises `CnnError` where they can't be planned."""
        given = self.given
        return make_plan(self.text_of(values), given.variables, self.plan.first_line, given.data, given.texts)

    def dataset_of(self, plan: Plan) -> Any:
        """The splits for a plan; raises `DataError`."""
        training = plan.training or Training()
        key = (training.validation, plan.input_shape)
        if key not in self._datasets:
            self._datasets[key] = load_data(plan)
        dataset = self._datasets[key]
        _check_goal(self.options, dataset)
        return dataset

    def fingerprint(self) -> str:
        """That of the data that the first value of each choice trains on; raises `DataError`."""
        first = self.plan_of({name: choice.written[0] for name, choice in self.names.items()})
        return fingerprint(self.dataset_of(first))


def _check_goal(options: Sweep, dataset: Any) -> None:
    if options.goal.startswith("val_") and not len(dataset.validation):
        message = f"there are no validation images, and the sweep's goal is {options.goal}."
        raise DataError(message, remedy=f"Write `train validation=0.1`, or `sweep goal={options.goal[4:]}`.")

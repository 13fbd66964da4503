"""What happens in a training, and what its user asks of it: the only words between the thread and the rest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """The first batch is about to be trained.

    `batches` make an epoch, `images` is the size of the training split, `learning_rate` the one that a schedule scales.
    A training that goes on stands in `epoch` (from 1), of which `batch` batches are done. `classes` are their names,
    `chance` is the loss of one who knows how frequent each class is, and nothing else.
    """

    epochs: int
    batches: int
    batch_size: int
    images: int
    device: str
    precision: str
    learning_rate: float
    time: float
    epoch: int = 1
    batch: int = 0
    classes: tuple[str, ...] = ()
    chance: float = 0.0


@dataclass(frozen=True)
class BatchEnded:
    """Batches up to number `batch` of `epoch` (both from 1) are done.

    `loss` and `metrics` are means over the images since the event before, `images_per_second` is over the same stretch.
    """

    epoch: int
    batch: int
    loss: float
    metrics: dict[str, float]
    learning_rate: float
    images_per_second: float
    time: float


@dataclass(frozen=True)
class EpochEnded:
    """A whole epoch is done and validated; `logs` are Keras's: loss, accuracy, val_loss, val_accuracy."""

    epoch: int
    logs: dict[str, float]
    learning_rate: float
    seconds: float
    images_per_second: float
    time: float


@dataclass(frozen=True)
class Validating:
    """The training batches of an epoch are done and the validation images are being judged."""

    time: float


@dataclass(frozen=True)
class ClassesSeen:
    """What the network takes `images` of the `whole` validation images for, after an epoch.

    `cells` are (number of the true class, number of the answered class, images), where there are any.
    """

    epoch: int
    images: int
    whole: int
    cells: tuple[tuple[int, int, int], ...]

    @property
    def is_whole(self) -> bool:
        """Whether all validation images were looked at."""
        return self.images == self.whole > 0

    @property
    def actual(self) -> set[int]:
        """The numbers of the classes that have an image among them."""
        return {actual for actual, _, _ in self.cells}


@dataclass(frozen=True)
class LayerNumbers:
    """A layer after an epoch: `dead` of its `channels` are 0 for every image seen; 0 channels where it has no ReLU.

    `activation` is the root mean square of its outputs, `weights` and `gradient` are Euclidean norms, where asked for.
    """

    name: str
    activation: float
    dead: int = 0
    channels: int = 0
    weights: float | None = None
    gradient: float | None = None


@dataclass(frozen=True)
class LayersSeen:
    """What the layers give for `images` images, after an epoch."""

    epoch: int
    images: int
    layers: tuple[LayerNumbers, ...]


@dataclass(frozen=True)
class Paused:
    """The training waits for Resume or Stop."""

    time: float


@dataclass(frozen=True)
class Resumed:
    """The training goes on after a pause of `seconds`."""

    seconds: float
    time: float


@dataclass(frozen=True)
class LearningRateSet:
    """The user's rate is in force from the next batch on: as it is, or as the peak that a schedule scales."""

    peak_rate: float
    learning_rate: float


@dataclass(frozen=True)
class Queued:
    """The device is taken by the training of the run named `behind`."""

    behind: str


@dataclass(frozen=True)
class Reading:
    """The images are read and checked before the first batch: so many of the whole are done."""

    done: int
    whole: int


@dataclass(frozen=True)
class Noted:
    """Something that the user should know of this training."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The training is over; `reason` is `finished`, `stopped` (by the user) or `stopped early` (by `early_stop`)."""

    reason: str
    time: float


@dataclass(frozen=True)
class Failed:
    """The training broke off."""

    error: BaseException
    time: float


Event = (
    Queued | Reading | Started | BatchEnded | EpochEnded | Validating | ClassesSeen | LayersSeen | Paused | Resumed
    | LearningRateSet | Noted | Finished | Failed
)  # fmt: skip


@dataclass(frozen=True)
class Stop:
    """End the training after the batch under way."""


@dataclass(frozen=True)
class Pause:
    """Wait after the batch under way."""


@dataclass(frozen=True)
class Resume:
    """Go on."""


@dataclass(frozen=True)
class SetLearningRate:
    """Train with this rate from the next batch on; under a schedule it is the new peak."""

    learning_rate: float


@dataclass(frozen=True)
class Watch:
    """What to look at between epochs: `no`, `classes` (and dead ReLUs), `layers` (their norms) or `all`."""

    what: str


@dataclass(frozen=True)
class Attend:
    """Someone has what is seen between epochs in view, or no longer: then it may take more of the time."""

    is_seen: bool


WATCHES = ("no", "classes", "layers", "all")
Command = Stop | Pause | Resume | SetLearningRate | Watch | Attend

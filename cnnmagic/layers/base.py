"""What every layer is: a frozen dataclass of Keras's arguments that knows its shape and its cost."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Literal

from cnnmagic.layers.arithmetic import Shape, Window, elements

Kind = Literal[
    "count",
    "pair",
    "strides",
    "padding",
    "activation",
    "fraction",
    "number",
    "positive",
    "flag",
    "span",
    "batch",
    "devices",
    "shape",
    "margins",
    "name",
    "numbers",
    "channels",
    "optimizer",
    "interpolation",
    "mode",
    "schedule",
    "precision",
    "bad",
    "balance",
    "method",
    "goal",
    "seed",
]


class Misfit(ValueError):
    """A layer can't take its input, or an argument; the message has the layer as its subject: "needs a volume …".

    `word` is the word of the line that is meant, where it is one.
    """

    def __init__(self, message: str, *, remedy: str = "", too_small: bool = False, word: str = ""):
        super().__init__(message)
        self.remedy, self.too_small, self.word = remedy, too_small, word


def option(kind: Kind, default: Any = MISSING, *, bare: bool = True, help: str = "") -> Any:
    """A field of a layer: what it reads, whether a bare word (without `name=`) may set it, and its one-line help."""
    metadata = {"kind": kind, "bare": bare, "help": help}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A Keras layer: fields are Keras's arguments, `extra` further ones by their Keras names."""

    words: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str] = ""
    keras_only: ClassVar[tuple[str, ...]] = ()
    takes_bn: ClassVar[bool] = False
    always: ClassVar[tuple[str, ...]] = ()

    extra: tuple[tuple[str, Any], ...] = field(default=(), metadata={"kind": None})

    @property
    def kind(self) -> str:
        """The name of the Keras class."""
        return type(self).__name__

    def arguments(self) -> dict[str, Any]:
        """Keras's arguments that differ from their defaults, or have none in Keras (`always`), in Keras's order."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}
        defaults = {f.name: f.default for f in fields(self)}
        kept = {name: value for name, value in given.items() if value != defaults[name] or name in self.always}
        return kept | dict(self.extra)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape that goes out where `shape` goes in; raises `Misfit`."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Weights, trained or not, as Keras counts them."""
        return 0

    def frozen_parameters(self, shape: Shape) -> int:
        """Weights that no gradient changes (batch normalisation's moving statistics)."""
        return 0

    def multiply_adds(self, shape: Shape) -> int | None:
        """Multiply-adds of convolutions and matrix products for one image; None where the size is free."""
        return 0

    def window(self) -> Window | None:
        """How far it looks around a pixel; None where it sees everything."""
        return Window()


def volume(shape: Shape) -> tuple[int | None, int | None, int]:
    """`shape` as (height, width, channels); raises `Misfit` where it is none or its channels are free."""
    if len(shape) != 3:
        raise Misfit(
            f"needs a volume of height, width and channels, and gets {show(shape)}.",
            remedy="Put it before the layer that made a list of it.",
        )
    height, width, channels = shape
    if channels is None:
        raise Misfit(
            f"needs a known number of channels, and gets {show(shape)}.", remedy="Give `input` its channels: `?x?x3`."
        )
    return height, width, channels


def size_of(shape: Shape) -> int:
    """Numbers in a volume; raises `Misfit` where its size is free."""
    count = elements(shape)
    if count is None:
        raise Misfit("needs a fixed size and this net takes any.", remedy="Use `globalavgpool` instead.")
    return count


def show(shape: Shape) -> str:
    """`28x28x1`, `?x?x3`; one number where there is one."""
    return "x".join("?" if size is None else str(size) for size in shape)

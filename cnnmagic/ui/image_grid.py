"""Pictures side by side with captions, as one piece of HTML that any notebook shows and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cnnmagic.markup import xml_text
from cnnmagic.ui.images import data_uri

SIDE, LEAST_SIDE = 72, 16
MOST_CELLS = 256
STYLE = "display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start"


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture: its pixels (height, width) or (height, width, 3) of 8 bits, the words under it and those for it.

    `alternative` is what is read to one who does not see it; the caption if it is empty.
    """

    pixels: np.ndarray = field(repr=False)
    caption: str = ""
    alternative: str = ""


def grid(cells: Sequence[Cell], title: str = "", side: int = SIDE) -> str:
    """The pictures in rows as wide as there is room, each with its longer side of `side` pixels of the screen.

    More than `MOST_CELLS` would make the page slow: the rest is left away, and its number said. All words are shown as
    text, whatever they are.
    """
    shown = "".join(_figure(cell, max(LEAST_SIDE, side)) for cell in cells[:MOST_CELLS])
    left, words = len(cells) - MOST_CELLS, xml_text(title)
    more = f"<p>… + {left}</p>" if left > 0 else ""
    head = f'<figcaption dir="auto">{words}</figcaption>' if words else ""
    inside = f'{head}<div style="{STYLE}">{shown}</div>{more}'
    return f'<figure role="group" aria-label="{words}" style="margin:0">{inside}</figure>'


def _figure(cell: Cell, side: int) -> str:
    height, width = cell.pixels.shape[:2]
    scale = side / max(height, width)
    words, told = xml_text(cell.caption), xml_text(cell.alternative or cell.caption)
    size = f"width:{max(1, round(width * scale))}px;height:{max(1, round(height * scale))}px"
    # Enlarged without blur: a pixel of the picture is a number of the array.
    image = f'<img alt="{told}" title="{told}" style="{size};image-rendering:pixelated" src="{data_uri(cell.pixels)}"/>'
    under = f'<figcaption dir="auto" style="max-width:{max(side, 48)}px;overflow-wrap:anywhere">{words}</figcaption>'
    return f'<figure style="margin:0;font-size:11px">{image}{under if words else ""}</figure>'

"""A short tone at the end of a training, as HTML that plays it at once."""

from __future__ import annotations

import base64
import io
import wave
from functools import cache
from math import pi, sin

RATE = 8_000  # samples a second
NOTES = ((660, 0.12), (880, 0.22))  # frequencies with their seconds


@cache
def tone_html() -> str:
    """An audio element without controls, with its sound inside."""
    data = base64.b64encode(_wav()).decode()
    return f'<audio autoplay aria-hidden="true" src="data:audio/wav;base64,{data}"></audio>'


def _wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(_note(*note) for note in NOTES))
    return file.getvalue()


def _note(frequency: int, seconds: float) -> bytes:
    """Samples of 8 bits about 128, falling off to silence."""
    count = int(RATE * seconds)
    return bytes(round(128 + 60 * (1 - n / count) * sin(2 * pi * frequency * n / RATE)) for n in range(count))

"""How do I feed images of different sizes?"""

from __future__ import annotations

import re

from cnnmagic.celltext import code_of
from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.network import recounted
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import line_of, lines_of, with_line, with_line_before
from cnnmagic.layers import Dense, Flatten, Reshape, show
from cnnmagic.plans import Plan
from cnnmagic.state import RunState
from cnnmagic.table import batch_of

MOST_BARS = 12


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Resize, pad with zeros, or leave the size free: what each costs, and a ready cell for each."""
    if len(plan.input_shape) != 3:
        return None
    words, sizes = Words("sizes"), probe.sizes()
    fixed = None not in plan.input_shape
    parts = [words("text"), words("fixed" if fixed else "free", shape=show(plan.input_shape))]
    numbers = [*_tied(plan, words), *_costs(plan, words)]
    if tied := sized_layer(plan):
        parts.append(words("tied", layer=tied))
    if sizes:
        numbers += _seen(sizes, words)
    parts += _cells(plan, probe, words)
    return words.answer("\n\n".join(parts), tuple(numbers), _figure(sizes, words) if sizes else None)


def sized_layer(plan: Plan) -> str:
    """The name of the layer that fixes the size of the images; empty where none does."""
    return next((step.name for step in plan.steps if isinstance(step.layer, Flatten | Reshape)), "")


def any_size(plan: Plan) -> str | None:
    """The cell for images of any size: `?` for height and width, and a mean over the image for `flatten`."""
    channels = plan.input_shape[-1]
    lines = [_shifted(plan, line) for line in lines_of(plan) if not _begins(line, "resize")]
    flat = [n for n, line in enumerate(lines) if code_of(line).strip().lower() in ("flatten", "flatten()")]
    if line_of(plan, "use") is not None or len(flat) != (1 if sized_layer(plan) else 0):
        return None
    for n in flat:
        lines[n] = "globalavgpool"
    kept = [line for line in lines if not _begins(line, "input")]
    place = next((n + 1 for n, line in enumerate(kept) if _begins(line, "data")), 0)
    return "\n".join([*kept[:place], f"input ?x?x{channels}", *kept[place:]]) + "\n"


def resized(plan: Plan, how: str = "") -> str | None:
    """The cell with images of half the height and width, stretched or padded with zeros; None without data."""
    line = line_of(plan, "data")
    target = half(plan)
    if line is None or target is None:
        return None
    words = f"resize {target[0]}x{target[1]}" + (f" {how}" if how else "")
    old, size = line_of(plan, "resize"), f"{target[0]}x{target[1]}x{plan.input_shape[-1]}"
    text = with_line_before(plan, line + 1, words) if old is None else with_line(plan, old, lambda _: words)
    return text and "\n".join(f"input {size}" if _begins(row, "input") else row for row in text.split("\n"))


def half(plan: Plan) -> tuple[int, int] | None:
    """Half the height and width of the input, where the network still fits them."""
    height, width, channels = plan.input_shape
    if not height or not width or recounted(plan, {}, (height // 2, width // 2, channels)) is None:
        return None
    return height // 2, width // 2


def _tied(plan: Plan, words: Words) -> list[Number]:
    """The weights that hang on the size: those of the dense layer after the volume has become a list."""
    name = sized_layer(plan)
    after = [step for step in plan.steps if name in step.inputs and isinstance(step.layer, Dense)]
    return [words.number("tied", step.parameters, layer=step.name) for step in after[:1]]


def _costs(plan: Plan, words: Words) -> list[Number]:
    target = half(plan)
    if plan.flops is None or target is None:
        return []
    small = recounted(plan, {}, (*target, plan.input_shape[-1]))
    assert small is not None  # `half` looked
    batch, shape = batch_of(plan), f"{target[0]}x{target[1]}"
    found = [words.number("flops", plan.flops, shape=show(plan.input_shape[:2]))]
    found.append(words.number("flops", small.flops or 0, shape=shape))
    found.append(words.number("memory", plan.memory(batch) or 0, shape=show(plan.input_shape[:2]), batch=batch))
    return [*found, words.number("memory", small.memory(batch) or 0, shape=shape, batch=batch)]


def _seen(sizes: dict[tuple[int, int], int], words: Words) -> list[Number]:
    return [words.number("images", sum(sizes.values())), words.number("kinds", len(sizes), images=sum(sizes.values()))]


def _begins(line: str, word: str) -> bool:
    return re.match(rf"{word}\b", line, re.IGNORECASE) is not None


def _shifted(plan: Plan, line: str) -> str:
    """An `augment` line with a shift as wide in place of a random crop, which needs images of one size."""
    side = plan.input_shape[0]
    if side is None or not _begins(line, "augment"):
        return line
    code = code_of(line)
    told = re.sub(r"\bcrop(\s*=\s*|\s+)(\d+)", lambda found: f"shift{found[1]}{int(found[2]) / side:.3g}", code)
    return told + line[len(code) :]


def _cells(plan: Plan, probe: Probe, words: Words) -> list[str]:
    """The cells that can be planned, each after what it is."""
    found = [("cell_resize", resized(plan)), ("cell_pad", resized(plan, "pad")), ("cell_any", any_size(plan))]
    return [part for key, text in found if text and probe.plans(text) for part in (words(key), _code(text))]


def _code(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().split("\n") if line.strip())


def _figure(sizes: dict[tuple[int, int], int], words: Words) -> str:
    most = sorted(sizes.items(), key=lambda pair: -pair[1])[:MOST_BARS]
    return bars(words("figure"), [(f"{h}x{w}", count, f"{count:,}") for (h, w), count in most])

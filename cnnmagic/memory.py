"""Out of memory: tells what a plan needs and what there is, and finds the largest batch that fits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cnnmagic.errors import RunError
from cnnmagic.hardware import this_machine
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import FLOAT_BYTES, Plan, Training

WORDS = ("RESOURCE_EXHAUSTED", "ResourceExhausted", "OutOfMemory", "out of memory", "OOM when allocating")
CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
QUERY = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
USABLE = 0.6  # the plan's need is an estimate from below
FEW_BYTES = 10**9  # what every machine has, which need not be asked
LARGEST_BATCH, BATCHES_AN_EPOCH = 1_024, 100


def told_of_memory(error: BaseException, plan: Plan) -> BaseException:
    """The error for the user in place of a backend's that memory has run out; any other error as it is."""
    if not is_out_of_memory(error):
        return error
    training = plan.training or Training()
    need, there, size = plan.memory(training.batch_size), memory_there(), training.batch_size
    fitting = min(largest_batch(plan, there), size // 2)
    needed = f"A batch of {size} needs at least {_bytes(need)}" if need is not None else f"The batch is {size}"
    remedy = f"Train with a smaller batch: `batch={fitting}`." if fitting else "Make the network or its images smaller."
    reason = f"{needed} in float32, and {_owner()} has {_bytes(there)}, of which others may hold a part."
    return RunError(f"there is not enough memory for batches of {size}.", reason=reason, remedy=remedy)


def check_weights(plan: Plan) -> None:
    """Raise `RunError`, at the line with most of them, where the weights alone are more than the memory there is.

    In training the optimizer's numbers count too.
    """
    copies = 1 + plan.training.slots if plan.training else 1
    need = FLOAT_BYTES * (plan.parameters + plan.trainable_parameters * (copies - 1))
    if need < FEW_BYTES or need <= (there := memory_there()):
        return
    step = max(plan.steps, key=lambda step: step.parameters)
    message = f"`{phrase(step.layer)}` has {step.parameters:,} of the network's {plan.parameters:,} weights."
    told = f"They take {_bytes(need)} in float32" + (" with the optimizer's numbers" if copies > 1 else "")
    reason = f"{told}, and {_owner()} has {_bytes(there)}."
    remedy = "Make this layer smaller, or what it gets: pool the image before it, or write `globalavgpool`."
    raise RunError(message, place=plan.place_of(step.line), reason=reason, remedy=remedy)


def settled(plan: Plan) -> Plan:
    """The plan with a number in place of `batch=auto`, an estimate that a trial on a GPU may mend."""
    training = plan.training
    if training is None or training.batch_size:
        return plan
    size = sensible_batch(plan, plan.facts.examples if plan.facts else 0, memory_there())
    there, fits = _bytes(memory_there()), largest_batch(plan, memory_there())
    reason = (
        f"it fits into {there}, and leaves an epoch enough batches" if fits else f"not even one image fits into {there}"
    )
    note = f"batch=auto is {size}: {reason}"
    return replace(plan, training=replace(training, batch_size=size), batch_is_auto=True, notes=(*plan.notes, note))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, TensorFlow, JAX or torch says that memory has run out."""
    return isinstance(error, MemoryError) or any(word in f"{type(error).__name__} {error}" for word in WORDS)


def memory_there() -> int:
    """Bytes of the device that trains: of the first GPU, else of the memory that this process may take."""
    gpu = _of_gpu() if this_machine().gpus else None
    return memory_of_process() if gpu is None else gpu


def largest_batch(plan: Plan, there: int) -> int:
    """The largest power of two whose need by `plan.memory` leaves room; 0 for none, 32 for images of free size."""
    if plan.memory(1) is None:
        return 32
    size = 0
    while size < LARGEST_BATCH and (plan.memory(max(1, 2 * size)) or 0) <= USABLE * there:
        size = max(1, 2 * size)
    return size


def sensible_batch(plan: Plan, images: int, there: int) -> int:
    """What `batch=auto` begins with: what fits, and no so large that an epoch has few batches."""
    few = 1 << max(3, (max(1, images // BATCHES_AN_EPOCH)).bit_length() - 1)
    return max(1, min(largest_batch(plan, there), few, 128))


def largest_that_runs(attempt: Callable[[int], None], first: int, most: int) -> int:
    """The largest of `first`, twice that and so on, up to `most`, whose attempt has memory enough; less where it must.

    Raises the attempt's error where a batch of one has too little.
    """
    size = max(1, first)
    while not _runs(attempt, size):
        if size == 1:
            attempt(1)
        size = max(1, size // 2)
    if size < first:
        return size
    while 2 * size <= most and _runs(attempt, 2 * size):
        size *= 2
    return size


def _runs(attempt: Callable[[int], None], size: int) -> bool:
    try:
        attempt(size)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _owner() -> str:
    return "the GPU" if this_machine().gpus else "this machine"


def _of_gpu() -> int | None:
    try:
        told = subprocess.run(QUERY, capture_output=True, text=True, timeout=5, check=True).stdout
        return int(float(told.splitlines()[0])) * 2**20
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None


def memory_of_process() -> int:
    """The machine's memory, or less where a container has a limit."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    for path in CGROUPS:
        try:
            sizes.append(int(path.read_text()))
        except (OSError, ValueError):  # no such file, or `max`
            continue
    return min(sizes, default=4 * 10**9)


def _bytes(count: int) -> str:
    if count >= 1e12:
        return f"{count / 1e12:.3g} TB"
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"

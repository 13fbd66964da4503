"""What cnnmagic is measured beside: the same network trained by PyTorch, and the machine's fastest matrix product."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cnnmagic import plan
from cnnmagic.engine.backend import device_name
from cnnmagic.layers import Merge
from cnnmagic.plans import Plan

Way = Callable[[], float]
SIDE, SIDE_ON_GPU = 3072, 16_384  # of the matrices whose product tells the machine's peak


def in_another_process(net: str, images: np.ndarray, labels: np.ndarray, batch: int, precision: str, how: str) -> Way:
    """PyTorch's epoch, `eager` or `compiled`, in a process of its own: TensorFlow and PyTorch in one may crash."""
    path = Path(tempfile.mkdtemp()) / "data.npz"
    np.savez(path, images=images, labels=labels)
    words = [sys.executable, __file__, net, str(path), str(batch), precision, how]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None

    def epoch() -> float:
        child.stdin.write("go\n")  # type: ignore[union-attr]  # a pipe, as asked for
        child.stdin.flush()  # type: ignore[union-attr]
        return float(child.stdout.readline())  # type: ignore[union-attr]

    return epoch


def _serve(net: str, path: str, batch: str, precision: str, how: str) -> None:
    """Train an epoch for each line that comes in, and answer with its seconds."""
    with np.load(path) as data:
        epoch = pytorch(plan(f"use {net}"), data["images"], data["labels"], int(batch), precision, how == "compiled")
    for _ in sys.stdin:
        print(epoch(), flush=True)


def pytorch(plan: Plan, images: np.ndarray, labels: np.ndarray, batch: int, precision: str, is_compiled: bool) -> Way:
    """Seconds of one epoch of Adam in PyTorch, channels last, in `precision` by autocast, each epoch shuffled anew.

    On a GPU all the images lie in its memory.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    layers, order = _modules(plan), plan.steps
    model = _Network(layers, order).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    step = torch.compile(model) if is_compiled else model
    optimizer, loss = torch.optim.Adam(model.parameters()), torch.nn.CrossEntropyLoss()
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255)
    x = x.to(device).contiguous(memory_format=torch.channels_last)
    y, lower = torch.from_numpy(labels).to(device), precision == "bfloat16"

    def epoch() -> float:
        started = time.perf_counter()
        for chosen in torch.randperm(len(x), device=device).split(batch):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, torch.bfloat16, enabled=lower):
                answers = step(x[chosen])
            error = loss(answers.float(), y[chosen])
            error.backward()
            optimizer.step()
        error.item()  # a GPU works ahead of Python
        return time.perf_counter() - started

    model.train()
    epoch()  # compiles, and pays for what is done once
    return epoch


def _Network(layers: dict[str, Any], steps: Any) -> Any:  # a class that needs PyTorch to be made
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleDict(layers)

        def forward(self, images: Any) -> Any:
            tensors = {"input": images}
            for step in steps:
                inputs = [tensors[source] for source in step.inputs]
                tensors[step.name] = sum(inputs) if isinstance(step.layer, Merge) else self.layers[step.name](inputs[0])
            return tensors[steps[-1].name]

    return Network()


def _modules(plan: Plan) -> dict[str, Any]:
    """A module of PyTorch for each step but the sums of paths; softmax is the loss's."""
    return {step.name: _module(step) for step in plan.steps if not isinstance(step.layer, Merge)}


def _module(step: Any) -> Any:
    import torch.nn as nn

    layer, channels = step.layer, step.input_shape[-1]
    match layer.kind:
        case "Conv2D":
            made = nn.Conv2d(channels, layer.filters, layer.kernel_size, layer.strides, bias=layer.use_bias)
            padded = [nn.ZeroPad2d(_margins(step))] if layer.padding == "same" else []
            return nn.Sequential(*padded, made, *_function(layer.activation))
        case "Dense":
            return nn.Sequential(nn.Linear(channels, layer.units), *_function(layer.activation))
        case "BatchNormalization":
            return nn.BatchNorm2d(channels) if len(step.input_shape) == 3 else nn.BatchNorm1d(channels)
        case "Activation":
            return nn.Sequential(*_function(layer.activation))
        case "MaxPooling2D":
            return nn.MaxPool2d(layer.pool_size, layer.strides)
        case "AveragePooling2D":
            return nn.AvgPool2d(layer.pool_size, layer.strides)
        case "GlobalAveragePooling2D":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "Flatten":
            return nn.Flatten()
        case "Dropout":
            return nn.Dropout(layer.rate)
        case "Rescaling":
            return nn.Identity()  # the images are scaled beforehand
    raise NotImplementedError(f"{layer.kind} has no line here")


def _function(activation: str | None) -> list[Any]:
    import torch.nn as nn

    return {"relu": [nn.ReLU()], "tanh": [nn.Tanh()]}.get(activation or "", [])


def _margins(step: Any) -> tuple[int, int, int, int]:
    """Left, right, top, bottom: Keras's `same`, which pads more at the end."""
    margins = []
    for size, kernel, stride in zip(step.input_shape, step.layer.kernel_size, step.layer.strides, strict=False):
        missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        margins.append((missing // 2, missing - missing // 2))
    return (*margins[1], *margins[0])


def peak(precision: str) -> float:
    """FLOP/s of a large matrix product in this precision, by Keras's backend: the best of five."""
    import keras

    side = SIDE if device_name() == "CPU" else SIDE_ON_GPU
    product = _product_on_jax if keras.backend.backend() == "jax" else _product_on_tensorflow
    work = product(precision, side)
    work()
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return float(2 * side**3 / min(seconds))


def _product_on_tensorflow(precision: str, side: int) -> Callable[[], Any]:
    import tensorflow as tf

    one = tf.cast(tf.random.normal((side, side)), precision)
    product = tf.function(lambda: tf.reduce_sum(tf.cast(one @ one, "float32")))
    return lambda: float(product().numpy())


def _product_on_jax(precision: str, side: int) -> Callable[[], Any]:
    import jax

    one = jax.random.normal(jax.random.key(0), (side, side), precision)
    product = jax.jit(lambda one: one @ one)
    return lambda: product(one).block_until_ready()


if __name__ == "__main__":
    _serve(*sys.argv[1:])

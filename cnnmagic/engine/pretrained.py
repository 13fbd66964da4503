"""Weights of `keras.applications` for a base that a cell takes over: `use resnet50 imagenet freeze`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import MissingData, PlanError
from cnnmagic.plans import Base

CLASSES = {"resnet50": "ResNet50", "vgg16": "VGG16", "vgg19": "VGG19", "mobilenet_v2": "MobileNetV2"}
BLUE_FIRST = ("resnet50", "vgg16", "vgg19")


def load_pretrained(model: Any, base: Base) -> None:
    """Give the base's layers in `model` their weights, from the file that `base.weights` names or by download.

    Images stay red-green-blue: the weights of networks that were trained on blue-green-red have the input channels of
    their first kernel turned round. Raises `MissingData` where the weights are not to be had.
    """
    names = set(base.steps)
    ours = [layer for layer in model.layers if layer.name in names and layer.weights]
    theirs = [layer for layer in _reference(base, len(ours)).layers if layer.weights]
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        weights = other.get_weights()
        if number == 0 and base.name in BLUE_FIRST:
            weights[0] = np.ascontiguousarray(weights[0][:, :, ::-1, :])
        if [w.shape for w in weights] != [w.shape for w in mine.get_weights()]:
            message = f"the weights of `{base.name}` don't fit the layer `{mine.name}`."
            raise PlanError(message, remedy="Take `weights=` away, or give the weights of this very network.")
        mine.set_weights(weights)


def _reference(base: Base, layers: int) -> Any:
    """The network of `keras.applications` with the weights asked for, with its head where ours has one."""
    keras = load_keras()
    build = getattr(keras.applications, CLASSES[base.name])
    bare = build(weights=None, include_top=False, input_shape=(224, 224, 3))
    top = layers > len([layer for layer in bare.layers if layer.weights])
    if base.weights != "imagenet" and not Path(base.weights).expanduser().is_file():
        raise MissingData(f"there is no file `{base.weights}`.", remedy="Check the path after `weights=`.")
    weights = base.weights if base.weights == "imagenet" else str(Path(base.weights).expanduser())
    try:
        if base.weights == "imagenet":
            return build(weights="imagenet", include_top=top)
        reference = build(weights=None) if top else bare
        reference.load_weights(weights)
        return reference
    except Exception as error:
        if base.weights != "imagenet":
            remedy = f"Save them with `keras.applications.{CLASSES[base.name]}(…).save_weights(PATH)`."
            raise PlanError(f"`{base.weights}` holds no weights of `{base.name}`.", remedy=remedy) from error
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        remedy = "Without a network: `weights=PATH` with a file that keras.applications reads."
        raise MissingData(f"the weights of `{base.name}` can't be loaded: {first}", remedy=remedy) from error

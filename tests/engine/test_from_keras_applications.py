"""The networks of keras.applications as text: the same layers, as many weights, the same answers."""

import pytest

from cnnmagic import build, from_keras
from cnnmagic.engine.backend import load_keras
from cnnmagic.pipeline import make_plan
from tests.engine.round_trip import connections, described, same_answers

keras = load_keras()

# With the size of the images, where a smaller one than the network's own serves; those without a mark take seconds.
FAST = {"MobileNetV2": 64}
LONG = {
    "ResNet50": 64,
    "VGG16": 64,
    "VGG19": 64,
    "MobileNet": 96,
    "DenseNet121": 96,
    "InceptionV3": 96,
    "EfficientNetB0": 96,
    "EfficientNetV2B0": 96,
    "Xception": 96,
    "ResNet50V2": 96,
    "NASNetMobile": 224,
}
SIZES = [*FAST.items(), *(pytest.param(*item, marks=pytest.mark.long) for item in LONG.items())]


@pytest.mark.parametrize("name, size", SIZES)
def test_networks_of_keras(name: str, size: int) -> None:
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=10)
    text = from_keras(model)
    again = build(text)
    assert described(again) == described(model)
    assert connections(again) == connections(model)
    assert make_plan(text, {}).parameters == model.count_params() == again.count_params()
    same_answers(model, again)


@pytest.mark.parametrize("name, parameters", [("MobileNetV2", 3_538_984), ("ResNet50", 25_636_712)])
def test_their_own_sizes(name: str, parameters: int) -> None:
    model = getattr(keras.applications, name)(weights=None)
    assert make_plan(from_keras(model), {}).parameters == model.count_params() == parameters

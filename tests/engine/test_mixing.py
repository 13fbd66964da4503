"""Mixed batches, their loss and accuracy, and that a broken training goes on with the same ones."""

import numpy as np
import pytest

import cnnmagic
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.mixing import mixing
from cnnmagic.engine.recipe import make_accuracy, make_loss
from cnnmagic.errors import PlanError
from cnnmagic.plans import Output, Training

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1)).astype("uint8")
LABELS = np.arange(16) % 4
NET = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3\ntrain epochs=2 batch=64 tune=no"


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_batch_is_mixed_by_its_own_chance(name):
    mix = mixing(Training(mixing=((name, 1.0),)), 4)
    assert mix is not None
    images, rows = mix(IMAGES, LABELS, (1, 2, 3))
    assert images.shape == IMAGES.shape and rows.shape == (16, 4) and np.allclose(rows.sum(axis=1), 1)
    assert (rows.argmax(axis=1) != LABELS).any() or (rows.max(axis=1) < 1).any()
    assert (mix(IMAGES, LABELS, (1, 2, 3))[0] == images).all()
    assert (mix(IMAGES, LABELS, (1, 2, 4))[0] != images).any()


def test_labels_of_both_kinds_have_the_same_loss_and_accuracy():
    training, output = Training(mixing=(("mixup", 0.2),)), Output(4, "softmax", "sparse_categorical_crossentropy")
    keras, answers = load_keras(), np.random.default_rng(0).dirichlet(np.ones(4), 16).astype("float32")
    loss, accuracy = make_loss(training, output), make_accuracy(training, output)
    rows = np.eye(4, dtype="float32")[LABELS]
    plain = keras.losses.sparse_categorical_crossentropy(LABELS, answers)
    assert np.allclose(loss(LABELS, answers), plain, atol=1e-6) and np.allclose(loss(rows, answers), plain, atol=1e-6)
    assert (np.asarray(accuracy(LABELS, answers)) == np.asarray(accuracy(rows, answers))).all()


@pytest.fixture(scope="module")
def plain():
    """A training with the images as they are."""
    return cnnmagic.train(f"data digits\n{NET}", name="plain")


@pytest.mark.parametrize("words", ["mixup", "cutmix 0.5, flip", "mixup, cutmix, randaugment"])
def test_mixed_images_train_to_the_same_numbers_twice(words, plain, tmp_path):
    runs = [cnnmagic.train(f"data digits\naugment {words}\n{NET}", name=f"net{n}") for n in (1, 2)]
    assert runs[0].history["loss"] == runs[1].history["loss"] and runs[0].history["val_accuracy"][-1] > 0
    assert plain.history["loss"] != runs[0].history["loss"]
    assert 0 <= runs[0].evaluate()["accuracy"] <= 1
    runs[0].model.save(tmp_path / "net.keras")
    assert load_keras().saving.load_model(tmp_path / "net.keras").predict(IMAGES, verbose=0).shape == (16, 10)


def test_a_network_with_one_output_is_refused():
    with pytest.raises(PlanError, match="one output"):
        cnnmagic.train("data {{x}} {{y}}\naugment mixup\nflatten\noutput 1\ntrain", x=IMAGES, y=LABELS % 2)


def test_randaugment_changes_images_in_training_alone():
    model = cnnmagic.build("input 8x8x3\naugment randaugment\nglobalavgpool")
    images = np.random.default_rng(0).random((8, 8, 8, 3)).astype("float32")
    assert np.allclose(model(images, training=False), images.mean(axis=(1, 2)), atol=1e-5)
    assert not np.allclose(model(images, training=True), images.mean(axis=(1, 2)), atol=1e-3)


@pytest.mark.parametrize("words", ["mixup 0", "cutmix=2", "mixup=far"])
def test_strengths_out_of_range(words):
    with pytest.raises(PlanError):
        cnnmagic.plan(f"data digits\naugment {words}\n{NET}")

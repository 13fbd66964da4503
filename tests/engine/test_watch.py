"""What is seen between epochs, each number worked out anew: scikit-learn's matrix, NumPy's norms."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from cnnmagic.engine import watch
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.watch import Watcher
from cnnmagic.errors import RunError
from cnnmagic.events import ClassesSeen, EpochEnded, Event, LayersSeen
from cnnmagic.lifecycle import work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.run import Run

NET = """data digits
conv 4 3x3 bn relu
conv 3 3x3 relu bias_initializer=constant(-100)
flatten
dropout 0.5
dense 16 relu
output 10
seed 3
train epochs={epochs} batch=64 {words}"""
keras = load_keras()


def prepared(text: str = NET, epochs: int = 2, words: str = "") -> Run:
    plan = make_plan(text.format(epochs=epochs, words=words), {})
    return Run("net", plan, build_model(plan, "net"), load_data(plan))


def watched(run: Run, what: str = "classes") -> list[Event]:
    """The events of a training."""
    told: list[Event] = []
    run.listen(lambda state, event: told.append(event))
    run.start(work_of(run))
    run.watch(what)
    run.wait(60)
    return told


def seen(run: Run, what: str = "all") -> tuple[ClassesSeen, LayersSeen]:
    """What is seen of a model at rest."""
    watcher = Watcher(run.model, run.dataset, 64, what)
    watcher.budget.earned = 60.0
    classes, layers = watcher.look(1)
    assert isinstance(classes, ClassesSeen)
    assert isinstance(layers, LayersSeen)
    return classes, layers


def matrix(classes: ClassesSeen, size: int = 10) -> Any:
    counts = np.zeros((size, size), int)
    for actual, answer, count in classes.cells:
        counts[actual, answer] = count
    return counts


def outputs(run: Run, name: str, images: Any) -> Any:
    return keras.Model(run.model.input, run.model.get_layer(name).output).predict(images, verbose=0)


@pytest.fixture(scope="module")
def trained() -> Run:
    run = prepared()
    watched(run)
    return run


def test_the_matrix_is_scikit_learn_s(trained: Run) -> None:
    classes, _ = seen(trained)
    validation = trained.dataset.validation
    answers = trained.model.predict(validation.images, verbose=0).argmax(axis=1)
    assert classes.images == classes.whole == len(validation)
    assert (matrix(classes) == confusion_matrix(validation.labels, answers, labels=range(10))).all()


def test_what_a_training_tells_is_the_accuracy_of_its_epoch() -> None:
    told = watched(prepared(epochs=3, words="ema=0.9"))
    epochs = {event.epoch: event for event in told if isinstance(event, EpochEnded)}
    looks = [event for event in told if isinstance(event, ClassesSeen)]
    assert looks[-1].epoch == 3
    for look in looks:
        right = np.trace(matrix(look)) / look.images
        assert look.images < look.whole or right == pytest.approx(epochs[look.epoch].logs["val_accuracy"])


def test_activations_and_dead_channels_are_those_of_the_outputs(trained: Run) -> None:
    _, layers = seen(trained)
    validation = trained.dataset.validation.images
    order = np.random.default_rng(0).permutation(len(validation))
    images = validation[order][: layers.images]
    channels = {}
    for layer in layers.layers:
        given = outputs(trained, layer.name, images)
        assert layer.activation == pytest.approx(np.sqrt(np.square(given.astype("float64")).mean()), rel=1e-4)
        if layer.channels:
            flat = given.reshape(-1, given.shape[-1])
            channels[layer.name] = (layer.dead, layer.channels)
            assert channels[layer.name] == ((flat == 0).all(axis=0).sum(), flat.shape[1])
    assert (3, 3) in channels.values()
    assert len(channels) == 3


def test_norms_of_weights(trained: Run) -> None:
    _, layers = seen(trained)
    for layer in layers.layers:
        weights = trained.model.get_layer(layer.name).trainable_variables
        if not weights:
            assert layer.weights is layer.gradient is None
            continue
        flat = np.concatenate([np.asarray(weight).ravel() for weight in weights])
        assert layer.weights == pytest.approx(np.linalg.norm(flat), rel=1e-5)


def test_a_gradient_by_hand() -> None:
    """Of a softmax regression: inputs times (answers less truth), over the images."""
    run = prepared("data digits\nflatten\noutput 10\nseed 3\ntrain epochs={epochs} batch=64 {words}", 1)
    _, layers = seen(run)
    train = run.dataset.train
    rows = np.random.default_rng(0).permutation(len(train))[:256]
    inputs = train.images[rows].reshape(len(rows), -1) / 16
    errors = run.model.predict(train.images[rows], verbose=0) - np.eye(10)[train.labels[rows].ravel().astype(int)]
    by_hand = [inputs.T @ errors / len(rows), errors.mean(axis=0)]
    norm = np.sqrt(sum(np.square(part).sum() for part in by_hand))
    assert layers.layers[-1].gradient == pytest.approx(norm, rel=1e-4)


def test_norms_are_seen_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ALLOWANCE", 60.0)
    for what, kinds, norms in (("no", set(), False), ("classes", {ClassesSeen, LayersSeen}, False)):
        looks = [event for event in watched(prepared(epochs=1), what) if isinstance(event, ClassesSeen | LayersSeen)]
        assert {type(event) for event in looks} == kinds
        assert norms == any(layer.gradient for e in looks if isinstance(e, LayersSeen) for layer in e.layers)
    (told,) = [e for e in watched(prepared(epochs=1), "layers") if isinstance(e, ClassesSeen | LayersSeen)]
    assert isinstance(told, LayersSeen)
    assert any(layer.gradient for layer in told.layers)
    with pytest.raises(RunError, match="can't be watched"):
        prepared().watch("everything")


def test_looking_changes_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ALLOWANCE", 60.0)
    one, other = prepared(), prepared()
    watched(one, "all")
    watched(other, "no")
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert one.history[name] == other.history[name]


def test_without_budget_nothing_is_seen_but_at_the_end(trained: Run) -> None:
    watcher = Watcher(trained.model, trained.dataset, 64)
    watcher.budget.spent = 60.0
    assert watcher.look(1) == []
    assert watcher.look(2, is_last=True)[0].epoch == 2


def test_a_short_budget_makes_a_small_sample(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(trained.model, trained.dataset, 64)
    watcher.chunk, watcher.budget.spent = 10, watch.ALLOWANCE - 1e-9
    classes = watcher.look(1)[0]
    assert isinstance(classes, ClassesSeen)
    assert (classes.images, classes.whole) == (10, len(trained.dataset.validation))


def test_two_classes_in_one_number() -> None:
    images = np.random.default_rng(0).normal(size=(300, 8, 8, 1)).astype("float32")
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype(int)
    text = "data {{x}} {{y}}\nflatten\noutput 1\nseed 1\ntrain epochs=2 batch=32 validation=0.3"
    plan = make_plan(text, {"x": images, "y": labels})
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))
    watched(run)
    classes, _ = seen(run)
    validation = run.dataset.validation
    answers = run.model.predict(validation.images, verbose=0)[:, 0] > 0.5
    assert (matrix(classes, 2) == confusion_matrix(validation.labels, answers)).all()


def test_more_is_seen_while_someone_looks(trained: Run) -> None:
    watcher = Watcher(trained.model, trained.dataset, 64)
    watcher.budget.spent = 60.0
    assert watcher.look(1) == []
    watcher.attend(True)
    assert watcher.budget.share == watch.SHARE_ASKED_FOR
    assert isinstance(watcher.look(1)[0], ClassesSeen)
    watcher.attend(False)
    assert watcher.budget.share == watch.SHARE and watcher.budget.spent > 0
    watcher.turn_to("layers")
    watcher.attend(False)
    assert watcher.budget.share == watch.SHARE_ASKED_FOR


def test_what_is_spent_stays_within_the_share_of_the_time() -> None:
    """By a clock of our own: a minute of training may spend 0.24 seconds, ten of them 2.4."""
    budget = watch.Budget()
    assert budget.left == watch.ALLOWANCE
    budget.earn(60)
    assert budget.left == pytest.approx(0.24)
    budget.spent = 0.24
    budget.earn(540)
    assert budget.left == pytest.approx(2.16)

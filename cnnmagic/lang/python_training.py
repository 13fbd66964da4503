"""The training's part of an exported script: the order of the images, the recipe, and the call of `fit`."""

from __future__ import annotations

from textwrap import indent

from cnnmagic import fused
from cnnmagic.layers import BatchNormalization
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.plans import Output, Plan, Training, has_own_loss

LONGEST_LINE = 120
BATCHES = '''class Batches(keras.utils.PyDataset):
    """Batches of the training images, in an order that the seed and the epoch fix."""

    epoch, order = -1, np.arange(len(x_train))

    def on_epoch_begin(self):
        self.epoch += 1
        self.order = np.random.default_rng(({seed}, self.epoch)).permutation(len(x_train))

    def __len__(self):
        return math.ceil(len(x_train) / {batch})

    def __getitem__(self, number):
        rows = self.order[number * {batch} : (number + 1) * {batch}]
        return x_train[rows], y_train[rows]'''
SCHEDULE = '''class Schedule(keras.callbacks.Callback):
    """Sets the learning rate before every batch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        steps = self.params["steps"]
        last = max(1, self.params["epochs"] * steps - 1)
        progress = min(1.0, (self.epoch * steps + batch) / last)
        self.model.optimizer.learning_rate = PEAK * factor({arguments})'''
BETWEEN = """def between(start, end, part):
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
"""
FACTORS = {
    "cosine": "return (1 + math.cos(math.pi * progress)) / 2",
    "step": "return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01",
    "constant": "return 1.0",
}
RISE = """if progress <= rise:
    return 1 / 25 + (1 - 1 / 25) * (progress / rise)
"""
LEFT = "progress = (progress - rise) / (1 - rise)\n"
CYCLE = """if progress <= {rise}:
    return between(1 / 25, 1.0, progress / {rise})
return between(1.0, 1e-4, (progress - {rise}) / {rest})"""
PROCESSOR = """# XLA is slow at convolutions on a processor.
on_processor = keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu")"""
FUSED = """if on_processor:
    fuse_batch_norm(model)"""
WEIGHTS = """counts = np.bincount(y_train)
share = len(y_train) / np.count_nonzero(counts)
class_weight = {number: share / count if count else 0.0 for number, count in enumerate(counts)}
"""
MEAN = '''class Mean(keras.callbacks.Callback):
    """Puts the mean of the weights in their place while they are judged."""

    def on_test_begin(self, logs=None):
        self.weights = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def on_test_end(self, logs=None):
        self.model.set_weights(self.weights)'''
MEAN_AT_EPOCHS_END = """

    def on_epoch_end(self, epoch, logs=None):
        self.on_test_begin()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch:
            self.on_test_end()"""
SMOOTHED = '''def smoothed(y_true, y_pred):
    """Cross-entropy with {percent:g} % of the truth spread over all classes."""
    rows = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), {classes})
    return keras.losses.categorical_crossentropy(rows, y_pred, {logits}label_smoothing={smoothing!r})'''

EACH = '''def each_class(y_true, y_pred):
    """Mean over the classes of the cross-entropy of each against the rest{told}."""
    rows = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), {classes})
    return keras.losses.binary_crossentropy({rows}, y_pred)'''
OF_LOGIT = 'keras.metrics.MeanMetricWrapper(keras.metrics.binary_accuracy, name="accuracy", threshold=0.0)'


def training_code(plan: Plan) -> str:
    """Code that trains the `model` of a script on its `x_train`, and evaluates it."""
    training, output = plan.training, plan.output
    assert training is not None and output is not None  # the caller looked
    blocks = [BATCHES.format(seed=plan.seed, batch=training.batch_size)] if plan.seed is not None else []
    blocks += [MEAN + (MEAN_AT_EPOCHS_END if training.early_stop else "")] if _judges_mean(training) else []
    blocks += [_own_loss(training, output)] if has_own_loss(training, output) else []
    blocks += [_optimizer(training)]
    late = OPTIMIZERS[training.optimizer].builds_late
    blocks += ["optimizer.build(model.trainable_variables)  # within `fit` Keras would do it wrongly"] if late else []
    blocks += _schedule(training) if _follows(training) else []
    blocks += [PROCESSOR, *([fused.source(), FUSED] if _normalizes(plan) else []), _compiling(training, output)]
    return _laid_out([*blocks, _fitting(plan, training)])


def needs_math(plan: Plan) -> bool:
    """Whether the training's code takes Python's `math`."""
    training = plan.training
    return training is not None and (plan.seed is not None or training.schedule in ("cosine", "onecycle"))


def _follows(training: Training) -> bool:
    return training.schedule != "constant" or bool(training.warmup)


def _judges_mean(training: Training) -> bool:
    return training.ema is not None and bool(training.validation or training.early_stop)


def _own_loss(training: Training, output: Output) -> str:
    logits = "from_logits=True, " if output.gives_logits else ""
    smoothing = training.label_smoothing
    if output.judges_each:
        rows = f"rows * (1 - {smoothing!r}) + {smoothing!r} / {output.units}" if smoothing else "rows"
        told = f", {100 * smoothing:g} % of the truth spread over all" if smoothing else ""
        return EACH.format(classes=output.units, rows=rows, told=told)
    return SMOOTHED.format(percent=100 * smoothing, classes=output.units, logits=logits, smoothing=smoothing)


def _compiling(training: Training, output: Output) -> str:
    accuracy = OF_LOGIT if output.units == 1 and output.gives_logits else '"accuracy"'
    options = ["optimizer=optimizer", f"loss={_loss(training, output)}", f"metrics=[{accuracy}]"]
    return _call("model.compile", [*options, 'jit_compile=False if on_processor else "auto"'])


def _normalizes(plan: Plan) -> bool:
    """Whether the plan has batch normalization of images, which TensorFlow does in one operation."""
    return any(isinstance(step.layer, BatchNormalization) and len(step.input_shape) == 3 for step in plan.steps)


def _loss(training: Training, output: Output) -> str:
    if has_own_loss(training, output):
        return "each_class" if output.judges_each else "smoothed"
    smoothing = f"label_smoothing={training.label_smoothing!r}" if training.label_smoothing else ""
    options = ["from_logits=True"] * output.gives_logits + [smoothing] * bool(smoothing)
    classes = {"binary_crossentropy": "BinaryCrossentropy"}.get(output.loss, "SparseCategoricalCrossentropy")
    return f"keras.losses.{classes}({', '.join(options)})" if options else f'"{output.loss}"'


def _optimizer(training: Training) -> str:
    options = [f"{name}={value!r}" for name, value in training.optimizer_options.items()]
    return _call("optimizer = keras.optimizers." + OPTIMIZERS[training.optimizer].keras_name, options)


def _schedule(training: Training) -> list[str]:
    """The peak, the function of the factor, and the callback that goes by it."""
    warm = bool(training.warmup)
    lines = ["PEAK = keras.ops.convert_to_numpy(optimizer.learning_rate).item()"]
    lines += [f"WARM_UP = {training.warmup!r}  # epochs in which the rate rises"] if warm else []
    head = "def factor(progress, rise):\n" if warm else "def factor(progress):\n"
    arguments = "progress, WARM_UP * steps / last" if warm else "progress"
    return [*lines, head + indent(_factor(training), "    "), SCHEDULE.format(arguments=arguments)]


def _factor(training: Training) -> str:
    if training.schedule == "onecycle":
        rise, rest = ("rise", "(1 - rise)") if training.warmup else ("0.3", "0.7")
        return f"{BETWEEN}\n{CYCLE.format(rise=rise, rest=rest)}"
    after = FACTORS[training.schedule]
    if not training.warmup:
        return after
    return RISE + (after if training.schedule == "constant" else LEFT + after)


def _fitting(plan: Plan, training: Training) -> str:
    ordered = plan.seed is not None
    stop = 'keras.callbacks.EarlyStopping("{}", patience={}, restore_best_weights=True)'
    monitor = "val_loss" if training.validation else "loss"
    callbacks = ["Schedule()"] * _follows(training) + ["Mean()"] * _judges_mean(training)
    callbacks += [stop.format(monitor, training.early_stop)] if training.early_stop else []
    options = ["Batches()", "shuffle=False"] if ordered else ["x_train", "y_train", f"batch_size={training.batch_size}"]
    options += [f"epochs={training.epochs}"]
    options += ["class_weight=class_weight"] * (plan.balance == "weights")
    if training.validation:
        options += ["validation_data=(x_validation, y_validation)"]
        options += [f"validation_batch_size={training.batch_size}"] * ordered
    lines = [WEIGHTS] if plan.balance == "weights" else []
    lines += [_call("history = model.fit", [*options, *_listed(callbacks)], broken=True)]
    if plan.facts is None or plan.facts.tests or (plan.test and not plan.facts.splits):
        lines += ["loss, accuracy = model.evaluate(x_test, y_test, verbose=0)"]
        lines += ['print(f"test accuracy {accuracy:.2%}")']
    return "\n".join(lines)


def _listed(callbacks: list[str]) -> list[str]:
    line = f"callbacks=[{', '.join(callbacks)}]"
    if len(line) > LONGEST_LINE - 5:
        line = "callbacks=[\n" + indent("".join(f"{callback},\n" for callback in callbacks), "    ") + "]"
    return [line] if callbacks else []


def _call(function: str, options: list[str], broken: bool = False) -> str:
    """A call on one line, or with each option on a line of its own."""
    line = f"{function}({', '.join(options)})"
    if not broken and len(line) <= LONGEST_LINE:
        return line
    return f"{function}(\n" + indent("".join(f"{option},\n" for option in options), "    ") + ")"


def _laid_out(blocks: list[str]) -> str:
    """Blocks of code one after the other, with two blank lines around functions and classes."""
    text, after_definition = "", False
    for block in blocks:
        definition = block.startswith(("def ", "class "))
        text += ("\n\n" if text else "\n") * (definition or after_definition) + block + "\n"
        after_definition = definition
    return text

"""Trains texts on one device and on two virtual ones of the processor, in a process of its own; prints how they differ.

`python two_devices.py TEXT …`: one line of JSON for each text.
"""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import numpy as np

import cnnmagic
from cnnmagic.engine.backend import load_keras

if load_keras().backend.backend() == "tensorflow":
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)

for text in sys.argv[1:]:
    one, two = cnnmagic.train(text, name="one"), cnnmagic.train(f"{text} devices=all", name="two")
    weights = zip(one.model.get_weights(), two.model.get_weights(), strict=True)
    names = [name for name in one.history if name not in ("seconds", "images_per_second")]
    told = {
        "device": two.state.device,
        "phases": [one.state.phase, two.state.phase],
        "epochs": [len(one.history["loss"]), len(two.history["loss"])],
        "weights": max(float(np.abs(a - b).max()) for a, b in weights),
        "history": max(float(np.abs(np.subtract(one.history[n], two.history[n])).max(initial=0)) for n in names),
        "seen": len(two.state.seen),
        "test": [one.evaluate()["loss"], two.evaluate()["loss"]],
    }
    print(json.dumps(told), flush=True)
try:
    cnnmagic.train(f"{sys.argv[1]} devices=3", name="three")
except cnnmagic.CnnError as error:
    print(json.dumps(str(error)))

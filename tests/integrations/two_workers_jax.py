"""Trains texts by Keras on JAX on one device, on two virtual ones, and on one and two workers of a Spark cluster.

`python two_workers_jax.py TEXT …`: one line of JSON for each text, with the largest differences of history and weights.
"""

import json
import os
import sys
from typing import Any

import numpy as np

import cnnmagic
from tests.integrations.spark_sessions import started

cluster = started()
next(cluster)
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"  # of this process, and not of the workers


def difference(one: Any, other: Any) -> float:
    names = [name for name in one.history if name not in ("seconds", "images_per_second")]
    history = max(float(np.abs(np.subtract(one.history[n], other.history[n])).max(initial=0)) for n in names)
    weights = zip(one.model.get_weights(), other.model.get_weights(), strict=True)
    return max(history, *(float(np.abs(a - b).max()) for a, b in weights))


for text in sys.argv[1:]:
    one = cnnmagic.train(text, name="one")
    devices, workers = cnnmagic.train(f"{text} devices=all", name="devices"), cnnmagic.train(f"{text} workers=2")
    worker = cnnmagic.train(f"{text} workers=1", name="worker")
    told = {
        "phases": [one.state.phase, worker.state.phase, workers.state.phase],
        "one": difference(one, workers),
        "devices": difference(devices, workers),
        "worker": difference(worker, workers),
    }
    print(json.dumps(told), flush=True)
next(cluster, None)

"""Starts a sweep: a new one, one that goes on from its files, or one that is only read from them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.integrations import study as studies
from cnnmagic.integrations.sweep_cells import Given
from cnnmagic.integrations.sweep_folder import SweepRecord, last_sweep, new_sweep
from cnnmagic.integrations.sweep_job import Job
from cnnmagic.pipeline import make_plan
from cnnmagic.plans import Plan
from cnnmagic.sweep_run import SweepRun


def begin_sweep(name: str, plan: Plan, given: Given) -> SweepRun:
    """Start the sweep of a plan, or go on with the one on disk that says the same and was broken off.

    Raises `CnnError` where Optuna is not there, the data are wrong, or nothing can be written.
    """
    studies.load_optuna()
    job = Job(name, plan, given)
    about = {
        "name": name,
        "text": plan.text,
        "texts": dict(given.texts) if "use" in plan.text else {},
        "first_line": plan.first_line,
        "data": {"source": str(plan.source), "fingerprint": job.cells.fingerprint()},
    }
    earlier = last_sweep(name)
    if earlier is not None and _same(earlier, about) and not earlier.is_running:
        job.open(earlier)
        if job.is_left:
            job.note(f"goes on from an earlier sweep of this text, of which {job.ended} trials were done")
            return job.start()
        job.close()
    job.open(new_sweep(name, about | {"created": time.time()}))
    return job.start()


def resume_sweep(record: SweepRecord, given: Given) -> SweepRun:
    """Let a sweep on disk go on with what was under way; raises `CnnError` where that can't be."""
    if record.is_running:
        raise RunError(f"{record.name} is swept in another process.", remedy="Stop it there, or wait for its end.")
    job = _job_of(record, given)
    if not job.is_left:
        job.close()
        remedy = f"`%cnn sweep {record.name}` shows it."
        raise RunError(f"the sweep of {record.name} is finished: there is nothing to resume.", remedy=remedy)
    if (found := job.cells.fingerprint()) != record.about["data"]["fingerprint"]:
        job.close()
        message = f"the data are not those that {record.name} was swept on (fingerprint {found})."
        raise RunError(message, remedy=f"Its data were {record.about['data']['source']}; run its cell anew on these.")
    return job.start()


def read_sweep(record: SweepRecord, given: Given) -> SweepRun:
    """A sweep on disk as it stands, not going on; raises `CnnError` where its text can't be planned any more."""
    job = _job_of(record, given, is_reading=True)
    job.sweep.change(phase="stopped" if job.is_left else "finished")
    return SweepRun(job.cells.plan, job.sweep.state)


def _job_of(record: SweepRecord, given: Given, is_reading: bool = False) -> Job:
    about = record.about
    texts = {**given.texts, **about["texts"]}
    plan = make_plan(about["text"], given.variables, about["first_line"], given.data, texts)
    job = Job(record.name, plan, replace(given, texts=texts))
    job.open(record, is_reading)
    return job


def _same(record: SweepRecord, about: Mapping[str, Any]) -> bool:
    return all(record.about.get(key) == about[key] for key in ("text", "texts", "data"))

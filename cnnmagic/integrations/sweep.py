"""Starts a sweep: a new one, one that goes on from its files, or one that is only read from them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cnnmagic.errors import CnnError, RunError
from cnnmagic.integrations import study as studies
from cnnmagic.integrations.sweep_cells import Given
from cnnmagic.integrations.sweep_folder import ABOUT, SweepRecord, last_sweep, new_sweep
from cnnmagic.integrations.sweep_job import SweepJob
from cnnmagic.lang.sweeps import without_workers
from cnnmagic.pipeline import make_plan
from cnnmagic.plans import Plan
from cnnmagic.storage import write_about
from cnnmagic.sweep_run import SweepRun


def begin_sweep(name: str, plan: Plan, given: Given) -> SweepRun:
    """Start the sweep of a plan, or go on with the one on disk that says the same and was broken off.

    Raises `CnnError` where Optuna is not there, the cluster or the data are not fit, or nothing can be written.
    """
    studies.load_optuna()
    job = SweepJob(name, plan, given)
    job.check()
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
            with suppress(OSError):  # the text that is there will do, but for its `workers`
                write_about(earlier.folder, {**earlier.about, "text": plan.text}, ABOUT)
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
    try:
        _check_again(job, record)
    except CnnError:
        job.close()
        raise
    return job.start()


def read_sweep(record: SweepRecord, given: Given) -> SweepRun:
    """A sweep on disk as it stands, not going on; raises `CnnError` where its text can't be planned any more."""
    job = _job_of(record, given, is_reading=True)
    job.sweep.change(phase="stopped" if job.is_left else "finished")
    return SweepRun(job.cells.plan, job.sweep.state)


def _job_of(record: SweepRecord, given: Given, is_reading: bool = False) -> SweepJob:
    about = record.about
    texts = {**given.texts, **about["texts"]}
    plan = make_plan(about["text"], given.variables, about["first_line"], given.data, texts)
    job = SweepJob(record.name, plan, replace(given, texts=texts))
    job.open(record, is_reading)
    return job


def _check_again(job: SweepJob, record: SweepRecord) -> None:
    """Raise `CnnError` where a sweep on disk can't go on."""
    if not job.is_left:
        remedy = f"`%cnn sweep {record.name}` shows it."
        raise RunError(f"the sweep of {record.name} is finished: there is nothing to resume.", remedy=remedy)
    job.check()
    if (found := job.cells.fingerprint()) != record.about["data"]["fingerprint"]:
        message = f"the data are not those that {record.name} was swept on (fingerprint {found})."
        raise RunError(message, remedy=f"Its data were {record.about['data']['source']}; run its cell anew on these.")


def _same(record: SweepRecord, about: Mapping[str, Any]) -> bool:
    """Whether a sweep on disk is that of a cell; how many trials it trains at once is no matter."""
    if any(record.about.get(key) != about[key] for key in ("texts", "data")):
        return False
    return without_workers(record.about.get("text", "")) == without_workers(about["text"])

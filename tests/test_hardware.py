"""What precision a machine takes, and what is known of a machine."""

from pathlib import Path

import pytest

from cnnmagic import hardware, plan
from cnnmagic.hardware import Gpu, Hardware, precision_of, read_hardware

PRECISIONS = {
    ("plain", "tensorflow"): "float32: this machine has no units for bfloat16",
    ("amx_bf16", "tensorflow"): "bfloat16: this processor has AMX",
    ("avx512_bf16 amx_bf16", "tensorflow"): "bfloat16: this processor has AMX",
    ("avx512_bf16", "tensorflow"): "bfloat16: this processor has AVX512-BF16",
    ("amx_bf16", "jax"): "float32: this machine has no units for bfloat16 that jax uses",
    ("amx_bf16", "torch"): "float32: this machine has no units for bfloat16 that torch uses",
    ("tpu", "jax"): "bfloat16: a TPU computes with it",
    ("gpu=8.0", "jax"): "bfloat16: the GPU has tensor cores for it",
    ("gpu=12.0", "tensorflow"): "bfloat16: the GPU has tensor cores for it",
    ("gpu=7.5", "torch"): "float16: the GPU has tensor cores for it, and none for bfloat16; the loss is scaled",
    ("gpu=6.1 amx_bf16", "tensorflow"): "float32: the GPU has no tensor cores",
    (
        "gpu=9.0 gpu=7.0",
        "tensorflow",
    ): "float16: the GPU has tensor cores for it, and none for bfloat16; the loss is scaled",
}


@pytest.mark.parametrize("machine, backend", PRECISIONS)
def test_auto(machine: str, backend: str) -> None:
    assert ": ".join(precision_of("auto", read_hardware(machine), backend)) == PRECISIONS[machine, backend]


@pytest.mark.parametrize("wanted", ["float32", "bfloat16", "float16"])
def test_what_the_cell_says_is_taken(wanted: str) -> None:
    assert precision_of(wanted, read_hardware("tpu"))[0] == wanted


SMI = {
    "Tesla T4, 7.5\n": (Gpu("Tesla T4", (7, 5)),),
    "NVIDIA H100 80GB HBM3, 9.0\nNVIDIA A100, 8.0\n": (
        Gpu("NVIDIA H100 80GB HBM3", (9, 0)),
        Gpu("NVIDIA A100", (8, 0)),
    ),
    "No devices were found\n": (),
    "Tesla K80, [N/A]\n": (),
    "": (),
}


@pytest.mark.parametrize("told", SMI)
def test_gpus(told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '{told}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert hardware._gpus() == SMI[told]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert hardware._gpus() == ()


FLAGS = {
    "processor : 0\nflags\t\t: fpu amx_bf16 sse avx512_bf16\n": ("amx_bf16", "avx512_bf16"),
    "flags : fpu avx512_bf16_more sse\n": (),
    "Features : fp asimd bf16\n": (),
    "": (),
}


@pytest.mark.parametrize("text", FLAGS)
def test_units(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    monkeypatch.setattr(hardware, "PROCESSOR", path)
    assert hardware._units() == FLAGS[text]


def test_a_machine_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "PROCESSOR", tmp_path / "missing")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (hardware._units(), hardware._gpus()) == ((), ())


BACKENDS = {None: "tensorflow", '{"backend": "jax"}': "jax", "{": "tensorflow", "[]": "tensorflow"}


@pytest.mark.parametrize("text", BACKENDS)
def test_backend(text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if text is not None:
        (tmp_path / "keras.json").write_text(text)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert hardware.backend_name.__wrapped__() == BACKENDS[text]
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert hardware.backend_name.__wrapped__() == "torch"


def test_the_plan_tells_it_and_which_layers_are_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "this_machine", lambda: Hardware(("amx_bf16",)))
    monkeypatch.setattr(hardware, "backend_name", lambda: "tensorflow")
    planned = plan("data digits\naugment shift 0.1\nconv 4 3x3 bn relu\nflatten\noutput\ntrain")
    assert "\nbfloat16: this processor has AMX\n" in str(planned)
    kept = [step.layer.kind for step in planned.steps if planned.policy_of(step) == "float32"]
    assert kept == ["Rescaling", "RandomTranslation", "Dense"]
    assert plan("input 8x8x1\nflatten\noutput 10").precision == "float32"
    assert "AMX" not in str(plan("data digits\nflatten\noutput\ntrain precision=bfloat16"))

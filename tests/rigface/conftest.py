"""RigFace on tiny random networks, with a stand-in for what sees faces in 3D."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from small_rig import Flat

SURROUNDINGS = {"detector": "mediapipe", "parser": "grabcut"}


@pytest.fixture(scope="session")
def rig_folder(golden_rigface, tmp_path_factory) -> Path:
    """The golden checkpoint with a prompt embedding: a complete model of tiny random networks."""
    folder = tmp_path_factory.mktemp("model") / "rigface"
    shutil.copytree(golden_rigface, folder)
    prompt = load_file(folder / "pipeline_call.safetensors")["prompt_embeds"]
    save_file({"prompt_embeds": prompt}, folder / "prompt_embeds.safetensors")
    return folder


@pytest.fixture(scope="session")
def rigface_editor(rig_folder):
    """64 px crops; FACE_RIG_TEST_DEVICE chooses the device."""
    from rigface import RigFace

    device = os.environ.get("FACE_RIG_TEST_DEVICE", "cpu")
    return RigFace.from_pretrained(rig_folder, device=device, dtype="float32", reconstructor=Flat(), **SURROUNDINGS)


@pytest.fixture(scope="session")
def sitter(rigface_editor, astronaut):
    """The astronaut, encoded."""
    return rigface_editor.encode(astronaut)


@pytest.fixture(scope="session")
def other(astronaut):
    """Somebody darker who looks the other way."""
    return astronaut[:, ::-1] // 2

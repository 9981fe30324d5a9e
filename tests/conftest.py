"""Fixtures: a tiny model of the released form, device and dtype, and where real portraits lie."""

from __future__ import annotations

import os
import shutil
import sys
from copy import deepcopy
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"  # no test may reach for the network
sys.path.insert(0, str(Path(__file__).parent / "golden"))

# One outcome a commit: the same few examples in every run. HYPOTHESIS_PROFILE=random looks for new ones, and for more.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=40)
settings.register_profile("random", deadline=None, max_examples=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def golden_checkpoint(tmp_path_factory) -> Path:
    """The golden MagicFace folder with its weights, in the published layout."""
    import weights

    return weights.write("magicface", tmp_path_factory.mktemp("golden") / "magicface")


@pytest.fixture(scope="session")
def golden_rigface(tmp_path_factory) -> Path:
    """The golden RigFace folder with its weights, in the published layout."""
    import weights

    return weights.write("rigface", tmp_path_factory.mktemp("golden") / "rigface")


@pytest.fixture(scope="session")
def model_folder(golden_checkpoint, tmp_path_factory) -> Path:
    """The golden checkpoint with a prompt embedding: a complete model of tiny random networks."""
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("model") / "magicface"
    shutil.copytree(golden_checkpoint, folder)
    prompt = load_file(folder / "pipeline_call.safetensors")["prompt_embeds"]
    save_file({"prompt_embeds": prompt}, folder / "prompt_embeds.safetensors")
    return folder


@pytest.fixture(scope="session")
def loaded_pipeline(model_folder):
    """The pipeline that each test has a copy of."""
    from common.diffusion import loading

    pipeline = loading.load(model_folder, dtype=torch.float32, device=os.environ.get("FACE_RIG_TEST_DEVICE", "cpu"))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def pipeline(loaded_pipeline):
    """A fresh pipeline of tiny random networks; FACE_RIG_TEST_DEVICE chooses the device."""
    return deepcopy(loaded_pipeline)


@pytest.fixture(scope="session")
def editor(model_folder):
    """MagicFace on tiny random networks, with the offline detector and parser; 128 px crops."""
    from magicface import MagicFace

    return MagicFace.from_pretrained(model_folder, device="cpu", size=128, detector="mediapipe", parser="grabcut")


@pytest.fixture(scope="session")
def golden_sd21(tmp_path_factory) -> Path:
    """The golden AU adapter with its LoRA and its base."""
    import fineface_weights

    return fineface_weights.write("fineface_sd21", tmp_path_factory.mktemp("golden") / "sd21")


@pytest.fixture(scope="session")
def golden_faceid(tmp_path_factory) -> Path:
    """The golden AU adapter with FaceID and its base."""
    import fineface_weights

    return fineface_weights.write("fineface_sd15ip", tmp_path_factory.mktemp("golden") / "faceid")


@pytest.fixture(scope="session")
def sd21_folder(golden_sd21, tmp_path_factory) -> Path:
    """A complete model of tiny random networks: text only."""
    import fineface_weights

    return fineface_weights.complete(golden_sd21, tmp_path_factory.mktemp("model") / "sd21")


@pytest.fixture(scope="session")
def faceid_folder(golden_faceid, tmp_path_factory) -> Path:
    """A complete model of tiny random networks: text and faces."""
    import fineface_weights

    return fineface_weights.complete(golden_faceid, tmp_path_factory.mktemp("model") / "faceid")


@pytest.fixture(scope="session")
def text_editor(sd21_folder):
    """FineFace for text on tiny random networks; 64 px pictures, 128 px crops."""
    from fineface.checkpoints import load
    from fineface.editor import FineFace
    from fineface.variants import SD21

    networks = load(sd21_folder, sd21_folder, SD21, device="cpu")
    return FineFace(networks, size=128, detector="mediapipe", parser="grabcut")


@pytest.fixture(scope="session")
def face_editor(faceid_folder):
    """FineFace for text and faces on tiny random networks."""
    from fineface.checkpoints import load
    from fineface.editor import FineFace
    from fineface.variants import SD15_FACEID

    networks = load(faceid_folder, faceid_folder, SD15_FACEID, device="cpu")
    return FineFace(networks, size=128, detector="mediapipe", parser="grabcut")


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A real face, (512, 512, 3) uint8, public domain."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def subject(editor, astronaut):
    """The astronaut, encoded."""
    return editor.encode(astronaut)


@pytest.fixture(scope="session")
def portraits() -> Path:
    """Real portraits beside the checkout."""
    if not (SHARED / "portraits").is_dir():
        pytest.skip("no portraits: ../shared is absent")
    return SHARED / "portraits"


@pytest.fixture(scope="module")
def one_thread():
    """Networks as small as these gain nothing from more, and wait long for them on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pictures_are_made_once():
    """Synthetic pictures that several tests of a module ask for."""
    from common.synthetic.render import picture

    made = picture.make
    picture.make = lru_cache(made)
    yield
    picture.make = made


@pytest.fixture(scope="session")
def browser():
    """Chromium, one for all pages of a process: its driver can be started only once there."""
    names = ("chromium", "chromium-browser", "google-chrome")
    if (program := next(filter(None, map(shutil.which, names)), None)) is None:
        pytest.skip("no Chromium: install it, for example with apt-get install chromium")
    library = pytest.importorskip("playwright.sync_api")
    with library.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()

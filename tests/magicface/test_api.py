"""The front door, as a user opens it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

import magicface
from common.core.errors import ActionUnitError, InputError, MissingCheckpointError
from common.editing.defaults import Defaults
from common.editing.options import EditOptions, FaceOptions
from magicface import MagicFace, edit


@pytest.fixture
def options(model_folder):
    return {
        "model": model_folder, "device": "cpu", "size": 128, "steps": 1, "progress": False,
        "detector": "mediapipe", "parser": "grabcut",
    }  # fmt: skip


def test_every_kind_of_photo_gives_the_same(options, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    expected = np.array(edit(astronaut, {"AU12": 3}, **options))
    for photo in (
        tmp_path / "photo.png",
        str(tmp_path / "photo.png"),
        Image.fromarray(astronaut),
        torch.from_numpy(astronaut).permute(2, 0, 1),
        astronaut.astype(np.float32) / 255,
    ):
        assert (np.array(edit(photo, "AU12=3", **options)) == expected).all()


def test_lists(options, astronaut):
    requests = [{"AU12": 3}, "AU6=1", [0.0] * 12]
    assert isinstance(edit(astronaut, {"AU12": 3}, **options), Image.Image)
    assert len(edit(astronaut, requests, batch_size=2, **options)) == 3
    assert len(edit([astronaut, astronaut[:, ::-1]], {"AU12": 3}, **options)) == 2
    assert len(edit(astronaut[None].repeat(2, 0), {"AU12": 3}, **options)) == 2
    pairs = edit([astronaut, astronaut[:, ::-1]], requests[:2], **options)
    assert (np.array(pairs[1]) == np.array(edit(astronaut[:, ::-1], requests[1], **options))).mean() > 0.99
    with refused(InputError, "count", expected=2, actual=3):
        edit([astronaut, astronaut], requests, **options)
    with pytest.raises(InputError):
        edit([astronaut], requests[0], background=astronaut, **options)


def test_a_photo_is_encoded_once_for_many_requests(options, astronaut, monkeypatch):
    encoded = []
    original = MagicFace.encode
    monkeypatch.setattr(MagicFace, "encode", lambda self, *a, **k: encoded.append(1) or original(self, *a, **k))
    edit(astronaut, [{"AU12": level} for level in range(5)], batch_size=2, **options)
    assert len(encoded) == 1


def test_missing_weights_say_how_to_get_them(astronaut, tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    with pytest.raises(MissingCheckpointError, match="magicface download") as raised:
        edit(astronaut, {"AU12": 3}, model="mengtingwei/magicface")
    assert str(tmp_path) in str(raised.value)
    assert isinstance(raised.value, FileNotFoundError)


def test_a_checkpoint_without_a_prompt_is_incomplete(golden_checkpoint):
    with pytest.raises(MissingCheckpointError, match="prompt_embeds"):
        MagicFace.from_pretrained(golden_checkpoint, device="cpu")


def test_a_wrong_request_costs_no_loading(astronaut, tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    with pytest.raises(ActionUnitError, match="AU13"):
        edit(astronaut, {"AU13": 3})


def test_the_defaults_are_the_models_own_and_the_releases():
    assert (EditOptions(), FaceOptions()) == (EditOptions(seed=424, batch_size=4), FaceOptions(face="largest"))
    assert EditOptions().to_json() == {"seed": 424, "batch_size": 4}
    assert Defaults() == Defaults(steps=50, guidance=1.5, region="head", paste_back=True)


def test_exports():
    assert magicface.__all__ == sorted(magicface.__all__)
    assert [name for name in dir(magicface) if not name.startswith("_")] == magicface.__all__
    for name in magicface.__all__:
        assert getattr(magicface, name) is not None
    with pytest.raises(AttributeError, match="edits"):
        magicface.edits  # noqa: B018

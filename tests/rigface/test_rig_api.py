"""The front door, as a user opens it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused
from small_rig import Flat

import magicface
import rigface
from common.core.errors import ActionUnitError, ImageError, InputError, MissingCheckpointError
from common.imaging.images import read_image
from rigface import Light, RigFace, edit, rig

FLAT = Flat()


@pytest.fixture
def options(rig_folder):
    return {
        "model": rig_folder, "device": "cpu", "steps": 1, "progress": False, "detector": "mediapipe",
        "parser": "grabcut", "reconstructor": FLAT,
    }  # fmt: skip


@pytest.mark.slow
def test_every_form_of_a_request_gives_the_same(options, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    expected = np.array(edit(astronaut, light=Light(60), expression={"AU12": 3}, **options))
    for light, units in (("azimuth=60", "AU12=3"), ({"azimuth": 60}, [0.0] * 6 + [3] + [0.0] * 5)):
        assert (np.array(edit(tmp_path / "photo.png", light=light, expression=units, **options)) == expected).all()


@pytest.mark.slow
def test_lists_and_photos_that_are_encoded_once(options, astronaut, other, monkeypatch):
    encoded, looked = [], FLAT.looked
    original = RigFace.encode
    monkeypatch.setattr(RigFace, "encode", lambda self, *a, **k: encoded.append(1) or original(self, *a, **k))
    row = edit(astronaut, light=[f"azimuth={i}" for i in range(5)], target=other, copy="pose", batch_size=2, **options)
    assert (len(row), len(encoded)) == (5, 1)
    assert FLAT.looked - looked == 2  # the photo, and the one to copy from
    assert isinstance(edit(astronaut, **options), Image.Image)
    both = edit([astronaut, other], expression=["AU12=3", {}], **options)
    assert np.abs(np.array(both[1], int) - np.array(edit(other, **options), int)).max() <= 1


def test_what_the_network_will_see(options, astronaut):
    shown = rig(astronaut, light="azimuth=60", **{k: v for k, v in options.items() if k not in ("steps", "progress")})
    assert shown.render.shape == shown.background.shape == (64, 64, 3)
    sampling = {"steps", "progress"}
    requests = rig(astronaut, light=["azimuth=60", "azimuth=0"], **{k: options[k] for k in options.keys() - sampling})
    assert (requests[0].render == shown.render).all()
    prepared = {"background": shown.background, "render": shown.render, "coefficients": shown.coefficients}
    crop = shown.background
    assert edit(crop, **prepared, **options | {"reconstructor": "auto"}).size == (64, 64)
    with refused(InputError, "count"):
        edit([crop], **prepared, **options)


def test_what_is_wrong_costs_no_loading(astronaut, tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    for options, kind, name in (
        ({"expression": {"AU13": 3}}, ActionUnitError, "AU13"),
        ({"target": "absent.jpg", "copy": "light"}, ImageError, "absent.jpg"),
        ({"steps": 0}, InputError, "steps"),
    ):
        with pytest.raises(kind, match=name):
            edit(astronaut, **options)
    for options, code, actual in (
        ({"light": "azimut=3"}, "unknown", "azimut"),
        ({"guidance": 1.5}, "conflict", 1.5),
        ({"background": astronaut}, "missing", ["background"]),
        ({"reconstructor": "eyes"}, "unknown", "eyes"),
    ):
        with refused(InputError, code, actual=actual):
            edit(astronaut, **options)
    with refused(InputError, "count"):
        rig([astronaut])
    with pytest.raises(MissingCheckpointError, match="rigface download") as raised:
        edit(astronaut, light="azimuth=3", model="mengtingwei/rigface")
    assert "unet_denoise" in str(raised.value)
    assert "--model embedded" in str(raised.value)


def test_options_are_named_as_magicfaces_are():
    ours, theirs = (inspect.signature(package.edit).parameters for package in (rigface, magicface))
    own = {"light", "pose", "expression", "target", "copy"}
    assert set(ours) - set(theirs) == own
    assert set(theirs) - set(ours) == {"au_delta"}
    for name in set(ours) & set(theirs):
        assert ours[name].default == theirs[name].default, name
    assert set(inspect.signature(rig).parameters) <= set(ours)


@pytest.mark.slow
def test_the_readme_session(rig_folder, astronaut, other, tmp_path, monkeypatch):
    """Word for word, on tiny random networks under the published name."""
    readme = (Path(rigface.__file__).parents[1] / "README.md").read_text()
    session = next(s for s in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "RigFace.from_pre" in s)
    monkeypatch.setattr("rigface.editor.get_reconstructor", lambda name, **options: FLAT)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mengtingwei--rigface").symlink_to(rig_folder)
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut).save("photo.jpg")
    Image.fromarray(other).save("other.jpg")
    names = {}
    exec(session, names)
    assert read_image("copied.png").size == (512, 512)
    assert len(names["row"]) == 7


def test_exports():
    assert rigface.__all__ == sorted(rigface.__all__)
    assert [name for name in dir(rigface) if not name.startswith("_")] == rigface.__all__
    for name in rigface.__all__:
        assert getattr(rigface, name) is not None
    with pytest.raises(AttributeError, match="edits"):
        rigface.edits  # noqa: B018

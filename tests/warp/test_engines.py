"""Laws of engines: what a warp and the networks each make of a request, and of networks that begin with the warp."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from breadth import breadth
from PIL import Image
from runs import SHARED

import fineface
import magicface
import rigface
from common.core.errors import InputError, MissingCheckpointError
from common.editing.chain import chain
from common.editing.options import EditOptions
from common.imaging.images import read_image
from common.provenance.recipe import carried
from common.synthetic.data.draw import draw_scene
from common.synthetic.render import picture
from common.warp.delta import Change, both_sides
from fineface._api import verbs as fineface_verbs
from magicface import MagicFace
from magicface._api import verbs as magicface_verbs
from rigface import RigEdit, RigFace
from rigface._api import verbs as rigface_verbs

FAST = {"steps": 4, "progress": False}
SMILE = {"AU12": 3}
OFFLINE = {"detector": "mediapipe", "parser": "grabcut"}


def pixels(image) -> np.ndarray:
    return np.array(image)


def made_by(picture):
    """The record of how a picture was made."""
    return carried(picture).complete()


@pytest.fixture(scope="module")
def warping():
    return MagicFace.warping(**OFFLINE)


def test_a_request_of_nothing_is_the_photo(editor, subject):
    assert np.array_equal(pixels(editor.edit(subject, {}, engine="warp")), pixels(subject.photo))


def test_the_crop_alone_is_the_warp_cut_out(editor, subject):
    whole, crop = (editor.edit(subject, SMILE, engine="warp", paste_back=way) for way in ("replace", False))
    assert np.array_equal(subject.crop.apply(pixels(whole)), pixels(crop))


def test_a_strength_of_zero_is_the_warp_and_of_one_the_plain_edit(editor, subject):
    warped = editor.edit(subject, SMILE, engine="warp")
    assert np.array_equal(pixels(editor.edit(subject, SMILE, start="warp", strength=0, **FAST)), pixels(warped))
    plain = editor.edit(subject, SMILE, **FAST)
    assert np.array_equal(pixels(editor.edit(subject, SMILE, start="warp", strength=1, **FAST)), pixels(plain))
    assert not np.array_equal(pixels(warped), pixels(plain))


def test_a_start_runs_only_the_last_steps(editor, subject):
    seen = []

    def note(pipeline, step, timestep, values):
        seen.append(int(timestep))
        return {}

    editor.edit(subject, SMILE, callback_on_step_end=note, paste_back=False, **FAST)
    everything, seen[:] = list(seen), []
    editor.edit(subject, SMILE, start="warp", strength=0.5, callback_on_step_end=note, paste_back=False, **FAST)
    assert seen == everything[2:]


def test_many_requests_equal_one_by_one(editor, subject):
    requests = [SMILE, {"AU4": 2}]
    together = editor.edit(subject, requests, start="warp", strength=0.5, **FAST)
    for request, image in zip(requests, together):
        alone = editor.edit(subject, request, start="warp", strength=0.5, **FAST)
        assert np.abs(pixels(alone).astype(int) - pixels(image)).max() <= 1


def test_transparency_and_profile_survive(editor, astronaut):
    photo = Image.fromarray(np.dstack([astronaut, np.full((512, 512), 200, np.uint8)]), "RGBA")
    photo.info["icc_profile"] = b"some"
    after = editor.edit(editor.encode(photo), SMILE, engine="warp")
    assert after.mode == "RGBA"
    assert (pixels(after)[..., 3] == 200).all()
    assert after.info["icc_profile"] == b"some"


def test_a_warping_editor_has_no_networks_and_needs_none(warping, editor, subject, astronaut):
    own = warping.encode(astronaut)
    assert warping.resolve(EditOptions()).engine == "warp"
    assert np.array_equal(pixels(warping.edit(own, SMILE)), pixels(editor.edit(subject, SMILE, engine="warp")))
    with pytest.raises(MissingCheckpointError, match="magicface download"):
        warping.edit(own, SMILE, engine="diffusion")


def test_the_front_door_loads_no_model_for_a_warp(astronaut, monkeypatch):
    monkeypatch.setattr(MagicFace, "load_pipeline", lambda *_, **__: pytest.fail("a model was loaded"))
    monkeypatch.setattr(RigFace, "load_pipeline", lambda *_, **__: pytest.fail("a model was loaded"))
    smile = magicface.edit(astronaut, SMILE, engine="warp", **OFFLINE)
    same = rigface.edit(astronaut, expression=SMILE, engine="warp", **OFFLINE)
    assert np.array_equal(pixels(smile), pixels(same))


def test_light_and_pose_are_warped_too(astronaut):
    editor = RigFace.warping(**OFFLINE)
    subject = editor.encode(astronaut)
    lit, turned = editor.edit(subject, [RigEdit(light="azimuth=60,ambient=0.2"), RigEdit(pose="yaw=10")])
    for image in (lit, turned):
        assert (pixels(image) != astronaut).any(2).mean() > 0.03
    for pose in ("yaw=80", "yaw=25", "pitch=-20"):
        with pytest.raises(InputError, match="rigface download"):
            editor.edit(subject, RigEdit(pose=pose))


def test_a_warp_is_what_its_change_says(editor, subject):
    warp = editor.fitted(subject)
    units = warp.fit.expression.new_tensor([0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0])
    asked = Change(both_sides(units), warp.fit.expression.new_tensor(np.eye(3)), warp.light, warp.light)
    assert np.array_equal(pixels(editor.edit(subject, SMILE, engine="warp")), warp(asked))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "magic"}, "engine"),
        ({"start": "nothing"}, "start"),
        ({"start": "warp", "strength": 1.5}, "strength"),
        ({"start": "warp", "strength": "half"}, "strength"),
        ({"start": "warp", "engine": "warp"}, "start"),
    ],
)
def test_what_cannot_be_done_says_so(editor, subject, options, words):
    with pytest.raises(InputError, match=words):
        editor.edit(subject, SMILE, **options, **FAST)


def test_a_prepared_crop_has_no_warp(editor, subject):
    prepared = editor.encode(subject.source, background=subject.background)
    with pytest.raises(InputError, match="warp"):
        editor.edit(prepared, SMILE, engine="warp")


@pytest.fixture
def bare(tmp_path, monkeypatch) -> None:
    """A machine where no published weights are."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))


KINDS = {
    "rendered": lambda rendered: rendered,
    "drawn": lambda rendered: cv2.stylization(rendered, sigma_s=40, sigma_r=0.5),
    "noisy": lambda rendered: np.random.default_rng(0).normal(rendered, 12).clip(0, 255).astype(np.uint8),
    "flat": lambda rendered: cv2.medianBlur(rendered, 9),
}
PHOTOS = sorted((SHARED / "photos").glob("*.jpg"))


@pytest.fixture(scope="module")
def rendered():
    return np.asarray(picture.make(draw_scene(301, 1), 160).image)


@pytest.mark.parametrize("kind", breadth([*KINDS, *PHOTOS], 2), ids=lambda kind: getattr(kind, "stem", kind))
def test_the_engine_does_not_depend_on_the_pixels(bare, kind, rendered, monkeypatch):
    """Faces of every kind: rendered, drawn, filmed by a noisy camera, and photographs and paintings where present."""
    photo = KINDS[kind](rendered) if kind in KINDS else np.array(read_image(kind).convert("RGB"))
    monkeypatch.setattr(MagicFace, "load_pipeline", lambda *_, **__: pytest.fail("networks were loaded"))
    found = magicface.edit(photo, SMILE, progress=False, **OFFLINE)
    assert made_by(found).settings["engine"] == "warp"
    warped = magicface.edit(photo, SMILE, engine="warp", **OFFLINE)
    assert np.array_equal(pixels(found), pixels(warped))


def test_a_named_model_edits_every_picture_by_its_networks(editor, rendered):
    for name, kind in KINDS.items():
        found = editor.edit(editor.encode(kind(rendered)), SMILE, **FAST)
        assert made_by(found).settings["engine"] == "diffusion", name


def test_all_three_editors_warp_without_weights_and_say_so_once(bare, astronaut, caplog, monkeypatch):
    calls = {
        "magicface": lambda: magicface.edit(astronaut, SMILE, **OFFLINE),
        "rigface": lambda: rigface.edit(astronaut, light="azimuth=60", pose="yaw=10", expression=SMILE, **OFFLINE),
        "fineface": lambda: fineface.edit(astronaut, SMILE, **OFFLINE),
    }
    monkeypatch.setattr(magicface_verbs.editors, "_noted", False)
    monkeypatch.setattr(rigface_verbs.editors, "_noted", False)
    monkeypatch.setattr(fineface_verbs.editors, "_noted", False)
    for name, call in calls.items():
        caplog.clear()
        assert made_by(call()).settings["engine"] == "warp"
        call()
        assert [record.getMessage().count(f"{name} download") for record in caplog.records] == [1]


@pytest.mark.parametrize("asked", [{"engine": "diffusion"}, {"start": "warp"}, {"strength": 0.5}])
def test_networks_that_are_asked_for_and_are_not_there_are_an_error(bare, astronaut, asked):
    with pytest.raises(MissingCheckpointError, match=r'magicface download[\s\S]*model="embedded"'):
        magicface.edit(astronaut, SMILE, **asked, **OFFLINE)
    with pytest.raises(MissingCheckpointError, match=r'rigface download[\s\S]*model="embedded"'):
        rigface.edit(astronaut, expression=SMILE, **asked, **OFFLINE)
    with pytest.raises(MissingCheckpointError, match=r'fineface download[\s\S]*model="embedded"'):
        fineface.edit(astronaut, SMILE, **asked, **OFFLINE)


def test_a_start_from_the_warp_at_strength_zero_needs_no_networks(bare, astronaut):
    found = magicface.edit(astronaut, SMILE, start="warp", strength=0, **OFFLINE)
    assert np.array_equal(pixels(found), pixels(magicface.edit(astronaut, SMILE, engine="warp", **OFFLINE)))
    assert made_by(found).settings["engine"] == "warp"


def test_a_chain_of_warps(bare, astronaut):
    first, second = RigFace.from_pretrained(**OFFLINE), MagicFace.from_pretrained(**OFFLINE)
    both = chain(astronaut, [(first, RigEdit(light="azimuth=60")), (second, SMILE)])
    lit = first.edit(first.encode(astronaut), RigEdit(light="azimuth=60"))
    assert np.array_equal(pixels(both), pixels(second.edit(second.encode(lit), SMILE)))
    steps = made_by(both).request
    assert [step["settings"]["engine"] for step in steps] == ["warp", "warp"]


def test_a_start_is_a_request_for_the_networks():
    assert EditOptions(start="warp").wanted == "diffusion"
    assert EditOptions(strength=0.5).wanted == "diffusion"
    assert EditOptions(start="warp", strength=0).wanted == "warp"
    assert EditOptions().wanted is None

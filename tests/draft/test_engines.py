"""Laws of engines: what a draft and the networks each make of a wish, and of networks that begin with the draft."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import magicface
import rigface
from common.arguments import check_engine
from common.draft.change import Change
from common.errors import InputError
from magicface import MagicFace
from rigface import RigFace, RigWish

FAST = {"steps": 4, "progress": False}
SMILE = {"AU12": 3}
OFFLINE = {"finder": "mediapipe", "parser": "grabcut"}


def pixels(image) -> np.ndarray:
    return np.array(image)


@pytest.fixture(scope="module")
def drafting():
    return MagicFace.drafting(**OFFLINE)


def test_a_wish_of_nothing_is_the_photo(editor, subject):
    assert np.array_equal(pixels(editor.edit(subject, {}, engine="draft")), pixels(subject.photo))


def test_the_crop_alone_is_the_draft_cut_out(editor, subject):
    whole, crop = (editor.edit(subject, SMILE, engine="draft", paste_back=way) for way in ("replace", False))
    assert np.array_equal(subject.crop.apply(pixels(whole)), pixels(crop))


def test_a_strength_of_zero_is_the_draft_and_of_one_the_plain_edit(editor, subject):
    drafted = editor.edit(subject, SMILE, engine="draft")
    assert np.array_equal(pixels(editor.edit(subject, SMILE, start="draft", strength=0, **FAST)), pixels(drafted))
    plain = editor.edit(subject, SMILE, **FAST)
    assert np.array_equal(pixels(editor.edit(subject, SMILE, start="draft", strength=1, **FAST)), pixels(plain))
    assert not np.array_equal(pixels(drafted), pixels(plain))


def test_a_start_runs_only_the_last_steps(editor, subject):
    seen = []

    def note(pipeline, step, timestep, values):
        seen.append(int(timestep))
        return {}

    editor.edit(subject, SMILE, callback_on_step_end=note, paste_back=False, **FAST)
    everything, seen[:] = list(seen), []
    editor.edit(subject, SMILE, start="draft", strength=0.5, callback_on_step_end=note, paste_back=False, **FAST)
    assert seen == everything[2:]


def test_many_wishes_equal_one_by_one(editor, subject):
    wishes = [SMILE, {"AU4": 2}]
    together = editor.edit(subject, wishes, start="draft", strength=0.5, **FAST)
    for wish, image in zip(wishes, together):
        alone = editor.edit(subject, wish, start="draft", strength=0.5, **FAST)
        assert np.abs(pixels(alone).astype(int) - pixels(image)).max() <= 1


def test_transparency_and_profile_survive(editor, astronaut):
    photo = Image.fromarray(np.dstack([astronaut, np.full((512, 512), 200, np.uint8)]), "RGBA")
    photo.info["icc_profile"] = b"some"
    after = editor.edit(editor.encode(photo), SMILE, engine="draft")
    assert after.mode == "RGBA"
    assert (pixels(after)[..., 3] == 200).all()
    assert after.info["icc_profile"] == b"some"


def test_a_drafting_editor_has_no_networks_and_needs_none(drafting, editor, subject, astronaut):
    own = drafting.encode(astronaut)
    assert drafting.engine_for(own) == "draft"
    assert np.array_equal(pixels(drafting.edit(own, SMILE)), pixels(editor.edit(subject, SMILE, engine="draft")))
    with pytest.raises(InputError, match="has no networks"):
        drafting.edit(own, SMILE, engine="diffusion")


def test_the_front_door_loads_no_model_for_a_draft(astronaut, monkeypatch):
    monkeypatch.setattr(MagicFace, "load_pipeline", lambda *_, **__: pytest.fail("a model was loaded"))
    monkeypatch.setattr(RigFace, "load_pipeline", lambda *_, **__: pytest.fail("a model was loaded"))
    smile = magicface.edit(astronaut, SMILE, engine="draft", **OFFLINE)
    same = rigface.edit(astronaut, expression=SMILE, engine="draft", **OFFLINE)
    assert np.array_equal(pixels(smile), pixels(same))


def test_light_and_pose_are_drafted_too(astronaut):
    editor = RigFace.drafting(**OFFLINE)
    subject = editor.encode(astronaut)
    lit, turned = editor.edit(subject, [RigWish(light="azimuth=60,ambient=0.2"), RigWish(pose="yaw=10")])
    for image in (lit, turned):
        assert (pixels(image) != astronaut).any(2).mean() > 0.03
    for pose in ("yaw=80", "yaw=25", "pitch=-20"):
        with pytest.raises(InputError, match="cannot turn"):
            editor.edit(subject, RigWish(pose=pose))


def test_a_draft_is_what_its_change_says(editor, subject):
    draft = subject.draft
    units = draft.fit.expression.new_tensor([0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0])
    asked = Change(units, draft.fit.expression.new_tensor(np.eye(3)), draft.light, draft.light)
    assert np.array_equal(pixels(editor.edit(subject, SMILE, engine="draft")), draft(asked))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "magic"}, "engine must be"),
        ({"start": "nothing"}, "start must be"),
        ({"start": "draft", "strength": 1.5}, "strength must be"),
        ({"start": "draft", "strength": "half"}, "strength must be"),
        ({"start": "draft", "engine": "draft"}, "goes with"),
    ],
)
def test_what_cannot_be_done_says_so(editor, subject, options, words):
    with pytest.raises(InputError, match=words):
        editor.edit(subject, SMILE, **options, **FAST)


def test_a_prepared_crop_has_no_draft(editor, subject):
    prepared = editor.encode(subject.source, background=subject.background)
    with pytest.raises(InputError, match="cannot be drafted"):
        editor.edit(prepared, SMILE, engine="draft")


def test_a_photograph_is_drafted_where_the_small_model_merely_stands_in(astronaut, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))  # where no published weights are
    own = magicface.edit(astronaut, SMILE, progress=False, **OFFLINE)
    assert sum("its draft is taken" in record.message for record in caplog.records) == 1
    drafted = magicface.edit(astronaut, SMILE, engine="draft", **OFFLINE)
    assert np.array_equal(pixels(own), pixels(drafted))
    caplog.clear()
    insisted = magicface.edit(astronaut, SMILE, engine="diffusion", progress=False, **OFFLINE)
    named = magicface.edit(astronaut, SMILE, model="embedded", progress=False, **OFFLINE)
    assert np.array_equal(pixels(insisted), pixels(named))
    assert not np.array_equal(pixels(insisted), pixels(own))
    assert not any("its draft is taken" in record.message for record in caplog.records)


def test_a_start_is_a_wish_for_the_networks():
    assert check_engine(None, "draft") == "diffusion"
    assert check_engine(None, None, 0.5) == "diffusion"
    assert check_engine(None) is None

"""From a photo to the edited photo, on tiny random networks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, EulerAncestralDiscreteScheduler
from diffusers.models.attention_processor import AttnProcessor2_0
from PIL import Image
from refusals import refused

from common.core.errors import ActionUnitError, FaceNotFoundError, InputError
from common.editing.compositing import paste, paste_mask
from magicface import MagicFace

FAST = {"steps": 2, "progress": False}


def pixels(image):
    return np.array(image).astype(int)


def outside(subject):
    """Pixels of the photo that no edit may touch."""
    free = np.ones(subject.photo.size[::-1], bool)
    weight, (x0, y0, x1, y1) = subject.crop.warp_back(paste_mask(subject.mask), mask=True)
    free[y0:y1, x0:x1] = weight == 0
    return free


def test_the_subject_tells_what_was_seen(subject, astronaut):
    assert subject.source.shape == subject.background.shape == (128, 128, 3)
    assert (np.array(subject.photo) == astronaut).all()
    assert subject.record["detector"] == "mediapipe"
    assert subject.record["parser"] == "grabcut"
    kept = ~subject.mask
    hint = (subject.background != subject.source).any(2) & kept
    assert hint.mean() < 0.02  # only dots of the jaw line differ outside the region
    assert (subject.background[subject.mask].max(1) == 0).mean() > 0.9
    assert "identity" not in repr(subject)


@pytest.mark.parametrize("way", ["replace", "detail"])
def test_outside_the_mask_the_photo_stays(editor, subject, way):
    result = editor.edit(subject, {"AU12": 3}, paste_back=way, **FAST)
    assert result.size == subject.photo.size
    free = outside(subject)
    assert 0.3 < free.mean() < 0.95
    assert (pixels(result) == pixels(subject.photo))[free].all()
    assert (pixels(result) != pixels(subject.photo)).any()


def test_zero_request_in_detail_is_the_photo(editor, subject):
    assert (pixels(editor.edit(subject, {}, paste_back="detail", **FAST)) == pixels(subject.photo)).all()


def test_detail_is_the_change_of_the_same_noise(editor, subject):
    """The request and zero run in one batch, and give the same crops as each alone."""
    plain = editor.edit(subject, [{"AU12": 3}, {}], paste_back=False, **FAST)
    edited, neutral = (np.array(image, np.float32) / 255 for image in plain)
    expected = paste(subject.photo, subject.crop, edited, paste_mask(subject.mask), neutral)
    actual = editor.edit(subject, {"AU12": 3}, paste_back="detail", **FAST)
    difference = np.abs(pixels(actual) - pixels(expected))
    assert difference.mean() < 0.2  # the crops above are rounded to 8 bits,
    assert difference.max() <= 12  # which also moves the line where the photo's detail is gone
    assert np.abs(pixels(actual) - pixels(subject.photo)).max() > 30


def test_many_requests_equal_one_by_one(editor, subject):
    requests = [{"AU12": 3}, {}, "AU4=2,AU1=1"]
    together = editor.edit(subject, requests, batch_size=2, **FAST)
    for request, image in zip(requests, together):
        assert np.abs(pixels(image) - pixels(editor.edit(subject, request, **FAST))).max() <= 1


@pytest.mark.parametrize("way", ["replace", "detail"])
def test_several_subjects_equal_one_by_one(editor, subject, astronaut, way):
    mirrored = editor.encode(astronaut[:, ::-1])
    together = editor.edit([subject, mirrored], [{"AU12": 3}, {"AU26": 2}], paste_back=way, **FAST)
    alone = [
        editor.edit(subject, {"AU12": 3}, paste_back=way, **FAST),
        editor.edit(mirrored, {"AU26": 2}, paste_back=way, **FAST),
    ]
    for one, other in zip(together, alone):
        assert np.abs(pixels(one) - pixels(other)).max() <= 1


def test_same_seed_same_picture(editor, subject):
    first = editor.edit(subject, {"AU12": 3}, **FAST)
    assert (pixels(first) == pixels(editor.edit(subject, {"AU12": 3}, **FAST))).all()
    assert (pixels(first) != pixels(editor.edit(subject, {"AU12": 3}, seed=1, **FAST))).any()


def test_a_single_goes_with_every_other(editor, subject):
    assert isinstance(editor.edit(subject, {}, **FAST), Image.Image)
    assert len(editor.edit(subject, [{}], **FAST)) == 1
    assert len(editor.edit([subject], {}, **FAST)) == 1
    assert len(editor.edit([subject, subject], {}, **FAST)) == 2
    assert editor.edit(subject, [], **FAST) == []
    with refused(InputError, "count", expected=2, actual=3):
        editor.edit([subject, subject], [{}, {}, {}], **FAST)


def test_a_prepared_pair_is_taken_as_it_is(editor, subject):
    prepared = editor.encode(subject.source, background=subject.background)
    assert (prepared.source == subject.source).all()
    image = editor.edit(prepared, {"AU12": 3}, **FAST)
    assert image.size == (128, 128)
    assert (pixels(image) == pixels(editor.edit(subject, {"AU12": 3}, paste_back=False, **FAST))).all()
    with refused(InputError, "size", expected=(128, 128)):
        editor.encode(np.zeros((64, 64, 3), np.uint8), background=subject.background)


def test_the_tighter_mask_keeps_hair_and_clothes(editor, astronaut, subject):
    tight = editor.encode(astronaut, region="face")
    assert tight.mask.sum() < 0.6 * subject.mask.sum()
    assert not (tight.mask & ~subject.mask).any()


def test_transparency_and_orientation_survive(editor, astronaut):
    alpha = np.full((512, 512, 1), 255, np.uint8)
    alpha[:, :50] = 0
    result = editor.edit(editor.encode(np.dstack([astronaut, alpha])), {"AU12": 1}, **FAST)
    assert result.mode == "RGBA"
    assert (np.array(result)[:, :, 3:] == alpha).all()


def test_what_cannot_be_done_says_so(editor, subject, astronaut):
    with pytest.raises(FaceNotFoundError, match="No face"):
        editor.encode(np.zeros((200, 200, 3), np.uint8))
    with pytest.raises(FaceNotFoundError, match="no face 5"):
        editor.encode(astronaut, face=5)
    with pytest.raises(InputError, match="region"):
        editor.encode(astronaut, region="nose")
    with refused(InputError, "unknown", actual="glue"):
        editor.edit(subject, {}, paste_back="glue", **FAST)
    with refused(InputError, "range", actual=0):
        editor.edit(subject, {}, steps=0)
    with refused(InputError, "type", actual=0.5):
        editor.edit(subject, {}, seed=0.5)
    with refused(InputError, "range"):
        editor.edit(subject, {}, guidance=float("nan"))
    with refused(InputError, "range", actual=0):
        editor.edit(subject, {}, batch_size=0)
    with pytest.raises(ActionUnitError, match="AU12"):
        editor.edit(subject, {"AU13": 1}, **FAST)
    with refused(InputError, "range", actual=100):
        type(editor)(editor.pipeline, size=100)
    with pytest.raises(InputError, match="mediapipe"):
        type(editor)(editor.pipeline, detector="eyes")
    with pytest.raises(InputError, match="grabcut"):
        type(editor)(editor.pipeline, parser="eyes")


@pytest.mark.parametrize("scheduler", [DDPMScheduler, EulerAncestralDiscreteScheduler])
def test_schedulers_that_draw_noise_give_every_row_the_same(model_folder, astronaut, scheduler):
    own = MagicFace.from_pretrained(model_folder, device="cpu", size=64, detector="mediapipe", parser="grabcut")
    own.pipeline.scheduler = scheduler.from_config(own.pipeline.scheduler.config)
    subject = own.encode(astronaut)
    assert np.abs(pixels(own.edit(subject, {}, paste_back="detail", **FAST)) - pixels(subject.photo)).max() <= 1
    together = own.edit(subject, [{"AU12": 3}, {"AU4": 2}], **FAST)
    assert np.abs(pixels(together[1]) - pixels(own.edit(subject, {"AU4": 2}, **FAST))).max() <= 2


def test_two_threads_do_not_mix_two_people(editor, astronaut):
    photos = [astronaut, np.ascontiguousarray(astronaut[:, ::-1])]
    expected = [editor.encode(photo).identity for photo in photos]
    with ThreadPoolExecutor(2) as pool:
        got = list(pool.map(lambda i: editor.encode(photos[i % 2]).identity, range(8)))
    for i, identity in enumerate(got):
        for name, (key, _) in identity.items():
            torch.testing.assert_close(key, expected[i % 2][name][0], rtol=0, atol=1e-4)


def test_a_subject_is_a_value_that_can_be_kept(subject):
    assert {subject: 1}[subject] == 1
    assert len(repr(subject)) < 1000


def test_mistakes_of_a_first_time_user(editor, subject, model_folder):
    with refused(InputError, "type", actual="str"):
        editor.edit("photo.jpg", {"AU12": 3})
    other = MagicFace(editor.pipeline, size=64, detector="mediapipe", parser="grabcut")
    with refused(InputError, "size", expected=64, actual=128):
        other.edit(subject, {"AU12": 3})
    for size in (64.5, "64", 10**6, True):
        with pytest.raises(InputError, match="size"):
            MagicFace(editor.pipeline, size=size)
    assert MagicFace(editor.pipeline, size=np.int64(64), detector="mediapipe", parser="grabcut").size == 64
    editor.edit(subject, {}, seed=np.int64(3), **FAST)


def test_lost_attention_processors_are_noticed(model_folder, astronaut):
    own = MagicFace.from_pretrained(model_folder, device="cpu", size=64, detector="mediapipe", parser="grabcut")
    subject = own.encode(astronaut)
    own.pipeline.unet.set_attn_processor(AttnProcessor2_0())
    with pytest.raises(InputError, match="attend_to_identity"):
        own.edit(subject, {"AU12": 3}, **FAST)


def test_a_parser_that_sees_nobody_is_an_error(model_folder, astronaut):
    own = MagicFace.from_pretrained(model_folder, device="cpu", size=64, detector="mediapipe", parser="grabcut")
    own.parser = SimpleNamespace(name="blind", parse=lambda crop, **points: np.zeros(crop.shape[:2], np.uint8))
    with refused(FaceNotFoundError, "no_person"):
        own.encode(astronaut)


def test_a_detector_of_ones_own(model_folder, astronaut, subject):
    detector = SimpleNamespace(name="mine", find=lambda image: [subject.face])
    own = MagicFace.from_pretrained(model_folder, device="cpu", size=64, detector=detector, parser="grabcut")
    assert own.encode(astronaut).record["detector"] == "mine"


def test_releasing_the_id_encoder(model_folder, astronaut):
    own = MagicFace.from_pretrained(model_folder, device="cpu", size=128, detector="mediapipe", parser="grabcut")
    subject = own.encode(astronaut)
    before = own.edit(subject, {"AU12": 2}, **FAST)
    own.release_id_encoder()
    assert (pixels(own.edit(subject, {"AU12": 2}, **FAST)) == pixels(before)).all()
    with pytest.raises(InputError, match="released"):
        own.encode(astronaut)

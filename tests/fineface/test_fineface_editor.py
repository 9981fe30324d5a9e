"""FineFace on tiny random networks: what a call gives, what it computes, what it refuses."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

import fineface
from common.core.errors import (
    ActionUnitError,
    FaceNotFoundError,
    ImageError,
    InputError,
    MissingCheckpointError,
    MissingDependencyError,
    ShapeError,
)
from common.editing.chain import chain
from common.faces import Face
from common.facs.action_units import AUIntensity
from fineface import edit, faceid, generate
from fineface.request import FineFaceOptions

FAST = {"steps": 2, "seed": 1, "progress": False}
SWEEP = [{"AU12": value} for value in (0, 2.5, 5)]


def pixels(image) -> np.ndarray:
    return np.array(image).astype(int)


@pytest.fixture
def person():
    return torch.randn(3, 512, generator=torch.Generator().manual_seed(0))


def test_every_form_of_a_request_gives_the_same(text_editor):
    first = text_editor.generate("a man", {"AU12": 3, "AU6": 2}, **FAST)
    assert first.size == (64, 64)
    vector = [0.0] * 12
    vector[4], vector[6] = 2, 3
    for request in ("AU12=3,AU6=2", vector, torch.tensor(vector)):
        assert (pixels(text_editor.generate("a man", request, **FAST)) == pixels(first)).all()
    assert (pixels(text_editor.generate("a man", {"AU12": 3}, **FAST)) != pixels(first)).any()


def test_a_sweep_does_not_depend_on_the_batch_size(text_editor):
    one = text_editor.generate("a man", SWEEP, batch_size=1, **FAST)
    for size in (2, 3):
        for a, b in zip(one, text_editor.generate("a man", SWEEP, batch_size=size, **FAST)):
            assert np.abs(pixels(a) - pixels(b)).max() <= 1  # rounding to 8 bits
    same = text_editor.generate("a man", [SWEEP[0]] * 2, **FAST)
    assert (pixels(same[0]) == pixels(same[1])).all()  # the same noise
    assert (pixels(one[0]) != pixels(one[2])).any()


def test_prompts_and_requests_pair_up(text_editor):
    assert len(text_editor.generate(["a man", "a woman"], {}, **FAST)) == 2
    assert len(text_editor.generate(["a man", "a woman", "a boy"], SWEEP, **FAST)) == 3
    assert text_editor.generate([], {}, **FAST) == []
    with refused(InputError, "count", expected=2, actual=3):
        text_editor.generate(["a man", "a woman"], SWEEP, **FAST)


def test_seeds(text_editor, caplog):
    options = FAST | {"seed": None}
    with caplog.at_level(logging.INFO, "fineface"):
        first = text_editor.generate("a man", {}, **options)
    seed = int(caplog.records[-1].getMessage().removeprefix("seed "))
    assert (pixels(text_editor.generate("a man", {}, **options | {"seed": seed})) == pixels(first)).all()
    assert (pixels(text_editor.generate("a man", {}, **options)) != pixels(first)).any()


def test_negative_prompt_guidance_scale_and_size_have_an_effect(text_editor):
    plain = pixels(text_editor.generate("a man", {"AU4": 3}, **FAST))
    for other in ({"negative_prompt": "hat"}, {"guidance": 1.0}, {"au_scale": 0.0}):
        assert (pixels(text_editor.generate("a man", {"AU4": 3}, **FAST, **other)) != plain).any()
    assert text_editor.generate("a man", {}, size=(96, 64), **FAST).size == (96, 64)
    zero = {"au_scale": 0.0}
    assert (
        pixels(text_editor.generate("a man", {"AU4": 3}, **FAST, **zero))
        == pixels(text_editor.generate("a man", {"AU12": 5}, **FAST, **zero))
    ).all()


def test_tokens_are_computed_once_per_call(face_editor, person, monkeypatch):
    calls = []

    def counted(name, module):
        original = module.forward
        monkeypatch.setattr(module, "forward", lambda *a, **k: calls.append(name) or original(*a, **k))

    counted("aus", face_editor.networks.adapter.projection)
    counted("branch", face_editor.networks.adapter)
    counted("faces", face_editor.networks.face_projection)
    counted("text", face_editor.pipeline.text_encoder)
    face_editor.generate("a man", SWEEP, identity=person, batch_size=1, **FAST)
    assert sorted(calls) == ["aus", "branch", "faces", "faces", "text", "text"]  # the person and nobody; both prompts


def test_faces_change_the_picture_and_scale_zero_does_not(face_editor, person):
    nobody = pixels(face_editor.generate("a man", {}, **FAST))
    somebody = pixels(face_editor.generate("a man", {}, identity=person, **FAST))
    assert (somebody != nobody).any()
    assert (pixels(face_editor.generate("a man", {}, identity=person, face_scale=0.0, **FAST)) == nobody).all()
    longer = face_editor.generate("a man", {}, identity=30 * person.numpy(), **FAST)
    assert np.abs(pixels(longer) - somebody).max() <= 1  # only the direction counts
    assert (pixels(face_editor.generate("a man", {}, identity=person[0], **FAST)) != somebody).any()


class Detector:
    """Plays insightface: a face in every photo that is not black."""

    name = "insightface/buffalo_l"

    def find(self, photo):
        if not photo.any():
            return []
        size = np.array(photo.shape[1::-1], np.float32)
        box = np.concatenate([size * 0.02, size * 0.98])
        return [Face(box, 1.0, np.zeros((5, 2)), np.zeros((68, 2)), self.name, embedding=np.eye(512)[photo[0, 0, 0]])]


def test_photos_become_embeddings(face_editor, monkeypatch, tmp_path):
    monkeypatch.setattr(faceid, "_detector", Detector)
    black, grey = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 7, np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert torch.equal(faceid.embed_people(tmp_path / "grey.png"), torch.eye(512)[[7]])
    assert faceid.embed_people([grey, grey + 1]).shape == (2, 512)
    with pytest.raises(FaceNotFoundError, match="photo 1"):
        face_editor.generate("a man", {}, identity=[grey, black], **FAST)
    with pytest.raises(FaceNotFoundError, match="identity"):
        face_editor.generate("a man", {}, identity=black, **FAST)


def test_without_insightface_the_message_says_what_to_install(face_editor, monkeypatch, astronaut):
    monkeypatch.setattr(faceid.importlib.util, "find_spec", lambda name: None)
    with refused(MissingDependencyError, package="insightface", command='pip install "face-rig[faces]"'):
        face_editor.generate("a man", {}, identity=astronaut, **FAST)


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        ({"prompt": 3}, InputError, "type"),
        ({"identity": torch.zeros(2, 500)}, ShapeError, "shape"),
        ({"identity": torch.zeros(2, 512)}, InputError, "finite"),
        ({"identity": []}, InputError, "empty"),
        ({"guidance": 0.5}, InputError, "range"),
        ({"size": 70}, InputError, "range"),
        ({"size": (64, 64, 64)}, InputError, "format"),
        ({"negative_prompt": ["hat"]}, InputError, "type"),
    ],
)
def test_bad_input(face_editor, arguments, error, code, monkeypatch):
    monkeypatch.setattr(faceid, "_detector", Detector)
    with refused(error, code):
        face_editor.generate(**({"prompt": "a man", "aus": {}} | FAST | arguments))


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"aus": {"AU13": 3}}, ActionUnitError, "AU13"),
        ({"aus": {"AU12": 11}}, ActionUnitError, r"\[-5, 10\]"),
        ({"aus": [1, 2, 3]}, ShapeError, r"\(12,\)"),
        ({"identity": "absent.jpg"}, ImageError, "absent.jpg"),
        ({"steps": 0}, InputError, "steps"),
        ({"au_scale": float("nan")}, InputError, "au_scale"),
        ({"seed": -1}, InputError, "seed"),
    ],
)
def test_bad_input_is_named(face_editor, arguments, error, name, monkeypatch):
    monkeypatch.setattr(faceid, "_detector", Detector)
    with pytest.raises(error, match=name):
        face_editor.generate(**({"prompt": "a man", "aus": {}} | FAST | arguments))


def test_a_face_needs_faceid(text_editor, person):
    with refused(InputError, "conflict"):
        text_editor.generate("a man", {}, identity=person, **FAST)


def test_a_long_prompt_is_cut_and_says_what_was_cut(text_editor, caplog):
    kept = "a" * 75
    with caplog.at_level(logging.WARNING, "fineface"):
        long = text_editor.generate(kept + " hat", {}, **FAST)
    assert "78 tokens, of which 77 fit; cut: 'hat'" not in caplog.text
    assert "80 tokens, of which 77 fit" in caplog.text
    assert "hat" in caplog.text.split("cut:")[1]
    caplog.clear()
    assert (pixels(text_editor.generate(kept, {}, **FAST)) == pixels(long)).all()
    assert not caplog.text


@pytest.mark.parametrize("which", ["text_editor", "face_editor"])
def test_an_edit_leaves_the_rest_of_the_photo_alone(which, request, astronaut, monkeypatch):
    editor = request.getfixturevalue(which)
    monkeypatch.setattr(faceid, "_detector", Detector)
    subject = editor.encode(astronaut)
    result = editor.edit(subject, {"AU12": 4}, **FAST)
    changed = np.abs(pixels(result) - astronaut).max(2) > 0
    assert result.size == (512, 512)
    assert 0.005 < changed.mean() < 0.3
    box = subject.face.box
    rows, columns = np.nonzero(changed)
    assert box[0] - 30 < columns.min()
    assert columns.max() < box[2] + 30
    assert box[1] - 60 < rows.min()
    assert rows.max() < box[3] + 30
    crops = editor.edit(subject, SWEEP, paste_back=False, batch_size=2, **FAST)
    assert [crop.size for crop in crops] == [(128, 128)] * 3
    assert (pixels(crops[0]) != pixels(crops[2])).any()
    for a, b in zip(crops, editor.edit(subject, SWEEP, paste_back=False, batch_size=3, **FAST)):
        assert np.abs(pixels(a) - pixels(b)).max() <= 1


def test_the_person_of_a_photo_counts_where_there_is_faceid(face_editor, astronaut, monkeypatch, caplog):
    monkeypatch.setattr(faceid, "_detector", Detector)
    with_person = face_editor.edit(face_editor.encode(astronaut), {}, **FAST)
    monkeypatch.undo()
    monkeypatch.setattr(faceid.importlib.util, "find_spec", lambda name: None)
    subject = face_editor.encode(astronaut)
    assert "the person is not kept" in caplog.text
    assert subject.face.embedding is None
    assert (pixels(face_editor.edit(subject, {}, **FAST)) != pixels(with_person)).any()


def test_a_low_strength_starts_later(text_editor, astronaut, monkeypatch):
    subject, unet, calls = text_editor.encode(astronaut), text_editor.pipeline.unet, []
    original = unet.forward
    monkeypatch.setattr(unet, "forward", lambda *a, **k: calls.append(1) or original(*a, **k))
    for strength in (0.2, 1.0):
        text_editor.edit(subject, {}, steps=10, seed=1, progress=False, strength=strength)
        calls.append(0)
    assert calls == [*[1] * 3, 0, *[1] * 11, 0]  # PNDM takes one more than it is told


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"strength": 0}, "conflict"), ({"strength": 0.2}, "range"), ({"paste_back": "detail"}, "unknown")],
)
def test_bad_edits(text_editor, astronaut, arguments, code):
    with refused(InputError, code):
        text_editor.edit(text_editor.encode(astronaut), {}, **FAST | arguments)
    with pytest.raises(InputError, match="encode"):
        text_editor.edit(astronaut, {}, **FAST)


# --- the front door --------------------------------------------------------------------------------------------------


def test_generate_and_edit(sd21_folder, faceid_folder, astronaut, person):
    here = {"model": sd21_folder, "base": sd21_folder, "device": "cpu", **FAST}
    assert generate("a man", {"AU12": 3}, **here).size == (64, 64)
    with_face = {**here, "model": faceid_folder, "base": faceid_folder}
    assert len(generate("a man", SWEEP, identity=person, **with_face)) == 3
    made = edit(astronaut, SWEEP[:2], size=128, variant="sd21", detector="mediapipe", parser="grabcut", **here)
    assert [image.size for image in made] == [(512, 512)] * 2
    with refused(InputError, "unknown", actual="sd3"):
        generate("a man", {}, **here, variant="sd3")


def test_missing_weights_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    with pytest.raises(MissingCheckpointError, match="fineface download --variant sd21") as raised:
        generate("a man", {}, variant="sd21")
    assert str(tmp_path / "sd2-community--stable-diffusion-2-1-base" / "unet") in str(raised.value)
    with pytest.raises(MissingCheckpointError, match=r"ip-adapter-faceid-portrait-v11_sd15\.bin"):
        generate("a man", {}, identity=np.ones((1, 512)))
    with pytest.raises(ActionUnitError):  # what is wrong costs no look at the disk
        generate("a man", {"AU13": 1})


def test_defaults_are_the_releases(text_editor):
    how = FineFaceOptions().resolve(text_editor.defaults)
    assert (how.au_scale, how.face_scale, how.steps, how.guidance, how.negative_prompt) == (1.0, 0.9, 50, 7.5, None)
    assert (how.start, how.strength, how.paste_back, text_editor.defaults.region) == ("photo", 1.0, "replace", "face")


def test_exports():
    assert fineface.__all__ == sorted(fineface.__all__)
    assert [name for name in dir(fineface) if not name.startswith("_")] == fineface.__all__
    for name in fineface.__all__:
        assert getattr(fineface, name) is not None
    with pytest.raises(AttributeError, match="edits"):
        fineface.edits  # noqa: B018


def test_a_start_from_a_warp_begins_with_it(text_editor, astronaut):
    """Strength 0 is the warp itself, moved from what the face shows to what is asked for; 1 forgets it."""
    subject = text_editor.encode(astronaut)
    alone = np.asarray(text_editor.edit(subject, {"AU26": 4}, start="warp", strength=0, **FAST))
    assert np.array_equal(alone, text_editor.warp(subject, AUIntensity.parse({"AU26": 4})))
    half, photo = (
        np.asarray(text_editor.edit(subject, {"AU26": 4}, start=start, strength=0.5, **FAST))
        for start in ("warp", "photo")
    )
    assert not np.array_equal(half, photo)
    assert np.array_equal(np.asarray(text_editor.edit(subject, {"AU26": 4}, start="warp", **FAST)), half)
    with refused(InputError, "unknown", actual="noise"):
        text_editor.edit(subject, {}, start="noise", **FAST)


def test_a_chain_repaints_what_came_before(text_editor, astronaut):
    """One edit alone, and after another: either is the whole face, and nothing beyond its surroundings changes."""
    way = {"steps": 2, "seed": 1, "progress": False}
    subject = text_editor.encode(astronaut)
    one = chain(astronaut, [(text_editor, SWEEP[2])], **way)
    assert np.abs(pixels(one) - pixels(text_editor.edit(subject, SWEEP[2], **way))).max() <= 2  # a crop in bytes
    both = chain(astronaut, [(text_editor, {}), (text_editor, SWEEP[2])], **way)
    assert (pixels(both) != pixels(one)).any()
    changed = np.abs(pixels(both) - astronaut).max(2) > 0
    assert 0.005 < changed.mean() < 0.3
    with pytest.raises(InputError, match="paste_back"):
        chain(astronaut, [(text_editor, {})], paste_back="detail", **way)


def test_a_prepared_crop_is_repainted_where_its_background_differs(text_editor, astronaut):
    crop = text_editor.encode(astronaut).source
    background = crop.copy()
    background[32:96, 32:96] = 0
    subject = text_editor.encode(crop, background=background)
    assert subject.mask[40:90, 40:90].all()
    assert not subject.mask[:30].any()
    assert text_editor.edit(subject, SWEEP[2], **FAST).size == (128, 128)

"""RigFace from a photo to the edited photo, on tiny random networks, with a stand-in for the 3D reconstruction."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from refusals import refused
from small_rig import Flat

from common.core.errors import (
    ActionUnitError,
    CheckpointError,
    FaceNotFoundError,
    InputError,
    MissingCheckpointError,
    ShapeError,
)
from common.diffusion.conditioning import Rig
from common.editing.defaults import Defaults, write_defaults
from rigface import Light, RigEdit, RigFace
from rigface.conditioning import GREY

FAST = {"steps": 2, "progress": False}
LIT = RigEdit(light=Light(60))


def pixels(image):
    return np.array(image).astype(int)


@pytest.fixture
def counted(rigface_editor, monkeypatch):
    """How many pictures pass the VAE's encoder, the ID encoder and the denoiser."""
    passed = Counter()
    networks = rigface_editor.pipeline
    hooks = [
        network.register_forward_hook(lambda m, args, out, name=name: passed.update({name: len(args[0])}))
        for name, network in (("vae", networks.vae.encoder), ("id", networks.id_encoder), ("unet", networks.unet))
    ]
    yield passed
    for hook in hooks:
        hook.remove()


def test_what_was_seen_is_cached_by_the_editor(rigface_editor, sitter):
    assert sitter.source.shape == sitter.background.shape == (64, 64, 3)
    assert (sitter.background[sitter.mask] == GREY).all()
    assert (sitter.background == sitter.source)[~sitter.mask].all()  # no jaw line
    assert rigface_editor.views(sitter).seen["shade"] > 0
    assert len(sitter.conditioning_images) == 1
    assert "seen" not in repr(sitter)


def test_the_null_edit_reconstructs_the_face(rigface_editor, sitter):
    image = rigface_editor.edit(sitter, **FAST)
    assert image.size == sitter.photo.size
    assert (pixels(image) == pixels(rigface_editor.edit(sitter, RigEdit(pose="yaw=0"), **FAST))).all()
    assert (pixels(image) != pixels(rigface_editor.edit(sitter, LIT, **FAST))).any()
    detail = rigface_editor.edit(sitter, RigEdit(), paste_back="detail", **FAST)
    assert (pixels(detail) == pixels(sitter.photo)).all()


def test_the_network_sees_background_render_and_coefficients_in_this_order(rigface_editor, sitter):
    seen, request = {}, RigEdit(pose="yaw=20")
    network = rigface_editor.pipeline.unet
    hooks = [
        network.conv_in.register_forward_pre_hook(lambda m, args: seen.update(conditioning_images=args[0][:, 4:])),
        network.class_embedding.register_forward_pre_hook(lambda m, args: seen.update(vector=args[0])),
    ]
    rigface_editor.edit(sitter, request, steps=1, progress=False)
    for hook in hooks:
        hook.remove()
    shown = rigface_editor.rig(sitter, request)
    expected = [
        rigface_editor.pipeline.encode_image(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
        for picture in (shown.background, shown.render)
    ]
    torch.testing.assert_close(seen["conditioning_images"], torch.cat(expected, 1), rtol=0, atol=1e-6)
    assert (seen["vector"].cpu().numpy() == shown.coefficients).all()


def test_encode_once_edit_many_with_one_pass_a_step(rigface_editor, astronaut, counted):
    subject = rigface_editor.encode(astronaut)
    assert counted == {"vae": 2, "id": 1}  # the crop and its background
    counted.clear()
    rigface_editor.edit(subject, [RigEdit(light=Light(a)) for a in (0, 10, 20)], **FAST)
    assert counted == {"vae": 3, "unet": 2 * 3}  # the renders alone
    counted.clear()
    rigface_editor.edit(subject, [RigEdit(light=Light(9), expression=f"AU12={i}") for i in (1, 1)], **FAST)
    assert counted == {"vae": 1, "unet": 2 * 2}  # equal pictures are one
    counted.clear()
    rigface_editor.edit(subject, RigEdit(pose="yaw=20"), guidance=1.0, **FAST)
    assert counted == {"vae": 2, "unet": 2}
    counted.clear()
    rigface_editor.edit(subject, RigEdit(pose="yaw=20"), paste_back="detail", **FAST)
    assert counted == {"vae": 4, "unet": 2 * 2}  # with its twin of no request


def test_many_equal_one_by_one_and_the_batch_does_not_matter(rigface_editor, sitter, other):
    twin = rigface_editor.encode(other)
    requests = [LIT, RigEdit(pose="yaw=20"), RigEdit()]
    for way in ("replace", "detail"):
        alone = [rigface_editor.edit(sitter, request, paste_back=way, **FAST) for request in requests]
        for size in (2, 3):
            together = rigface_editor.edit(sitter, requests, paste_back=way, batch_size=size, **FAST)
            for one, image in zip(alone, together):
                assert np.abs(pixels(one) - pixels(image)).max() <= 1
    pair = rigface_editor.edit([sitter, twin], [LIT, RigEdit(pose="yaw=20")], **FAST)
    assert np.abs(pixels(pair[0]) - pixels(rigface_editor.edit(sitter, LIT, **FAST))).max() <= 1
    assert np.abs(pixels(pair[1]) - pixels(rigface_editor.edit(twin, RigEdit(pose="yaw=20"), **FAST))).max() <= 1


def test_a_turned_head_may_change_where_it_comes_to_lie(rigface_editor, sitter):
    """The photo stays outside of both; without a new pose it stays where it stays for every other edit."""
    still = (pixels(rigface_editor.edit(sitter, LIT, **FAST)) != pixels(sitter.photo)).any(2)
    turned = (pixels(rigface_editor.edit(sitter, RigEdit(pose="yaw=20"), **FAST)) != pixels(sitter.photo)).any(2)
    assert (turned & ~still).sum() > 500
    assert not turned[:5, :5].any()
    with refused(ShapeError):
        Rig(torch.zeros(2, 64), (), (sitter.mask,))


def test_copying_from_a_photo_which_is_looked_at_once(rigface_editor, sitter, other):
    before = rigface_editor.views(sitter).reconstructor.looked
    requests = [RigEdit(target=other, copy=copy) for copy in ("light", "light+expression")]
    shown = rigface_editor.rig(sitter, [*requests, RigEdit()])
    target = rigface_editor.look(other)
    assert (shown[0].render == rigface_editor.rig(sitter, RigEdit(target=target, copy="light")).render).all()
    assert (shown[0].render[20, 20] != shown[2].render[20, 20]).tolist() == [True, False, False]
    assert (shown[1].render[20, 20] != shown[2].render[20, 20]).tolist() == [True, False, True]
    one = replace_target(requests[0], target)
    looked = rigface_editor.views(sitter).reconstructor.looked
    assert looked <= before + 3
    rigface_editor.edit(sitter, [one, one], **FAST)
    assert rigface_editor.views(sitter).reconstructor.looked == looked
    posed = rigface_editor.rig(sitter, RigEdit(target=target, copy="pose"))
    union = sitter.mask | (target.labels > 0)
    assert (posed.background[union] == GREY).all()
    assert (posed.background == sitter.source)[~union].all()
    copied = rigface_editor.rig(sitter, RigEdit(target=rigface_editor.encode(other), copy="pose"))
    assert (copied.render == posed.render).all()


def replace_target(request, target):
    return RigEdit(request.light, request.pose, request.expression, target, request.copy)


def test_notes_are_logged_once(rigface_editor, sitter, caplog):
    with caplog.at_level("INFO", "rigface"):
        rigface_editor.edit(sitter, [LIT, RigEdit()], **FAST)
    assert [record.message for record in caplog.records if record.name.startswith("rigface")] == ["this head is flat"]


def test_the_tighter_region_reaches_the_conditions(rigface_editor, astronaut, sitter):
    tight = rigface_editor.encode(astronaut, region="face")
    assert tight.mask.sum() < 0.7 * sitter.mask.sum()
    background = rigface_editor.rig(tight).background
    assert (background == tight.source)[~tight.mask].all()


def test_a_prepared_crop_is_taken_as_it_is(rigface_editor, sitter):
    shown = rigface_editor.rig(sitter, RigEdit(pose="yaw=20"))
    prepared = rigface_editor.encode(
        sitter.source, background=shown.background, render=shown.render, coefficients=shown.coefficients
    )
    crop = rigface_editor.edit(prepared, **FAST)
    expected = rigface_editor.edit(sitter, RigEdit(pose="yaw=20"), paste_back=False, **FAST)
    assert np.abs(pixels(crop) - pixels(expected)).max() <= 1
    with refused(InputError, "conflict", actual="light azimuth=60,elevation=0"):
        rigface_editor.edit(prepared, LIT, **FAST)
    with refused(InputError, "conflict"):
        rigface_editor.edit(prepared, RigEdit(target=sitter, copy="light"), **FAST)
    with refused(InputError, "missing", actual=["background"]):
        rigface_editor.encode(sitter.source, background=shown.background)
    with refused(ShapeError, name="coefficients", expected="(64,)"):
        rigface_editor.encode(sitter.source, background=shown.background, render=shown.render, coefficients=[1, 2])
    with refused(InputError, "size", expected=(64, 64)):
        rigface_editor.encode(
            sitter.source[:32, :32], background=shown.background, render=shown.render, coefficients=shown.coefficients
        )


@pytest.mark.parametrize("how", [{"engine": "warp"}, {"start": "warp", "strength": 0.5}])
def test_prepared_pictures_have_no_warp(rigface_editor, sitter, how):
    shown = rigface_editor.rig(sitter)
    subject = rigface_editor.encode(
        sitter.source, background=shown.background, render=shown.render, coefficients=shown.coefficients
    )
    with pytest.raises(InputError):
        rigface_editor.edit(subject, steps=1, progress=False, **how)


def test_what_cannot_be_done_says_so(rigface_editor, sitter, pipeline, rig_folder, tmp_path):
    for guidance in (0, 1.5, True, float("nan")):
        with refused(InputError, "conflict", expected=1):
            rigface_editor.edit(sitter, LIT, guidance=guidance, **FAST)
    with pytest.raises(ActionUnitError, match="object"):
        rigface_editor.edit(sitter, object(), **FAST)
    with refused(InputError, "range", actual=10):
        rigface_editor.edit(sitter, RigEdit(expression="AU12=10"), **FAST)
    with pytest.raises(FaceNotFoundError):
        rigface_editor.edit(sitter, RigEdit(target=np.zeros((99, 99, 3), np.uint8), copy="light"), **FAST)
    with refused(CheckpointError, "count", expected=2, actual=1):
        RigFace(pipeline)
    with refused(InputError, "unknown", actual="eyes"):
        RigFace(rigface_editor.pipeline, reconstructor="eyes")
    with refused(InputError, "unknown", actual="eyes"):
        RigFace.from_pretrained(rig_folder, reconstructor="eyes")
    write_defaults(tmp_path, Defaults(guidance=2.0))
    with refused(CheckpointError, "conflict", actual=2.0):
        RigFace(rigface_editor.pipeline, folder=tmp_path)


def test_without_a_reconstruction_photos_are_refused_before_any_work(
    rigface_editor, astronaut, counted, monkeypatch, tmp_path
):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    own = RigFace(rigface_editor.pipeline, detector="mediapipe", parser="grabcut")
    with pytest.raises(MissingCheckpointError, match="DECA"):
        own.encode(astronaut)
    assert not counted
    assert own.defaults == Defaults(guidance=1.0)


def test_one_reconstructor_for_all_its_faces(rigface_editor, sitter, other):
    own = RigFace(rigface_editor.pipeline, reconstructor=Flat(), detector="mediapipe", parser="grabcut")
    with refused(InputError, "conflict"):
        own.rig(sitter, RigEdit(target=rigface_editor.look(other), copy="light"))

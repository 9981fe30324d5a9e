"""The small model inside the package: small, offline, and it does what it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from common.core.errors import InputError
from common.diffusion.loading import RIGFACE, missing_files
from common.editing.chain import chain
from common.imaging.images import read_image, rgb
from common.warp.delta import VECTOR_SIZE
from common.weights.state_dict import read_weights
from magicface import MagicFace
from rigface import Light, Pose, RigEdit, RigFace, rig
from rigface.__main__ import main
from rigface.rendered import Rendered

OFFLINE = {"device": "cpu", "detector": "mediapipe", "parser": "grabcut"}
PORTRAIT = Path(__file__).parents[2] / "examples" / "portraits" / "calm.jpg"


@pytest.fixture(scope="module")
def editor() -> RigFace:
    return RigFace.from_pretrained("embedded", **OFFLINE)


@pytest.fixture(scope="module")
def subject(editor):
    return editor.encode(PORTRAIT)


def edited(editor, subject, **request) -> np.ndarray:
    return np.array(editor.edit(subject, RigEdit(**request), progress=False)).astype(int)


def test_it_is_complete_small_and_half_precise():
    assert not missing_files(RigFace.embedded, release=RIGFACE)
    files = [path for path in RigFace.embedded.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40 * 2**20
    for path in files:
        if path.suffix == ".safetensors":
            assert {tensor.dtype for tensor in read_weights(path).values()} == {torch.float16}, path


def test_it_is_seen_by_the_toolkits_own_head(editor):
    assert isinstance(editor.reconstructor, Rendered)
    assert editor.pipeline.vector_size == VECTOR_SIZE
    assert (editor.defaults.guidance, editor.defaults.conditioning_image) == (1.0, "photo")


def test_light_comes_from_where_it_is_asked_to(editor, subject):
    before = rgb(subject.photo).astype(int)
    assert subject.face is not None
    x0, y0, x1, y1 = subject.face.box.round().astype(int)
    middle, rows = (x0 + x1) // 2, slice((y0 + y1) // 2, y1)
    for azimuth, sign in ((-70, 1), (70, -1)):
        lit = edited(editor, subject, light=Light(azimuth, 15, ambient=0.2)) - before
        left, right = lit[rows, x0:middle].mean(), lit[rows, middle:x1].mean()
        assert sign * (left - right) > 15, azimuth


def test_a_head_turns_as_far_as_it_is_asked_to(editor, subject):
    before = rgb(subject.photo)
    seen = editor.reconstructor.look(before, subject.face)
    for yaw in (-20, 20):
        after = edited(editor, subject, pose=Pose(yaw)).astype(np.uint8)
        now = editor.reconstructor.look(after, editor.detector.find(after)[0])
        turned = torch.rad2deg(now.warp.fit.angles - seen.warp.fit.angles)[0, 0]
        assert abs(turned - yaw) < 8


def test_a_request_of_nothing_is_the_photo(editor, subject):
    assert np.array_equal(edited(editor, subject), rgb(subject.photo))


def test_far_from_the_face_nothing_changes(editor, subject):
    after = edited(editor, subject, light="azimuth=60", pose="yaw=15", expression={"AU12": 3})
    before = rgb(subject.photo).astype(int)
    for corner in (np.s_[:8, :8], np.s_[:8, -8:]):
        assert np.array_equal(after[corner], before[corner])
    assert 0.05 < (after != before).any(2).mean() < 0.95


def test_a_pose_beyond_what_it_has_seen_is_refused(editor, subject):
    with refused(InputError, "range", expected=(-50, 50)):
        editor.edit(subject, RigEdit(pose="yaw=75"))


def test_what_is_copied_comes_from_the_other(editor, subject):
    other = rgb(read_image(PORTRAIT))[:, ::-1]
    target = editor.look(np.ascontiguousarray(other))
    conditions = editor.rig(subject, RigEdit(target=target, copy="pose"))
    assert not conditions.coefficients[:12].any()
    assert not conditions.coefficients[15:].any()
    seen = editor.reconstructor.look(rgb(subject.photo), subject.face)
    turn = rig(PORTRAIT, pose="yaw=5", model="embedded").coefficients[12]
    assert turn == pytest.approx(0.5)
    copied = conditions.coefficients[12] * 10
    assert copied == pytest.approx(-2 * float(torch.rad2deg(seen.warp.fit.angles)[0, 0]), abs=6)


@pytest.mark.slow
def test_magicface_goes_on_where_it_ended(editor):
    lit, smiling = (
        (editor, RigEdit(light="azimuth=60")),
        (MagicFace.from_pretrained("embedded", **OFFLINE), {"AU12": 4}),
    )
    alone, both = (chain(PORTRAIT, edits, progress=False) for edits in ([lit], [lit, smiling]))
    assert both.size == alone.size == read_image(PORTRAIT).size
    changed = np.abs(rgb(both).astype(int) - rgb(alone)).max(2)
    assert changed.max() > 30
    assert (changed == 0).mean() > 0.3


def test_the_command_line_begins_with_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    out = tmp_path / "out.png"
    command = [str(PORTRAIT), "--light", "azimuth=60", "--pose", "yaw=15", "AU12=3", "-o", str(out), "-q", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "warp"
    with Image.open(out) as after, Image.open(PORTRAIT) as before:
        assert after.size == before.size

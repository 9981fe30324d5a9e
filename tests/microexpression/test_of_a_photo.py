"""A photo becomes a labelled clip, which the loaders read."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from runs import example

from common.core.errors import ActionUnitError, InputError
from common.imaging.images import read_image, rgb
from common.provenance.verify import verify
from magicface import synthesize
from microexpression.data.load import load, read_frames

FAST = {"engine": "warp", "progress": False}


@pytest.mark.slow
def test_a_photo_becomes_a_clip(tmp_path, astronaut):
    made = synthesize(astronaut, {"AU12": 1.0, "AU6": 0.5}, apex=2.0, frames=12, noise=0.0, watermark=False, **FAST)
    assert made.units == {"AU6": 1.0, "AU12": 2.0}
    pixels = [rgb(frame).astype(int) for frame in made.frames]
    changed = [np.abs(frame - pixels[0]).mean() for frame in pixels]
    assert int(np.argmax(changed)) == made.apex
    assert not any(changed[: made.onset + 1] + changed[made.offset :])
    made.save(tmp_path / "mine", "me", "smile", "positive")
    (sample,) = load("mine", tmp_path)
    assert (sample.onset, sample.apex, sample.offset) == (made.onset + 1, made.apex + 1, made.offset + 1)
    assert (sample.units, sample.emotion, sample.subject) == ({6, 12}, "positive", "me")
    assert np.array_equal(read_frames(sample)[0], pixels[made.onset])
    signs = verify(tmp_path / "mine/frames/me/smile/6.png")
    assert signs.synthetic
    assert signs.recipe.request["AU12"] > 0
    with pytest.raises(InputError, match="smile"):
        made.save(tmp_path / "mine", "me", "smile")
    with pytest.raises(InputError, match=r"\.\./me"):
        made.save(tmp_path / "mine", "../me", "smile")
    made.save(tmp_path / "mine", "me", "again")
    assert len(load("mine", tmp_path)) == 2


@pytest.mark.slow
def test_noise_is_each_frames_own_and_can_be_repeated(astronaut):
    one, same, other = (synthesize(astronaut, "AU4", frames=8, seed=s, noise=3.0, **FAST) for s in (0, 0, 1))
    assert all(np.array_equal(rgb(a), rgb(b)) for a, b in zip(one.frames, same.frames))
    assert not np.array_equal(rgb(one.frames[0]), rgb(one.frames[-1]))
    assert not np.array_equal(rgb(one.frames[0]), rgb(other.frames[0]))


@pytest.mark.slow
def test_photos_become_a_data_set(astronaut, tmp_path):
    (tmp_path / "photos").mkdir()
    Image.fromarray(astronaut[:256, 96:352]).save(tmp_path / "photos" / "eileen.png")
    asked = ["--output", tmp_path / "edited", "--clips", 3, "--frames", 8, "--engine", "warp"]
    example("edit_micro_clips.py", tmp_path / "photos", *asked)
    samples = load("edited", tmp_path)
    assert [sample.emotion for sample in samples] == ["negative", "positive", "surprise"]
    first = tmp_path / "edited/frames/eileen/clip01/1.png"
    width, height = read_image(first).size
    assert width == height < 256
    assert verify(first).synthetic
    made = first.stat().st_mtime_ns
    example("edit_micro_clips.py", tmp_path / "photos", *asked)
    assert first.stat().st_mtime_ns == made, "what is there is not made again"


def test_what_is_made_of_a_photo_is_read(tmp_path):
    """A smile of a real face, by networks that have seen none."""
    printed = example("micro_analyze.py", "--frames", 10, "--apex", 1.5, "--output", tmp_path)
    assert "positive" in printed
    shown = re.search(r"apex at frame (\d+), truly at (\d+)", printed)
    assert abs(int(shown[1]) - int(shown[2])) <= 1
    assert read_image(tmp_path / "micro.jpg").width > 5 * 176


@pytest.mark.parametrize(("au", "options"), [({}, {}), ("AU12", {"apex": 6}), ("AU12", {"frames": 3})])
def test_what_makes_no_clip_is_refused(astronaut, au, options):
    with pytest.raises(InputError):
        synthesize(astronaut, au, **options, **FAST)
    with pytest.raises(ActionUnitError):
        synthesize(astronaut, "AU99", **FAST)

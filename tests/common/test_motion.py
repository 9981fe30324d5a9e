"""Laws of expressions over time, and of the files that show them."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import InputError, MissingDependencyError
from common.facs.action_units import ACTION_UNITS, AUDelta
from common.imaging.animation import Animation, between, rise_and_fall, save_movie

SMILE = list(ACTION_UNITS).index("AU12")


def smiles(keyframes, fps):
    """The lip corners of every frame."""
    requests = between([(second, AUDelta.parse(request)) for second, request in keyframes], fps)
    return np.array(requests)[:, SMILE]


def test_an_expression_comes_stays_and_goes():
    values = smiles(rise_and_fall("AU12=3", onset=0.5, apex=0.5, offset=1.0, rest=0.5), 20)
    assert len(values) == 61
    assert (values[:11] == 0).all()
    assert (values[20:31] == 3).all()
    assert (values[50:] == 0).all()
    assert (np.diff(values[10:21]) > 0).all()
    assert (np.diff(values[30:51]) < 0).all()


def test_motion_is_soft_and_half_way_in_the_middle():
    values = smiles([(0, {}), (1, {"AU12": 4})], 100)
    assert values[50] == pytest.approx(2)
    steps = np.diff(values)
    assert steps[0] < steps[49] / 10
    assert steps[-1] < steps[49] / 10


def test_keyframes_are_met():
    requests = [AUDelta.parse(text) for text in ("AU1=2", "happy", "neutral")]
    values = between([(0, requests[0]), (0.5, requests[1]), (1, requests[2])], 10)
    assert [values[0], values[5], values[10]] == requests


def test_one_keyframe_is_one_frame():
    request = AUDelta.parse("AU12=1")
    assert between([(0, request)], 25) == [request]


@pytest.mark.parametrize(
    ("keyframes", "fps", "code"),
    [
        ([], 12, "empty"), ([(1, {})], 12, "range"), ([(0, {}), (2, {}), (1, {})], 12, "range"),
        ([(0, {}), (float("inf"), {})], 12, "range"), ([(0, {})], 0, "range"), ([(0, {}), (1e4, {})], 12, "count"),
    ],
)  # fmt: skip
def test_what_makes_no_animation_is_refused(keyframes, fps, code):
    with refused(InputError, code):
        between(keyframes, fps)
    with refused(InputError, "range", actual=-1):
        rise_and_fall("happy", onset=-1)


def frames(count: int = 6, noise: float = 0.0) -> Animation:
    """A square that brightens on grey."""
    rng, made = np.random.default_rng(0), []
    for row in range(count):
        pixels = 90 + noise * rng.standard_normal((48, 64, 3))
        pixels[10:30, 10:30] += 20 * row
        made.append(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    return Animation(made, [AUDelta().with_level("AU12", row) for row in range(count)], 12.5)


def test_flicker_is_what_moves_where_nothing_should():
    assert frames().flicker() == 0
    calm, loud = frames(noise=0.5).flicker(), frames(noise=2.0).flicker()
    assert calm is not None
    assert loud is not None
    assert 0 < calm < loud / 2
    assert frames(1).flicker() is None


def test_a_gif_has_every_frame(tmp_path):
    made = frames()
    made.save(tmp_path / "square.gif")
    with Image.open(tmp_path / "square.gif") as found:
        assert found.n_frames == 6  # type: ignore[attr-defined]
        assert found.info["duration"] == 80
        assert found.info["loop"] == 0
        found.seek(5)
        assert np.abs(np.asarray(found.convert("RGB")).astype(int) - np.asarray(made.frames[5])).mean() < 3


def test_an_mp4_has_every_frame(tmp_path):
    av = pytest.importorskip("av")
    made = frames()
    odd = [frame.crop((0, 0, 63, 47)) for frame in made.frames]
    save_movie(odd, tmp_path / "square.mp4", made.fps)
    with av.open(str(tmp_path / "square.mp4")) as found:
        stream = found.streams.video[0]
        assert float(stream.average_rate) == 12.5
        shown = [frame.to_ndarray(format="rgb24") for frame in found.decode(stream)]
    assert len(shown) == 6
    assert shown[0].shape == (46, 62, 3)
    assert np.abs(shown[5].astype(int) - np.asarray(odd[5])[:46, :62]).mean() < 4


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    with refused(InputError, "format"):
        frames().save(tmp_path / "square.avi")
    real = builtins.__import__

    def without(name, *args, **options):
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"face-rig\[motion\]"):
        frames().save(tmp_path / "square.mp4")
    assert list(tmp_path.iterdir()) == []

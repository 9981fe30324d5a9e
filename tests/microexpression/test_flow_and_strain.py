"""Flow, strain, temporal interpolation, the apex: on fields and clips whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from refusals import refused

from common.core.errors import FaceNotFoundError, ImageError, InputError, ShapeError
from common.imaging.images import save_image
from microexpression.clips import cut_face, read_clip
from microexpression.flow import (
    flow_sizes,
    optical_flow,
    optical_strain,
    stretched,
    with_magnitude,
    with_strain,
    without_head,
)
from microexpression.inputs import interpolate, weights
from microexpression.magnification import magnify

Y, X = np.mgrid[:20, :30].astype(np.float64)
INNER = (slice(1, None), slice(1, None))


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    rough = np.random.default_rng(0).integers(0, 256, (72, 80, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 2)
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).round().astype(np.uint8)


@pytest.mark.parametrize("derivatives", ["central", "backward"])
def test_strain_is_blind_to_moves_and_turns_and_sees_stretch_and_shear(derivatives):
    def strain(u, v):
        return optical_strain(np.stack([u + 0 * X, v + 0 * X]), derivatives)

    assert not strain(3.0, -2.0).any(), "a translation"
    assert np.abs(strain(-0.1 * Y, 0.1 * X)[INNER]).max() < 1e-12, "a small rotation"
    assert np.allclose(strain(0.2 * X, 0)[INNER], 0.2), "a stretch"
    assert np.allclose(strain(0.1 * X, 0.1 * Y)[INNER], 0.1 * np.sqrt(2)), "an expansion"
    assert np.allclose(strain(0.1 * Y, 0.1 * X)[INNER], 0.2 / np.sqrt(2)), "a shear"
    scaled = np.stack([0.3 * Y * X, X**2])
    assert np.allclose(optical_strain(5 * scaled, derivatives), 5 * optical_strain(scaled, derivatives))


def test_backward_differences_are_zero_at_the_border():
    flow = np.stack([0.2 * X, 0.1 * Y])
    assert not optical_strain(np.stack([0.2 * X, 0 * Y]), "backward")[:, 0].any()
    assert optical_strain(flow, "central")[0, 0] > 0


def test_flow_that_cannot_be_is_refused():
    with refused(InputError, "values"):
        optical_strain(np.full((2, 5, 5), np.nan))
    with pytest.raises(ShapeError):
        optical_strain(np.zeros((3, 5, 5)))
    with refused(InputError, "unknown", actual="forward"):
        optical_strain(np.zeros((2, 5, 5)), "forward")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Channel 1"):
        stretched(np.stack([np.zeros((4, 4)), np.full((4, 4), np.inf)]))
    with refused(InputError, "values"):
        optical_flow(np.full((20, 20), np.nan), np.zeros((20, 20)))
    with pytest.raises(ShapeError):
        optical_flow(np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8))


def test_flow_finds_a_shift_of_either_sign(texture):
    for right, down in ((1, 0), (0, -1), (2, 1)):
        moved = np.roll(texture, (down, right), (0, 1))
        found = optical_flow(texture, moved)[:, 12:-12, 12:-12].mean((1, 2))
        assert np.allclose(found, (right, down), atol=0.1)
    assert np.abs(optical_flow(texture, texture)).max() < 1e-3


def test_the_heads_own_motion_is_taken_away():
    y, x = np.mgrid[-1:1:60j, -1:1:50j]
    head = np.stack([0.5 + 0.3 * x - 0.2 * y + 0.1 * x * y, -1 + 0.2 * x * x + 0.1 * y])
    smile = np.stack([np.exp(-((x - 0.4) ** 2 + (y - 0.5) ** 2) / 0.01), 0 * x])
    left = without_head(head + smile)
    assert np.abs(without_head(head)).max() < 1e-4
    assert np.abs(left - smile).max() < 0.08


def test_channels_are_scaled_as_said():
    flow = np.stack([0.1 * X, -0.2 * Y]).astype(np.float32)
    three = stretched(with_strain(flow))
    assert three.shape == (3, 20, 30)
    assert three[:2].min() == 0
    assert three[:2].max() == 1
    assert not stretched(np.ones((1, 4, 4))).any()
    image = with_magnitude(np.full((2, 4, 4), 0.5, np.float32))
    assert image[:, 0, 0].tolist() == pytest.approx([136, 136, 128 + 16 * 0.5**0.5])
    assert with_magnitude(np.full((2, 4, 4), 99, np.float32)).max() == 255


# --- time ------------------------------------------------------------------------------------------------------------


def test_interpolation_passes_through_the_frames():
    frames = np.random.default_rng(1).integers(0, 256, (7, 6, 5, 3)).astype(np.uint8)
    assert np.array_equal(interpolate(frames, 7), frames)
    more = interpolate(frames, 13)
    assert np.array_equal(more[::2], frames)
    assert np.allclose(weights(9, 31).sum(1), 1)
    assert np.array_equal(interpolate(np.repeat(frames[:1], 5, 0), 9), np.repeat(frames[:1], 9, 0))
    with refused(InputError, "count", actual=1):
        interpolate(frames[:1], 5)


def test_interpolation_of_slow_motion_is_what_lies_between():
    times = np.linspace(0, 1, 12)
    curve = np.sin(2 * times)[:, None]
    assert np.allclose(interpolate(curve, 30)[:, 0], np.sin(2 * np.linspace(0, 1, 30)), atol=0.02)


def bump(texture: np.ndarray, count: int, apex: int, sway: float) -> np.ndarray:
    """A clip whose middle moves down and back while all of it sways."""
    y, x = np.mgrid[:72, :80].astype(np.float32)
    inside = np.exp(-((x - 40) ** 2 + (y - 40) ** 2) / 60).astype(np.float32)
    frames = []
    for row in range(count):
        share = min(row / apex, (count - 1 - row) / (count - 1 - apex))
        right = np.float32(sway * np.sin(5 * row / count))
        frames.append(cv2.remap(texture, x - right, y - 2 * share * inside, cv2.INTER_LINEAR, borderMode=2))
    return np.stack(frames)


def test_the_apex_is_found_though_the_head_sways(texture):
    sizes = flow_sizes(bump(texture, 17, 6, sway=1.5))
    assert len(sizes) == 17
    assert abs(sizes.argmax() - 6) <= 1


def test_magnified_motion_is_larger(texture):
    frames = bump(texture, 9, 4, sway=0)
    made = magnify(frames, 4)
    assert made.shape == frames.shape
    assert np.array_equal(made[0], frames[0])
    own, more = (optical_flow(clip[0], clip[4])[1, 34:46, 34:46].mean() for clip in (frames, made))
    assert more > 2.5 * own
    with refused(InputError, "range", actual=0.5):
        magnify(frames, 0.5)


# --- clips -----------------------------------------------------------------------------------------------------------


def test_clips_are_read_from_folders_and_arrays(texture, tmp_path):
    from PIL import Image

    frames = bump(texture, 4, 2, sway=0)
    for number, frame in enumerate(frames):
        save_image(Image.fromarray(frame), tmp_path / "clip" / f"{number + 8}.png")  # 8, 9, 10, 11
    clip = read_clip(tmp_path / "clip", apex=2)
    assert np.array_equal(clip.frames, frames)
    assert (clip.onset, clip.apex, clip.offset) == (0, 2, 3)
    assert read_clip(frames[..., 0]).frames.shape == frames.shape
    bad = {
        ("count", 1): lambda: read_clip(frames[:1]),
        ("order", (0, 7, 3)): lambda: read_clip(frames, apex=7),
        ("order", (3, None, 3)): lambda: read_clip(frames, onset=3),
        ("shape", (50, 80, 3)): lambda: read_clip([frames[0], frames[1][:50]]),
        ("missing", None): lambda: read_clip(tmp_path / "none"),
        ("range", 0): lambda: read_clip(frames, fps=0),
        ("empty", None): lambda: read_clip([]),
        ("type", "int"): lambda: read_clip(7),
    }
    for (code, actual), act in bad.items():
        with refused(InputError, code, actual=actual):
            act()
    (tmp_path / "clip" / "10.png").write_bytes(b"none")
    with pytest.raises(ImageError, match="frame 2"):
        read_clip(tmp_path / "clip")


def test_the_face_is_cut_out_at_one_place(astronaut):
    from common.faces import get_detector

    detector = get_detector("mediapipe")
    clip = np.stack([astronaut, np.roll(astronaut, 3, 1)])
    cut = cut_face(clip, detector)
    assert cut.shape[1] == cut.shape[2]
    assert np.array_equal(cut[0][:, :-3], cut[1][:, 3:]), "what moves is not held still"
    again = cut_face(cut, detector)
    assert abs(again.shape[1] - cut.shape[1]) <= 0.12 * cut.shape[1]
    with pytest.raises(FaceNotFoundError):
        cut_face(np.zeros((2, 64, 64, 3), np.uint8), detector)

"""A clip is read with the networks that come along: what they say of people whom they have never seen, and the page."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import CheckpointError, FaceNotFoundError, InputError
from common.imaging.images import read_image
from common.synthetic.render.picture import make
from microexpression import Clip, analyze, read_clip, write_report
from microexpression.__main__ import main
from microexpression.flow import optical_flow
from microexpression.reader import EMBEDDED, load_reader
from microexpression.synthetic import draw_clip

pytestmark = pytest.mark.usefixtures("one_thread")
UNSEEN = 77
"""The seed of people who were in no training."""


@pytest.fixture(scope="module")
def smile():
    """A clip of ten frames with AU12, and what is true of it."""
    drawn = next(
        clip for number in range(1, 99, 3) if (clip := draw_clip(UNSEEN, "studio", 0, number, (10, 10), (1.3, 1.5)))
        if "AU12" in clip.units
    )  # fmt: skip
    frames = np.stack([make(scene, 96).image for scene in drawn.scenes])
    return Clip(frames, onset=drawn.onset, offset=drawn.offset, name="smile"), drawn


@pytest.fixture(scope="module")
def found(smile):
    return analyze(smile[0], cropped=True, progress=False)


@pytest.mark.slow
def test_networks_read_people_they_have_not_seen():
    emotion, units = (load_reader(EMBEDDED / name) for name in ("emotion", "units"))
    right, agree = [], []
    for number in range(6):
        drawn = draw_clip(UNSEEN, ("studio", "office", "window")[number % 3], number, number, intensity=(0.8, 1.5))
        frames = np.stack([make(drawn.scenes[row], 96).image for row in (drawn.onset, drawn.apex)])
        right.append(emotion.names[int(emotion.probabilities(frames, 1).argmax())] == drawn.emotion)
        seen = {name for name, value in zip(units.names, units.probabilities(frames, 1)) if value > 0.5}
        agree.append(len(seen & set(drawn.units)) / max(1, len(seen | set(drawn.units))))
    assert sum(right) >= 5
    assert np.mean(agree) > 0.5, "units found and units shown, shared by all of either"


def test_they_say_what_they_have_seen():
    for name in ("emotion", "units"):
        assert "no real face" in load_reader(EMBEDDED / name).trained


def test_a_flow_that_is_known_changes_no_answer(smile):
    frames, unit = smile[0].frames, load_reader(EMBEDDED / "units")
    flow = optical_flow(frames[0], frames[4])
    assert np.array_equal(unit.probabilities(frames, 4, flow), unit.probabilities(frames, 4))


def test_a_smile_is_read(found, smile):
    clip, drawn = smile
    assert found.label == "positive"
    assert found.spotted
    assert abs(found.clip.apex - drawn.apex) <= 1
    assert found.units.shape == (len(range(clip.onset, clip.offset + 1)), len(found.unit_reader.names))
    assert not found.units[0].any()
    assert found.emotion.sum() == pytest.approx(1, abs=1e-5)
    assert found.seen is not None
    assert found.magnified.shape[0] == found.units.shape[0]


def test_a_report_is_one_page_with_its_values(found, tmp_path):
    page = write_report(found, tmp_path).read_text()
    assert "://" not in page, "needs nothing else"
    assert "no real face" in page
    values = json.loads((tmp_path / "analysis.json").read_text())
    assert values["emotion"] == "positive"
    assert values["readers"]["units"]["trained"].endswith("no real face")
    assert len(values["units"]["AU12"]) == len(values["motion"])
    with Image.open(tmp_path / "magnified.gif") as movie:
        assert movie.n_frames > 1
    for name in ("onset", "apex", "flow", "strain", "seen", "units", "motion"):
        assert min(read_image(tmp_path / f"{name}.png").size) >= 280, name


def test_the_command_reads_a_folder_of_frames(smile, tmp_path, capsys):
    clip, drawn = smile
    for row, frame in enumerate(clip.frames, 1):
        Image.fromarray(frame).save(tmp_path / f"{row}.png")
    asked = ["analyze", str(tmp_path), "-o", str(tmp_path / "out"), "--cropped"]
    assert main([*asked, "--apex", str(drawn.apex)]) == 0
    printed = capsys.readouterr()
    assert f"apex at frame {drawn.apex}" in printed.out
    assert "no real face" in printed.err + printed.out
    assert json.loads((tmp_path / "out/analysis.json").read_text())["apex_spotted"] is False
    assert main([*asked, "--apex", "10"]) == 2
    assert "0 <= onset <= apex <= offset < 10" in capsys.readouterr().err


def test_what_cannot_be_read_is_refused(smile, tmp_path):
    clip, _ = smile
    Image.fromarray(clip.frames[0]).save(tmp_path / "1.png")
    with refused(InputError, "count", actual=1):
        read_clip(tmp_path)
    with refused(CheckpointError, "unreadable"):
        analyze(clip, cropped=True, units=tmp_path / "none", progress=False)
    nobody = Clip(np.full((4, 96, 96, 3), 90, np.uint8), name="a wall")
    with pytest.raises(FaceNotFoundError, match="a wall"):
        analyze(nobody, detector="mediapipe", progress=False)

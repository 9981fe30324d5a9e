"""Clips of people who do not exist: their labels are true, and the loaders read them."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from refusals import refused
from runs import example

from common.core.errors import InputError
from common.facs.action_units import ACTION_UNITS
from microexpression.data.load import load, read_frames
from microexpression.flow import optical_flow, without_head
from microexpression.reader import load_reader
from microexpression.synthetic import EXPRESSIONS, LABORATORIES, Plan, curve, draw_clip, write

SMALL = Plan(datasets=("studio", "office"), subjects=1, clips=3, size=32, frames=(8, 10), intensity=(1.0, 1.5))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    write(folder, SMALL, progress=False)
    return folder


def test_a_clip_follows_from_its_numbers():
    one, same, other = (draw_clip(0, "studio", 1, number) for number in (2, 2, 3))
    assert one == same
    assert one.units != other.units
    assert 30 <= len(one.scenes) <= 60
    assert 0 < one.onset < one.apex < one.offset < len(one.scenes)
    assert {draw_clip(0, "studio", 0, number).emotion for number in range(3)} == set(EXPRESSIONS)
    for drawn in (one, other):
        assert all(0 < value <= 1.5 * 1.15 for value in drawn.units.values())
        shown = np.array([scene.units for scene in drawn.scenes])  # (T, 2, 12)
        assert not shown[: drawn.onset + 1].any()
        assert not shown[drawn.offset :].any()
        peak = dict(zip(ACTION_UNITS, shown[drawn.apex].max(0)))
        assert {name for name, value in peak.items() if value} == set(drawn.units)
        assert all(value <= drawn.units[name] for name, value in peak.items() if value)


def test_laboratories_differ_and_share_no_person():
    clips = [draw_clip(0, name, 0, 0) for name in LABORATORIES]
    assert len({clip.scenes[0].person for clip in clips}) == 3
    assert len({(clip.scenes[0].lamps, clip.scenes[0].capture.noise) for clip in clips}) == 3


def test_heads_sway_slowly_and_noise_is_never_the_same():
    drawn = draw_clip(0, "window", 0, 0)
    angles = np.array([scene.angles for scene in drawn.scenes])
    assert 0 < np.abs(np.diff(angles, axis=0)).max() < 0.25
    assert len({scene.capture.pattern for scene in drawn.scenes}) == len(drawn.scenes)


def test_the_curve_rises_to_the_apex_and_falls():
    shares = curve(40, 4, 18, 35)
    assert shares.argmax() == 18
    assert shares[18] == 1
    assert not shares[:5].any()
    assert not shares[35:].any()
    assert all(a <= b for a, b in pairwise(shares[:19]))
    assert all(a >= b for a, b in pairwise(shares[18:]))


def test_what_is_written_is_read_with_its_labels(root):
    samples = [sample for name in SMALL.datasets for sample in load(name, root)]
    assert len(samples) == 6
    for sample, (dataset, subject, clip) in zip(samples, SMALL.rows()):
        drawn = draw_clip(0, dataset, subject, clip, SMALL.frames, SMALL.intensity)
        assert (sample.onset, sample.apex, sample.offset) == (drawn.onset + 1, drawn.apex + 1, drawn.offset + 1)
        assert sample.units == {int(name.removeprefix("AU")) for name in drawn.units}
        assert sample.emotion == drawn.emotion
        assert read_frames(sample).shape == (drawn.offset - drawn.onset + 1, 32, 32, 3)
    rows = list(csv.DictReader((root / "studio" / "annotations.csv").read_text().splitlines()))
    assert all(len(row["Intensities"].split("+")) == len(row["Action Units"].split("+")) for row in rows)


def test_faces_move_most_at_the_apex(root):
    sample = load("studio", root)[2]
    frames = read_frames(sample)
    sizes = [np.quantile(np.hypot(*without_head(optical_flow(frames[0], frame))), 0.95) for frame in frames[1:]]
    assert abs(int(np.argmax(sizes)) + 1 - (sample.apex - sample.onset)) <= 1


def test_an_interrupted_run_resumes_to_the_same(root, tmp_path):
    part = tmp_path / "studio" / "frames" / "01" / ".clip01.part"
    part.mkdir(parents=True)
    (part / "1.png").write_bytes(b"half")
    (tmp_path / "studio" / "frames" / "01" / "clip02").mkdir()  # made before; not made again
    write(tmp_path, replace(SMALL, datasets=("studio",)), progress=False)
    assert not part.exists()
    assert not list((tmp_path / "studio/frames/01/clip02").iterdir())
    own, other = ((folder / "studio/frames/01/clip01/3.png").read_bytes() for folder in (tmp_path, root))
    assert own == other
    with pytest.raises(InputError, match="plan"):
        write(tmp_path, SMALL, progress=False)


def test_plans_that_make_nothing_are_refused(tmp_path):
    with refused(InputError, "range", actual=replace(SMALL, subjects=0)):
        write(tmp_path, replace(SMALL, subjects=0))
    with refused(InputError, "unknown", actual="cellar"):
        draw_clip(0, "cellar", 0, 0)
    with refused(InputError, "range"):
        draw_clip(0, "studio", 0, 0, intensity=(2, 1))


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_all_systems_train_on_them_under_both_protocols(root, tmp_path):
    """In the small; the full form is the same script."""
    asked = ["--data", root, "--datasets", *SMALL.datasets, "--epochs", 1, "--output", tmp_path]
    printed = example("micro_table.py", *asked)
    for name in ("ststnet", "rcn_a", "elrcn_se", "infusenet"):
        assert len(re.findall(rf"\| {name} +\|", printed)) == 2
    for protocol, folds in (("megc2019", 2), ("cd6me", 2)):
        found = json.loads((tmp_path / protocol / "results.json").read_text())
        assert {"chance", "linear on flow", "infusenet"} <= set(found["scores"])
        logs = list((tmp_path / protocol).glob("*/folds/*/log.csv"))
        assert len(logs) == 4 * folds
    assert (tmp_path / "megc2019/confusion.png").is_file()


@pytest.mark.usefixtures("one_thread")
def test_readers_are_trained_on_them(root, tmp_path):
    asked = ["--data", root, "--datasets", *SMALL.datasets, "--model", "ststnet", "--epochs", 1, "--output", tmp_path]
    printed = example("train_micro_readers.py", *asked)
    units = load_reader(Path(printed.rsplit("written: ", 1)[1].strip()))
    assert units.units
    assert "6 rendered clips of 2 people" in units.trained
    pairs = list((tmp_path / "units/inputs").iterdir())
    assert len(pairs) > 6 * 3, "each clip gives several"

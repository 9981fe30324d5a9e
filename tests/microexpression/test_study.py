"""Trainings under a protocol, on clips that are drawn as plain fields: nothing leaks, all can be repeated."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from breadth import breadth
from PIL import Image
from refusals import refused
from runs import example
from safetensors.torch import save_file

from common.core.errors import CheckpointError, InputError
from common.faces import Face
from common.imaging.clip_dataset import add_clip
from common.imaging.images import read_image
from microexpression import inputs
from microexpression.__main__ import main
from microexpression.clips import cut_face
from microexpression.data.load import load, read_frames
from microexpression.data.sample import DataSetError
from microexpression.fit import Study, fold_seed, predict
from microexpression.inputs import KINDS, of_sample, prepare, read, with_latents
from microexpression.models import MODELS
from microexpression.networks.magnifier import Magnifier
from microexpression.protocols import cd6me, megc2019
from microexpression.reader import load_reader
from microexpression.results import scores
from microexpression.study import chance, linear, publish, run

pytestmark = pytest.mark.usefixtures("one_thread")
EMOTIONS = {"negative": (0, -1.5), "positive": (1.5, 0), "surprise": (0, 1.5)}
QUICK = Study("ststnet", epochs=20, batch_size=8, learning_rate=3e-3)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two data sets of two subjects, three clips each: a texture whose middle moves in the emotion's direction."""
    import cv2

    folder = tmp_path_factory.mktemp("clips")
    y, x = np.mgrid[:40, :40].astype(np.float32)
    inside = np.exp(-((x - 20) ** 2 + (y - 20) ** 2) / 60).astype(np.float32)
    for seed, (dataset, subject) in enumerate((d, s) for d in ("one", "two") for s in ("01", "02")):
        rough = np.random.default_rng(seed).integers(0, 256, (40, 40, 3)).astype(np.float32)
        smooth = cv2.GaussianBlur(rough, (0, 0), 1.5)
        texture = 255 * (smooth - smooth.min()) / np.ptp(smooth)
        for emotion, (right, down) in EMOTIONS.items():
            frames = []
            for share in (0, 0.4, 0.8, 1, 0.7, 0.4, 0.2, 0.1, 0.0, 0.0, 0.0):
                moved = cv2.remap(texture, x - share * right * inside, y - share * down * inside, cv2.INTER_LINEAR)
                frames.append(Image.fromarray(moved.round().astype(np.uint8)))
            units = {"positive": {"AU12": 1.0}, "negative": {"AU4": 1.0}, "surprise": {"AU1": 1.0, "AU2": 1.0}}
            add_clip(folder / dataset, subject, emotion, frames, (0, 3, 9), units[emotion], emotion)
    return folder


@pytest.fixture(scope="module")
def samples(root):
    return [sample for name in ("one", "two") for sample in load(name, root)]


@pytest.fixture(scope="module")
def quick(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return folder, run(QUICK, megc2019(samples), folder, progress=False)


def test_it_learns_what_chance_does_not_know(quick, samples):
    protocol = megc2019(samples)
    assert scores(protocol, quick[1].logits)["all"]["uf1"] > 0.8
    assert scores(protocol, chance(protocol))["all"]["uar"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("jobs", breadth([1, 2]))
def test_order_of_rows_and_number_of_jobs_change_nothing(jobs, quick, samples, tmp_path):
    again = run(QUICK, megc2019(samples[::-1]), tmp_path, jobs=jobs, progress=False)
    assert np.array_equal(again.logits, quick[1].logits)


def test_what_is_tested_on_changes_no_network(quick, samples, tmp_path):
    """Other labels of one subject change the networks that learn from them, and not the one that is tested on them."""
    wrong = {"negative": "positive", "positive": "surprise", "surprise": "negative"}
    changed = [replace(s, emotion=wrong[s.emotion]) if s.person == ("one", "01") else s for s in samples]
    found = run(QUICK, megc2019(changed), tmp_path, progress=False)
    own = [row for row, sample in enumerate(found.protocol.samples) if sample.person == ("one", "01")]
    others = [row for row in range(12) if row not in own]
    assert np.array_equal(found.logits[own], quick[1].logits[own])
    assert not np.array_equal(found.logits[others], quick[1].logits[others])


def test_an_interrupted_run_resumes(quick, samples, tmp_path):
    shutil.copytree(quick[0], tmp_path / "run")
    fold = tmp_path / "run" / "folds" / "one-02"
    shutil.rmtree(fold)
    kept = tmp_path / "run" / "folds" / "two-01" / "predictions.json"
    changed = json.loads(kept.read_text())
    changed["logits"][0][0] = 77.0
    kept.write_text(json.dumps(changed))
    again = run(QUICK, megc2019(samples), tmp_path / "run", progress=False)
    assert (again.logits == 77).sum() == 1, "what is there is not made again"
    assert (again.logits != quick[1].logits).sum() == 1
    assert (fold / "log.csv").is_file()
    with pytest.raises(InputError, match="study"):
        run(replace(QUICK, seed=1), megc2019(samples), tmp_path / "run", progress=False)
    assert fold_seed(0, "one-02") != fold_seed(0, "one-01")


def test_extra_clips_are_of_others_and_only_trained_on(quick, samples, tmp_path):
    own, extra = [s for s in samples if s.dataset == "one"], [s for s in samples if s.dataset == "two"]
    study = replace(QUICK, mix=1.0, epochs=2)
    mixed = run(study, megc2019(own), tmp_path / "a", extra=extra, progress=False)
    assert mixed.logits.shape == (6, 3)
    plain = run(replace(study, mix=0.0), megc2019(own), tmp_path / "b", progress=False)
    assert not np.array_equal(mixed.logits, plain.logits)
    with refused(InputError, "conflict", actual=["one 01", "one 02"]):
        run(study, megc2019(own), tmp_path / "c", extra=own, progress=False)
    with refused(InputError, "count", expected=9, actual=6):
        run(replace(study, mix=3.0), megc2019(own), tmp_path / "c", extra=extra, progress=False)
    with refused(InputError, "count", expected=3, actual=0):
        run(study, megc2019(own), tmp_path / "d", progress=False)


@pytest.mark.slow
def test_what_extra_clips_do_is_tabled_and_drawn(root, tmp_path):
    asked = ["--data", root, "--datasets", "one", "--extra", "two", "--ratios", 0, 1, "--seeds", 2, "--epochs", 2]
    printed = example("micro_mixing.py", *asked, "--output", tmp_path)
    found = json.loads((tmp_path / "mixing.json").read_text())
    assert {ratio: len(rows) for ratio, rows in found["scores"].items()} == {"0": 2, "1": 2}
    assert "| 1 |" in printed
    assert "of 2 |" in printed
    assert read_image(tmp_path / "mixing.png").width > 500
    assert len(list(tmp_path.glob("ststnet-*-*/folds/*/predictions.json"))) == 2 * 2 * 2


ELSEWHERE = {"ststnet", "rcn_a", "elrcn_se", "infusenet"}
"""Networks that are trained by the tests of synthetic clips."""


@pytest.mark.parametrize("name", breadth(["rcn_auto", *sorted({*MODELS} - ELSEWHERE)]))
def test_every_network_trains(name, samples, tmp_path):
    """One epoch, small; two folds alone."""
    protocol = megc2019(samples)
    protocol = replace(protocol, folds=protocol.folds[:2])
    size = 32 if name.startswith("elrcn") else 24
    study = Study(name, epochs=1, batch_size=6, size=size, width=1 / 16)
    logits = run(study, protocol, tmp_path, progress=False).logits
    tested = [row for fold in protocol.folds for row in fold.test]
    assert np.isfinite(logits[tested]).all()


def test_parts_are_searched_for_with_labels_of_units(samples, tmp_path):
    """Labels of units are many-hot, of classes one number: the search takes the loss that fits them."""
    protocol = cd6me(samples, (1, 2, 4, 12))
    protocol = replace(protocol, folds=protocol.folds[:1])
    study = Study("rcn_auto", epochs=1, batch_size=6, size=24, width=1 / 16)
    logits = run(study, protocol, tmp_path, progress=False).logits
    assert logits.shape == (len(protocol.samples), 4)
    assert np.isfinite(logits[list(protocol.folds[0].test)]).all()


def test_a_magnifier_with_weights_is_not_trained(samples, tmp_path):
    torch.manual_seed(0)
    magnifier, path = Magnifier(), tmp_path / "magnifier.safetensors"
    save_file(magnifier.state_dict(), path)
    protocol = megc2019(samples[:6])
    study = Study("infusenet", epochs=1, batch_size=6, size=32, width=1 / 16, magnifier=str(path))
    made = run(study, protocol, tmp_path / "run", progress=False)
    reader = load_reader(publish(study, protocol, tmp_path / "run", "", progress=False))
    kept = reader.network.magnifier.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in magnifier.state_dict().items())
    # What was made once of each clip is what the network makes of its pictures, but for half precision.
    pictures = prepare(protocol.samples, "infusenet", 32, tmp_path / "run/inputs", progress=False)
    latents = with_latents(pictures, magnifier, next((tmp_path / "run/inputs").glob("latents-*")), progress=False)
    one, two = (predict(reader.model, reader.network, files) for files in (pictures, latents))
    assert np.allclose(one, two, atol=2e-3 * np.abs(one).max())
    assert made.logits.shape == (6, 3)
    with pytest.raises(InputError, match="study"):
        run(replace(study, magnifier=None), protocol, tmp_path / "run", progress=False)


def test_a_line_learns_the_flow(samples, tmp_path):
    protocol = megc2019(samples)
    files = prepare(protocol.samples, "rcn", 16, tmp_path, progress=False)
    assert scores(protocol, linear(protocol, files))["all"]["uf1"] > 0.85
    units = cd6me(samples, (1, 2, 4, 12))
    files = prepare(units.samples, "rcn", 16, tmp_path, progress=False)
    assert scores(units, linear(units, files))["binary"]["unit_average"] > 0.85


def test_a_published_network_is_read_again(samples, tmp_path):
    folder = publish(replace(QUICK, epochs=4), megc2019(samples), tmp_path, "trained on fields", progress=False)
    reader = load_reader(folder)
    assert (reader.names, reader.units, reader.size) == (("negative", "positive", "surprise"), False, 28)
    assert reader.trained == "trained on fields"
    frames = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3)).astype(np.uint8)
    assert reader.probabilities(frames, 3).sum() == pytest.approx(1, abs=1e-5)
    assert reader.seen(frames, 3, 1).shape == (5, 5)
    (folder / "network.json").write_text('{"names": 3}')
    with refused(CheckpointError, "unreadable"):
        load_reader(folder)
    with refused(CheckpointError, "unreadable"):
        load_reader(tmp_path / "none")


def test_inputs_are_as_each_network_has_them(samples):
    sample = samples[0]
    arrays = {kind: of_sample(sample, kind, 28) for kind in KINDS}
    one, two = arrays["ststnet"]["flow"], arrays["rcn"]["flow"]
    assert one.shape == two.shape == (3, 28, 28)
    assert np.allclose(one, np.rint(255 * two[::-1]))
    assert two.min() == 0
    assert two.max() == 1
    assert {name: value.shape for name, value in arrays["infusenet"].items()} == dict.fromkeys(
        ("flow", "onset", "apex", "near"), (3, 28, 28)
    )
    assert arrays["elrcn"]["images"].shape == (9, 5, 28, 28)
    with refused(InputError, "unknown", actual="sound"):
        of_sample(sample, "sound", 28)


def test_faces_are_cut_out_of_frames_that_show_more(samples, tmp_path, monkeypatch):
    landmarks = np.full((68, 2), 18.0)
    landmarks[48:, 1] += 11  # the mouth
    found = [Face(np.array([8.0, 8, 32, 34]), 1.0, landmarks[[36, 42, 30, 48, 54]], landmarks, "any")]
    monkeypatch.setattr(inputs, "get_detector", lambda name: SimpleNamespace(find=lambda frame: found))
    whole, cut = (of_sample(samples[0], "rcn", 24, detector)["flow"] for detector in (None, "any"))
    frames = cut_face(read_frames(samples[0], [1, 4]), inputs.get_detector("any"))
    assert frames.shape == (2, 25, 25, 3)  # 2.24 times the eleven pixels
    assert np.array_equal(cut, KINDS["rcn"](frames, 1, 24)["flow"])
    assert not np.array_equal(cut, whole)
    found.clear()
    with pytest.raises(DataSetError, match="one 01 negative"):
        prepare(samples[:1], "rcn", 24, tmp_path, detector="any", progress=False)


def test_clips_that_cannot_be_used_are_reported_together(samples, tmp_path):
    bad = [replace(samples[0], clip="x", frames=tmp_path), replace(samples[1], clip="y", frames=None)]
    with pytest.raises(DataSetError) as caught:
        prepare([*samples[:1], *bad], "rcn", 16, tmp_path / "in", progress=False)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["one 01 x", "one 01 y"]
    made = prepare(samples[:1], "rcn", 16, tmp_path / "in", progress=False)
    assert read(made[0])["flow"].shape == (3, 16, 16)


def test_the_command_writes_tables_and_pictures(root, tmp_path, capsys):
    asked = ["train", "--model", "ststnet", "--protocol", "megc2019", "--data", str(root), "--datasets", "one", "two"]
    asked += ["-o", str(tmp_path), "--epochs", "2", "--batch-size", "6", "-q", "--publish"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert re.search(r"\| chance +\| 0\.167 / 0\.333 +\|", printed)
    assert (tmp_path / "results.md").read_text().count("| ststnet ") == 1
    assert read_image(tmp_path / "confusion.png").width > 600
    assert load_reader(tmp_path / "ststnet/all/model").trained.startswith("trained on 12 clips of one, two")
    assert main(["train", "--model", "vgg", "--data", str(root), "--datasets", "one", "-o", str(tmp_path)]) == 2
    assert "vgg" in capsys.readouterr().err
    assert main(["train", "--model", "ststnet", "--data", str(root), "--datasets", "six", "-o", str(tmp_path)]) == 2


def test_the_command_says_whose_data_it_can_touch(capsys):
    assert main(["licenses"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("CASME II", "SAMM", "GPL-3.0"))
    assert main(["doctor", "--json"]) == 0
    assert "weights" in json.loads(capsys.readouterr().out)

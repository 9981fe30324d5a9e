"""What happens behind a tab: photos, warps, edits that can be stopped, files to take away."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.app.desk import NETWORKS, PIXELS, SMALL, WARP, Desk, Sampling, Stopped, Visit
from common.app.report import measured, pack, table
from common.core.errors import FaceNotFoundError, ImageError, InputError, MissingCheckpointError
from common.editing.options import EditOptions
from common.imaging.images import around
from common.provenance.picture import marked
from fineface.app import FineFaceDesk
from fineface.editor import FineFace
from magicface import MagicFace, edit

FACE = "examples/portraits/frown.jpg"


@pytest.fixture(scope="module")
def desk():
    return Desk(MagicFace, model="embedded")


@pytest.fixture(scope="module")
def visit(desk):
    return desk.open(FACE)


def test_an_edit_is_that_of_the_package(desk, visit):
    fractions = []
    (found,) = desk.edit(visit, [{"AU12": 3}], Sampling(), fractions.append)
    assert np.array_equal(found.after, edit(FACE, {"AU12": 3}, model="embedded", progress=False))
    assert found.engine == "diffusion"
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_the_networks_are_loaded_once(desk):
    assert desk.editor is desk.editor


def test_warps_are_of_the_face(desk, visit):
    warp = desk.warp(visit, {"AU26": 4})
    still = desk.warp(visit, {})
    assert warp.size == still.size
    assert max(warp.size) <= 192
    assert np.abs(np.asarray(warp).astype(int) - np.asarray(still)).max() > 30


def test_stop_ends_an_edit(desk, visit):
    def report(done: float) -> None:
        visit.stopped = True

    with pytest.raises(Stopped):
        desk.edit(visit, [{"AU12": 3}], Sampling(EditOptions(steps=5)), report)


def test_a_moved_slider_ends_an_edit_for_its_old_place(desk, visit):
    def report(done: float) -> None:
        visit.wanted = (4.0,)

    visit.wanted = (3.0,)
    with pytest.raises(Stopped):
        desk.edit(visit, [{"AU12": 3}], Sampling(EditOptions(steps=5)), report, (3.0,))
    assert len(desk.edit(visit, [{"AU12": 4}], Sampling(EditOptions(steps=5)), report, (4.0,))) == 1


def test_the_other_face_can_be_chosen(desk):
    with Image.open(FACE) as one, Image.open("examples/portraits/calm.jpg") as other:
        both = Image.new("RGB", (one.width + other.width, max(one.height, other.height)))
        both.paste(one, (0, 0))
        both.paste(other, (one.width, 0))
        width = one.width
    visits = [desk.open(both, face) for face in (0, 1)]
    assert [len(visit.thumbs) for visit in visits] == [2, 2]
    assert visits[0].box()[0] < width < visits[1].box()[2]
    assert visits[0].box()[2] < width


def test_what_is_no_photo_is_refused(desk, tmp_path):
    with pytest.raises(FaceNotFoundError):
        desk.open(Image.new("RGB", (200, 200), "grey"))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageError):
        desk.open(tmp_path / "text.png")
    with refused(ImageError, "range", actual=(PIXELS // 1000, 1001)):
        desk.open(Image.new("1", (PIXELS // 1000, 1001)))
    with refused(InputError, "missing"):
        desk.edit(Visit(), [{}], Sampling(), print)


def test_a_report_and_a_file_say_what_was_made(desk, visit, tmp_path):
    (found,) = desk.edit(visit, [{"AU12": 3}], Sampling(EditOptions(seed=7)), lambda done: None)
    wanted = [0.0] * 12
    wanted[6] = 3.0
    report = measured(visit, found, wanted)
    assert report is not None
    assert "AU12 lip corner puller" in table(report, found)
    path = pack(found, report, {"request": "AU12=3"}, tmp_path / "edit.zip")
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["edited.png", "report.json", "report.txt", "settings.json"]
        settings = json.loads(archive.read("settings.json"))
        with archive.open("edited.png") as file, Image.open(file) as picture:
            assert np.array_equal(np.asarray(picture), np.asarray(marked(found.after)))
            assert b"digitalsourcetype" in picture.info["xmp"]
    assert settings["request"] == "AU12=3"
    assert settings["seed"] == 7
    assert settings["engine"] == "diffusion"


def test_surroundings_stay_inside_the_photo():
    photo = Image.new("RGB", (100, 60))
    part, corner = around(photo, np.array([80.0, 10.0, 120.0, 50.0]), 0.5)
    assert part.size == (40, 60)
    assert corner.tolist() == [60, 0]


def test_without_weights_and_without_a_name_photos_are_warped(tmp_path, monkeypatch):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    assert Desk(MagicFace).engines == (WARP, SMALL)
    assert Desk(MagicFace, model="embedded").engines == (SMALL, WARP)
    assert Desk(MagicFace, model=str(tmp_path)).engines == (NETWORKS, WARP, SMALL)
    assert FineFaceDesk(FineFace, model=None, base=None).engines == (WARP, SMALL)
    assert FineFaceDesk(FineFace, model="embedded", base=None).engines == (SMALL, WARP)
    assert FineFaceDesk(FineFace, variant="sd15-faceid").engines == (NETWORKS, WARP, SMALL)


def test_small_networks_have_a_variant_of_their_own(tmp_path, monkeypatch):
    """Whatever variant the app was started with, which is that of its networks."""
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    desk = FineFaceDesk(FineFace, base="an/other", variant="sd15-faceid", device="cpu")
    assert desk.editor_for(SMALL).networks.variant == "whole"
    with pytest.raises(MissingCheckpointError, match="sd15-faceid"):
        desk.editor_for(NETWORKS)


def test_one_photo_goes_through_every_engine(desk, visit):
    for engine, name, made in (
        (WARP, "warp", edit(FACE, {"AU12": 3}, engine="warp", progress=False)),
        (SMALL, "diffusion", edit(FACE, {"AU12": 3}, model="embedded", progress=False)),
    ):
        (found,) = desk.edit(visit, [{"AU12": 3}], Sampling(engine=engine), print)
        assert (found.by, found.engine) == (engine, name)
        assert np.array_equal(found.after, made)
        assert f"Made by the {engine}" in table(None, found)
    with refused(InputError, "unknown", expected=desk.engines, actual=NETWORKS):
        desk.edit(visit, [{"AU12": 3}], Sampling(engine=NETWORKS), print)


def test_the_line_between_before_and_after_stands_left_of_the_face(desk, visit):
    (found,) = desk.edit(visit, [{"AU12": 3}], Sampling(engine=WARP), print)
    for visit.close in (False, True):
        (before, after), place = desk.pair(visit, found)
        assert before.size == after.size
        assert 4 <= place < 100 * (visit.box()[0] / found.after.width if not visit.close else 0.5)
    visit.close = False


def test_thumbs_keep_their_aspect_ratio(desk):
    with Image.open(FACE) as photo:
        left, _, right, _ = (int(each) for each in desk.open(photo).box())
        part = photo.crop((left - 4, 0, right + 4, photo.height))
    (thumb,) = desk.open(part).thumbs
    assert max(thumb.size) == 96
    assert thumb.height > thumb.width


def test_two_visits_do_not_mix(desk, visit):
    alone, other = (
        np.asarray(desk.warp(each, {"AU26": 4})) for each in (visit, desk.open("examples/portraits/calm.jpg"))
    )
    assert np.array_equal(np.asarray(desk.warp(visit, {"AU26": 4})), alone)
    assert not np.array_equal(other, alone)

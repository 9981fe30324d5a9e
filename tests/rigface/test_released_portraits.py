"""The authors' own prepared pair, where it lies beside the checkout: what can be compared without licensed files."""

import numpy as np
import pytest
from PIL import Image
from released_heads import seen

from common.faces import Face, choose_face, get_detector
from common.parsing import foreground, get_parser
from rigface.released.d3dfr import EXPRESSION
from rigface.released.reconstruct import grey_background


@pytest.fixture(scope="module")
def pair(portraits):
    folder = portraits / "rigface" / "id1"
    if not folder.is_dir():
        pytest.skip("no portraits of RigFace in ../shared")
    return folder


@pytest.fixture(scope="module")
def pictures(pair) -> dict[str, np.ndarray]:
    return {path.stem: np.array(Image.open(path).convert("RGB")) for path in pair.glob("*.png")}


@pytest.fixture(scope="module")
def faces(pictures) -> dict[str, Face]:
    detector = get_detector("mediapipe")
    names = ("sor", "tar", "render_exp", "render_exp+pose")
    return {name: choose_face(detector.find(pictures[name])) for name in names}


@pytest.fixture(scope="module")
def labels(pictures, faces) -> dict[str, np.ndarray]:
    parser = get_parser("grabcut")
    return {
        name: parser.parse(pictures[name], outline=faces[name].outline, landmarks=faces[name].landmarks)
        for name in ("sor", "tar")
    }


def test_pictures_and_coefficients_are_of_the_shapes_that_ours_are(pictures, pair):
    assert {picture.shape for picture in pictures.values()} == {(512, 512, 3)}
    theirs = np.load(pair / "exp_pose+exp.npy")
    ours = seen(0).coefficients[EXPRESSION].numpy()
    assert theirs.shape == ours.shape == (64,)
    assert theirs.dtype == ours.dtype == np.float32
    assert np.abs(theirs).max() < 6  # standard deviations, as codes are


def test_our_background_for_a_copied_pose_overlaps_theirs(pictures, labels):
    ours = grey_background(pictures["sor"], labels["sor"], foreground(labels["tar"]))
    theirs = pictures["bg_pose+exp"]
    a, b = ((picture == 127).all(-1) for picture in (ours, theirs))
    assert (a & b).sum() / (a | b).sum() > 0.95
    assert np.array_equal(ours[~a & ~b], theirs[~a & ~b])  # the source's own bytes


def test_a_background_without_the_target_would_not_do(pictures, labels):
    alone = (grey_background(pictures["sor"], labels["sor"]) == 127).all(-1)
    theirs = (pictures["bg_pose+exp"] == 127).all(-1)
    assert (theirs & ~alone).sum() > 1.5 * (alone & ~theirs).sum()


def centre(face: Face) -> np.ndarray:
    points = face.landmarks
    eyes = (points[36:42].mean(0) + points[42:48].mean(0)) / 2
    return eyes + 0.1 * ((points[48] + points[54]) / 2 - eyes)


def test_their_pose_brings_the_targets_place_and_nothing_else_does(faces):
    """What `Released.conditions` does too: the centre stays the source's, or becomes the target's with its pose."""
    source, target, posed, kept = (centre(faces[name]) for name in ("sor", "tar", "render_exp+pose", "render_exp"))
    assert np.linalg.norm(posed - target) < 6
    assert np.linalg.norm(kept - source) < 6
    assert np.linalg.norm(target - source) > 20


def test_their_heads_have_hard_edges_on_black(pictures):
    drawn = pictures["render_exp"].astype(int).sum(-1)
    left = np.array([np.flatnonzero(row)[0] for row in drawn[60:500]])
    edge, inside = (drawn[np.arange(60, 500), left + step] for step in (0, 3))
    assert (
        edge > inside / 2
    ).mean() > 0.95  # with smooth edges, half of the pixels there would be less than half covered

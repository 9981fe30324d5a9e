"""The head that explains a photo: known heads and lights are found again, from landmarks exact and noisy."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from breadth import breadth
from mirrored import MIRRORED_68

from common.core.errors import InputError, ShapeError
from common.face3d.camera import Perspective, rotation_matrix, to_pixels
from common.face3d.fitting.fit import Fit, fit, overlay
from common.face3d.fitting.light import to_linear, to_srgb
from common.face3d.fitting.problem import Problem, solve_in_box
from common.face3d.heads.anny import default_head
from common.face3d.heads.head import vertex_normals
from common.face3d.rendering.lighting import ambient, directional, shade
from common.face3d.rendering.render import render

SIZE = 256
AU12 = 6


@pytest.fixture(scope="module")
def head():
    return default_head()


@cache
def scene(seed: int, smile: float | None = None) -> SimpleNamespace:
    """A believable person in a picture of 256 pixels: all numbers, the vertices, the landmarks in pixels."""
    head, draw = default_head(), torch.Generator().manual_seed(seed)

    def between(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand((), generator=draw)

    identity = torch.zeros(1, head.identity_size)
    identity[0, :4] = torch.stack([between(-0.5, 0.5), between(-0.1, 0.25), torch.tensor(0.0), between(-0.3, 0.3)])
    races = torch.rand(3, generator=draw)
    identity[0, 6:9] = races / races.sum() - 1 / 3
    identity[0, 9:] = 0.1 * torch.randn(head.identity_size - 9, generator=draw)
    active = torch.rand(12, generator=draw) < 0.3
    expression = (active * torch.rand(12, generator=draw) * 4).repeat(1, 2, 1)
    if smile is not None:
        expression[..., AU12] = smile
    angles = torch.stack([between(-30, 30), between(-15, 15), between(-15, 15)])[None].deg2rad()
    distance = between(0.7, 1.5)[None]
    camera = Perspective(5.5 * distance, distance, 0.1 * torch.randn(1, 2, generator=draw))
    vertices = head.turn(head(identity, expression), angles)
    points = {
        scheme: detected(vertices, head.actions_of(expression), angles, camera, scheme)
        for scheme in ("ibug68", "mesh468")
    }
    return SimpleNamespace(
        identity=identity, expression=expression, angles=angles, camera=camera, vertices=vertices, points=points
    )


def detected(vertices, actions, angles, camera, scheme) -> torch.Tensor:
    """Where a detector sees the landmarks of a head, (N, 2) pixels."""
    head = default_head()
    aside = head.embedding.response(actions, scheme) @ rotation_matrix(angles).mT
    return to_pixels(camera.project(head.embedding.points(vertices, scheme) + aside), SIZE, SIZE)[0, :, :2]


def noisy(points: torch.Tensor, sigma: float = 0.7) -> torch.Tensor:
    return points + sigma * torch.randn(points.shape, generator=torch.Generator().manual_seed(7))


def yaw_error(found: Fit, truth: SimpleNamespace) -> float:
    return math.degrees(abs(found.angles[0, 0] - truth.angles[0, 0]))


@pytest.mark.parametrize("scheme", ["ibug68", "mesh468"])
@pytest.mark.parametrize("seed", range(4))
def test_known_heads_are_found_again(scheme, seed):
    truth = scene(seed)
    found = fit(truth.points[scheme].numpy(), size=SIZE)
    assert found.error_px < 0.6
    assert found.residuals.norm(dim=1).max() < 2
    assert yaw_error(found, truth) < 1
    assert (found.angles - truth.angles).abs().max().rad2deg() < 4
    assert (found.expression - truth.expression).abs().mean() < 1


@pytest.mark.parametrize("scheme", ["ibug68", "mesh468"])
@pytest.mark.parametrize("seed", range(3))
def test_noisy_landmarks_barely_turn_the_head(scheme, seed):
    truth = scene(seed)
    found = fit(noisy(truth.points[scheme]), size=SIZE)
    assert yaw_error(found, truth) < 3
    assert (found.residuals + noisy(truth.points[scheme]) - truth.points[scheme]).norm(dim=1).mean() < 1


def test_the_vertices_project_onto_the_fitted_landmarks(head):
    truth = scene(1)
    found = fit(truth.points["mesh468"], size=SIZE)
    seen = detected(found.vertices(), found.actions, found.angles, found.camera, "mesh468")
    torch.testing.assert_close(seen, truth.points["mesh468"] + found.residuals, atol=1e-3, rtol=0)
    assert found.error_px == pytest.approx(float(found.residuals.square().sum(1).mean().sqrt()))


@pytest.mark.parametrize("scheme", ["ibug68", "mesh468"])
def test_a_smile_is_told_from_none(scheme):
    def smile_of(seed: int, smile: float) -> torch.Tensor:
        found = fit(noisy(scene(seed, smile=smile).points[scheme]), size=SIZE)
        return found.expression[0, :, AU12].mean()

    for seed in (4, 5):
        assert smile_of(seed, 0.0) < 0.8
        assert smile_of(seed, 3.0) > 1.5


@pytest.mark.parametrize("action", ["eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthPucker", "mouthSmileRight"])
def test_actions_are_seen_side_by_side(head, action):
    actions = head.actions_named({action: 0.8})
    camera = Perspective(torch.tensor([5.5]), torch.tensor([1.0]), torch.zeros(1, 2))
    aside = head.embedding.response(actions, "mesh468")
    places = head.embedding.points(head(actions=actions), "mesh468") + aside
    found = fit(noisy(to_pixels(camera.project(places), SIZE, SIZE)[0, :, :2]), size=SIZE).actions[0]
    assert found[head.action_names.index(action)] > 0.45
    assert int(found.argmax()) == head.action_names.index(action)


def test_scaling_the_picture_scales_nothing_but_pixels():
    points = scene(2).points["mesh468"]
    small, large = fit(points, size=SIZE), fit(2 * points + 0.5, size=2 * SIZE)
    torch.testing.assert_close(large.angles, small.angles, atol=1e-3, rtol=0)
    torch.testing.assert_close(large.expression, small.expression, atol=0.03, rtol=0)
    torch.testing.assert_close(large.camera.focal, small.camera.focal, atol=0, rtol=1e-3)
    assert large.error_px == pytest.approx(2 * small.error_px, rel=0.02)


def test_a_wider_picture_moves_the_face_alone():
    points = scene(2).points["mesh468"]
    square, wide = fit(points, size=SIZE), fit(points + torch.tensor([50.0, 0]), size=(SIZE, SIZE + 100))
    torch.testing.assert_close(wide.angles, square.angles, atol=1e-3, rtol=0)
    torch.testing.assert_close(wide.camera.shift, square.camera.shift, atol=1e-3, rtol=0)


def test_a_mirrored_face_is_the_mirrored_face():
    points = scene(3).points["ibug68"]
    mirrored = points[MIRRORED_68] * torch.tensor([-1, 1]) + torch.tensor([SIZE - 1, 0])
    plain, other = fit(points, size=SIZE), fit(mirrored, size=SIZE)
    torch.testing.assert_close(other.angles * torch.tensor([-1, 1, -1]), plain.angles, atol=0.03, rtol=0)
    torch.testing.assert_close(other.expression.flip(1), plain.expression, atol=0.7, rtol=0)


def test_the_distance_is_believed():
    truth = scene(0)
    found = fit(truth.points["mesh468"], size=SIZE, distance=2.0)
    assert found.camera.distance == 2
    assert found.error_px < 0.7


def test_wrong_landmarks_are_mistrusted():
    truth = scene(1)
    points = truth.points["mesh468"].clone()
    points[::40] += 20
    assert yaw_error(fit(points, size=SIZE), truth) < 3


def test_irises_tell_the_gaze(head):
    truth, gaze = scene(5), torch.tensor([[[0.25, -0.1], [0.2, -0.1]]])
    neutral = head(truth.identity)
    pupils = [eye[neutral[0, eye, 2].argmax()] for eye in head.eyes]
    turned = head.turn(head(truth.identity, truth.expression, gaze=gaze), truth.angles)
    irises = torch.zeros(1, 10, 3)
    irises[:, [5, 0]] = turned[:, pupils]  # 473 and 468
    irises = to_pixels(truth.camera.project(irises), SIZE, SIZE)[0, :, :2]
    found = fit(torch.cat([truth.points["mesh468"], irises]), size=SIZE)
    torch.testing.assert_close(found.gaze, gaze, atol=0.2, rtol=0)  # where an eyeball is, only the lids tell
    torch.testing.assert_close(found.gaze.mean(1), gaze.mean(1), atol=0.12, rtol=0)
    assert not fit(truth.points["mesh468"], size=SIZE).gaze.any()


def test_the_derivatives_are_those_of_the_head(head):
    target = torch.zeros(468, 2, dtype=torch.float64)
    problem = Problem(head, "mesh468", target, 1.0)
    draw = torch.Generator().manual_seed(0)
    values = 0.1 + 0.05 * torch.rand(len(problem.priors.low), generator=draw, dtype=torch.float64)
    values[9 + len(problem.shapes.up) : -6] /= 1.75  # moved further, lids leave the straight line on eyeballs
    values[-3] = math.log(5.0)
    seen, jacobian, _ = problem.project(values, problem.phenotypes(values))
    result = problem.solution(values)
    vertices = head.turn(head(result.identity, actions=result.actions), result.angles)
    aside = head.embedding.response(result.actions, "mesh468") @ rotation_matrix(result.angles).mT
    expected = result.camera.project(head.embedding.points(vertices, "mesh468") + aside)[0, :, :2].double()
    torch.testing.assert_close(seen, expected, atol=3e-4, rtol=0)  # four points hang on the head by 98 %
    for _ in range(3):
        step = 1e-3 * torch.randn(len(values), generator=draw, dtype=torch.float64)
        ahead, behind = (problem.project(values + sign * step, problem.phenotypes(values))[0] for sign in (1, -1))
        torch.testing.assert_close((ahead - behind) / 2, jacobian @ step, atol=2e-6, rtol=1e-3)


def test_least_squares_in_a_box():
    draw = torch.Generator().manual_seed(0)
    for _ in range(5):
        root, gradient = torch.randn(20, 12, generator=draw).double(), 5 * torch.randn(12, generator=draw).double()
        hessian, low, high = root.T @ root, torch.full((12,), -0.3).double(), torch.full((12,), 0.2).double()
        step = solve_in_box(hessian, gradient, low, high)
        slope = hessian @ step + gradient
        assert (slope[(step > low) & (step < high)].abs() < 1e-9).all()
        assert (slope[step == low] >= 0).all()
        assert (slope[step == high] <= 0).all()


@pytest.fixture(scope="module")
def lit(head):
    """A face under a lamp from the picture's left: the truth, the photo, the light."""
    truth = scene(6)
    lamp = directional(torch.tensor([[-1.0, 0.3, 1.0]]), torch.tensor([[0.9, 0.9, 0.9]]))
    light = ambient(torch.tensor([[0.3, 0.3, 0.3]])) + lamp
    colour, seen = render(head, truth.vertices, truth.camera, light, size=SIZE, albedo=torch.tensor([0.5, 0.35, 0.28]))
    photo = to_srgb((colour + ~seen * 0.2).movedim(0, 2).numpy())
    return truth, photo, light


def test_light_from_the_left_comes_from_the_left(head, lit):
    truth, photo, light = lit
    found = fit(truth.points["mesh468"], image=photo)
    direction = found.light[0, 1:4].mean(1)
    expected = light[0, 1:4].mean(1)
    assert direction[0] < 0
    assert torch.nn.functional.cosine_similarity(direction, expected, dim=0) > 0.9
    # Light times albedo is what was seen, wherever skin faces the camera.
    normals = vertex_normals(truth.vertices, head.triangles)
    normals = normals[:, normals[0, :, 2] > 0.4]
    seen, predicted = (
        shade(normals, light)[0] * torch.tensor([0.5, 0.35, 0.28]),
        shade(normals, found.light)[0] * found.albedo,
    )
    assert (seen - predicted).abs().mean() < 0.02
    assert shade(normals, found.light).mean() == pytest.approx(1, abs=0.25)


def test_pixels_may_be_bytes_and_covered(lit):
    truth, photo, _ = lit
    plain = fit(truth.points["ibug68"], image=photo)
    as_bytes = (photo * 255).round().astype(np.uint8)
    torch.testing.assert_close(fit(truth.points["ibug68"], image=as_bytes).light, plain.light, atol=0.05, rtol=0.02)
    covered = photo.copy()
    y = int(truth.points["ibug68"][33, 1])
    covered[y : y + 12] = (0.1, 0.8, 0.1)  # a green scarf
    found = fit(truth.points["ibug68"], image=covered)
    assert torch.nn.functional.cosine_similarity(found.light[0, 1:4, 0], plain.light[0, 1:4, 0], dim=0) > 0.9
    assert fit(truth.points["ibug68"], image=np.zeros_like(photo)).light is None


def test_overlay_is_a_picture(lit):
    truth, photo, _ = lit
    found = fit(truth.points["mesh468"], image=photo)
    drawn = overlay(photo, found)
    assert drawn.shape == photo.shape
    assert drawn.dtype == np.uint8
    assert (drawn != (photo * 255).round()).any()
    # Fully opaque, it looks like the photo: same shape, same light.
    x, y = truth.points["ibug68"][29].int().tolist()
    face = np.s_[y - 12 : y + 12, x - 12 : x + 12]
    opaque = overlay(photo, fit(truth.points["ibug68"], image=photo), opacity=1.0)
    assert np.median(np.abs(opaque[face] / 255 - photo[face])) < 0.06
    with pytest.raises(ShapeError):
        overlay(photo[1:], found)


def test_the_curve_of_srgb_is_undone():
    ramp = np.linspace(0, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(to_srgb(to_linear(ramp)), ramp, atol=1e-5)


def test_what_cannot_be_fitted_is_said():
    points = scene(0).points["ibug68"].numpy()
    for wrong in (points[:67], points[None], np.column_stack([points, points[:, 0]])):
        with pytest.raises(ShapeError, match="68"):
            fit(wrong, size=SIZE)
    broken = points.copy()
    broken[3, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        fit(broken, size=SIZE)
    with pytest.raises(InputError, match="in pixels"):
        fit(points / SIZE, size=SIZE)
    with pytest.raises(InputError, match="size"):
        fit(points)
    with pytest.raises(InputError, match="distance"):
        fit(points, size=SIZE, distance=0.0)
    with pytest.raises(ShapeError, match="RGB"):
        fit(points, image=np.zeros((SIZE, SIZE), np.uint8))
    with pytest.raises(ShapeError):
        fit(points, size=(SIZE, 10), image=np.zeros((SIZE, SIZE, 3), np.uint8))
    with pytest.raises(InputError, match="colours"):
        fit(points, image=np.full((SIZE, SIZE, 3), 200.0))


@pytest.mark.parametrize("name", breadth(["magicface/00025", "magicface/00381", "rigface/id1/sor", "rigface/id1/tar"]))
def test_portraits(portraits, name):
    from PIL import Image

    from common.faces import get_detector

    photo = np.array(Image.open(portraits / f"{name}.png").convert("RGB"))
    face = get_detector("mediapipe").find(photo)[0]
    between_eyes = np.linalg.norm(face.landmarks[36] - face.landmarks[45])
    fits = fit(face.mesh, image=photo), fit(face.landmarks, image=photo)
    for found in fits:
        assert found.residuals.norm(dim=1).median() / between_eyes < 0.012  # measured: 0.0055 to 0.0085
        assert found.error_px / between_eyes < 0.02
        assert found.light is not None
        assert 0 < found.albedo.min() < found.albedo.max() < 1
    assert (fits[0].angles - fits[1].angles).abs().max().rad2deg() < 3


def test_sizes_are_numbers_of_pixels():
    points = scene(0).points["ibug68"].numpy()
    assert fit(points, size=np.int64(SIZE)).size == (SIZE, SIZE)
    for wrong in (256.0, "256", (256,), (256.5, 256)):
        with pytest.raises(InputError, match="size cannot be used"):
            fit(points, size=wrong)

"""Hair is made of sound triangles, stays out of the face and the skull, and differs between people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from breadth import breadth
from refusals import refused

from common.core.errors import InputError
from common.face3d.heads.anny import default_head
from common.face3d.heads.head import vertex_normals
from common.synthetic.hair.hair import HAIR_STYLES, hair
from common.synthetic.wear.hats import HATS, covered, hat
from common.synthetic.wear.layers import Layer, Skull
from common.synthetic.wear.scalp import hairline, surface

BROWN = np.float32([0.1, 0.06, 0.03])
STYLES = [style for style in HAIR_STYLES if style != "none"]


def skull(seed: int | None = None) -> Skull:
    head = default_head()
    identity = torch.zeros(1, head.identity_size)
    if seed is not None:
        identity = torch.randn(identity.shape, generator=torch.Generator().manual_seed(seed)) * 0.15
    vertices = head(identity)
    return Skull(
        vertices[0].numpy(),
        vertex_normals(vertices, head.triangles)[0].numpy(),
        head.triangles.numpy(),
        head.landmarks(vertices)[0].numpy(),
        head.head_weight.numpy(),
    )


@pytest.fixture(scope="module")
def mean() -> Skull:
    return skull()


@pytest.fixture(scope="module")
def person() -> Skull:
    return skull(3)


def grown(style: str, head: Skull, seed: int = 0, **options) -> Layer:
    layer = hair(style, head, np.random.default_rng(seed), **{"colour": BROWN, "detail": 0.25, **options})
    assert layer is not None
    return layer


def heights(points: np.ndarray) -> np.ndarray:
    """How far points (N, 3) lie outside the mean head."""
    head = surface()
    bound = head.bind(points)
    return ((points - bound.on(head.vertices)) * bound.on(head.normals)).sum(1)


def assert_sound(layer: Layer) -> None:
    for values in (layer.vertices, layer.colour, layer.follow, layer.normals, layer.tangents):
        if values is not None:
            assert values.dtype == np.float32
            assert len(values) == len(layer.vertices)
            assert np.isfinite(values).all()
    assert layer.triangles.dtype == np.int32
    assert layer.triangles.min() >= 0
    assert layer.triangles.max() < len(layer.vertices)
    for values in (layer.colour, layer.follow):
        assert values.min() >= 0
        assert values.max() <= 1
    for vectors in (layer.normals, layer.tangents):
        if vectors is not None:
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("style", STYLES)
def test_layers_are_sound_and_within_budget(style: str, person: Skull) -> None:
    small, large = grown(style, person), grown(style, person, detail=1.0)
    for layer, budget in ((small, 12_000), (large, 60_000)):
        assert_sound(layer)
        assert layer.part == "hair"
        assert layer.tangents is not None
        assert 1_000 < len(layer.triangles) < budget


def test_there_are_many_styles_and_bald_people(mean: Skull) -> None:
    assert len(HAIR_STYLES) >= 12
    assert hair("none", mean, np.random.default_rng(0), colour=BROWN) is None


@pytest.mark.parametrize("style", STYLES)
def test_the_face_is_free(style: str, mean: Skull) -> None:
    vertices = grown(style, mean, 1, detail=1.0).vertices
    x, y, z = vertices.T
    assert not ((np.abs(x) < 0.045) & (y > -0.10) & (y < 0.018) & (z > 0.0)).any()


@pytest.mark.parametrize("style", STYLES)
def test_hair_lies_outside_the_skull(style: str, mean: Skull) -> None:
    inside = heights(grown(style, mean, 2).vertices)
    assert (inside < -0.003).mean() < 0.004


def test_only_the_fringe_covers_the_forehead(mean: Skull) -> None:
    def on_forehead(style: str) -> int:
        x, y, z = grown(style, mean, 3, length=1.0).vertices.T
        return int(((np.abs(x) < 0.03) & (y < 0.045) & (y > 0.0) & (z > 0.0)).sum())

    assert on_forehead("fringe") > 50
    assert max(map(on_forehead, ("buzz", "swept back", "bun", "receding"))) == 0


def test_the_hairline_is_where_hair_begins() -> None:
    marks = np.float32([[0, 0.07, 0.012], [0, 0.03, 0.027], [0, 0.115, -0.07], [0.073, -0.03, -0.05], [0, 0.0, -0.177]])
    assert (hairline(marks) > 0).tolist() == [True, False, True, False, True]


def test_the_same_seed_gives_the_same_bytes_and_another_other_hair(mean: Skull) -> None:
    first, again, other = (grown("bob", mean, seed, mirrored=False) for seed in (4, 4, 5))
    assert first.vertices.tobytes() == again.vertices.tobytes()
    assert first.colour.tobytes() == again.colour.tobytes()
    assert first.vertices.shape != other.vertices.shape or np.abs(first.vertices - other.vertices).max() > 0.005


def test_mirrored_hair_is_the_mirror_image(mean: Skull) -> None:
    one, two = (grown("side part", mean, 6, mirrored=mirrored) for mirrored in (False, True))
    one, two = (layer.vertices[layer.vertices[:, 1] > 0.06] for layer in (one, two))
    # the parting, a trough in the outline, changes its side
    assert abs(one[:, 0].mean() + two[:, 0].mean()) < 0.003
    far = [np.abs(points[points[:, 1].argsort()[-200:], 0].mean()) for points in (one, two)]
    assert abs(far[0] - far[1]) < 0.008


def test_length_shortens_hair(mean: Skull) -> None:
    lowest = [grown("long straight", mean, 7, length=length).vertices[:, 1].min() for length in (0.3, 1.0)]
    assert lowest[0] > lowest[1] + 0.1


def test_long_hair_lies_on_the_shoulders_and_stays_there(mean: Skull) -> None:
    layer = grown("long straight", mean, 9, length=1.0)
    assert layer.follow[layer.vertices[:, 1] > 0.08].min() > 0.95
    assert layer.follow[layer.vertices[:, 1] < -0.2].max() < 0.6


@pytest.mark.parametrize("kind", breadth(kind for kind in HATS if kind != "none"))
@pytest.mark.parametrize("style", ["afro", "side part", "long wavy"])
def test_hair_stays_under_a_hat(kind: str, style: str, mean: Skull) -> None:
    points = grown(style, mean, 10, under_hat=kind, detail=1.0).vertices
    deep = points[covered(kind, points) > 0.006]
    shell = hat(kind, mean, np.random.default_rng(0), colour=BROWN)
    assert shell is not None
    assert np.quantile(heights(deep), 0.999) < 0.0092
    free = grown(style, mean, 10, detail=1.0).vertices
    assert heights(free[covered(kind, free) > 0.006]).max() > 0.011


def test_what_cannot_be_used_is_named(mean: Skull) -> None:
    rng = np.random.default_rng(0)
    with refused(InputError, "unknown", expected=HAIR_STYLES, actual="mullet"):
        hair("mullet", mean, rng, colour=BROWN)
    with refused(InputError, "unknown", expected=HATS, actual="fez"):
        hair("bob", mean, rng, colour=BROWN, under_hat="fez")
    for options in ({"length": 0.0}, {"detail": 1.5}, {"colour": BROWN + 1}, {"colour": np.zeros(4)}):
        with refused(InputError, "range"):
            hair("bob", mean, rng, **{"colour": BROWN, **options})


def test_a_wider_head_has_wider_hair(mean: Skull) -> None:
    by = np.float32([1.1, 1, 1])
    wide = replace(mean, vertices=mean.vertices * by, landmarks=mean.landmarks * by)
    narrow, broad = (np.abs(grown("crew", head, 11).vertices[:, 0]).max() for head in (mean, wide))
    assert broad > narrow * 1.05

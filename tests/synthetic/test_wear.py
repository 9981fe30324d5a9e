"""Hats cover the head, glasses stand before the eyes, clothes stay below the chin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from refusals import refused

from common.core.errors import InputError
from common.face3d.heads.anny import default_head
from common.face3d.heads.head import vertex_normals
from common.synthetic.wear.clothes import CLOTHES, PATTERNS, clothes
from common.synthetic.wear.glasses import GLASSES, glasses
from common.synthetic.wear.hats import HATS, hat
from common.synthetic.wear.layers import Layer, Skull

RED = np.float32([0.4, 0.05, 0.05])


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


@pytest.fixture(scope="module", params=[None, 3, 4], ids=["mean", "one", "other"])
def person(request) -> Skull:
    return skull(request.param)


@pytest.fixture(scope="module")
def mean() -> Skull:
    return skull()


def assert_sound(layer: Layer, part: str, budget: int) -> None:
    assert layer.part == part
    assert 100 < len(layer.triangles) < budget
    assert layer.triangles.dtype == np.int32
    assert layer.triangles.min() >= 0
    assert layer.triangles.max() < len(layer.vertices)
    for values in (layer.vertices, layer.colour, layer.follow, layer.normals):
        assert values is not None
        assert values.dtype == np.float32
        assert len(values) == len(layer.vertices)
        assert np.isfinite(values).all()
    for values in (layer.colour, layer.follow):
        assert values.min() >= 0
        assert values.max() <= 1
    assert layer.normals is not None
    assert np.allclose(np.linalg.norm(layer.normals, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("kind", HATS[1:])
def test_hats_sit_on_the_head(kind: str, person: Skull) -> None:
    layer = hat(kind, person, np.random.default_rng(0), colour=RED)
    assert layer is not None
    assert_sound(layer, "hat", 14_000)
    top = person.vertices[:, 1].max()
    assert (layer.vertices[:, 1].max() > top) == (kind != "headband")
    eyes = person.landmarks[36:48, 1].max()
    before = layer.vertices[(layer.vertices[:, 2] > 0.0) & (np.abs(layer.vertices[:, 0]) < 0.04)]
    assert before[:, 1].min() > eyes + 0.005


@pytest.mark.parametrize("kind", GLASSES[1:])
def test_glasses_stand_before_the_eyes(kind: str, person: Skull) -> None:
    frame, lenses = glasses(kind, person, np.random.default_rng(0), colour=RED)
    assert_sound(frame, "eye_g", 3_000)
    assert_sound(lenses, "eye_g", 1_000)
    assert frame.opacity == 1
    assert (lenses.opacity > 0.5) == (kind == "sun")
    assert lenses.gloss == 1
    eyes = person.landmarks[36:48]
    before = lenses.vertices[np.abs(lenses.vertices[:, 0] - eyes[6:, 0].mean()) < 0.012]
    assert before[:, 2].min() > eyes[:, 2].max() + 0.007
    assert lenses.vertices[:, 1].min() < eyes[:, 1].min()
    assert lenses.vertices[:, 1].max() > eyes[:, 1].max()
    ears = person.landmarks[[0, 16], 2].mean()
    assert frame.vertices[:, 2].min() < ears - 0.015


@pytest.mark.parametrize("kind", GLASSES[1:])
def test_glasses_are_symmetric(kind: str, person: Skull) -> None:
    middle = person.landmarks[27, 0]
    for layer in glasses(kind, person, np.random.default_rng(1), colour=RED):
        for axis in (1, 2):
            aside = layer.vertices[:, 0] - middle
            left, right = layer.vertices[aside > 1e-5, axis], layer.vertices[aside < -1e-5, axis]
            assert abs(left.mean() - right.mean()) < 1e-3
        assert abs(layer.vertices[:, 0].max() + layer.vertices[:, 0].min() - 2 * middle) < 1e-3


@pytest.mark.parametrize("kind", CLOTHES)
def test_clothes_stay_below_the_chin(kind: str, person: Skull) -> None:
    layer = clothes(kind, person, np.random.default_rng(0), colour=RED)
    assert_sound(layer, "cloth", 60_000)
    front = layer.vertices[layer.vertices[:, 2] > -0.05]
    assert front[:, 1].max() < person.landmarks[8, 1]
    assert layer.follow[layer.vertices[:, 1] < -0.3].max() < 0.05


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_show(pattern: str, mean: Skull) -> None:
    colour = clothes("crew neck", mean, np.random.default_rng(0), colour=RED, pattern=pattern).colour
    plain = clothes("crew neck", mean, np.random.default_rng(0), colour=RED).colour
    assert (colour[:, 0].std() > 1.3 * plain[:, 0].std()) == (pattern != "plain")


def test_necklines_are_smooth(mean: Skull) -> None:
    from common.synthetic.wear.clothes import _CLOTHES, _below, _cut
    from common.synthetic.wear.scalp import surface

    for kind, plan in _CLOTHES.items():
        patch, edge = _cut(kind, 2)
        assert np.abs(_below(plan, patch.bound.on(surface().vertices)[np.unique(edge)])).max() < 0.002


def test_the_same_seed_gives_the_same_bytes(mean: Skull) -> None:
    for make in (
        lambda seed: hat("beanie", mean, np.random.default_rng(seed), colour=RED),
        lambda seed: glasses("round", mean, np.random.default_rng(seed), colour=RED)[0],
        lambda seed: clothes("hoodie", mean, np.random.default_rng(seed), colour=RED, pattern="melange"),
    ):
        first, again, other = (make(seed) for seed in (1, 1, 2))
        assert first.vertices.tobytes() == again.vertices.tobytes()
        assert first.colour.tobytes() == again.colour.tobytes()
        assert first.vertices.tobytes() != other.vertices.tobytes()


def test_nothing_is_worn_under_the_name_none(mean: Skull) -> None:
    assert hat("none", mean, np.random.default_rng(0), colour=RED) is None
    assert glasses("none", mean, np.random.default_rng(0), colour=RED) == ()


def test_unknown_names_list_what_there_is(mean: Skull) -> None:
    rng = np.random.default_rng(0)
    with refused(InputError, "unknown", expected=HATS, actual="fez"):
        hat("fez", mean, rng, colour=RED)
    with refused(InputError, "unknown", expected=GLASSES, actual="monocle"):
        glasses("monocle", mean, rng, colour=RED)
    with refused(InputError, "unknown", expected=CLOTHES, actual="toga"):
        clothes("toga", mean, rng, colour=RED)
    with refused(InputError, "unknown", expected=PATTERNS, actual="dots"):
        clothes("hoodie", mean, rng, colour=RED, pattern="dots")
    with refused(InputError, "range"):
        hat("cap", mean, rng, colour=RED * 10)


def test_a_taller_head_has_a_higher_hat(mean: Skull) -> None:
    tall = replace(mean, vertices=mean.vertices * np.float32([1, 1.1, 1]))
    low, high = (hat("beanie", head, np.random.default_rng(0), colour=RED) for head in (mean, tall))
    assert low is not None
    assert high is not None
    assert high.vertices[:, 1].max() > low.vertices[:, 1].max() + 0.005

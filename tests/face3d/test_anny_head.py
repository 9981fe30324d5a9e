"""The default head: neutral at zero, action units as FACS has them, sides apart, differentiable, quick to load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from common.core.errors import InputError, ShapeError
from common.core.face_labels import PARTS
from common.face3d.heads import anny_data
from common.face3d.heads.anny import AnnyHead, default_head
from common.face3d.heads.head import Head
from common.face3d.heads.head_units import HEAD_UNITS, UNITS
from common.face3d.heads.people import sample
from common.face3d.rendering.render import rasterize

EPS = torch.finfo(torch.float32).eps  # one rounding, of metres: processors add up in other orders

NEGATIVE = [name for name in UNITS if HEAD_UNITS[name].negative]
UP, DOWN = 1.0, -1.0
BROWS, INNER_BROWS, OUTER_BROWS = range(17, 27), (21, 22), (18, 25)
EYES, MOUTH, NOSE = range(36, 48), range(48, 68), range(27, 36)


@pytest.fixture(scope="module")
def head() -> AnnyHead:
    return default_head()


def units(name: str, intensity: float, sides=(0, 1)) -> torch.Tensor:
    expression = torch.zeros(1, 2, len(UNITS))
    expression[:, list(sides), UNITS.index(name)] = intensity
    return expression


def moved(head: AnnyHead, expression: torch.Tensor, identity: torch.Tensor | None = None) -> np.ndarray:
    """Millimetres by which the 68 landmarks move."""
    before, after = head.landmarks(head(identity)), head.landmarks(head(identity, expression))
    return ((after - before)[0] * 1000).numpy()


def people(head: AnnyHead, count: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(np.stack([sample(rng, head.identity_names) for _ in range(count)]))


def test_it_is_a_head(head):
    assert isinstance(head, Head)
    assert head().shape == (1, len(head.mean), 3)
    assert head.landmarks(head()).shape == (1, 68, 3)
    assert head.uv_triangles.shape == head.triangles.shape == (len(head.parts), 3)
    assert head.uv.min() >= 0
    assert head.uv.max() <= 1


def test_zero_is_the_neutral_mean(head):
    zero = head(torch.zeros(2, head.identity_size), torch.zeros(2, 2, 12), jaw=torch.zeros(2, 3))
    assert torch.equal(zero[0], zero[1])
    assert torch.allclose(zero[0], head.mean, atol=EPS)


def test_the_eyes_are_the_origin_of_every_person(head):
    vertices = head(people(head, 8))
    assert vertices[:, head.eyes.flatten()].mean(1).abs().max() < 1e-6


# What the FACS manual says of each unit: the landmarks, their axis, which way, and at least how many millimetres.
FACS = {
    "AU1": (INNER_BROWS, 1, UP, 2.5),
    "AU2": (OUTER_BROWS, 1, UP, 2.5),
    "AU4": (INNER_BROWS, 1, DOWN, 2.0),
    "AU5": ((37, 38, 43, 44), 1, UP, 1.5),
    "AU6": ((40, 41, 46, 47), 1, UP, 0.7),
    "AU9": ((31, 35), 1, UP, 0.8),
    "AU12": ((48, 54), 1, UP, 5.0),
    "AU15": ((48, 54), 1, DOWN, 2.5),
    "AU17": ((56, 57, 58), 1, UP, 1.5),
    "AU20": ((48,), 0, -1.0, 2.0),
    "AU25": ((65, 66, 67), 1, DOWN, 2.0),
    "AU26": ((7, 8, 9), 1, DOWN, 10.0),
}


@pytest.mark.parametrize("name", UNITS)
def test_units_move_what_facs_says(head, name):
    points, axis, sign, least = FACS[name]
    way = moved(head, units(name, 5))[list(points), axis] * sign
    assert way.min() > least


@pytest.mark.parametrize("name", UNITS)
def test_units_grow_with_intensity_on_everyone(head, name):
    points, axis, sign, _ = FACS[name]
    for identity in people(head, 3):
        way = [
            moved(head, units(name, v), identity[None])[list(points), axis].mean() * sign for v in (0, 1, 2, 3, 4, 5)
        ]
        assert (np.diff(way) > 0).all()


# What a unit must leave alone, to half a millimetre.
FAR = {
    "AU1": MOUTH, "AU2": MOUTH, "AU4": MOUTH, "AU5": MOUTH, "AU6": [*range(55, 60), 8], "AU9": [8], "AU12": BROWS,
    "AU15": [*BROWS, *EYES], "AU17": [*BROWS, *EYES], "AU20": BROWS, "AU25": [*BROWS, *EYES], "AU26": [*BROWS, *EYES],
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_units_leave_the_far_face_alone(head, name):
    assert np.abs(moved(head, units(name, 5))[list(FAR[name])]).max() < 0.5


@pytest.mark.parametrize("name", UNITS)
def test_left_is_the_mirror_of_right(head, name):
    left, right = (head(None, units(name, 5, sides=[side]))[0] - head.mean for side in (0, 1))
    mirror = torch.tensor([-1.0, 1, 1])
    # Vertices of the mesh come in mirrored pairs: find each one's counterpart.
    counterpart = torch.cdist(head.mean, head.mean * mirror).argmin(1)
    paired = ((head.mean - head.mean[counterpart] * mirror).norm(dim=1) < 1e-4) & (
        counterpart[counterpart] == torch.arange(len(counterpart))
    )
    assert paired.float().mean() > 0.95
    error = (left - right[counterpart] * mirror).norm(dim=1)[paired]
    assert error.max() < 3e-4
    assert torch.allclose(left + right, head(None, units(name, 5))[0] - head.mean, atol=1e-6)


@pytest.mark.parametrize("name", sorted(NEGATIVE))
def test_negative_intensities_go_the_other_way(head, name):
    points, axis, sign, _ = FACS[name]
    assert (moved(head, units(name, -5))[list(points), axis] * sign).mean() < 0 or name == "AU25"


def test_units_without_an_antagonist_do_nothing_below_zero(head):
    for name in set(UNITS) - set(NEGATIVE):
        assert not moved(head, units(name, -5)).any()


def test_pressed_lips_are_a_negative_au25(head):
    lips = [i for i, part in enumerate(PARTS) if part in ("u_lip", "l_lip")]
    corners = head.triangles[torch.isin(head.parts, torch.tensor(lips))].flatten().unique()
    assert (head(None, units("AU25", -5))[0, corners] - head.mean[corners]).norm(dim=1).max() > 0.002


def test_all_52_actions_are_reached_by_name(head):
    assert len(head.action_names) == 52
    for name in head.action_names:
        change = head(actions=head.actions_named({name: 1.0}))[0] - head.mean
        assert change.norm(dim=1).max() > 0.0005, name


def teeth(head: AnnyHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices of the upper and of the lower row."""
    both = head.triangles[head.teeth].unique()
    follows = (head(actions=head.actions_named({"jawOpen": 1.0}))[0] - head.mean)[both].norm(dim=1) > 1e-5
    return both[~follows], both[follows]


def test_upper_teeth_stay_with_the_skull(head):
    upper, lower = teeth(head)
    assert len(upper) == len(lower) > 0
    for unit in HEAD_UNITS:
        step = head(None, head.units_named({unit: 5.0}))[0] - head.mean
        assert step[upper].norm(dim=1).max() < 3e-4, unit
    assert (head(None, head.units_named({"AU26": 5.0}))[0] - head.mean)[lower, 1].min() < -0.01


def shown_teeth(head: AnnyHead, units: Mapping[str, float], identity: torch.Tensor) -> tuple[int, int]:
    """Pixels of the upper and of the lower row that a camera sees from the front."""
    vertices = head(identity, head.units_named(units))[0]
    pixels = torch.stack([512 + 3000 * vertices[:, 0], 200 - 3000 * vertices[:, 1], 1 - vertices[:, 2]], 1)
    fragments = rasterize(pixels, head.triangles, 1024, 1024)
    corners = head.triangles[fragments.triangle[fragments.seen]]
    return tuple(int(torch.isin(corners, row).all(1).sum()) for row in teeth(head))  # pyright: ignore[reportReturnType]


def test_parted_lips_show_the_upper_teeth(head):
    for identity in people(head, 4)[:, None]:
        for units in ({"AU25": 3}, {"AU12": 3, "AU25": 3}, {"AU12": 5, "AU25": 4, "AU26": 3}, {"AU10": 4}):
            upper, lower = shown_teeth(head, units, identity)
            assert upper > (4 if len(units) > 1 else 2) * lower, units
            assert upper > 500, units
        upper, lower = shown_teeth(head, {"AU16": 5}, identity)
        assert lower > 0.2 * upper, "only this bares the lower ones"


def test_closed_lips_and_chins_hide_all_teeth(head):
    for identity in people(head, 6)[:, None]:
        for units in ({}, {"AU12": 5}, {"AU15": 5, "AU17": 5}, {"AU24": 5}):
            upper, lower = shown_teeth(head, units, identity)
            assert upper + lower < 400, units


@pytest.mark.parametrize(
    "units", [{"AU43": 2.5}, {"AU43": 5}, {"AU7": 5, "AU6": 5}, {"AU5": 5}, {"AU5": -5}, {"AU64": 5}]
)
def test_lids_do_not_go_through_eyeballs(head, units):
    for identity in (None, *people(head, 4)[:, None]):
        neutral, moved = head(identity), head(identity, head.units_named(units))
        for number, eye in enumerate(head.eyes):
            lids = head._lids[0][head._lids[1] == number]
            centre = neutral[0, eye].mean(0)
            radius = (neutral[0, eye] - centre).norm(dim=1).max()
            before, after = ((each[0, lids] - centre).norm(dim=1) for each in (neutral, moved))
            assert (after > torch.minimum(before, radius) - 1e-5).all()


@pytest.mark.parametrize("unit", HEAD_UNITS)
def test_a_side_of_a_unit_is_half_of_it(head, unit):
    both, left, right = (
        head(None, head.units_named({name: 4}))[0] - head.mean for name in (unit, f"{unit}L", f"{unit}R")
    )
    assert both.norm(dim=1).max() > 0.001
    assert torch.allclose(left + right, both, atol=6e-4)  # closing lids slide on the eyeball
    if unit not in ("AU26", "AU27"):  # one jaw for both sides
        other = head.mean[:, 0] < -0.03
        assert left[other].norm(dim=1).max() < 6e-4


def test_the_editors_units_are_the_first_of_the_heads(head):
    expression = torch.rand(2, 2, 12, generator=torch.Generator().manual_seed(0)) * 10 - 5
    whole = torch.nn.functional.pad(expression, (0, len(HEAD_UNITS) - 12))
    assert torch.allclose(head(None, whole), head(None, expression), atol=1e-6)


def test_eyes_look_where_units_say(head):
    for unit, axis, sign in (("AU61", 0, 1), ("AU62", 0, -1), ("AU63", 1, 1), ("AU64", 1, -1)):
        step = head(None, head.units_named({unit: 5}))[0] - head.mean
        for eye in head.eyes:
            front = eye[head.mean[eye, 2].argmax()]
            assert step[front, axis] * sign > 0.006, unit


def test_no_action_goes_beyond_its_most(head):
    """Many units that ask for one action do not add up past it, and lids that meet stop."""
    both = head.units_named({"AU6": 5, "AU7": 5, "AU9": 5, "AU43": 5})
    for identity in (None, *people(head, 4)[:, None]):
        all_, closed = (head.landmarks(head(identity, each))[0] for each in (both, head.units_named({"AU43": 5})))
        gaps = [points[[37, 38, 43, 44], 1] - points[[41, 40, 47, 46], 1] for points in (all_, closed)]
        assert (gaps[0] > gaps[1] - 0.002).all()
    twice = head(None, head.units_named({"AU43": 5, "AU45": 5}))
    assert torch.allclose(twice, head(None, head.units_named({"AU43": 5})), atol=1e-6)


def test_fear_draws_raised_brows_together(head):
    inner = list(INNER_BROWS)
    fear = moved(head, head.units_named({"AU1": 4, "AU2": 3, "AU4": 4}))
    raised = moved(head, head.units_named({"AU1": 4, "AU2": 3}))
    assert fear[inner, 1].min() > 0.5
    assert abs(fear[inner, 0]).min() > abs(raised[inner, 0]).max() + 1


def test_unknown_units(head):
    for values in ({"AU3": 1.0}, {"AU12X": 1.0}, {"AU12": 6.0}, {"AU12": 3.0, "AU12L": 3.0}):
        with pytest.raises(InputError):
            head.units_named(values)


def test_gaze_turns_the_eyes_and_lids_follow(head):
    right = head(gaze=torch.tensor([[[0.3, 0.0], [0.3, 0.0]]]))[0]
    up = head(gaze=torch.tensor([[[0.0, 0.3], [0.0, 0.3]]]))[0]
    for eye in head.eyes:
        front = eye[head.mean[eye, 2].argmax()]
        assert right[front, 0] > head.mean[front, 0] + 0.003
        assert up[front, 1] > head.mean[front, 1] + 0.003
        radius = (head.mean[eye] - head.mean[eye].mean(0)).norm(dim=1)
        assert torch.allclose((up[eye] - up[eye].mean(0)).norm(dim=1), radius, atol=2e-4)  # turned, not stretched
    lids = head.landmarks(up[None])[0] - head.landmarks(head.mean[None])[0]
    assert lids[[37, 38, 43, 44], 1].min() > 0.0005


def test_blink_closes_the_eyes(head):
    shut = head.landmarks(head(actions=head.actions_named({"eyeBlinkLeft": 1, "eyeBlinkRight": 1})))[0]
    open_ = head.landmarks(head.mean[None])[0]
    gap = lambda p: float((p[[37, 38, 43, 44], 1] - p[[41, 40, 47, 46], 1]).mean())  # noqa: E731
    assert gap(shut) < 0.3 * gap(open_)


def test_jaw_opens_the_mouth(head):
    landmarks = head.landmarks(head(jaw=torch.tensor([[0.2, 0.0, 0.0]])))[0] - head.landmarks(head.mean[None])[0]
    assert landmarks[8, 1] < -0.01
    teeth = head.triangles[head.teeth].flatten().unique()
    drop = (head(jaw=torch.tensor([[0.2, 0.0, 0.0]]))[0] - head.mean)[teeth, 1]
    assert drop.min() < -0.005  # the lower row goes with the jaw
    assert drop.max() > -0.001  # the upper one stays


def test_turning_leaves_the_shoulders(head):
    turned = head.turn(head.mean[None], torch.tensor([[0.5, 0.0, 0.0]]))[0]
    torso = head.head_weight == 0
    assert torso.any()
    assert torch.equal(turned[torso], head.mean[torso])
    nose = head.landmarks(turned[None])[0, 30]
    assert nose[0] > head.landmarks(head.mean[None])[0, 30, 0] + 0.02  # positive yaw: to the picture's right


def test_landmarks_lie_on_their_parts(head):
    names = {
        "nose": range(27, 36), "u_lip": (50, 51, 52, 61, 62, 63), "l_lip": (56, 57, 58, 65, 66, 67), "skin": BROWS,
    }  # fmt: skip
    landmarks = head.landmarks(head.mean[None])[0]
    centres = head.mean[head.triangles].mean(1)
    for part, points in names.items():
        own = centres[head.parts == PARTS.index(part)]
        assert torch.cdist(landmarks[list(points)], own).amin(1).max() < 0.006, part
    eyes = head.mean[head.eyes]
    for side, points in ((1, range(36, 42)), (0, range(42, 48))):  # landmarks count from the picture's left
        distance = (landmarks[list(points)] - eyes[side].mean(0)).norm(dim=1)
        assert (distance < 0.024).all()


def test_left_parts_are_the_persons_left(head):
    centres = head.mean[head.triangles].mean(1)
    for part, sign in (("l_eye", 1), ("r_eye", -1), ("l_ear", 1), ("r_ear", -1)):
        assert (centres[head.parts == PARTS.index(part), 0] * sign > 0).all()


def test_triangles_face_outwards(head):
    skin = torch.isin(head.parts, torch.tensor([PARTS.index(name) for name in ("skin", "nose", "u_lip")]))
    corners = head.mean[head.triangles[skin & ~head.lashes]]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outwards = corners.mean(1) - torch.tensor([0.0, -0.02, -0.07])
    area = normals.norm(dim=1)
    assert area[(normals * outwards).sum(1) > 0].sum() > 0.9 * area.sum()  # sockets and nostrils face inwards


def test_a_batch_is_its_rows(head):
    identity, expression = people(head, 3), torch.rand(3, 2, 12) * 5
    whole = head(identity, expression)
    for i in range(3):
        assert torch.allclose(whole[i], head(identity[i : i + 1], expression[i : i + 1])[0], atol=1e-6)
    assert torch.allclose(head(identity[:1], expression)[1], head(identity[:1], expression[1:2])[0], atol=1e-6)
    assert torch.allclose(head.express(head(identity), expression), whole, atol=1e-6)


def test_gradients_reach_every_parameter(head):
    given = {
        "identity": torch.zeros(1, head.identity_size),
        "expression": torch.full((1, 2, 12), 0.5),
        "jaw": torch.tensor([[0.05, 0.02, 0.0]]),
        "gaze": torch.full((1, 2, 2), 0.1),
    }
    given = {name: value.requires_grad_() for name, value in given.items()}
    (head(**given) * torch.randn(1, len(head.mean), 3, generator=torch.Generator().manual_seed(0))).sum().backward()
    for name, value in given.items():
        gradient = value.grad.flatten()
        nothing = [i for i, g in enumerate(gradient.tolist()) if g == 0]
        assert nothing == ([2] if name == "jaw" else []), name  # this jaw has no third angle


def test_people_are_people(head):
    vertices = head(people(head, 64))
    landmarks = head.landmarks(vertices) * 1000
    eyes = (landmarks[:, 36] - landmarks[:, 45]).norm(dim=1)
    assert eyes.min() > 75
    assert eyes.max() < 110
    height = landmarks[:, 27, 1] - landmarks[:, 8, 1]
    assert height.min() > 85
    assert height.max() < 150
    spread = (landmarks - landmarks.mean(0)).norm(dim=2).mean()
    assert 2 < spread < 10
    assert torch.isfinite(vertices).all()


def test_phenotype_weights_are_annys(head):
    import warp

    warp.config.quiet = True
    from anny.models.model_data import PHENOTYPE_LABELS
    from anny.models.phenotype import make_phenotype_anchors, phenotype_blendshape_weights

    identity = people(head, 16)
    values = torch.full((16, len(PHENOTYPE_LABELS)), 0.5)
    mean = {"age": 0.75, "african": 1 / 3, "asian": 1 / 3, "caucasian": 1 / 3}
    for i, name in enumerate(head.identity_names[:9]):
        values[:, PHENOTYPE_LABELS.index(name)] = mean.get(name, 0.5) + identity[:, i]
    theirs = phenotype_blendshape_weights(
        values, list(PHENOTYPE_LABELS), make_phenotype_anchors(torch.float32), head._mask, extrapolate=False
    )
    assert torch.allclose(head.phenotype_weights(identity[:, :9]), theirs, atol=1e-5)


@pytest.mark.slow
def test_vertices_are_annys(head):
    import anny

    theirs = anny.Anny(
        rig="makehuman-head", topology="head", local_changes="all", facial_actions="all", phenotypes="all"
    ).float()
    identity = people(head, 2)
    actions = torch.rand(2, 52, generator=torch.Generator().manual_seed(1)) * (torch.tensor([[0.0], [1.0]]))
    mean = {"age": 0.75, "african": 1 / 3, "asian": 1 / 3, "caucasian": 1 / 3}
    phenotypes = {name: identity[:, i] + mean.get(name, 0.5) for i, name in enumerate(head.identity_names[:9])}
    changes = {name: identity[:, i] for i, name in enumerate(head.identity_names) if i >= 9}
    out = theirs(
        phenotype_kwargs=phenotypes,
        local_changes_kwargs=changes,
        facial_actions=dict(zip(theirs.facial_action_labels, actions.T)),
    )["vertices"]

    prepared = anny_data.load()[0]
    base, library = prepared["base_vertices"], prepared["action_basis"]
    common_, mine, other = np.intersect1d(base.numpy(), theirs.base_mesh_vertex_indices.numpy(), return_indices=True)
    assert len(common_) > 4000
    ours = (head(identity) + (actions @ library.flatten(1)).unflatten(1, (-1, 3)))[:, mine]
    turned = out[:, other] @ torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).T
    difference = ours - turned
    assert (difference - difference.mean(1, keepdim=True)).abs().max() < 2e-5


def test_a_prepared_head_needs_none_of_the_libraries_that_prepare_it(head):
    code = (
        "import sys; from common.face3d.heads.anny import AnnyHead; AnnyHead();"
        "assert not {'anny', 'warp', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"identity": torch.zeros(1, 7)},
        {"identity": torch.zeros(148)},
        {"expression": torch.zeros(1, 12)},
        {"identity": torch.zeros(2, 148), "expression": torch.zeros(3, 2, 12)},
        {"gaze": torch.zeros(1, 4)},
        {"jaw": torch.zeros(1)},
        {"actions": torch.zeros(1, 51)},
    ],
)
def test_wrong_shapes(head, arguments):
    with pytest.raises(ShapeError):
        head(**arguments)


def test_values_out_of_range(head):
    for value in (6.0, -6.0, float("nan")):
        with pytest.raises(InputError, match="out of range"):
            head(None, torch.full((1, 2, 12), value))


def test_unknown_actions(head):
    with pytest.raises(InputError, match="smile"):
        head.actions_named({"smile": 1.0})
    with pytest.raises(InputError, match="0 to 1"):
        head.actions_named({"jawOpen": 2.0})


def test_any_kind_of_numbers_will_do(head):
    identity = people(head, 2)
    expected = head(identity, torch.ones(1, 2, 12))
    assert torch.equal(head(identity.double(), torch.ones(1, 2, 12, dtype=torch.int64)), expected)
    assert torch.equal(head(identity.T.contiguous().T, torch.ones(1, 2, 12)), expected)
    for wrong in (np.zeros((1, 148), np.float32), [0.0] * 148):
        with pytest.raises(InputError, match="torch tensor"):
            head(wrong)
    with pytest.raises(ShapeError):
        head(torch.tensor(1.0))
    with pytest.raises(ShapeError, match="vertices"):
        head.landmarks(expected[0])

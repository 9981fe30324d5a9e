"""Networks that were trained on another scale of the head's units are asked, and read, in their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import torch

from common.core.errors import InputError
from common.editing.defaults import read_defaults
from common.editing.subject import Subject
from common.face3d.heads.anny import default_head
from common.face3d.heads.anny_data import load
from common.face3d.heads.au_scale import from_scale, to_scale
from common.face3d.heads.head_units import AU_SCALE, UNITS
from fineface.editor import FineFace
from magicface.editor import MagicFace
from rigface.editor import RigFace

# What a unit's 5 was on scale 1, in the library's own actions.
FIRST = {
    "AU1": {"browInnerUp": 1.2},
    "AU2": {"browOuterUp": 1.0},
    "AU4": {"browDown": 1.1},
    "AU5": {"eyeWide": 0.8},
    "AU6": {"cheekSquint": 1.0, "eyeSquint": 0.6},
    "AU9": {"noseSneer": 1.4, "browDown": 0.25, "mouthUpperUp": 0.3},
    "AU12": {"mouthSmile": 1.0},
    "AU15": {"mouthFrown": 1.0},
    "AU17": {"mouthShrugLower": 1.0},
    "AU20": {"mouthStretch": 1.0, "mouthSmile": 0.2},
    "AU25": {"mouthLowerDown": 1.0, "mouthUpperUp": 0.6},
    "AU26": {"jawOpen": 0.6},
}


def first_points(unit: str) -> torch.Tensor:
    """Metres by which the mesh's landmarks moved at 5 on scale 1, (468, 3)."""
    head, library = default_head(), load()[0]["action_basis"]
    total = torch.zeros_like(head.mean)
    for action, amount in FIRST[unit].items():
        for name in {action, f"{action}Left", f"{action}Right"} & set(head.action_names):
            total += amount * library[head.action_names.index(name)]
    return head.embedding.points(total[None], "mesh468")[0]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_moves_landmarks_as_far_on_both_scales(unit):
    head = default_head()
    one = torch.zeros(12)
    one[UNITS.index(unit)] = 1.0
    moved = head.embedding.points(head(None, head.units_named({unit: 1.0})) - head.mean, "mesh468")[0]
    then = first_points(unit) * float(to_scale(one, 1)[UNITS.index(unit)]) / 5
    assert float(then.norm(dim=1).max()) == pytest.approx(float(moved.norm(dim=1).max()), rel=0.02)


def test_it_goes_up_with_the_intensity_and_back():
    rising = torch.linspace(-1.5, 1.5, 13)[:, None].expand(-1, 12)
    on_first = to_scale(rising, 1)
    assert bool((on_first.diff(dim=0) > 0).all())
    assert torch.allclose(from_scale(on_first, 1), rising, atol=1e-6)
    assert float(to_scale(torch.full((12,), 5.0), 1).max()) == 5, "no more than its networks have seen"


def test_other_networks_take_units_as_they_are():
    units = torch.rand(3, 12) * 5
    assert to_scale(units, None) is to_scale(units, AU_SCALE) is from_scale(units, None) is units
    with pytest.raises(InputError, match="au_scale"):
        to_scale(units, AU_SCALE + 1)


@pytest.mark.parametrize("editor", [MagicFace, RigFace, FineFace])
def test_small_networks_say_their_scale_and_published_ones_have_none(editor):
    assert read_defaults(editor.embedded, editor.published).au_scale == 1
    assert editor.published.au_scale is None


def test_networks_are_asked_on_their_own_scale():
    editor, subject = MagicFace.warping(), cast(Subject, SimpleNamespace(conditioning_images=()))
    request = MagicFace.request.parse({"AU17": 1, "AU4": -1})
    plain = editor.conditions([subject], [request]).vector
    first = editor.with_defaults(au_scale=1).conditions([subject], [request]).vector
    assert torch.equal(plain, torch.tensor([request.values]))
    assert torch.equal(first, to_scale(plain, 1))

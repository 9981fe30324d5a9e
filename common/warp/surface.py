"""What a crop shows of a head after a change, pixel by pixel: where that was before, and how it is lit now.

Skin folds when the face moves, beyond what the mesh shows: folds on the unrolled face change light and colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..face3d.appearance import maps, skin
from ..face3d.appearance.skin import Skin
from ..face3d.fitting.fit import Fit, units_of
from ..face3d.heads.head_units import UNITS
from ..face3d.rendering.lighting import brightness, shade
from ..face3d.rendering.render import rasterize
from .delta import Change
from .extrapolate import at
from .fitted_face import DIM, NECK, Seen, inner_mouth
from .placement import Placed, actions_after, changed, intensities, misses, place

SIDE = 256
_CHIN = UNITS.index("AU17")
_SOFT = 2.5  # pixels of the map
_ADULT = Skin(melanin=0.5, haemoglobin=0.3, wrinkles=0.4)
DEPTH = 7.0  # tenths of a millimetre that a full fold is deep
_SHADE = 0.38 * np.array([0.7, 1, 1.05], np.float32)  # by how much a full fold is darker, by colour

RELIT, TURNED = (0.3, 3.0), (0.75, 1.25)
"""By how much new light may change a colour, and by how much the same light on skin that faces elsewhere."""
FOLDED = (0.6, 1.25)
"""By how much a fold's relief may change a colour."""
_COLOURED = (0.95, 1.05)  # of the light's own tint, by which one side may differ
_SOFTENED = 0.02  # of the window's side, over which new light is smooth: a fitted nose lies next to the photo's
_STRETCHED = (0.15, 0.4)  # of the cosine after: between these, skin seen aslant before goes from hidden to seen
_CREASE = 0.006  # metres that a point may lie behind what is seen and still be that


@dataclass(frozen=True, eq=False)
class Surface:
    """The samples that show the head, N of a crop's S x S."""

    seen: np.ndarray  # (S, S) bool, which samples; the others' order is that of the rows below
    source: np.ndarray  # (N, 2) float32, where in the crop the photo shows the same place of the skin
    covered: np.ndarray  # (N,) float32 in [0, 1], 1 where the photo hides it behind something
    aslant: np.ndarray  # (N,) float32 in [0, 1], 1 where the photo shows it too much from the side
    gain: np.ndarray  # (N, 3) float32, how many times as much light it sends as before
    twin: np.ndarray  # (N, 2) float32, where in the crop the photo shows the mirrored place
    twin_hidden: np.ndarray  # (N,) float32, 1 where it does not show that either
    twin_gain: np.ndarray  # (N, 3) float32, how many times as much light it sends as the mirrored place did
    fill: np.ndarray  # (N, 3) float32, linear light of what the photo does not show
    wet: np.ndarray  # (N,) bool, which of them are inside the drawn head's mouth
    after: Placed  # the head that is drawn
    rest: Placed  # the same without a change of expression
    light: np.ndarray  # (3,) how many times as much light falls on it, mean of all samples


@torch.no_grad()
def surface(seen: Seen, change: Change) -> Surface:
    """Draw the head, as the photo shows it, after a change."""
    fit, before, depth, side = seen.fit, seen.before, seen.depth, seen.crop.size
    head = fit.head
    after = place(fit, *changed(fit, change, seen.free), seen.crop, misses(fit))
    rest = place(fit, *changed(fit, change.calm, seen.free), seen.crop, misses(fit))
    triangles = head.triangles[(head.head_weight[head.triangles] > NECK).all(1)]
    fragments = rasterize(after.points, triangles, side, side)
    mouth = inner_mouth(head)[0]
    twins = head.mirrored
    shown = [before.points, before.points[twins], before.normals, before.normals[twins], after.normals]
    values = torch.cat([*shown, seen.colours, head.mean, mouth[:, None]], 1)
    found = fragments.interpolate(values, triangles)
    source, twin, old, twin_old, new, own, places, inside = found.split([3, 3, 3, 3, 3, 3, 3, 1], 1)
    spots, skin = places.numpy(), (inside[:, 0] < 0.5).numpy()
    old, twin_old, new = (torch.nn.functional.normalize(normals, dim=1) for normals in (old, twin_old, new))
    lights = torch.stack([change.before, change.before, change.light]).float()
    lit = shade(torch.stack([old, twin_old, new]), lights).clamp_min(DIM)
    folded = _folded(folds(fit, change), spots, skin, old, new, lights)
    relit = not torch.equal(change.before, change.light)
    gain = _gain(lit[0], lit[2], lights[1:] if relit else None).numpy()
    gain = (_softened(gain, fragments.seen.numpy()) if relit else gain) * folded
    twin_gain = _gain(lit[1], lit[2], lights[1:]).numpy() * folded  # the other side lies in other light
    bare = own.numpy() * gain
    aslant = _aslant(old, new)
    wet = ~skin
    light = _gain(shade(new[None], lights[:1])[0].clamp_min(DIM), lit[2], lights[1:]).numpy()
    aslant[wet], gain[wet] = 0, light[wet]
    return Surface(
        seen=fragments.seen.numpy(),
        source=source[:, :2].numpy(),
        covered=_covered(source, depth),
        aslant=aslant,
        gain=gain.astype(np.float32),
        twin=twin[:, :2].numpy(),
        twin_hidden=np.where(wet, 1, np.maximum(_covered(twin, depth), _aslant(twin_old, new))).astype(np.float32),
        twin_gain=twin_gain.astype(np.float32),
        fill=bare,
        wet=wet,
        after=after,
        rest=rest,
        light=light.mean(0) if len(light) else np.ones(3, np.float32),
    )


def _covered(points: torch.Tensor, depth: np.ndarray) -> np.ndarray:
    """Which of the head's points (N, 3) the photo hides behind others, 1 or 0: (N,) float32."""
    return (points[:, 2].numpy() > at(depth, points[:, :2].numpy()) + _CREASE).astype(np.float32)


def _aslant(old: torch.Tensor, new: torch.Tensor) -> np.ndarray:
    """Of which places the photo shows too little for what is seen now, by their normals (N, 3): (N,) in [0, 1]."""
    cosine, (low, high) = old[:, 2] / new[:, 2].clamp_min(0.05), _STRETCHED
    return 1 - ((cosine - low) / (high - low)).clamp(0, 1).numpy()


def _folded(
    maps_: np.ndarray | None,
    spots: np.ndarray,
    skin: np.ndarray,
    old: torch.Tensor,
    new: torch.Tensor,
    lights: torch.Tensor,
) -> np.ndarray:
    """How much brighter (N, 3) the folds that come and go make places (N, 3) on the mean head."""
    if maps_ is None:
        return np.ones((len(spots), 3), np.float32)
    at = maps.look_up(maps_, maps.unroll(spots)) * skin[:, None]
    bumped = torch.stack([_bumped(old, torch.from_numpy(at[:, 1:3])), _bumped(new, torch.from_numpy(at[:, 4:6]))])
    plain, fine = (shade(normals, lights[1:]).clamp_min(DIM) for normals in (torch.stack([old, new]), bumped))
    fraction = fine.mean(2, keepdim=True) / plain.mean(2, keepdim=True)  # a relief casts shade, not colour
    return (fraction[1] / fraction[0]).clamp(*FOLDED).numpy() * colour(at[:, 3]) / colour(at[:, 0])


def _softened(gain: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Gains (N, 3) of the places that are seen, (S, S) bool, without the edges that a mesh has and a face has not."""
    whole, deviation = np.zeros((*seen.shape, 3), np.float32), _SOFTENED * len(seen)
    whole[seen] = gain
    near = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), deviation)
    return cv2.GaussianBlur(whole, (0, 0), deviation)[seen] / near[seen][:, None]


def _gain(before: torch.Tensor, after: torch.Tensor, lights: torch.Tensor | None) -> torch.Tensor:
    """How many times as bright places (N, 3) get whose light was `before` and is `after`, both above 0: (N, 3), finite
    and above 0.

    `lights` (2, 9, 3) is the light before and after; None where it stays, and only the brightness of skin that faces
    elsewhere changes.
    """
    if lights is None:
        return (after.mean(1, keepdim=True) / before.mean(1, keepdim=True)).clamp(*TURNED).expand(-1, 3)
    gain = (after / before).clamp(*RELIT)
    old, new = brightness(lights).clamp_min(DIM)
    tint = new / old
    # What a photo shows of the colour of dim light from one side is not reliable.
    plain = gain.mean(1, keepdim=True) * tint / tint.mean()
    return plain * (gain / plain).clamp(*_COLOURED)


def _bumped(normals: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """Unit normals (N, 3) on a relief of slopes (N, 2) rightwards and upwards."""
    across = torch.nn.functional.normalize(torch.stack([normals[:, 2], 0 * normals[:, 0], -normals[:, 0]], 1), dim=1)
    upward = torch.linalg.cross(normals, across)
    return torch.nn.functional.normalize(normals - slopes[:, :1] * across - slopes[:, 1:] * upward, dim=1)


def folds(fit: Fit, change: Change) -> np.ndarray | None:
    """Folds on the unrolled face, before and after: (S, S, 6) float32, depth and two slopes of each; None if alike."""
    before, after = intensities(fit, change)
    if change.actions is not None:
        after = after + units_of(fit.head, actions_after(fit, change)) - fit.units
    if torch.equal(before, after):
        return None
    depths = [_groove(units[0].clamp(0, 5).float().numpy()) for units in (before, after)]
    return np.dstack([np.dstack([depth, skin.slopes(-DEPTH * depth)]) for depth in depths])


def _groove(units: np.ndarray) -> np.ndarray:
    """Depth (S, S) under an expression (2, U); a puckered chin's pattern is generic, and drawn softly."""
    units = skin.folding(units[:, : len(UNITS)], units[:, len(UNITS) :])
    chin = np.zeros_like(units)
    chin[:, _CHIN] = units[:, _CHIN]
    return skin.groove(units - chin, _ADULT, SIDE) + cv2.GaussianBlur(skin.groove(chin, _ADULT, SIDE), (0, 0), _SOFT)


def colour(depth: np.ndarray) -> np.ndarray:
    """How much darker folds of a depth (N,) are, (N, 3)."""
    return 1 - _SHADE * np.clip(depth, 0, 1)[:, None]

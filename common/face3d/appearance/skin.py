"""Skin: its colour from two pigments, its relief, its gloss, and how it folds when the face moves.

Colour follows the log-linear model of Tsumura et al., "Image-based skin color and texture analysis/synthesis by
extracting hemoglobin and melanin information in the skin" (SIGGRAPH 2003): reflectance = base * exp(-melanin * m -
haemoglobin * h). The direction m is the spectral slope of melanin as a camera's three broad bands see it through
scattering skin; h is that of oxygenated and reduced blood, 3 : 1, at 620, 540 and 460 nm (tables of Prahl, Oregon
Medical Laser Center, 1998). Over the ranges in `Skin` the individual typology angle (Chardon et al. 1991) runs
from above 55 degrees, very light, to below -30, dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..heads.head_units import HEAD_UNITS, UNITS
from . import maps

# Other units fold the skin as these do, in part.
_FOLDS_OF: dict[str, dict[str, float]] = {
    "AU7": {"AU6": 0.4},
    "AU10": {"AU9": 0.3, "AU12": 0.5},
    "AU14": {"AU12": 0.2, "AU20": 0.8},
    "AU23": {"AU17": 0.2},
    "AU24": {"AU17": 0.4},
    "AU46": {"AU6": 0.4},
}
Colour = tuple[float, float, float]
"""Linear red, green, blue in [0, 1]."""

BASE = np.array([0.86, 0.78, 0.62], np.float32)
MELANIN = np.array([0.74, 1.0, 1.22], np.float32)
HAEMOGLOBIN = np.array([0.06, 0.9, 0.80], np.float32)


@dataclass(frozen=True)
class Skin:
    """A person's skin.

    Attributes:
        melanin: optical density of melanin in green light, 0.05 (very fair) to 2.4 (very dark).
        haemoglobin: optical density of blood, 0.12 (pale) to 0.7 (ruddy).
        blotches: strength of uneven redness and tan, 0 to 1.
        pores: strength of pores and fine relief, 0 to 1.
        freckles: 0 (none) to 1 (covered).
        moles: how many dark spots, 0 to 12.
        wrinkles: lines that age leaves at rest, 0 to 1.
        oil: how glossy, 0 to 1.
        pattern: which of the noise patterns, any whole number.
    """

    melanin: float
    haemoglobin: float
    blotches: float = 0.4
    pores: float = 0.5
    freckles: float = 0.0
    moles: int = 0
    wrinkles: float = 0.2
    oil: float = 0.4
    pattern: int = 0


@dataclass(frozen=True)
class Features:
    """Brows, eyes, beard and make-up.

    Attributes:
        brow_colour: of the hairs.
        brow_width: 0.6 (plucked) to 1.5 (bushy).
        brow_density: 0.3 to 1.
        iris: colour.
        iris_size: over the mean, 0.9 to 1.1.
        sclera: 0 (white) to 1 (yellowish, veined).
        lashes: 0 to 1, darkness and length.
        beard: "none", "stubble", "moustache", "goatee" or "full".
        beard_density: 0 to 1.
        beard_colour: of the hairs.
        lipstick: strength, 0 (none) to 1.
        lip_colour: of the lipstick.
        eyeshadow: strength, 0 to 1.
        eyeshadow_colour: of the eyeshadow.
        eyeliner: 0 to 1.
        blush: 0 to 1.
    """

    brow_colour: Colour
    brow_width: float = 1.0
    brow_density: float = 0.8
    iris: Colour = (0.12, 0.06, 0.03)
    iris_size: float = 1.0
    sclera: float = 0.2
    lashes: float = 0.5
    beard: str = "none"
    beard_density: float = 0.0
    beard_colour: Colour = (0.03, 0.02, 0.015)
    lipstick: float = 0.0
    lip_colour: Colour = (0.5, 0.05, 0.08)
    eyeshadow: float = 0.0
    eyeshadow_colour: Colour = (0.2, 0.12, 0.1)
    eyeliner: float = 0.0
    blush: float = 0.0


@dataclass(frozen=True)
class SkinMaps:
    """A person's skin on the unrolled face of `maps`, for any expression.

    Attributes:
        albedo: (S, S, 3) float32, linear light.
        gloss: (S, S) float32, 0 matt to about 1.
        relief: (S, S) float32 height of pores and lines at rest, in tenths of a millimetre.
    """

    albedo: np.ndarray
    gloss: np.ndarray
    relief: np.ndarray


def colour(melanin: np.ndarray | float, haemoglobin: np.ndarray | float) -> np.ndarray:
    """Albedo (..., 3) in linear light of optical densities (...)."""
    melanin, haemoglobin = np.asarray(melanin, np.float32)[..., None], np.asarray(haemoglobin, np.float32)[..., None]
    return BASE * np.exp(-melanin * MELANIN - haemoglobin * HAEMOGLOBIN)


def paint(skin: Skin, features: Features, side: int) -> SkinMaps:
    """Paint a person's face on maps of `side` pixels, a divisor of `maps.SIDE`; about three times the face's height on
    the picture is enough.
    """
    region, noise = maps.regions(side), maps.noises(side, skin.pattern % 8)
    freckle, mole = maps.spots(side, skin.pattern % 8)

    uneven = skin.blotches
    melanin = skin.melanin * (1 + 0.10 * uneven * noise["tan"] + 0.03 * noise["grain"])
    melanin = melanin + 0.10 * region["under_eye"] * (0.4 + skin.melanin) + 0.05 * region["eyelid"]
    freckled = np.clip((skin.freckles - freckle) * 6, 0, 1)
    melanin = melanin + 0.45 * cv2.GaussianBlur(freckled, (0, 0), side / 600)
    melanin = melanin + 1.3 * cv2.GaussianBlur((mole < skin.moles).astype(np.float32), (0, 0), side / 500)
    blood = skin.haemoglobin * (1 + 0.22 * uneven * noise["blotch"])
    blood = blood + 0.14 * region["cheek"] + 0.16 * region["nose_tip"] + 0.07 * region["under_eye"]
    blood = blood + 0.2 * features.blush * region["cheek"]
    albedo = colour(np.maximum(melanin, 0.02), np.maximum(blood, 0.05))

    lips = region["lips"]
    bare = colour(skin.melanin * 1.1 + 0.12, skin.haemoglobin + 0.36) * np.array([1.0, 0.98, 1.1], np.float32)
    lip = bare * (1 - 0.85 * features.lipstick) + 0.85 * features.lipstick * np.asarray(features.lip_colour, np.float32)
    albedo = _blend(albedo, lip * (1 + 0.05 * noise["pores"])[..., None], lips)
    albedo = _blend(albedo, features.eyeshadow_colour, 0.7 * features.eyeshadow * region["eyelid"])
    albedo = _hairs(albedo, features, region, noise["dots"], side)
    albedo = _blend(
        albedo, (0.012, 0.01, 0.01), 0.9 * np.clip(features.eyeliner + 0.35 * features.lashes, 0, 1) * region["liner"]
    )

    gloss = 0.35 + 0.4 * skin.oil * (0.5 + 0.8 * region["forehead"] + 0.9 * region["nose_tip"]) + 0.1 * noise["blotch"]
    gloss = gloss * (1 - 0.5 * lips) + lips * (0.55 + 0.5 * features.lipstick)
    relief = 0.9 * skin.pores * noise["pores"] * (1 - 0.6 * lips) - 7 * skin.wrinkles * maps.folds(side)["age"]
    return SkinMaps(albedo.astype(np.float32), np.clip(gloss, 0, 1.5).astype(np.float32), relief.astype(np.float32))


def folding(units: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intensities (2, 12) of the editors' units whose folds are those of all units together, 0 to 5.

    Args:
        units: (2, 12) of the editors' units.
        others: (2, U - 12) of the others that the head knows, in the order of `HEAD_UNITS`.
    """
    total, names = np.array(units, np.float32), list(HEAD_UNITS)
    for unit, shares in _FOLDS_OF.items():
        for like, share in shares.items():
            total[:, names.index(like)] += share * np.clip(others[:, names.index(unit) - len(UNITS)], 0, None)
    return np.clip(total, 0, 5)


def groove(units: np.ndarray, skin: Skin, side: int) -> np.ndarray:
    """How deep the skin folds under an expression, (2, 12) intensities, 0 to 5, the person's left side, then the right:
    (side, side) float32, 0 to about 1; older skin folds deeper.
    """
    folds, names = maps.folds(side), ("AU1", "AU2", "AU4", "AU5", "AU6", "AU9", "AU12", "AU15", "AU17", "AU20")
    depth = np.zeros((side, side), np.float32)
    share = np.linspace(-side / 2, side / 2, side, dtype=np.float32) / (0.03 * side)
    left = np.clip(share + 0.5, 0, 1)  # the person's left lies at the map's right
    for column, name in enumerate(names):
        if name in folds and units[:, column].any():
            amount = np.clip(units[:, column] / 5, 0, 1) ** 0.8
            depth += folds[name] * (amount[0] * left + amount[1] * (1 - left))
    return depth * (0.65 + 0.6 * skin.wrinkles)


def brow_cover(features: Features, side: int) -> np.ndarray:
    """How much of the skin the brows' hairs hide, (S, S) in [0, 1]."""
    dark, across = maps.brows(side)
    shown = np.clip((1.15 * features.brow_width - across) * 3, 0, 1)
    return np.clip(1.35 * dark * shown * features.brow_density, 0, 0.96)


def slopes(height: np.ndarray) -> np.ndarray:
    """Slopes (S, S, 2) of a height map (S, S) in tenths of a millimetre: rightwards and upwards, without unit."""
    pixel = 0.33 * maps.SIDE / len(height)  # millimetres
    right = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8) / pixel
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8) / pixel
    return np.stack([right, -down], -1) * 0.1


def _hairs(
    albedo: np.ndarray, features: Features, region: dict[str, np.ndarray], dots: np.ndarray, side: int
) -> np.ndarray:
    """Brows and beard."""
    albedo = _blend(albedo, features.brow_colour, brow_cover(features, side))
    if features.beard != "none":
        areas = {
            "stubble": ("jaw_beard", "chin_beard", "moustache"),
            "full": ("jaw_beard", "chin_beard", "moustache"),
            "moustache": ("moustache",),
            "goatee": ("chin_beard", "moustache"),
        }[features.beard]
        where = np.max([region[name] for name in areas], axis=0) * (1 - region["lips"])
        if features.beard == "stubble":
            cover = 0.35 * features.beard_density * (0.45 + 0.55 * dots)
        else:  # grown hairs lie on each other: skin shows through as shades, not as gaps
            cover = (0.5 + 0.5 * features.beard_density) * (0.7 + 0.5 * dots)
        cover = np.clip(cover, 0, 0.93)
        albedo = _blend(albedo, features.beard_colour, where * cover)
    return albedo


def _blend(albedo: np.ndarray, paint: np.ndarray | tuple[float, float, float], amount: np.ndarray) -> np.ndarray:
    return albedo + (np.asarray(paint, np.float32) - albedo) * amount[..., None].astype(np.float32)

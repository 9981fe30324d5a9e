"""Believable adults: where in the space of the default head people live."""

from __future__ import annotations

import numpy as np

from .anny_data import PHENOTYPES

# Standard deviations of local changes, in their own units of [-1, 1]. The targets were drawn as the ends of what a
# modelling program should reach, so people live close to zero; these were set by looking at sheets of sixty-four faces.
_SPREAD = {
    "head": 0.10,
    "forehead": 0.18,
    "eyebrows": 0.15,
    "neck": 0.12,
    "measure-neck": 0.05,
    "l-eye": 0.18,
    "l-cheek": 0.20,
    "l-ear": 0.18,
    "nose": 0.22,
    "mouth": 0.16,
    "chin": 0.20,
}
# These turn a person into another species, or break the symmetry of the whole head, long before others do.
_LESS = {
    "trans-out": 0.15,
    "eye-scale": 0.35,
    "eye-trans": 0.4,
    "eye-push": 0.4,
    "ear-wing": 0.5,
    "head-angle": 0.1,
    "head-trans": 0.0,
    "neck-trans": 0.1,
    "head-age": 0.3,
    "nose-compression": 0.3,
    "scale-depth": 0.6,
    "head-fat": 1.5,
    "mouth-trans": 0.5,
    "neck-double": 1.2,
    "bag": 0.5,
    "corner": 0.5,
    "epicanthus": 0.5,
}
_WIDER_EYES = 0.15  # the library's mean person looks sleepy: 9 mm between the lids, where people have 10 to 11
_LOWER_BROWS = -0.3  # and surprised: brows higher above the eyes than readers of photographs see in calm people
_ASYMMETRY = 0.15  # how far the two sides of a face differ, over how far two people do


def sample(rng: np.random.Generator, names: tuple[str, ...]) -> np.ndarray:
    """Draw the identity (I,) float32 of an adult, by `AnnyHead.identity_names`.

    Sexes are about equal and mostly distinct, ages 18 to 85 with most below 60, ancestry is mixed freely with most
    people close to one of the three axes, local changes are normal and cut at two deviations.
    """
    identity = np.zeros(len(names), np.float32)
    sex = rng.choice([-1, 1]) * np.clip(rng.normal(0.43, 0.08), 0.1, 0.5)
    years = 18 + 67 * rng.beta(1.3, 2.2)
    weight = np.clip(rng.normal(0.03, 0.16), -0.3, 0.42)
    muscle = np.clip(rng.normal(0.0, 0.14), -0.35, 0.35)
    ancestry = rng.dirichlet([0.5, 0.5, 0.5])
    values = {
        "gender": sex,
        "age": age_offset(years),
        "muscle": muscle,
        "weight": weight,
        "height": rng.normal(0, 0.1),
        "proportions": rng.normal(0.15, 0.12),
        **{axis: share - 1 / 3 for axis, share in zip(("african", "asian", "caucasian"), ancestry)},
    }
    identity[: len(PHENOTYPES)] = [values[name] for name in PHENOTYPES]
    drawn: dict[str, float] = {}
    for i, name in enumerate(names[len(PHENOTYPES) :], len(PHENOTYPES)):
        # The right side follows the left, but not quite.
        twin = f"l{name[1:]}" if name.startswith("r-") else name
        spread = next(value for start, value in _SPREAD.items() if twin.startswith(start))
        for piece, factor in _LESS.items():
            if piece in twin:
                spread *= factor
        deviation = float(np.clip(rng.normal(), -2, 2))
        if twin in drawn:
            deviation = drawn[twin] + _ASYMMETRY * deviation
        drawn[name] = deviation
        identity[i] = spread * deviation + (_WIDER_EYES if "eye-height" in name else 0)
        if name == "eyebrows-trans-up":
            identity[i] += _LOWER_BROWS
    return identity


def age_offset(years: float) -> float:
    """MakeHuman's age axis at an age in years, as an offset from the mean head's: 25 years lie at 2/3, 90 at 1."""
    return 2 / 3 + (years - 25) / 65 / 3 - 0.75 if years >= 25 else 2 / 3 - (25 - years) / 13 / 3 - 0.75


def age_years(offset: float) -> float:
    """Age in years of an offset on the age axis; the inverse of `age_offset`."""
    position = offset + 0.75 - 2 / 3
    return 25 + position * 195 if position >= 0 else 25 + position * 39

"""What a scene's caption says of the person, in the classes that `common.measure.traits` reads."""

from __future__ import annotations

from .captions import UNDER_A_HAT
from .factors import Scene

_BEARDS = {"stubble": "stubble", "moustache": "moustache", "goatee": "beard", "full": "beard"}
_GLASSES = {"none": "none", "sun": "dark"}
_HAIR = {"black": "black", "brown": "brown", "blond": "blond", "red": "red", "grey": "grey", "white": "grey"}


def true_traits(scene: Scene) -> dict[str, str | None]:
    """Trait -> what it is: "hair", "glasses" and "beard"; None of hair that is not seen."""
    hair, features, wear = scene.person.hair, scene.person.features, scene.wear
    seen = hair.style != "none" and (wear.hat in ("none", "headband") or hair.style in UNDER_A_HAT)
    return {
        "hair": _HAIR.get(hair.colour_name.split()[-1], "dyed") if seen else None,
        "glasses": _GLASSES.get(wear.glasses, "clear"),
        "beard": _BEARDS.get(features.beard, "none") if features.beard_density > 0.2 else "none",
    }

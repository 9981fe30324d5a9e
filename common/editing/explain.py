"""What an action unit (AU) or an expression is: muscles, looks, sources, and a small picture that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from ..facs.action_units import ACTION_UNITS, known_unit, to_text, to_vector
from ..facs.cautions import cautions
from ..facs.expressions import EXPRESSIONS, expression

_MUSCLES = {
    "AU1": "frontalis, inner part",
    "AU2": "frontalis, outer part",
    "AU4": "corrugator supercilii, depressor supercilii, procerus",
    "AU5": "levator palpebrae superioris",
    "AU6": "orbicularis oculi, outer part",
    "AU9": "levator labii superioris alaeque nasi",
    "AU12": "zygomaticus major",
    "AU15": "depressor anguli oris",
    "AU17": "mentalis",
    "AU20": "risorius, with the platysma",
    "AU25": "depressor labii inferioris, or relaxed mentalis or orbicularis oris",
    "AU26": "relaxed masseter, temporalis and internal pterygoid",
}
_LOOKS = {
    "AU1": "The inner ends of the brows go up; the middle of the forehead wrinkles.",
    "AU2": "The outer ends of the brows go up and arch; the sides of the forehead wrinkle.",
    "AU4": "The brows go down and together; lines between them.",
    "AU5": "The upper lids go up; more of the white of the eye, above the iris, is seen.",
    "AU6": "The cheeks go up; crow's feet, and the eyes narrow from below.",
    "AU9": "The nose wrinkles along its sides; the upper lip goes up and the brows down.",
    "AU12": "The corners of the lips go up and back: a smile.",
    "AU15": "The corners of the lips go down.",
    "AU17": "The chin goes up and puckers; the lower lip goes up with it.",
    "AU20": "The lips are stretched sideways and flatten.",
    "AU25": "The lips part; teeth may be seen.",
    "AU26": "The jaw drops, by itself, as far as it opens when it is relaxed.",
}
_KNOWN = {
    "AU2": "Of the published MagicFace: -2 and below distorts the eyes.",
    "AU4": "Of the published MagicFace: alone it lowers the lids and reads as sad; AU5 of 2 keeps the eyes open.",
    "AU9": "Of the published MagicFace: it closes the eyes; some AU5 beside it keeps them open.",
    "AU17": "Of the published MagicFace: strong values drag the lower face along.",
    "AU25": "Of the published MagicFace: -2 keeps a mouth closed that other units would open.",
}
_HEAD = 21  # of the synthetic people: whose face shows what is explained


@dataclass(frozen=True)
class Explanation:
    """What is known of a unit or an expression; as text, all of it.

    Attributes:
        name: "AU4", or an expression of `common.facs.expressions`.
        vector: (12,) intensities that its picture shows.
        lines: sentences on it.
    """

    name: str
    vector: Sequence[float]
    lines: Sequence[str]

    def __str__(self) -> str:
        return "\n  ".join((self.name, *self.lines))

    def picture(self, size: int = 192) -> Image.Image:
        """A synthetic head without and with it, side by side.

        Args:
            size: of each in pixels.
        """
        from ..imaging.contact_sheet import Row, contact_sheet
        from ..synthetic.data.draw import draw_scene
        from ..synthetic.render import picture

        scene = replace(draw_scene(_HEAD, 0), blink=(0.0, 0.0), angles=(0.0, 0.0, 0.0))
        shown: list[Image.Image] = []
        for vector in ([0.0] * len(ACTION_UNITS), self.vector):
            side = tuple(float(value) for value in vector)
            shown.append(Image.fromarray(picture.make(replace(scene, units=(side, side)), size).image))
        return contact_sheet([Row(shown, ("neutral", to_text(self.vector)))])


def explain(name: str) -> Explanation:
    """What an action unit or an expression is: `print(explain("AU4"))`, `explain("happy").picture().save("happy.png")`.

    Args:
        name: "AU4", "4", or an expression such as "happy", see `common.facs.expressions`.

    Raises:
        ActionUnitError: neither; the message names the nearest.
    """
    if not any(letter.isdigit() for letter in name):
        found = expression(name)
        known = next(key for key, value in EXPRESSIONS.items() if value is found)
        lacking = [f"Not among the twelve, and left out: {', '.join(found.others)}."] if found.others else []
        vector = to_vector(found.units)
        return Explanation(known, vector, [*_parts(found.units), *lacking, f"After {found.source}.", *cautions(vector)])
    unit = known_unit(name)
    names = [key for key, each in EXPRESSIONS.items() if unit in each.units]
    lines = [f"{ACTION_UNITS[unit]}; muscle: {_MUSCLES[unit]}", _LOOKS[unit], f"Part of: {', '.join(names)}."]
    lines += [_KNOWN[unit]] if unit in _KNOWN else []
    return Explanation(unit, to_vector({unit: 4}), lines)


def _parts(units: Mapping[str, float]) -> list[str]:
    return [f"{each}: {ACTION_UNITS[each.split('=')[0]]}" for each in to_text(to_vector(units)).split(",")]

"""Words for expressions, and the action units (AUs) that each is made of.

Which units belong to a word is taken from the literature that each entry names. How strong they are is this table's
own: mostly C to D of the Facial Action Coding System (3 to 4), as full but not extreme expressions are. A word times a
number, "angry:0.7", is that share of it. Editors know twelve units, and leave the others of a word out; the head shows
them all.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core.errors import ActionUnitError

_FACS = "Ekman, Friesen & Hager 2002, FACS Investigator's Guide (prototypes)"
_DU = "Du, Tao & Martinez 2014, PNAS 111(15), table 1"
_PAIN = "Prkachin & Solomon 2008, Pain 139(2)"
_BROWS = "Ekman 1979, About brows, in: Human Ethology"
_NOT = "Benitez-Quiroz, Wilbur & Martinez 2016, Cognition 150"


@dataclass(frozen=True)
class Expression:
    """One word.

    Attributes:
        units: intensity 0 to 5 of each of the editors' twelve action units that takes part.
        source: where it is written that these do.
        others: the same of those that take part too, of which the editors know nothing; "AU14L" is of the left side
            alone. See `whole` for all.
    """

    units: Mapping[str, float]
    source: str
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> dict[str, float]:
        """All units, as the head takes them (`AnnyHead.units_named`)."""
        return {**self.units, **self.others}


EXPRESSIONS: Mapping[str, Expression] = {
    # the six basic emotions
    "happy": Expression({"AU6": 3, "AU12": 4, "AU25": 3}, _FACS),
    "sad": Expression({"AU1": 4, "AU4": 4, "AU15": 4, "AU17": 3}, _FACS),
    "surprised": Expression({"AU1": 4, "AU2": 4, "AU5": 3, "AU26": 4}, _FACS),
    "afraid": Expression({"AU1": 4, "AU2": 4, "AU4": 4, "AU5": 4, "AU20": 4, "AU25": 3, "AU26": 1}, _FACS, {"AU7": 2}),
    "angry": Expression({"AU4": 4, "AU5": 3, "AU25": 3}, _FACS, {"AU7": 3, "AU10": 3, "AU22": 2, "AU23": 2}),
    "disgusted": Expression({"AU4": 1, "AU9": 4, "AU17": 2}, _DU, {"AU7": 3, "AU10": 4}),
    # beyond them
    "contemptuous": Expression({"AU12": 1.5, "AU17": 1}, _FACS, {"AU14L": 3}),
    "in pain": Expression({"AU4": 3, "AU6": 3, "AU9": 2}, _PAIN, {"AU7": 3, "AU10": 2, "AU43": 3}),
    "doubtful": Expression({"AU1": 2, "AU2": 2, "AU15": 2, "AU17": 3}, _BROWS),
    "disapproving": Expression({"AU4": 3, "AU17": 3}, _NOT, {"AU14": 2, "AU24": 3}),
    # compound emotions
    "pleasantly surprised": Expression({"AU1": 2, "AU2": 2, "AU5": 1, "AU12": 3, "AU25": 3, "AU26": 1}, _DU),
    "happily disgusted": Expression({"AU6": 2, "AU9": 2, "AU12": 3, "AU25": 2}, _DU, {"AU10": 3}),
    "sadly afraid": Expression({"AU1": 3, "AU4": 2, "AU15": 1, "AU20": 3, "AU25": 2}, _DU),
    "sadly angry": Expression({"AU4": 4, "AU15": 3, "AU17": 2}, _DU, {"AU7": 3}),
    "sadly surprised": Expression({"AU1": 3, "AU4": 2, "AU25": 2, "AU26": 2}, _DU),
    "sadly disgusted": Expression({"AU1": 2, "AU4": 3, "AU6": 2, "AU15": 2, "AU17": 1}, _DU, {"AU10": 3}),
    "fearfully angry": Expression({"AU4": 4, "AU5": 2, "AU20": 3, "AU25": 2}, _DU, {"AU7": 3}),
    "fearfully surprised": Expression({"AU1": 3, "AU2": 3, "AU5": 3, "AU20": 2, "AU25": 2, "AU26": 2}, _DU),
    "angrily surprised": Expression({"AU4": 3, "AU5": 2, "AU25": 2, "AU26": 2}, _DU, {"AU7": 3}),
    "angrily disgusted": Expression({"AU4": 4, "AU9": 3, "AU17": 2}, _DU, {"AU7": 3, "AU10": 3}),
    "appalled": Expression({"AU4": 3, "AU9": 2, "AU17": 3}, _DU, {"AU10": 3}),
    "hateful": Expression({"AU4": 4, "AU9": 1, "AU17": 3}, _DU, {"AU7": 3, "AU10": 3}),
    "awed": Expression({"AU1": 3, "AU2": 3, "AU5": 3, "AU20": 1.5, "AU25": 2, "AU26": 1}, _DU),
}
"""Word -> what it is made of."""

_ALSO = {
    "happiness": "happy",
    "joy": "happy",
    "smile": "happy",
    "smiling": "happy",
    "joyful": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    "fear": "afraid",
    "fearful": "afraid",
    "scared": "afraid",
    "anger": "angry",
    "disgust": "disgusted",
    "contempt": "contemptuous",
    "pain": "in pain",
    "doubt": "doubtful",
    "disapproval": "disapproving",
    "pleasant surprise": "pleasantly surprised",
    "awe": "awed",
    "hatred": "hateful",
    "happily surprised": "pleasantly surprised",
    "sadly fearful": "sadly afraid",
}


def expression(word: str) -> Expression:
    """What a word is made of; case does not matter, and `_` and `-` are spaces.

    Raises:
        ActionUnitError: there is no such word; the message names the nearest.
    """
    plain = _plain(word)
    if plain not in EXPRESSIONS:
        near = difflib.get_close_matches(plain, [*EXPRESSIONS, *_ALSO], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ActionUnitError(f"Unknown expression {word!r}{hint}\n  known: {', '.join(EXPRESSIONS)}")
    return EXPRESSIONS[plain]


def is_word(text: str) -> bool:
    """Whether a text is of words alone, with shares or without: "happy:0.5,sad"."""
    return all(_plain(part.partition(":")[0]) in EXPRESSIONS for part in text.replace(";", ",").split(","))


def _plain(word: str) -> str:
    plain = " ".join(word.lower().replace("_", " ").replace("-", " ").split())
    return _ALSO.get(plain, plain)

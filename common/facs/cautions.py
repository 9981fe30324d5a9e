"""What is known to go wrong with changes of action units."""

from __future__ import annotations

from collections.abc import Sequence

from .action_units import ACTION_UNITS

MANY = 8
"""Units at once, beyond which edits are unreliable; users of the published MagicFace recommend two to four."""
_SEEN, _STRONG = 1.0, 2.0


def cautions(vector: Sequence[float]) -> list[str]:
    """Sentences on what is known to go wrong with a request (12,); none for most."""
    asked = dict(zip(ACTION_UNITS, vector))
    found = []
    if asked["AU4"] >= _STRONG and asked["AU5"] < _SEEN and asked["AU1"] < _SEEN:
        found.append("AU4 alone lowers the lids and may read as sad: AU5 of 1 to 2 beside it keeps the eyes open.")
    elif asked["AU9"] >= _STRONG + 1 and asked["AU5"] < _SEEN:
        found.append("Strong AU9 closes the eyes: AU5 of 1 to 2 beside it keeps them open.")
    if asked["AU2"] <= -_STRONG:
        found.append("AU2 of -2 and below distorts the eyes: AU4 lowers brows better.")
    if min(asked["AU12"], asked["AU15"]) >= _STRONG:
        found.append("AU12 and AU15 pull the corners of the lips up and down at once: one of them may be enough.")
    if asked["AU26"] >= _SEEN and asked["AU25"] <= -_SEEN:
        found.append("AU26 drops the jaw while a negative AU25 closes the lips: leave one of them out.")
    if sum(abs(value) >= _SEEN for value in vector) > MANY:
        found.append(f"More than {MANY} units change at once; two to four are safest.")
    if max(map(abs, vector)) > 5:
        found.append("The scale of intensities ends at 5: more exaggerates, and may distort.")
    return found

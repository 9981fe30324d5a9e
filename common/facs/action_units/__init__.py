"""The twelve facial action units (AUs) of the editors: names, order, and how a request becomes a vector.

Intensities are those of the Facial Action Coding System (Ekman & Friesen 1978), A..E as 1..5, 0 for absent.
"""

from .names import ACTION_UNITS, known_unit
from .reading import AULike, AURequest, as_list, to_vector
from .values import ActionUnitValues, AUDelta, AUIntensity, to_text

__all__ = [
    "ACTION_UNITS",
    "AUDelta",
    "AUIntensity",
    "AULike",
    "AURequest",
    "ActionUnitValues",
    "as_list",
    "known_unit",
    "to_text",
    "to_vector",
]

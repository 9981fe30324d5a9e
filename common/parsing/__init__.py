"""The background that an editor keeps: who is the person in a crop, and what the picture is without them.

    parser = get_parser()
    labels = parser.parse(crop, outline=outline, landmarks=landmarks)
    background = masked_background(crop, labels, landmarks, points)

Importing this package imports neither torch nor transformers; only the networks' parsers do.
"""

from .conditioning import jaw_hint, masked_background
from .labels import PARTS, ConditioningImage, Region, foreground
from .parsers import PARSERS, Parser, check_name, get_parser

__all__ = [
    "PARSERS",
    "PARTS",
    "ConditioningImage",
    "Parser",
    "Region",
    "check_name",
    "foreground",
    "get_parser",
    "jaw_hint",
    "masked_background",
]

"""What people wear: hats, glasses and clothes, each a layer fitted to a skull."""

from .clothes import CLOTHES, PATTERNS, clothes
from .glasses import GLASSES, glasses
from .hats import HATS, hat

__all__ = ["CLOTHES", "GLASSES", "HATS", "PATTERNS", "clothes", "glasses", "hat"]

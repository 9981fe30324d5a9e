"""What of a face a photo does not show: parts behind a mask, a hand or glasses, and those beyond its border.

seen = look(photo, face)
seen.hidden, seen.beyond, seen.veil(warp.crop)
"""

from .look import Look, look

__all__ = ["Look", "look"]

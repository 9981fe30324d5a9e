"""Motion of the 478 landmarks of a face as a text, so that requests that carry it can be compared, kept and sent."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from ..core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

COUNT = 478
_STEP = 1e-5  # metres


def encode(motion: np.ndarray) -> str:
    """Metres (478, 3) as a text, in hundredths of a millimetre; "" where nothing moves."""
    import numpy as np

    steps = np.rint(np.asarray(motion, np.float64) / _STEP).clip(-32767, 32767).astype("<i2")
    return base64.b64encode(zlib.compress(steps.T.tobytes(), 9)).decode() if steps.any() else ""


def decode(text: str) -> np.ndarray:
    """The (478, 3) float32 metres of a text.

    Raises:
        InputError: not such a text.
    """
    import numpy as np

    try:
        engine = zlib.decompressobj()
        data = engine.decompress(base64.b64decode(text, validate=True), 6 * COUNT)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise InputError("The landmarks' motion is not readable.", code="unreadable", actual=str(text)[:20]) from error
    if len(data) != 6 * COUNT or engine.unconsumed_tail:
        raise InputError("The landmarks' motion has another size.", code="count", expected=COUNT, actual=len(data) // 6)
    return np.frombuffer(data, "<i2").reshape(3, COUNT).T.astype(np.float32) * np.float32(_STEP)

"""FineFace: pictures of faces from text, with exact action units (AUs).

    from fineface import generate
    generate("a close-up of a man with a beard", {"AU12": 4}).save("smile.png")

Names load on first use: importing this package costs nothing, and pulls in neither torch nor diffusers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.lazy import attach

if TYPE_CHECKING:
    from common.action_units import ACTION_UNITS as ACTION_UNITS
    from common.errors import FaceEditError as FaceEditError
    from common.subject import Subject as Subject

    from ._api import FineFace as FineFace
    from ._api import edit as edit
    from ._api import generate as generate

attach(__name__)

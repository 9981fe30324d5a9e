"""RigFace: change the light on a face, where it looks and its expression, by numbers or from another photo.

    from rigface import edit
    edit("photo.jpg", light="azimuth=60", pose="yaw=15").save("turned.png")

Names load on first use: importing this package costs nothing, and pulls in neither torch nor diffusers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.lazy import attach

if TYPE_CHECKING:
    from common.action_units import ACTION_UNITS as ACTION_UNITS
    from common.errors import FaceEditError as FaceEditError
    from common.subject import Subject as Subject

    from ._api import RigFace as RigFace
    from ._api import edit as edit
    from ._api import rig as rig
    from .conditions import Conditions as Conditions
    from .light import Light as Light
    from .pose import Pose as Pose
    from .reconstruct import Reconstructor as Reconstructor
    from .rigger import Target as Target
    from .wish import RigWish as RigWish

attach(__name__)

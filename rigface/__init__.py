"""RigFace: change the light on a face, where it looks and its expression, by numbers or from another photo.

    from rigface import edit
    edit("photo.jpg", light="azimuth=60", pose="yaw=15").save("turned.png")

Names load on first use: importing this package costs nothing, and pulls in neither torch nor diffusers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.core.lazy import attach

if TYPE_CHECKING:
    from common.core.errors import FaceEditError as FaceEditError
    from common.editing.chain import chain as chain
    from common.editing.explain import explain as explain
    from common.editing.subject import Subject as Subject
    from common.facs.action_units import ACTION_UNITS as ACTION_UNITS
    from common.imaging.animation import rise_and_fall as rise_and_fall
    from common.imaging.contact_sheet import Row as Row
    from common.imaging.contact_sheet import contact_sheet as contact_sheet
    from common.imaging.images import read_image as read_image
    from common.imaging.images import save_image as save_image
    from common.measure import measure as measure
    from common.measure import read_blendshapes as read_blendshapes
    from common.measure import read_units as read_units

    from ._api import RigFace as RigFace
    from ._api import animate as animate
    from ._api import edit as edit
    from ._api import grid as grid
    from ._api import neutralize as neutralize
    from ._api import rig as rig
    from ._api import sweep as sweep
    from ._api import transfer as transfer
    from .attributes import Light as Light
    from .attributes import Pose as Pose
    from .conditioning import Conditions as Conditions
    from .reconstruct import Reconstructor as Reconstructor
    from .reconstruct import View as View
    from .request import RigEdit as RigEdit

attach(__name__)

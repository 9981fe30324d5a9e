"""A reconstructor that knows nothing of heads: flat colours say what was asked for."""

from __future__ import annotations

import numpy as np

from common.core.errors import InputError
from rigface.conditioning import GREY, Conditions
from rigface.request import RigEdit


class Flat:
    """The render is a square of one colour where the face is: red for light, green for pose, blue for expression."""

    drafts = False

    def __init__(self, size: int = 64) -> None:
        self.looked = 0
        self.size = size

    def look(self, photo, face):
        self.looked += 1
        return {"photo": photo, "shade": int(photo.mean())}

    def conditions(self, source, target, copy, crop, labels_source, labels_target, wish=None, *, target_crop=None):
        wish = wish or RigEdit()
        if wish.expression and max(wish.expression) > 9:
            raise InputError("This head cannot smile so much.")
        picture = crop.apply(source["photo"])
        person = labels_source > 0
        asked = {"light": wish.light and wish.light.azimuth, "pose": wish.pose and wish.pose.yaw}
        asked["expression"] = wish.expression and sum(wish.expression)
        of = {name: (target if name in copy else source)["shade"] + (asked[name] or 0) for name in asked}
        if "pose" in copy:
            assert target_crop.apply(target["photo"]).shape == picture.shape
            person = person | (labels_target > 0)
        elif wish.pose is not None:
            person = person | np.roll(person, round(wish.pose.yaw), axis=1)
        render = np.zeros_like(picture)
        render[16:48, 16:48] = [int(of[name]) % 256 for name in ("light", "pose", "expression")]
        background = np.where(person[..., None], np.uint8(GREY), picture)
        return Conditions(background, render, np.full(64, of["expression"] / 100), ("this head is flat",))

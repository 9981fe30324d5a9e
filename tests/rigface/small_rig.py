"""A reconstructor that knows nothing of heads: flat colours say what was asked for."""

from __future__ import annotations

import numpy as np

from common.core.errors import InputError
from rigface.conditioning import GREY, Conditions


class Flat:
    """The render is a square of one colour where the face is: red for light, green for pose, blue for expression."""

    warps = False

    def __init__(self, size: int = 64) -> None:
        self.looked = 0
        self.size = size

    def look(self, photo, face):
        self.looked += 1
        return {"photo": photo, "shade": int(photo.mean())}

    def conditions(self, source, request):
        if request.expression and max(request.expression) > 9:
            raise InputError("This head cannot smile so much.", code="range", actual=max(request.expression))
        picture = source.crop.apply(source.seen["photo"])
        person = source.labels > 0
        asked = {"light": request.light and request.light.azimuth, "pose": request.pose and request.pose.yaw}
        asked["expression"] = request.expression and sum(request.expression)
        target = request.target
        of = {name: (target if name in request.copy else source).seen["shade"] + (asked[name] or 0) for name in asked}
        if "pose" in request.copy:
            assert target.crop.apply(target.seen["photo"]).shape == picture.shape
            person = person | (target.labels > 0)
        elif request.pose is not None:
            person = person | np.roll(person, round(request.pose.yaw), axis=1)
        render = np.zeros_like(picture)
        render[16:48, 16:48] = [int(of[name]) % 256 for name in ("light", "pose", "expression")]
        background = np.where(person[..., None], np.uint8(GREY), picture)
        return Conditions(background, render, np.full(64, of["expression"] / 100), ("this head is flat",))

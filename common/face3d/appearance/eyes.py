"""Colours of the eyes and of the inside of the mouth, by place on the mean head: they move with what they are on."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from .skin import Features

IRIS = 0.385  # radians from the eye's axis to the rim of a mean iris
_SIDE = 128
# Teeth on the mean head, metres: where the rows meet, where crowns end in the gums above and below, and where, counted
# from the middle to one side, one tooth ends and the next begins.
_BITE, _GUM_LINE = -0.0762, (-0.0640, -0.0870)
_UPPER = (np.array([0, 85, 150, 225, 295, 365, 465]) / 1e4, np.arange(7.0))
_LOWER = (np.array([0, 54, 114, 183, 254, 327, 440]) / 1e4, np.arange(7.0))


@cache
def _fibres(pattern: int) -> np.ndarray:
    """Fibres of an iris, (radius, angle) -> brightness about 1."""
    rng = np.random.default_rng([21, pattern])
    rays = rng.standard_normal((24, 96)).astype(np.float32)
    rays = cv2.resize(cv2.GaussianBlur(rays, (1, 9), 3), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return 1 + 0.35 * rays / rays.std()


def eyeball(directions: np.ndarray, features: Features, pattern: int) -> tuple[np.ndarray, np.ndarray]:
    """Albedo (N, 3) of an eyeball, and how much of the point is cornea, (N,) in [0, 1], at unit vectors (N, 3) from the
    eye's centre in its own axes: z goes through the pupil. The pattern is of the iris's fibres.
    """
    angle = np.arccos(np.clip(directions[:, 2], -1, 1))
    radius = angle / (IRIS * features.iris_size)
    turn = np.arctan2(directions[:, 1], directions[:, 0]) / (2 * np.pi) + 0.5
    fibres = _fibres(pattern % 16)[
        np.clip(radius * _SIDE, 0, _SIDE - 1).astype(int), np.clip(turn * _SIDE, 0, _SIDE - 1).astype(int)
    ]
    iris = 0.7 * np.asarray(features.iris, np.float32) * fibres[:, None]
    iris = iris * (1 + 0.5 * np.exp(-(((radius - 0.5) / 0.15) ** 2)))[:, None]  # a lighter ring round the pupil
    iris = iris * (1 - 0.75 * _step(radius, 0.82, 1.0))[:, None]  # a dark rim
    iris = iris * _step(radius, 0.30, 0.38)[:, None] + 0.004  # the pupil
    white = np.array([0.70, 0.66, 0.63], np.float32) * (1 - features.sclera * np.array([0.05, 0.12, 0.25], np.float32))
    red = _step(np.abs(directions[:, 0]), 0.42, 0.75) * (0.4 + 0.4 * features.sclera)
    white = white * (1 - red[:, None] * np.array([0.1, 0.4, 0.42], np.float32))
    inside = 1 - _step(radius, 0.95, 1.06)
    albedo = white + (iris - white) * inside[:, None]
    lid = 1 - 0.4 * _step(directions[:, 1], 0.02, 0.24)  # the upper lid and its lashes shade the eye
    return (albedo * lid[:, None]).astype(np.float32), inside.astype(np.float32)


def mouth(places: np.ndarray, teeth: np.ndarray) -> np.ndarray:
    """Albedo (N, 3) inside the mouth at places (N, 3) on the mean head, metres; `teeth` (N,) says which are."""
    depth = np.exp(-np.maximum(0.024 - places[:, 2], 0) / 0.012)
    flesh = np.array([0.28, 0.07, 0.06], np.float32)
    return (np.where(teeth[:, None], _row(places), flesh) * depth[:, None]).astype(np.float32)


def _row(places: np.ndarray) -> np.ndarray:
    """Albedo (N, 3) of both rows of teeth: crowns with shadows between them, and the gums."""
    enamel, gums = np.array([0.90, 0.76, 0.60], np.float32), np.array([0.45, 0.17, 0.15], np.float32)
    upper = places[:, 1] > _BITE
    middle = np.where(upper, np.interp(np.abs(places[:, 0]), *_UPPER), np.interp(np.abs(places[:, 0]), *_LOWER))
    between = np.exp(-(((middle - np.rint(middle)) / 0.06) ** 2))
    crown = np.where(upper, _GUM_LINE[0] - places[:, 1], places[:, 1] - _GUM_LINE[1])
    scallop = 0.0015 * (2 * np.abs(middle - np.floor(middle) - 0.5)) ** 2
    share = np.clip((crown - scallop) / 0.0008 + 0.5, 0, 1)[:, None]
    return gums + (enamel * (1 - 0.35 * between)[:, None] - gums) * share


def _step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)

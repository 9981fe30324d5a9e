"""Laws of glasses and mouths: what is worn stays, and what a mouth showed stays with its upper teeth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from common.core.face_labels import PARTS
from common.faces import Crop
from common.warp.delta import Change, both_sides
from common.warp.fitted_face import enamel
from common.warp.surroundings import rims, without
from common.warp.warp import Warp

GLASSES, SKIN = PARTS.index("eye_g"), PARTS.index("skin")


def worn(picture: np.ndarray, warp) -> tuple[np.ndarray, np.ndarray]:
    """A pair of dark rims round the fitted eyes, in a copy of the window, and its labels."""
    spots = warp.seen.before.points[warp.fit.head.eyes][..., :2].mean(1).numpy()
    radius = int(0.3 * np.linalg.norm(spots[1] - spots[0]))
    picture, labels = picture.copy(), np.full(picture.shape[:2], SKIN, np.uint8)
    for x, y in spots.astype(int).tolist():
        cv2.circle(picture, (x, y), radius, (10, 10, 10), 4)
        cv2.circle(labels, (x, y), radius + 2, GLASSES, cv2.FILLED)
    return picture, labels


@pytest.fixture(scope="module")
def bespectacled(warp):
    """Her warp in the window alone, with rims painted on."""
    picture, labels = worn(warp.crop.apply(warp.photo), warp)
    side = warp.crop.size
    crop = Crop(np.eye(2, 3), side, (side, side))
    return Warp(picture, replace(warp.seen, crop=crop)), labels, crop


def lifted(warp) -> np.ndarray:
    units = torch.zeros(12)
    units[:2] = 4  # brows, as far as they go
    return warp(Change(both_sides(units), torch.eye(3), warp.light, warp.light))


def test_rims_stay_where_the_skin_behind_them_moves(bespectacled):
    warp, labels, crop = bespectacled
    dark = (warp.photo.max(2) < 30) & (labels == GLASSES)
    dark &= rims(labels, warp.photo) > 0.99  # not the pupils, nor soft edges
    held, carried = lifted(warp.among(labels, crop)), lifted(warp)
    assert np.abs(held[dark].astype(int) - warp.photo[dark]).max() <= 3
    assert (np.abs(carried[dark].astype(int) - warp.photo[dark]).max(1) > 30).mean() > 0.1


def test_lenses_are_seen_through_unless_they_are_dark():
    labels = np.full((128, 128), SKIN, np.uint8)
    labels[40:70, 20:108] = GLASSES
    bright = np.full((128, 128, 3), 200, np.uint8)
    framed, dark = bright.copy(), bright.copy()
    cv2.rectangle(framed, (20, 40), (107, 69), (60, 30, 30), 2)
    dark[labels == GLASSES] = 40
    clear, tinted, rimless = rims(labels, framed), rims(labels, dark), rims(labels, bright)
    assert clear is not None
    assert rimless is not None
    assert rimless.max() == 0
    assert tinted is not None
    assert clear[55, 64] == 0
    assert clear[40, 64] > 0.9
    assert tinted[55, 64] > 0.9
    assert rims(np.full((128, 128), SKIN, np.uint8), bright) is None


def test_a_brow_behind_a_rim_is_told_from_it_by_its_colour():
    labels = np.full((128, 128), SKIN, np.uint8)
    labels[40:70, 20:108] = GLASSES
    labels[32:42, 30:90] = PARTS.index("l_brow")
    picture = np.full((128, 128, 3), 200, np.uint8)
    picture[32:42, 30:90] = (120, 100, 90)
    cv2.rectangle(picture, (20, 40), (107, 69), (20, 20, 110), 3)
    mask = rims(labels, picture)
    assert mask is not None
    assert mask[41, 60] > 0.9
    assert mask[34, 60] == 0


def test_without_rims_the_skin_goes_on():
    picture = np.full((64, 64, 3), 180, np.uint8)
    mask = np.zeros((64, 64), np.float32)
    picture[30:33] = 10
    mask[30:33] = 1
    assert without(picture, mask).min() > 170


def test_an_open_mouth_keeps_what_it_showed(photo, face):
    """She smiles with her teeth: when her jaw drops, the upper ones stay where they were."""
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    warp = Warp.of(large, face.mapped(np.array([[4, 0, 1.5], [0, 4, 1.5]])))
    units = torch.zeros(12)
    units[11] = 3
    moved = warp(Change(both_sides(units), torch.eye(3), warp.light, warp.light))
    shown = warp.crop.warp_back(warp.seen.open, mask=True)[0]
    x0, y0, x1, y1 = warp.crop.rectangle
    inside = cv2.erode((shown > 0.99).astype(np.uint8), np.ones((5, 5))) > 0
    rows = np.nonzero(inside.any(1))[0]
    inside[: rows.mean().astype(int)] = False  # the lip's edge is not known to a pixel
    before, after = (picture[y0:y1, x0:x1][inside].astype(int) for picture in (large, moved))
    assert inside.sum() > 500
    assert np.median(np.abs(after - before).max(1)) <= 2


def test_teeth_tell_what_is_white():
    picture = np.full((64, 64, 3), 0.1, np.float32)
    open_ = np.zeros((64, 64), np.float32)
    open_[20:40, 20:40] = 1
    picture[20:24, 20:40] = (0.8, 0.7, 0.6)
    white = enamel(picture, open_, 1.0)
    assert white is not None
    assert np.allclose(white, np.array([0.8, 0.7, 0.6]) / 0.8, atol=0.01)
    assert enamel(picture, 0 * open_, 1.0) is None

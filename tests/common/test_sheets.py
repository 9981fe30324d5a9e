"""Every picture is on the page, whole, and the words are beside it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.sheets import LINE, MARGIN, Row, contact_sheet

RED, BLUE = (Image.new("RGB", (20, 12), colour) for colour in ("#ff0000", "#0000ff"))


def count(page: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(page) == colour).all(-1).sum())


def test_all_pictures_are_whole():
    page = contact_sheet([Row([RED, BLUE, RED], ["one", "two", "three"], "first"), Row([BLUE])])
    assert count(page, (255, 0, 0)) == 2 * 20 * 12
    assert count(page, (0, 0, 255)) == 2 * 20 * 12
    assert page.size == (3 * (20 + MARGIN) + MARGIN, 2 * (12 + MARGIN) + 2 * LINE + MARGIN)


def test_words_take_room_only_where_they_are():
    bare, told = contact_sheet([Row([RED])]), contact_sheet([Row([RED], ["red"])])
    assert told.height == bare.height + LINE
    assert count(bare, (255, 255, 255)) + 20 * 12 == bare.width * bare.height
    assert count(told, (0, 0, 0)) > 0


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_pictures_of_any_size_and_kind_are_brought_to_one(mode):
    page = contact_sheet([Row([Image.new(mode, (9, 30)), Image.new(mode, (30, 9))])], side=16)
    assert page.size == (2 * (16 + MARGIN) + MARGIN, 16 + 2 * MARGIN)
    assert count(page, (0, 0, 0)) == 2 * 16 * 16

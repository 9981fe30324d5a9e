"""Every picture is on the page, whole and in its own aspect ratio, and all words are above it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFont

from common.core.errors import InputError
from common.imaging.contact_sheet import LINE, MARGIN, POINTS, Row, close_up, contact_sheet, fitted, wrapped

RED, BLUE = (Image.new("RGB", (60, 36), colour) for colour in ("#ff0000", "#0000ff"))
FONT = ImageFont.load_default(POINTS)


def count(page: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(page) == colour).all(-1).sum())


def region(page: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of what has a colour."""
    rows, columns = np.nonzero((np.asarray(page) == colour).all(-1))
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def test_all_pictures_are_whole():
    page = contact_sheet([Row([RED, BLUE, RED], ["one", "two", "three"], "first"), Row([BLUE])])
    assert count(page, (255, 0, 0)) == 2 * 60 * 36
    assert count(page, (0, 0, 255)) == 2 * 60 * 36
    assert page.size == (3 * (60 + MARGIN) + MARGIN, 2 * (36 + MARGIN) + 2 * LINE + MARGIN)


def test_words_take_room_only_where_they_are():
    bare, told = contact_sheet([Row([RED])]), contact_sheet([Row([RED], ["red"])])
    assert told.height == bare.height + LINE
    assert count(bare, (255, 255, 255)) + 60 * 36 == bare.width * bare.height
    assert count(told, (0, 0, 0)) > 0


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_keep_their_aspect_ratio(mode):
    page = contact_sheet([Row([Image.new(mode, (10, 30)), Image.new(mode, (30, 10))])], side=60)
    assert page.size == (2 * (60 + MARGIN) + MARGIN, 60 + 2 * MARGIN)
    assert count(page, (0, 0, 0)) == 2 * 60 * 20
    tall, wide = page.crop((0, 0, 64, 64)), page.crop((64, 0, 132, 68))
    assert region(tall, (0, 0, 0)) == (20, 60)
    assert region(wide, (0, 0, 0)) == (60, 20)


def test_cells_have_the_aspect_of_pictures_that_agree():
    page = contact_sheet([Row([RED, BLUE]), Row([BLUE, RED])], side=120)
    assert page.size == (2 * (120 + MARGIN) + MARGIN, 2 * (72 + MARGIN) + MARGIN)
    assert count(page, (255, 255, 255)) == page.width * page.height - 4 * 120 * 72


def test_what_is_transparent_lets_the_page_through():
    page = contact_sheet([Row([Image.new("RGBA", (20, 20), (200, 0, 0, 0))])])
    assert count(page, (255, 255, 255)) == page.width * page.height


@pytest.mark.parametrize("side", [0, -3, 2.5, True])
def test_a_side_is_a_number_of_pixels(side):
    with pytest.raises(InputError, match="side"):
        contact_sheet([Row([RED])], side)
    assert fitted(RED, 1).size == (1, 1)


def test_long_words_continue_on_the_next_line():
    text = "AU1=2.5,AU2=3.25,AU5=4,AU12=1,AU25=3 and a sentence of a prompt, with averyveryverylongwordinside"
    lines = wrapped(text, FONT, 100)
    assert all(FONT.getlength(line) <= 100 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split()), "nothing is lost"
    assert lines[0].endswith(","), "broken between units"
    assert wrapped("", FONT, 100) == []
    assert wrapped("W", FONT, 1) == ["W"]
    page, short = contact_sheet([Row([RED, RED], ["red", text])]), contact_sheet([Row([RED, RED], ["red", ""])])
    assert page.height == short.height + LINE * (len(wrapped(text, FONT, 60)) - 1)


@pytest.mark.parametrize(("side", "least"), [(60, LINE), (640, 3 * LINE)])
def test_words_grow_with_the_pictures(side, least):
    page, bare = (contact_sheet([Row([RED], words)], side) for words in (["AU12=3"], ()))
    assert page.height - bare.height >= least


def test_a_close_up_goes_as_far_as_the_picture():
    photo = Image.new("RGB", (300, 200))
    assert close_up(photo, (100, 50, 150, 110)).size == (96, 96)
    assert close_up(photo, (0, 0, 50, 60)).size == (73, 78)

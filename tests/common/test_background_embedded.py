"""Laws of the small parser inside the package, on synthetic people of another seed and on real portraits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.faces import choose_face, get_detector
from common.imaging.images import read_image, rgb
from common.parsing import PARTS, foreground, get_parser
from common.synthetic.data.draw import draw_scene
from common.synthetic.render import picture

PARSER = get_parser("embedded")


@pytest.fixture(scope="module")
def people():
    """Pictures of six that no training has seen, and their faces."""
    made = [picture.make(draw_scene(1000, number), 128) for number in range(6)]
    return [(each, choose_face(get_detector("mediapipe").find(each.image))) for each in made]


def parse(image, face):
    return PARSER.parse(image, outline=face.outline, landmarks=face.landmarks)


def test_it_sees_the_parts_of_people_it_has_not_seen(people):
    for made, face in people:
        labels = parse(made.image, face)
        assert (labels == made.parts).mean() > 0.85
        found, truth = foreground(labels), foreground(made.parts)
        assert (found & truth).sum() / (found | truth).sum() > 0.9


def test_large_and_small_pictures_are_parsed_alike(people):
    made, face = people[0]
    labels = parse(made.image, face)
    for factor in (2, 5):
        large = cv2.resize(made.image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        matrix = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2]], float)
        again = parse(large, face.mapped(matrix))
        assert (again[factor // 2 :: factor, factor // 2 :: factor] == labels).mean() > 0.95


def test_a_picture_need_not_be_square(people):
    made, face = people[1]
    assert parse(made.image[:100], face).shape == (100, 128)


def test_glasses_are_told_from_none(people):
    glasses = PARTS.index("eye_g")
    for made, face in people:
        seen, truth = ((labels == glasses).mean() for labels in (parse(made.image, face), made.parts))
        assert (seen > 0.003) == (truth > 0.003)


@pytest.mark.parametrize("name", ["00025", "00381"])
def test_a_real_person_is_where_the_authors_saw_them(portraits, name):
    paths = [portraits / "magicface" / f"{name}{end}.png" for end in ("", "_bg")]
    photo, hidden = (rgb(read_image(path)) for path in paths)
    face = choose_face(get_detector("mediapipe").find(photo))
    found = foreground(parse(photo, face))
    truth = np.abs(photo.astype(int) - hidden).max(2) > 8
    assert (found & truth).sum() / (found | truth).sum() > 0.97


def test_bad_input_says_so(people):
    made, face = people[0]
    with refused(ShapeError, name="crop"):
        parse(made.image[..., 0], face)
    with refused(InputError, "type"):
        parse(made.image.astype(float), face)
    with refused(InputError, "values"):
        PARSER.parse(made.image, outline=np.full((36, 2), np.nan), landmarks=face.landmarks)


def test_an_outline_of_one_point_is_no_crash(people):
    made, face = people[0]
    labels = PARSER.parse(made.image, outline=np.full((36, 2), 5.0), landmarks=face.landmarks)
    assert labels.shape == made.image.shape[:2]

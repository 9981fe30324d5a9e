"""Laws of telling known pictures from others."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.domain import DOMAIN_FILE, Domain, texture
from common.errors import CheckpointError, ShapeError
from common.faces import choose_face, get_finder
from common.synthetic import picture
from common.synthetic.draw import draw_scene
from magicface import MagicFace
from rigface import RigFace


@pytest.fixture(scope="module")
def domain() -> Domain:
    assert MagicFace.embedded is not None
    found = Domain.read(MagicFace.embedded)
    assert found is not None
    return found


def face_of(photo):
    return choose_face(get_finder("mediapipe").find(photo))


def test_a_known_kind_is_held_and_another_is_not():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    known, alike, other = (rng.normal(size=(400, 4)) @ mixing for _ in range(3))
    domain = Domain.of(known, 0.9)
    shares = [np.mean([domain.distance(row) <= domain.limit for row in rows]) for rows in (alike, other + 8)]
    assert shares[0] == pytest.approx(0.9, abs=0.07)
    assert shares[1] < 0.2


def test_distances_do_not_depend_on_units():
    known = np.random.default_rng(0).normal(size=(300, 3))
    scaled = known * (1, 100, 0.01) + (0, 5, -3)
    one, other = Domain.of(known, 0.9), Domain.of(scaled, 0.9)
    assert one.distance(known[0]) == pytest.approx(other.distance(scaled[0]), rel=0.01)


def test_what_is_written_is_read(tmp_path):
    domain = Domain.of(np.random.default_rng(0).normal(size=(100, 3)), 0.8)
    domain.write(tmp_path)
    again = Domain.read(tmp_path)
    assert again is not None
    assert again.limit == pytest.approx(domain.limit, rel=1e-6)
    assert np.allclose(again.precision, domain.precision, rtol=1e-5)
    assert Domain.read(tmp_path / "elsewhere") is None


def test_a_damaged_file_and_too_few_pictures_say_so(tmp_path):
    (tmp_path / DOMAIN_FILE).write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="delete it"):
        Domain.read(tmp_path)
    with pytest.raises(ShapeError, match="known"):
        Domain.of(np.zeros((10, 3)), 0.9)


def test_a_photograph_is_not_known(domain, astronaut):
    assert not domain.holds(astronaut, face_of(astronaut).outline)


def test_most_synthetic_people_of_another_seed_are(domain):
    made = [picture.make(draw_scene(1000, number), 128).image for number in range(12)]
    assert sum(domain.holds(photo, face_of(photo).outline) for photo in made) >= 7


def test_both_small_models_know_the_same_pictures(domain):
    assert RigFace.embedded is not None
    other = Domain.read(RigFace.embedded)
    assert other is not None
    assert other.limit == domain.limit


def test_size_matters_little(domain, astronaut):
    outline = face_of(astronaut).outline
    large = cv2.resize(astronaut, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    one, other = (domain.distance(texture(*each)) for each in ((astronaut, outline), (large, outline * 3 + 1)))
    assert one == pytest.approx(other, rel=0.15)


def test_an_outline_outside_the_photo_is_no_crash(astronaut):
    assert np.isfinite(texture(astronaut, np.full((36, 2), 9000.0))).all()

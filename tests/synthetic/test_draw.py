from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from common.core.errors import InputError
from common.facs.action_units import ACTION_UNITS
from common.synthetic.backgrounds.background import KINDS
from common.synthetic.data.draw import draw_pair, draw_scene, draw_units, lowered
from common.synthetic.data.draw_person import DYES, HAIR_COLOURS, draw_person
from common.synthetic.hair.hair import HAIR_STYLES
from common.synthetic.scene.colours import NAMED, black_body, name_of, paint
from common.synthetic.scene.factors import BEARDS
from common.synthetic.scene.stream import Purpose, stream
from common.synthetic.wear.clothes import CLOTHES, PATTERNS
from common.synthetic.wear.glasses import GLASSES
from common.synthetic.wear.hats import HATS


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(7, index) for index in range(500)]


def test_the_same_numbers_are_the_same_scene_in_another_process():
    code = (
        "import json; from common.synthetic.data.draw import draw_scene; print(json.dumps(draw_scene(3, 5).to_dict()))"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(there) == json.loads(json.dumps(draw_scene(3, 5).to_dict()))


def test_scenes_are_plain_values(scenes):
    def check(value):
        if isinstance(value, dict):
            for item in value.values():
                check(item)
        elif isinstance(value, (tuple, list)):
            for item in value:
                check(item)
        else:
            assert type(value) in (int, float, str, bool)

    for scene in scenes[:50]:
        check(scene.to_dict())


def test_another_seed_and_another_number_are_other_people():
    people = [draw_person(seed, number) for seed in (0, 1) for number in range(4)]
    assert len({person.identity for person in people}) == 8
    assert draw_scene(0, 1).lamps != draw_scene(1, 1).lamps
    assert draw_person(0, 2) == people[2]
    person = people[3]
    assert draw_scene(5, 9, person=person).person is person
    assert dataclasses.replace(draw_scene(5, 9, person=person), person=people[0]) == draw_scene(5, 9, person=people[0])


def test_purposes_do_not_share_chance():
    draws = {stream(0, 0, purpose).random() for purpose in Purpose}
    assert len(draws) == len(Purpose)


@pytest.mark.parametrize("number", [-1, 1.5, True, None, "1"])
def test_numbers_are_whole_and_not_negative(number):
    with pytest.raises(InputError, match="number"):
        draw_scene(0, number)
    with pytest.raises(InputError, match="seed"):
        draw_person(number, 0)


def within(value, low, high):
    assert np.all(np.greater_equal(value, low)), value
    assert np.all(np.less_equal(value, high)), value


def test_every_factor_stays_in_its_range(scenes):
    for scene in scenes:
        person, skin, features, wear = scene.person, scene.person.skin, scene.person.features, scene.wear
        assert len(person.identity) == 148
        assert person.noun in ("woman", "man", "person")
        within(person.age, 18, 85)
        within(skin.melanin, 0.05, 2.4)
        within(skin.haemoglobin, 0.2, 0.7)
        within([skin.blotches, skin.pores, skin.freckles, skin.wrinkles, skin.oil], 0, 1)
        within(features.brow_width, 0.6, 1.5)
        within(features.brow_density, 0.3, 1)
        within(features.iris_size, 0.9, 1.1)
        within([features.sclera, features.lashes, features.beard_density, features.lipstick], 0, 1)
        within([features.eyeshadow, features.eyeliner, features.blush], 0, 1)
        within([features.brow_colour, features.iris, features.beard_colour, features.lip_colour], 0, 1)
        assert features.beard in BEARDS
        assert (features.beard == "none") == (features.beard_density == 0)
        assert person.hair.style in HAIR_STYLES
        within(person.hair.colour, 0, 1)
        within(person.hair.length, 0.7, 1)
        assert wear.glasses in GLASSES
        assert wear.hat in HATS
        assert wear.clothes in CLOTHES
        assert wear.clothes_pattern in PATTERNS
        within([wear.glasses_colour, wear.hat_colour, wear.clothes_colour], 0, 1)
        assert np.shape(scene.units) == (2, 12)
        within(scene.units, 0, 5)
        within(scene.blink, 0, 1)
        within(np.abs(scene.gaze), 0, (30, 20))
        within(np.abs(scene.angles), 0, (50, 25, 18))
        lamps = scene.lamps
        within(np.abs(lamps.azimuth), 0, 100)
        within(lamps.elevation, -10, 80)
        within([lamps.key, lamps.softness, lamps.fill, lamps.bounce, lamps.rim], 0, 1.3)
        for colour in (lamps.key_colour, lamps.fill_colour):
            assert max(colour) == 1
            within(colour, 0.2, 1)
        within(scene.shot.view, 12, 35)
        within(scene.shot.face_height, 0.3, 0.5)
        within(np.abs(scene.shot.shift), 0, 0.06)
        assert scene.background.kind in KINDS
        assert name_of(scene.background.colour) == scene.background.colour_name
        within(scene.background.blur, 0, 0.04)
        capture = scene.capture
        within(abs(capture.exposure), 0, 0.75)
        within(abs(capture.warmth), 0, 1)
        within(capture.contrast, 0.8, 1.2)
        within(capture.jpeg, 30, 100)
        within(capture.vignette, 0, 0.5)
        within([capture.blur, capture.noise], 0, 8)


def test_all_there_is_occurs(scenes):
    assert {scene.person.hair.style for scene in scenes} == set(HAIR_STYLES)
    assert {scene.background.kind for scene in scenes} == set(KINDS)
    assert {scene.wear.clothes for scene in scenes} == set(CLOTHES)
    assert {scene.wear.clothes_pattern for scene in scenes} == set(PATTERNS)
    assert {scene.wear.glasses for scene in scenes} == set(GLASSES)
    assert {scene.wear.hat for scene in scenes} == set(HATS)
    assert {scene.person.features.beard for scene in scenes} == set(BEARDS)
    assert set(HAIR_COLOURS) <= {scene.person.hair.colour_name for scene in scenes}
    assert set(DYES) & {scene.person.hair.colour_name for scene in scenes}


def test_the_population_is_believable(scenes):
    count = len(scenes)
    glasses = sum(scene.wear.glasses != "none" for scene in scenes) / count
    hats = sum(scene.wear.hat != "none" for scene in scenes) / count
    assert 0.18 < glasses < 0.32
    assert 0.04 < hats < 0.13
    nouns = Counter(scene.person.noun for scene in scenes)
    assert min(nouns["woman"], nouns["man"]) > 0.4 * count
    bearded = {
        noun: np.mean([s.person.features.beard != "none" for s in scenes if s.person.noun == noun]) for noun in nouns
    }
    assert bearded["woman"] == 0
    assert 0.4 < bearded["man"] < 0.75
    melanin = np.array([scene.person.skin.melanin for scene in scenes])
    for low, high in ((0, 0.4), (0.4, 0.7), (0.7, 1.0), (1.0, 1.4), (1.4, 2.4)):
        assert np.mean((melanin > low) & (melanin <= high)) > 0.08
    age = np.array([scene.person.age for scene in scenes])
    wrinkles = np.array([scene.person.skin.wrinkles for scene in scenes])
    assert np.corrcoef(age, wrinkles)[0, 1] > 0.8
    white = [scene.person.age for scene in scenes if scene.person.hair.colour_name in ("grey", "white")]
    assert min(white) > 38
    neutral = np.mean([np.max(scene.units) == 0 for scene in scenes])
    assert 0.1 < neutral < 0.2
    yaw = np.array([scene.angles[0] for scene in scenes])
    assert 12 < yaw.std() < 18
    contact = [abs(scene.angles[0] + scene.gaze[0]) < 5 for scene in scenes]
    assert 0.6 < np.mean(contact) < 0.9


def test_units_occur_alone_and_together():
    drawn = [np.mean(draw_units(np.random.default_rng(seed)), 0) for seed in range(1500)]
    strongest = np.max(drawn, 0)
    assert (strongest > 4).all()
    counts = Counter(int((units > 0).sum()) for units in drawn)
    assert set(range(6)) <= set(counts)
    lips, jaw = (list(ACTION_UNITS).index(name) for name in ("AU25", "AU26"))
    assert all(units[lips] >= 0.5 * units[jaw] for units in drawn)


def differences(pair):
    source, target = pair
    return {
        field.name for field in dataclasses.fields(source) if getattr(source, field.name) != getattr(target, field.name)
    }


@pytest.mark.parametrize("index", range(12))
def test_pairs_differ_in_one_thing(index):
    pair = draw_pair("expression", 1, index)
    assert pair[0] == draw_scene(1, index)
    assert differences(pair) == {"units"}
    assert np.abs(np.mean(pair[1].units, 0) - np.mean(pair[0].units, 0)).max() >= 0.5
    pair = draw_pair("pose", 1, index)
    assert "angles" in differences(pair) <= {"angles", "gaze"}
    assert np.abs(np.subtract(pair[1].angles, pair[0].angles)).max() >= 5
    assert differences(draw_pair("light", 1, index)) == {"lamps"}


def test_mixed_pairs_differ_as_the_others_do_and_half_of_them_in_one_thing():
    alone = {"units": "expression", "angles": "pose", "lamps": "light"}
    counts = Counter()
    for index in range(200):
        source, target = draw_pair("mixed", 3, index)
        assert source == draw_scene(3, index)
        changed = differences((source, target)) - {"gaze"}
        counts.update(changed | {len(changed)})
        for name in changed:
            assert getattr(target, name) == getattr(draw_pair(alone[name], 3, index)[1], name)
    assert all(80 < counts[name] < 150 for name in alone)
    assert 80 < counts[1] < 120
    assert counts[0] == 0


@pytest.mark.parametrize("name", NAMED)
def test_a_colour_is_found_under_its_name(name):
    assert all(name_of(paint(np.random.default_rng(seed), name)) == name for seed in range(40))


def test_glowing_bodies_go_from_red_to_blue():
    colours = [black_body(kelvin) for kelvin in (1700, 2500, 3500, 5000, 6500, 9000, 15000)]
    ratios = [red / blue for red, _, blue in colours]
    assert ratios == sorted(ratios, reverse=True)
    assert all(max(colour) == 1 for colour in colours)
    assert np.allclose(colours[4], 1, atol=0.06)


def test_lids_that_come_down_are_not_raised():
    units = ((4.0,) * 12, (2.0,) * 12)
    left, right = lowered(units, (1.0, 0.5))
    lid = tuple(ACTION_UNITS).index("AU5")
    assert (left[lid], right[lid]) == (0, 1)
    assert {*left[:lid], *left[lid + 1 :]} == {4.0}
    assert lowered(units, (0.0, 0.0)) == units
    for index in range(300):
        for scene in draw_pair("expression", 4, index):
            assert all(side[lid] <= 5 * (1 - closed) + 1e-3 for side, closed in zip(scene.units, scene.blink))


def test_a_scene_is_read_back_from_json():
    from common.synthetic.scene.factors import Scene

    scene = draw_scene(3, 5)
    assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene
    with pytest.raises(InputError, match="colour_of_mood"):
        Scene.from_dict({**scene.to_dict(), "colour_of_mood": 1})
    with pytest.raises(InputError, match="'person'"):
        Scene.from_dict({"wear": {}})

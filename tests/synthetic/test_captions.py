from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.facs.action_units import ACTION_UNITS
from common.synthetic.backgrounds.background import KINDS
from common.synthetic.data.draw import draw_scene
from common.synthetic.hair.hair import HAIR_STYLES
from common.synthetic.scene.captions import caption, expression_words
from common.synthetic.scene.colours import NAMED
from common.synthetic.scene.factors import Background, Features, Hair, Lamps, Person, Scene, Shot, Skin, Wear

RED = Hair("crew", (0.26, 0.07, 0.02), "red")
SKIN = Skin(0.4, 0.4)
PLAIN = Lamps(azimuth=20, elevation=20, softness=0.4)


def person(noun="woman", age=25.0, hair=RED, skin=SKIN, **features) -> Person:
    return Person(0, (0.0,) * 148, noun, age, skin, Features((0.1, 0.05, 0.03), **features), hair)


def units(**values: float):
    side = tuple(float(values.get(name, 0)) for name in ACTION_UNITS)
    return side, side


def scene(**changes) -> Scene:
    values = {
        "person": person(),
        "wear": Wear(glasses="round"),
        "units": units(AU12=1.5),
        "lamps": PLAIN,
        "shot": Shot(face_height=0.45),
        "background": Background("wall", NAMED["green"], colour_name="green"),
    }
    return Scene(**(values | changes))


def test_a_plain_sentence():
    assert caption(scene()) == (
        "a close-up of a young woman with short red hair and round glasses, smiling slightly, in front of a green wall"
    )


def test_a_full_sentence():
    old = person("man", 70.0, Hair("none", (0.1, 0.1, 0.1), "grey"), beard="full", beard_density=0.8)
    full = scene(
        person=old,
        wear=Wear(hat="headband", hat_colour=NAMED["orange"], clothes="shirt", clothes_colour=NAMED["blue"],
                  clothes_pattern="checked"),
        units=units(AU4=4, AU26=2),
        angles=(-35.0, 0.0, 9.0),
        gaze=(30.0, 0.0),
        lamps=Lamps(azimuth=-70, elevation=10, key=1.0, fill=0.1, softness=0.1, rim=0.8),
        shot=Shot(face_height=0.32),
        background=Background("bookshelf", blur=0.03),
    )  # fmt: skip
    assert caption(full) == (
        "a head-and-shoulders portrait of an elderly bald man with a full beard and an orange headband, wearing a "
        "checked blue shirt, frowning strongly with an open mouth, the head turned far to the left and tilted to the "
        "left, in hard light from the left and lit from behind, in front of a bookshelf that is out of focus"
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "with a neutral expression"),
        ({"AU12": 0.7}, ""),
        ({"AU12": 1.2}, "smiling slightly"),
        ({"AU12": 2.5, "AU6": 3}, "smiling"),
        ({"AU12": 4, "AU6": 3, "AU25": 2}, "smiling broadly with parted lips"),
        ({"AU1": 4, "AU2": 4, "AU26": 4, "AU25": 4}, "with strongly raised brows and a wide open mouth"),
        ({"AU1": 2, "AU4": 2, "AU15": 3}, "frowning with raised inner brows and lowered mouth corners"),
        ({"AU9": 1}, "with a slightly wrinkled nose"),
        ({"AU6": 4}, "with strongly raised cheeks"),
    ],
)
def test_expressions(values, words):
    assert expression_words(units(**values)) == words


@pytest.mark.parametrize("name", ACTION_UNITS)
def test_every_strong_unit_has_words_and_no_weak_one(name):
    assert "neutral" not in expression_words(units(**{name: 4.0}))
    assert expression_words(units(**{name: 4.0}))
    assert expression_words(units(**{name: 0.8})) == ""
    assert ("smil" in expression_words(units(**{name: 4.0}))) == (name == "AU12")


def test_a_smile_on_one_side_is_said():
    left, _ = units(AU12=4)
    assert expression_words((left, (0.0,) * 12)) == "smiling on one side"


def test_hats_hide_hair():
    assert "hair" not in caption(scene(wear=Wear(hat="beanie", hat_colour=NAMED["red"])))
    bald = scene(person=person(hair=Hair("none", (0, 0, 0), "black")), wear=Wear(hat="cap"))
    assert "bald" not in caption(bald)
    long = scene(person=person(hair=Hair("long wavy", (0, 0, 0), "black")), wear=Wear(hat="cap"))
    assert "long wavy black hair and a" in caption(long)


def test_dark_glasses_hide_eyes():
    looking = {"gaze": (-20.0, 0.0), "blink": (1.0, 1.0)}
    assert "closed eyes" in caption(scene(**looking))
    assert "eye" not in caption(scene(wear=Wear(glasses="sun"), **looking))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"angles": (20.0, 0.0, 0.0), "gaze": (-20.0, 0.0)}, "looking at the camera, the head turned to the right"),
        ({"gaze": (15.0, 0.0)}, "looking to the right"),
        ({"gaze": (0.0, -15.0)}, "looking down"),
        ({"angles": (0.0, 12.0, -10.0)}, "the head raised and tilted to the right"),
        ({"blink": (1.0, 0.0)}, "with one eye closed"),
        ({"lamps": replace(PLAIN, softness=0.9)}, "in soft light"),
        ({"lamps": replace(PLAIN, elevation=65.0)}, "in light from above"),
        ({"background": Background("studio", colour_name="orange")}, "in front of an orange studio backdrop"),
        ({"person": person(lipstick=0.9, eyeshadow=0.8)}, "strong make-up"),
        ({"person": person(skin=Skin(0.3, 0.4, freckles=0.8))}, "freckles"),
    ],
)
def test_phrases(changes, words):
    assert words in caption(scene(**changes))


@pytest.mark.parametrize("style", HAIR_STYLES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_name_has_words(style, kind):
    text = caption(scene(person=person(hair=replace(RED, style=style)), background=Background(kind, colour_name="red")))
    assert text.split(", ")[-1].startswith(("in ", "under "))
    assert ("red" in text.split(" round")[0]) == (style != "none")
    assert "{" not in text


def test_captions_of_a_population_agree_with_its_factors():
    nouns, texts = {"woman", "man", "person"}, []
    for index in range(300):
        drawn = draw_scene(11, index)
        text = caption(drawn)
        texts.append(text)
        assert drawn.person.noun in nouns & set(text.replace(",", "").split())
        assert ("smiling" in text) == (np.mean(drawn.units, 0)[list(ACTION_UNITS).index("AU12")] >= 1)
        assert ("glasses" in text) == (drawn.wear.glasses != "none")
        assert ("turned" in text) == (abs(drawn.angles[0]) >= 12)
        assert ("elderly" in text) == (drawn.person.age >= 62)
        assert "  " not in text
        assert not [word for word in (" a o", " a e", " a a", " a i", " an b", " an g") if word in text], text
    assert len(set(texts)) == 300

"""A scene in a sentence. Every phrase follows from a factor, so a caption leaves out much but is never wrong.

Left and right are the picture's. Skin is not mentioned.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.errors import ShapeError
from ...facs.action_units import ACTION_UNITS
from .colours import mix, name_of
from .factors import Person, Scene

_HAIR = {
    "buzz": "very short {} hair",
    "crew": "short {} hair",
    "side part": "{} hair parted at the side",
    "swept back": "{} hair swept back",
    "curly short": "short curly {} hair",
    "afro": "a {} afro",
    "receding": "receding {} hair",
    "bob": "a {} bob",
    "long straight": "long straight {} hair",
    "long wavy": "long wavy {} hair",
    "bun": "{} hair in a bun",
    "ponytail": "{} hair in a ponytail",
    "fringe": "short {} hair with a fringe",
    "locs": "{} locs",
}
UNDER_A_HAT = ("bob", "long straight", "long wavy", "locs")  # what still shows
_BEARDS = {"stubble": "stubble", "moustache": "a moustache", "goatee": "a goatee", "full": "a full beard"}
_GLASSES = {"sun": "sunglasses", "half rim": "half-rimmed glasses"}
_HATS = {"wide brim": "wide-brimmed hat"}
_CLOTHES = {"crew neck": "crew-neck top", "v-neck": "v-neck top"}
_PATTERNS = {"stripes": "striped ", "checked": "checked "}
_PLACES = {
    "wall": "in front of a {} wall",
    "gradient": "in front of a smooth {} backdrop",
    "studio": "in front of a {} studio backdrop",
    "wallpaper": "in front of {} patterned wallpaper",
    "brick": "in front of a {} brick wall",
    "wood": "in front of {} wood panels",
    "curtains": "in front of {} curtains",
    "bookshelf": "in front of a bookshelf",
    "window": "in front of a window",
    "room": "in a room with {} walls",
    "foliage": "in front of blurred foliage",
    "sky": "under the open sky",
    "city": "in front of city lights at night",
    "clutter": "in front of a clutter of things",
}
_FOCUS = ("brick", "wood", "bookshelf", "window", "room", "clutter")  # where lack of it shows
_HAIR_TRAITS = {"black": "black", "brown": "brown", "blond": "blond", "red": "red", "grey": "grey", "white": "grey"}
_SEEN = 1.0  # intensity from which a unit is worth a word: FACS's A


def caption(scene: Scene) -> str:
    """Say in a sentence what a scene shows.

    For example "a close-up of a young woman with short red hair and round glasses, smiling slightly, in front of a
    green wall". A head or look "to the left" goes to the left edge of the picture.
    """
    height = scene.shot.face_height
    framing = "close-up" if height >= 0.42 else "portrait" if height >= 0.35 else "head-and-shoulders portrait"
    subject = f"a {framing} of {_article(_noun(scene.person, scene.wear.hat))}"
    if worn := _with(scene):
        subject += f" with {_join(worn)}"
    phrases = (_clothes(scene), expression_words(scene.units), _eyes(scene), _turn(scene), _light(scene), _place(scene))
    return ", ".join([subject, *filter(None, phrases)])


def expression_words(units: Sequence[Sequence[float]]) -> str:
    """Say what the action units (2, 12) do to a face, such as "smiling broadly with strongly raised brows".

    Returns:
        "with a neutral expression" where no unit reaches 0.5 on either side; "" where all are too weak for words.

    Raises:
        ShapeError: units have another shape.
    """
    if np.shape(units) != (2, len(ACTION_UNITS)):
        raise ShapeError("units", f"(2, {len(ACTION_UNITS)}): the left side's, then the right's", np.shape(units))
    left, right = (dict(zip(ACTION_UNITS, side)) for side in units)
    strength = {name: (left[name] + right[name]) / 2 for name in ACTION_UNITS}
    if max(*left.values(), *right.values()) < 0.5:
        return "with a neutral expression"
    verbs = []
    if strength["AU12"] >= _SEEN:
        one_sided = min(left["AU12"], right["AU12"]) < 0.5 * max(left["AU12"], right["AU12"])
        how = " on one side" if one_sided else _adverb(strength["AU12"], " slightly", " broadly")
        verbs.append("smiling" + how)
    if strength["AU4"] >= _SEEN:
        verbs.append("frowning" + _adverb(strength["AU4"], " slightly", " strongly"))
    shapes = []
    inner, outer = strength["AU1"], strength["AU2"]
    if min(inner, outer) >= _SEEN:
        shapes.append(_graded("raised brows", (inner + outer) / 2))
    elif max(inner, outer) >= _SEEN:
        shapes.append(_graded(f"raised {'inner' if inner > outer else 'outer'} brows", max(inner, outer)))
    for name, words in (
        ("AU5", "raised upper lids"),
        ("AU6", "raised cheeks"),
        ("AU9", "wrinkled nose"),
        ("AU15", "lowered mouth corners"),
        ("AU17", "raised lower lip"),
        ("AU20", "stretched lips"),
    ):
        if strength[name] >= _SEEN and not (name == "AU6" and strength["AU12"] >= _SEEN):  # a smile says it
            words = _graded(words, strength[name])
            shapes.append(_article(words) if name in ("AU9", "AU17") else words)
    if strength["AU26"] >= _SEEN:
        shapes.append(_adverb(strength["AU26"], "a slightly open mouth", "a wide open mouth") or "an open mouth")
    elif strength["AU25"] >= _SEEN:
        shapes.append(_graded("parted lips", strength["AU25"]))
    return " ".join(filter(None, [_join(verbs), f"with {_join(shapes)}" if shapes else ""]))


def _adverb(intensity: float, weak: str, strong: str) -> str:
    return weak if intensity < 2 else strong if intensity >= 3.5 else ""


def _graded(words: str, intensity: float) -> str:
    return _adverb(intensity, "slightly ", "strongly ") + words


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _join(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _noun(person: Person, hat: str) -> str:
    age = person.age
    word = "young" if age < 30 else "" if age < 43 else "middle-aged" if age < 62 else "elderly"
    bald = "bald" if person.hair.style == "none" and hat in ("none", "headband") else ""
    return " ".join(filter(None, [word, bald, person.noun]))


def _with(scene: Scene) -> list[str]:
    """Hair, beard, make-up, freckles, glasses and hat."""
    hair, features, wear = scene.person.hair, scene.person.features, scene.wear
    found = []
    if _shows_hair(scene):
        words = _HAIR.get(hair.style, "{} hair")
        phrase = words.removeprefix("a ").format(hair.colour_name)
        found.append(_article(phrase) if words.startswith("a ") else phrase)
    if features.beard in _BEARDS and features.beard_density > 0.2:
        found.append(_BEARDS[features.beard])
    if scene.person.skin.freckles > 0.5:
        found.append("freckles")
    painted = [word for word in ("lipstick", "eyeshadow") if getattr(features, word) > 0.6]
    if painted and not (painted == ["eyeshadow"] and wear.glasses == "sun"):
        found.append("strong make-up" if len(painted) == 2 and wear.glasses != "sun" else painted[0])
    if wear.glasses != "none":
        found.append(_GLASSES.get(wear.glasses, f"{wear.glasses} glasses"))
    if wear.hat != "none":
        found.append(_article(f"{name_of(wear.hat_colour)} {_HATS.get(wear.hat, wear.hat)}"))
    return found


def _clothes(scene: Scene) -> str:
    wear = scene.wear
    if scene.shot.face_height > 0.4:  # too close to see them
        return ""
    pattern = _PATTERNS.get(wear.clothes_pattern, "")
    return "wearing " + _article(f"{pattern}{name_of(wear.clothes_colour)} {_CLOTHES.get(wear.clothes, wear.clothes)}")


def _eyes(scene: Scene) -> str:
    """Closed eyes, or where they look, if that is neither the camera nor behind dark glasses."""
    if scene.wear.glasses == "sun":
        return ""
    less, more = sorted(scene.blink)
    if more >= 0.75 and less < 0.2:
        return "with one eye closed"
    if less >= 0.75:
        return "with closed eyes"
    if less >= 0.4:  # of which raised cheeks may close the other half
        cheeks = list(ACTION_UNITS).index("AU6")
        return "with half-closed eyes" if max(side[cheeks] for side in scene.units) < 2 else ""
    if more >= 0.4:
        return ""
    across, up = scene.angles[0] + scene.gaze[0], scene.angles[1] + scene.gaze[1]
    where = [word for word, far in (("left", across <= -12), ("right", across >= 12)) if far]
    level = [word for word, far in (("down", up <= -10), ("up", up >= 10)) if far]
    if where or level:
        return "looking " + " and ".join([*level, *(f"to the {side}" for side in where)])
    turned = abs(scene.angles[0]) >= 12 or abs(scene.angles[1]) >= 10
    return "looking at the camera" if turned and np.hypot(across, up) < 5 else ""


def _turn(scene: Scene) -> str:
    yaw, pitch, roll = scene.angles
    found = []
    if abs(yaw) >= 12:
        found.append(f"turned {'far ' if abs(yaw) >= 30 else ''}to the {'right' if yaw > 0 else 'left'}")
    if abs(pitch) >= 10:
        found.append("raised" if pitch > 0 else "lowered")
    if abs(roll) >= 8:
        found.append(f"tilted to the {'left' if roll > 0 else 'right'}")
    return f"the head {_join(found)}" if found else ""


def _light(scene: Scene) -> str:
    """The key lamp, where it decides, and the one behind."""
    lamps = scene.lamps
    kind = "soft light" if lamps.softness >= 0.6 else "hard light" if lamps.softness <= 0.25 else "light"
    decides = lamps.key > 1.3 * lamps.fill
    words = f"in {kind}" if kind != "light" else ""
    if decides and 50 <= abs(lamps.azimuth) <= 130 and lamps.elevation < 50:
        words = f"in {kind} from the {'right' if lamps.azimuth > 0 else 'left'}"
    elif decides and lamps.elevation >= 50:
        words = f"in {kind} from above"
    if lamps.rim >= 0.4:
        words += " and lit from behind" if words else "lit from behind"
    return words


def _place(scene: Scene) -> str:
    ground = scene.background
    words = _PLACES.get(ground.kind, "")
    name = ground.colour_name
    if ground.kind == "gradient":  # whose far end is another colour
        end = name_of(mix(ground.colour, ground.second, 0.6))
        name = name if end == name else f"{name} and {end}"
    blurred = ground.kind in _FOCUS and ground.blur >= 0.015
    words = words.replace("a {}", _article(name)) if " a {}" in words else words.format(name)
    return words + (" that is out of focus" if blurred and ground.kind not in ("wood", "room") else "")


def true_traits(scene: Scene) -> dict[str, str | None]:
    """Trait -> its class as in `common.measure.traits`: "hair", "glasses", "beard"; None of hair that is not seen."""
    colour = scene.person.hair.colour_name.split()[-1]
    beard = scene.person.features.beard if scene.person.features.beard_density > 0.2 else "none"
    return {
        "hair": _HAIR_TRAITS.get(colour, "dyed") if _shows_hair(scene) else None,
        "glasses": {"none": "none", "sun": "dark"}.get(scene.wear.glasses, "clear"),
        "beard": {"goatee": "beard", "full": "beard"}.get(beard, beard),
    }


def _shows_hair(scene: Scene) -> bool:
    style = scene.person.hair.style
    return style != "none" and (scene.wear.hat in ("none", "headband") or style in UNDER_A_HAT)

"""Everything that decides a synthetic picture, as plain numbers and names: what is written here can be read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...core.errors import InputError
from ...face3d.appearance.skin import Colour, Features, Skin
from ...face3d.heads.head_units import HEAD_UNITS, UNITS

OTHERS = len(HEAD_UNITS) - len(UNITS)
"""How many units the head knows beside the editors'."""
BEARDS = ("none", "stubble", "moustache", "goatee", "full")


@dataclass(frozen=True)
class Hair:
    """Hair of the head.

    Attributes:
        style: one of `hair.HAIR_STYLES`.
        colour: of the strands.
        colour_name: the same in a word, for captions.
        length: over the style's own, 0.7 to 1.
        pattern: which of the style's random variants, any whole number.
    """

    style: str
    colour: Colour
    colour_name: str
    length: float = 1.0
    pattern: int = 0


@dataclass(frozen=True)
class Person:
    """All that stays the same between two pictures of one person.

    Attributes:
        number: who it is, unique under one seed.
        identity: 148 numbers, see `AnnyHead.identity_names`.
        noun: "woman", "man" or "person", as a caption would say.
        age: in years, 18 to 85.
        skin: see `Skin`.
        features: see `Features`.
        hair: see `Hair`.
    """

    number: int
    identity: tuple[float, ...]
    noun: str
    age: float
    skin: Skin
    features: Features
    hair: Hair


@dataclass(frozen=True)
class Wear:
    """What a person has put on; names as in `glasses`, `hats` and `clothes`, pattern numbers any whole number."""

    glasses: str = "none"
    glasses_colour: Colour = (0.02, 0.02, 0.02)
    hat: str = "none"
    hat_colour: Colour = (0.05, 0.07, 0.15)
    clothes: str = "crew neck"
    clothes_colour: Colour = (0.1, 0.15, 0.3)
    clothes_pattern: str = "plain"
    pattern: int = 0


@dataclass(frozen=True)
class Lamps:
    """Light on the face.

    Attributes:
        azimuth: of the key lamp in degrees, 0 from the camera, positive from the picture's right.
        elevation: of the key lamp in degrees, positive from above.
        key: its brightness on a white surface that faces it.
        key_colour: largest component 1.
        softness: 0 (a bare bulb, hard shadows) to 1 (a large window).
        fill: brightness of the light from everywhere.
        fill_colour: largest component 1.
        bounce: brightness of light from below, off the ground, in the clothes' and ground's colour.
        rim: brightness of a lamp behind the head.
        rim_azimuth: of the rim lamp, degrees.
    """

    azimuth: float = 30.0
    elevation: float = 30.0
    key: float = 0.8
    key_colour: Colour = (1.0, 0.96, 0.9)
    softness: float = 0.5
    fill: float = 0.35
    fill_colour: Colour = (0.9, 0.95, 1.0)
    bounce: float = 0.08
    rim: float = 0.0
    rim_azimuth: float = 150.0


@dataclass(frozen=True)
class Shot:
    """Pinhole and framing.

    Attributes:
        view: angle of view in degrees over the picture's side.
        face_height: from the chin to the brows, over the picture's side: how close the close-up is.
        shift: of the face's middle from the picture's, right and up, over the picture's side.
    """

    view: float = 20.0
    face_height: float = 0.36
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Background:
    """What is behind.

    Attributes:
        kind: one of `background.KINDS`.
        colour: its main colour.
        second: another.
        colour_name: the main colour in a word.
        blur: how far out of focus, in parts of the picture's side, 0 to 0.04.
        pattern: which random variant, any whole number.
    """

    kind: str = "wall"
    colour: Colour = (0.4, 0.4, 0.4)
    second: Colour = (0.25, 0.25, 0.25)
    colour_name: str = "grey"
    blur: float = 0.0
    pattern: int = 0


@dataclass(frozen=True)
class Capture:
    """What the camera does to the light.

    Attributes:
        exposure: in stops, 0 as metered.
        warmth: colour cast, -1 (bluish) to 1 (yellowish).
        contrast: of the tone curve, 0.8 to 1.2.
        blur: lens blur, standard deviation in pixels of a 256 picture.
        noise: standard deviation of the sensor's noise at mid-grey, of 255.
        jpeg: quality 30 to 100; 100 is no compression.
        vignette: darkening of the corners, 0 to 0.5.
        pattern: which noise, any whole number.
    """

    exposure: float = 0.0
    warmth: float = 0.0
    contrast: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    jpeg: int = 100
    vignette: float = 0.0
    pattern: int = 0


@dataclass(frozen=True)
class Scene:
    """One picture's every factor.

    Attributes:
        person: who.
        wear: in what.
        units: (2, 12) action-unit intensities 0 to 5, the person's left side, then the right, in the order of
            `common.facs.action_units.ACTION_UNITS`.
        blink: (left, right), 0 open to 1 closed.
        gaze: (yaw, pitch) of both eyes in degrees.
        angles: yaw, pitch, roll of the head in degrees.
        lamps: light.
        shot: camera.
        background: what is behind.
        capture: what the camera does.
        others: the same as `units`, -5 to 5, of the other units that the head knows: `HEAD_UNITS` from the thirteenth.
    """

    person: Person
    wear: Wear
    units: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,) * 12, (0.0,) * 12)
    blink: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lamps: Lamps = Lamps()
    shot: Shot = Shot()
    background: Background = Background()
    capture: Capture = Capture()
    others: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,) * OTHERS, (0.0,) * OTHERS)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scene:
        """The scene that `to_dict` wrote, also after a journey through JSON, which makes lists of tuples.

        Raises:
            InputError: a factor is missing or unknown.
        """
        return _read(cls, values, "scene")


def _read(kind: Any, values: Mapping[str, Any], name: str) -> Any:
    known = {field.name: str(field.type) for field in fields(kind)}
    if not isinstance(values, Mapping) or set(values) - set(known):
        got = ", ".join(values) if isinstance(values, Mapping) else repr(values)
        raise InputError(f"Cannot read the factors of {name}.\n  expected: {', '.join(known)}\n  got:      {got}")
    inner = {"Person": Person, "Wear": Wear, "Lamps": Lamps, "Shot": Shot, "Background": Background}
    inner |= {"Capture": Capture, "Skin": Skin, "Features": Features, "Hair": Hair}
    read = {
        key: _read(inner[known[key]], value, key) if known[key] in inner else _tuples(value)
        for key, value in values.items()
    }
    try:
        return kind(**read)
    except TypeError as error:
        raise InputError(f"Cannot read the factors of {name}: {error}.") from error


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value

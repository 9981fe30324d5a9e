"""Everything that decides a synthetic picture, as plain numbers and names: what is written here can be read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from ...core.errors import InputError
from ...face3d.appearance.skin import Colour, Features, Skin
from ...face3d.heads.head_units import HEAD_UNITS, UNITS

OTHERS = len(HEAD_UNITS) - len(UNITS)
"""How many units the head knows beside the editors'."""
BEARDS = ("none", "stubble", "moustache", "goatee", "full")


@dataclass(frozen=True)
class Hair:
    """Hair of the head."""

    style: str  # one of `hair.HAIR_STYLES`
    colour: Colour  # of the strands
    colour_name: str  # the same in a word, for captions
    length: float = 1.0  # over the style's own, 0.7 to 1
    pattern: int = 0  # which of the style's random variants, any whole number


@dataclass(frozen=True)
class Person:
    """All that stays the same between two pictures of one person."""

    number: int  # who it is, unique under one seed
    identity: tuple[float, ...]  # 148 numbers, see `AnnyHead.identity_names`
    noun: str  # "woman", "man" or "person", as a caption would say
    age: float  # in years, 18 to 85
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
    """Light on the face."""

    azimuth: float = 30.0  # of the key lamp in degrees, 0 from the camera, positive from the picture's right
    elevation: float = 30.0  # of the key lamp in degrees, positive from above
    key: float = 0.8  # its brightness on a white surface that faces it
    key_colour: Colour = (1.0, 0.96, 0.9)  # largest component 1
    softness: float = 0.5  # 0 (a bare bulb, hard shadows) to 1 (a large window)
    fill: float = 0.35  # brightness of the light from everywhere
    fill_colour: Colour = (0.9, 0.95, 1.0)  # largest component 1
    bounce: float = 0.08  # brightness of light from below, off the ground, in the clothes' and ground's colour
    rim: float = 0.0  # brightness of a lamp behind the head
    rim_azimuth: float = 150.0  # of the rim lamp, degrees


@dataclass(frozen=True)
class Shot:
    """Pinhole and framing."""

    view: float = 20.0  # angle of view in degrees over the picture's side
    face_height: float = 0.36  # from the chin to the brows, over the picture's side: how close the close-up is
    # of the face's middle from the picture's, right and up, over the picture's side
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Background:
    """What is behind."""

    kind: str = "wall"  # one of `background.KINDS`
    colour: Colour = (0.4, 0.4, 0.4)  # its main colour
    second: Colour = (0.25, 0.25, 0.25)  # another
    colour_name: str = "grey"  # the main colour in a word
    blur: float = 0.0  # how far out of focus, in parts of the picture's side, 0 to 0.04
    pattern: int = 0  # which random variant, any whole number


@dataclass(frozen=True)
class Capture:
    """What the camera does to the light."""

    exposure: float = 0.0  # in stops, 0 as metered
    warmth: float = 0.0  # colour cast, -1 (bluish) to 1 (yellowish)
    contrast: float = 1.0  # of the tone curve, 0.8 to 1.2
    blur: float = 0.0  # lens blur, standard deviation in pixels of a 256 picture
    noise: float = 0.0  # standard deviation of the sensor's noise at mid-grey, of 255
    jpeg: int = 100  # quality 30 to 100; 100 is no compression
    vignette: float = 0.0  # darkening of the corners, 0 to 0.5
    pattern: int = 0  # which noise, any whole number


@dataclass(frozen=True)
class Scene:
    """One picture's every factor."""

    person: Person  # who
    wear: Wear  # in what
    # (2, 12) action-unit intensities 0 to 5, the person's left side, then the right, in the order of
    # `common.facs.action_units.ACTION_UNITS`
    units: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,) * 12, (0.0,) * 12)
    blink: tuple[float, float] = (0.0, 0.0)  # (left, right), 0 open to 1 closed
    gaze: tuple[float, float] = (0.0, 0.0)  # (yaw, pitch) of both eyes in degrees
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)  # yaw, pitch, roll of the head in degrees
    lamps: Lamps = Lamps()  # light
    shot: Shot = Shot()  # camera
    background: Background = Background()  # what is behind
    capture: Capture = Capture()  # what the camera does
    # the same as `units`, -5 to 5, of the other units that the head knows: `HEAD_UNITS` from the thirteenth
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
    kinds = hints(kind)
    if not isinstance(values, Mapping) or set(values) - set(kinds):
        raise InputError(f"Cannot read the factors of {name}.", code="unknown", expected=[*kinds], actual=values)
    read = {
        key: _read(kinds[key], value, key) if is_dataclass(kinds[key]) else _tuples(value)
        for key, value in values.items()
    }
    try:
        return kind(**read)
    except TypeError as error:
        raise InputError(f"Cannot read the factors of {name}: {error}.", code="missing") from error


@cache
def hints(kind: type) -> dict[str, Any]:
    """Name -> type of the factors in a class of them."""
    return get_type_hints(kind)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value

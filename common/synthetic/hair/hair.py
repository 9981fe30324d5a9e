"""Hair: ribbons over a dark cap, grown on the mean head once and fitted to a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.errors import InputError
from ..wear.hats import HATS, covered
from ..wear.layers import Bound, Layer, Skull, checked, checked_colour, floats, joined, smooth, unit
from ..wear.scalp import CENTRE, hairline, scale_of, scalp, surface, temples
from .strands import Strands, Style, grow, resample

_PRESSED = 0.0045  # metres from the skin to which a hat presses hair

_STYLES: dict[str, Style | None] = {
    "none": None,
    "buzz": Style(
        "whorl", 0.008, 0.006, volume=0.002, lift=0.5, width=0.0014, strands=8000, segments=2, clump=0.0, loose=0.3
    ),
    "crew": Style("forward", 0.026, 0.011, volume=0.009, lift=0.6, width=0.0015, strands=5500, segments=4, loose=0.2),
    "receding": Style(
        "whorl", 0.030, 0.018, volume=0.006, lift=0.35, width=0.0016, strands=5500, segments=4, loss=0.035
    ),
    "side part": Style("part", 0.085, 0.025, volume=0.014, lift=0.35, strands=3600, segments=6, cling=0.6),
    "swept back": Style("back", 0.10, 0.045, volume=0.016, lift=0.45, strands=3600, segments=6, fall=0.15, cling=0.6),
    "fringe": Style("forward", 0.085, 0.040, volume=0.015, lift=0.35, strands=3600, segments=6),
    "curly short": Style(
        "whorl",
        0.07,
        0.04,
        volume=0.030,
        lift=0.7,
        fall=0.1,
        curl=0.006,
        turn=0.026,
        clump=0.5,
        lock=7,
        strands=2000,
        segments=11,
        width=0.003,
        shell=0.3,
        cling=0.6,
        blunt=0.3,
    ),
    "afro": Style(
        "out",
        0.075,
        0.06,
        volume=0.045,
        lift=1.0,
        fall=0.0,
        curl=0.005,
        turn=0.018,
        clump=0.3,
        lock=5,
        loose=0.25,
        strands=1600,
        segments=14,
        width=0.0034,
        shell=0.45,
        cling=0.0,
        blunt=0.5,
    ),
    "bob": Style(
        "part", 0.21, 0.15, volume=0.016, lift=0.25, fall=0.8, strands=2300, segments=10, width=0.0034, blunt=0.4
    ),
    "long straight": Style(
        "part", 0.42, 0.34, volume=0.013, lift=0.2, fall=0.9, part=0.0, strands=1650, segments=14, width=0.0044
    ),
    "long wavy": Style(
        "part",
        0.42,
        0.34,
        volume=0.018,
        lift=0.3,
        fall=0.8,
        curl=0.011,
        turn=0.11,
        clump=0.4,
        lock=16,
        strands=1250,
        segments=19,
        width=0.0052,
    ),
    "bun": Style("tie", 0.17, 0.15, volume=0.006, lift=0.1, fall=0.0, strands=2400, segments=8, knot="bun", cling=0.6),
    "ponytail": Style(
        "tie", 0.18, 0.16, volume=0.006, lift=0.1, fall=0.0, strands=1900, segments=10, knot="ponytail", cling=0.6
    ),
    "locs": Style(
        "part",
        0.26,
        0.22,
        volume=0.022,
        lift=0.4,
        fall=0.8,
        curl=0.0042,
        turn=0.03,
        clump=1.0,
        lock=9,
        blunt=0.9,
        strands=1250,
        segments=19,
        width=0.0036,
        part=0.0,
    ),
}
HAIR_STYLES = tuple(_STYLES)


def hair(
    style: str,
    skull: Skull,
    rng: np.random.Generator,
    *,
    colour: np.ndarray,
    length: float = 1.0,
    detail: float = 1.0,
    mirrored: bool | None = None,
    under_hat: str = "none",
) -> Layer | None:
    """Grow hair of a style of `HAIR_STYLES` on a head: a layer of part "hair" with tangents, or None for "none". The
    first hair of a style in a process takes about a second; then a person takes hundredths of one.

    `rng` draws what differs between people of one style: length, volume, waves, the hairline, each strand's tone, and
    whether the parting is on the right unless `mirrored` says so. `colour` (3,) is albedo in linear light, [0, 1];
    roots are darker and tips lighter. `length` and `detail`, in (0, 1], are fractions of the style's full length and
    of its strands, wider the fewer they are: the picture's width / 512. Beneath `under_hat`, of `HATS`, hair is pressed
    flat or left out.

    Raises InputError for an unknown name, or a number or colour that cannot be used.
    """
    plan = checked("hair style", style, _STYLES)
    checked("hat", under_hat, dict.fromkeys(HATS))
    colour = checked_colour(colour)
    for name, value in (("length", length), ("detail", detail)):
        if not 0 < value <= 1:
            raise InputError(f"The {name} of hair is out of range.", code="range", expected="(0, 1]", actual=value)
    if plan is None:
        return None
    drawn = bool(rng.integers(2))
    request = Request(colour, length, detail, drawn if mirrored is None else mirrored, under_hat)
    return fitted(plan, request, skull, rng)


@dataclass(frozen=True)
class Request:
    """The request for a person's hair; see `hair`."""

    colour: np.ndarray
    length: float
    detail: float
    mirrored: bool
    under_hat: str


@dataclass(frozen=True)
class _Fitted:
    """N strands on a person: (N, S + 1, ...) points, normals beneath, fraction of the head's turn, hat's weight."""

    points: np.ndarray
    normals: np.ndarray
    follow: np.ndarray
    pressed: np.ndarray


def fitted(plan: Style, request: Request, skull: Skull, rng: np.random.Generator) -> Layer:
    """One person's hair in a style."""
    strands = grow(plan, request.mirrored)
    line = _Hairline(plan, rng)
    count = max(int(len(strands.points) * request.detail), 1)
    above = strands.inside[:count] - line.raised(strands.roots[:count])
    keep = np.flatnonzero((above > rng.normal(0, 0.0025, count)) | strands.tied[:count])
    if request.under_hat != "none":  # what lies wholly beneath a hat is never seen
        size = strands.points.shape[1]
        hidden = covered(request.under_hat, strands.points[keep].reshape(-1, 3)).reshape(-1, size).min(1) > 0.004
        keep = keep[~hidden]
    fit = _fit(plan, request, strands, keep, skull, rng)
    ribbons = _ribbons(plan, request, strands, keep, fit, skull, rng)
    cap = _cap(plan, request, line, skull, rng)
    vertices, triangles, colour, follow, normals, tangents = joined([ribbons, cap])
    return Layer("hair", vertices, triangles, colour, follow, normals, tangents, gloss=0.15 if plan.turn else 0.3)


class _Hairline:
    """One person's hairline relative to the mean one."""

    def __init__(self, plan: Style, rng: np.random.Generator) -> None:
        self.height = float(np.clip(rng.normal(0.0, 0.004), -0.008, 0.009))
        self.loss = plan.loss * rng.uniform(0.6, 1.3) + rng.uniform(0, 0.007)
        self.waves, self.phase = rng.normal(0, 0.0012, 4), rng.uniform(0, 2 * np.pi, 4)

    def raised(self, points: np.ndarray) -> np.ndarray:
        """How much higher the hairline is at places (N, 3) of the mean head, metres."""
        angle = np.arctan2(points[:, 0], points[:, 2] - CENTRE[2])
        uneven = sum(size * np.sin(k * angle + phase) for k, size, phase in zip((3, 5, 9, 14), self.waves, self.phase))
        front = smooth(points[:, 2], -0.05, -0.01)
        return (self.height * front + self.loss * temples(points) + uneven).astype(np.float32)


def _fit(
    plan: Style, request: Request, strands: Strands, keep: np.ndarray, skull: Skull, rng: np.random.Generator
) -> _Fitted:
    """Bring the mean head's strands to a person's head, and give them this person's length, volume, waves and wind."""
    size, head, count = strands.points.shape[1], surface(), len(keep)
    segments = max(round(plan.segments * min(1.0, 0.45 + 0.55 * request.detail)), min(plan.segments, 2))
    rows = (keep[:, None] * size + np.arange(size)).ravel()
    values = [skull.vertices, skull.vertices - head.vertices, head.calm(skull.normals), skull.head_weight[:, None]]
    moved = Bound(strands.bound.corners[rows], strands.bound.weights[rows]).on(
        np.concatenate(values, 1).astype(np.float32)
    )
    wave = np.float32(rng.uniform(0.6, 1.3)) if plan.turn else np.float32(0)
    mean = strands.points[keep].reshape(-1, 3) + wave * strands.curls[keep].reshape(-1, 3)
    under = np.maximum(covered(request.under_hat, mean), covered(request.under_hat, moved[:, :3] - moved[:, 3:6]))[
        :, None
    ]
    table = np.concatenate([mean + moved[:, 3:6], moved[:, :3], moved[:, 6:], under], 1)
    fraction = request.length * rng.uniform(0.75, 0.95) * rng.uniform(0.85, 1.1, count)
    table = resample(table.reshape(count, size, -1), np.clip(fraction, 0.02, 1.0), segments)
    points, places, normals = table[..., :3], table[..., 3:6], unit(table[..., 6:9])
    along = np.linspace(0, 1, segments + 1, dtype=np.float32)[None, :]
    wind, phase = rng.normal(0, 22, (3, 3)).astype(np.float32), rng.uniform(0, 2 * np.pi, 3).astype(np.float32)
    points = points + np.sin(points @ wind + phase) * (0.008 * plan.length**0.5 * along[..., None])
    height = np.einsum("nsi,nsi->ns", points - places, normals)
    least = (0.0016 + 0.0014 * strands.rank[keep, None]) * np.minimum(along * 3, 1) - 0.0002
    thicker = np.float32(rng.uniform(-0.2, 0.25)) * ~strands.tied[keep, None]
    wanted = np.maximum(height + thicker * np.minimum(height, plan.volume), least)
    pressed = np.zeros_like(wanted)
    if request.under_hat != "none":
        under = table[..., 10]
        wanted = np.minimum(wanted, _PRESSED * scale_of(skull) + 0.9 * np.maximum(-0.004 - under, 0))
        pressed = smooth(under, -0.02, -0.005)
    points = points + normals * (wanted - height)[..., None]
    tied = strands.tied[keep]
    if tied.any():  # what hangs free faces away from its own middle
        middle = points[tied].mean((0, 1) if plan.knot == "bun" else 0, keepdims=True)
        normals[tied] = unit(points[tied] - middle)
    follow = np.minimum.accumulate(np.clip(table[..., 9], 0.35, 1), 1)
    follow = np.where(tied[:, None], 1 - (0.25 if plan.knot == "ponytail" else 0.0) * along, follow)
    return _Fitted(points.astype(np.float32), normals, follow, pressed)


_Mesh = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _ribbons(
    plan: Style,
    request: Request,
    strands: Strands,
    keep: np.ndarray,
    fit: _Fitted,
    skull: Skull,
    rng: np.random.Generator,
) -> _Mesh:
    """Vertices, triangles, colours, follow, normals and tangents of two rows of vertices along each strand."""
    points, normals = fit.points, fit.normals
    count, size = points.shape[:2]
    along = np.linspace(0, 1, size, dtype=np.float32)[None, :, None]
    tangents = np.empty_like(points)
    tangents[:, 1:-1] = points[:, 2:] - points[:, :-2]
    tangents[:, 0], tangents[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    tangents = unit(tangents)
    side = unit(np.cross(tangents, normals) + np.float32(1e-5))
    twist = rng.normal(0, 0.45, (count, 1, 1)).astype(np.float32) * (1 - 0.8 * fit.pressed[..., None])
    side = side * np.cos(twist) + np.cross(tangents, side) * np.sin(twist)
    facing = np.cross(side, tangents)
    facing = facing * np.where(np.einsum("nsi,nsi->ns", facing, normals) < 0, -1, 1)[..., None]
    width = np.float32(plan.width * scale_of(skull) / request.detail**0.5)
    half = width / 2 * np.minimum(1, (1 - along) * 2.2 + plan.blunt) * np.minimum(1, 0.5 + 2 * along)
    half = half * rng.uniform(0.7, 1.3, (count, 1, 1)).astype(np.float32)
    vertices = np.stack([points - side * half, points + side * half], 2)  # (N, S + 1, 2, 3)
    rough = rng.normal(0, 0.12, (count, 1, 3)).astype(np.float32)
    soft = unit(normals * 0.65 + facing * 0.35 + rough)
    colour = _colours(request, strands, keep, along, rng)
    number = np.arange(count * size * 2, dtype=np.int32).reshape(count, size, 2)
    a, b, c, d = number[:, :-1, 0], number[:, :-1, 1], number[:, 1:, 0], number[:, 1:, 1]
    triangles = np.stack([a, b, c, b, d, c], -1).reshape(-1, 3)
    follow = np.repeat(fit.follow.ravel(), 2)
    soft, tangents = (np.repeat(v.reshape(-1, 3), 2, 0) for v in (soft, tangents))
    return vertices.reshape(-1, 3), triangles, colour, follow, soft, tangents


def _colours(
    request: Request, strands: Strands, keep: np.ndarray, along: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Colours (N (S + 1) 2, 3): darker at roots and deep in the hair, one edge of a ribbon lighter."""
    count = len(keep)
    lock = rng.normal(1, 0.10, len(strands.points)).astype(np.float32)[strands.lock[keep]]
    tone = (0.42 + 0.58 * strands.rank[keep] ** 0.8) * lock * rng.uniform(0.85, 1.15, count).astype(np.float32)
    tone = tone[:, None, None] * (0.6 + 0.55 * along**0.6)  # (N, S + 1, 1)
    edge = 1 + rng.uniform(-0.18, 0.18, (count, 1, 1, 1)).astype(np.float32) * floats([-1, 1])[:, None]
    hue = request.colour * rng.normal(1, 0.05, (count, 3)).astype(np.float32)
    return np.clip(tone[:, :, None] * edge * hue[:, None, None], 0, 1).reshape(-1, 3)


def _cap(plan: Style, request: Request, line: _Hairline, skull: Skull, rng: np.random.Generator) -> _Mesh:
    """A dark layer on the scalp, through which no skin shines; its edge sinks into the skin."""
    patch, head = scalp(2 if request.detail > 0.4 else 1), surface()
    mean = patch.bound.on(head.vertices)
    inside = hairline(mean) - line.raised(mean)
    shell = max(plan.shell * plan.volume, 0.0011)
    if request.under_hat != "none":
        shell = np.where(covered(request.under_hat, mean) > -0.01, np.minimum(shell, 0.004), shell)
    off = np.interp(inside, [-0.001, 0.007], [-0.001, 0.0008]) + (shell - 0.0008) * smooth(inside, 0.007, 0.035)
    used, triangles = np.unique(patch.triangles[(inside[patch.triangles] > 0).any(1)], return_inverse=True)
    mean, off = mean[used], off[used, None]
    normals = unit(patch.bound.on(skull.normals))[used]
    vertices = patch.bound.on(skull.vertices)[used] + normals * off
    normals = unit(normals + rng.normal(0, 0.25, normals.shape))  # rough, or it shines like a helmet
    down = floats([0, -1, -0.3])
    tangents = unit(down - normals * (normals @ down)[:, None])
    depth = 0.6 if plan.length < 0.01 else 0.42  # the shortest hair does not shade itself
    colour = np.clip(depth * request.colour * rng.uniform(0.8, 1.2, (len(used), 1)), 0, 1)
    follow = patch.bound.on(skull.head_weight)[used]
    return vertices, triangles.reshape(-1, 3), colour, follow, normals, tangents

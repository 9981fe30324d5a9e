"""Wishes -> what the network sees: coefficients as the vector, background and render as the guides."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from common.draft.change import TURN_SCALE
from common.errors import InputError
from common.faces import Crop, Face
from common.rig import Rig, shared_guides
from common.subject import Subject
from common.tensors import to_tensor

from .conditions import Conditions
from .reconstruct import Look
from .wish import NEUTRAL, RigWish, as_list, to_wish

log = logging.getLogger(__name__)

TURNS = {"yaw": 15.0, "pitch": 12.0, "roll": 15.0}
"""Degrees by which a draft turns a head at most: beyond, it would show too much that the photo does not."""


@dataclass(frozen=True, eq=False)
class Target:
    """A photo to copy from; a value, good for any number of edits. A `Subject` will do as well.

    Attributes:
        name: of the photo, where it has one.
        face: the chosen face, in photo pixels.
        crop: how the crop round it lies in the photo.
        labels: (S, S) uint8, its parts in the 19 CelebAMask classes.
        region: (S, S) bool, where the person is.
        seen: the face as the reconstructor saw it.
    """

    name: str
    face: Face = field(repr=False)
    crop: Crop = field(repr=False)
    labels: np.ndarray = field(repr=False)
    region: np.ndarray = field(repr=False)
    seen: Look = field(repr=False)


@dataclass(frozen=True)
class Still:
    """A wish's draft, to be left as it is.

    Attributes:
        wish: the wish.
    """

    wish: RigWish


class ConditionsRigger:
    """Coefficients as the vector (B, V); background and render as guides, in the order of the network's channels."""

    neutral = NEUTRAL

    def as_list(self, wish: Any) -> list[Any] | None:
        """The wishes of a list of them; None for a single one."""
        return as_list(wish)

    def plain(self, wish: RigWish | Still) -> dict[str, Any]:
        """Light, pose and expression, and what was copied from which photo; of a draft that stays, those it shows."""
        return _wished(wish).plain()

    def twin(self, subject: Subject, wish: RigWish) -> RigWish | Still:
        """The wish's draft as it is; nothing at all where nobody drafts."""
        return Still(wish) if getattr(getattr(subject.seen, "reconstructor", None), "drafts", False) else NEUTRAL

    def draft(self, subject: Subject, wish: RigWish | Still) -> np.ndarray:
        """The photo moved and lit by the head that was fitted to it, see `common.draft`.

        Raises:
            InputError: a prepared crop, a turn beyond `TURNS`, or a wish to copy where another reconstructor has looked
                at the target.
        """
        from .rendered.reconstruct import Rendered, Seen  # another reconstructor alone would not need it

        plain = _wished(wish)
        look = _look(subject, "subject")
        if not isinstance(look.reconstructor, Rendered):
            if plain.copy:
                raise InputError(
                    "A draft copies what the toolkit's own head saw of a target; another reconstructor has looked.\n"
                    '  make the editor with reconstructor="embedded", or by drafting()'
                )
            photo = subject.draft  # an error for a prepared crop
            assert subject.face is not None
            look = Look(Rendered(), Seen(photo, subject.face))
        own = look.reconstructor
        assert isinstance(own, Rendered)
        target = _target(look, plain)
        change = own.change(look.seen, target and target.seen, plain.copy, plain)
        _check_turn(change.vector()[12:15].numpy() * TURN_SCALE)
        return own.draft(look.seen, change, subject.crop, _labels(subject))

    def __call__(self, subjects: Sequence[Subject], wishes: Sequence[RigWish | Still]) -> Rig:
        """One row for each wish; their targets have been looked at.

        Raises:
            InputError: a wish, subject or target that cannot be used.
        """
        made: dict[tuple[int, int], Conditions] = {}  # a wish and its twin share their draft

        def row(subject: Subject, wish: RigWish | Still) -> Conditions:
            plain = _wished(wish)
            key = id(subject), id(plain)
            if key not in made:
                made[key] = conditions_of(subject, plain)
            return made[key].still() if isinstance(wish, Still) else made[key]

        rows = [row(subject, wish) for subject, wish in zip(subjects, wishes)]
        for note in dict.fromkeys(note for row in rows for note in row.notes):
            log.info(note)
        vector = torch.from_numpy(np.stack([row.coefficients for row in rows]))
        own = all(np.array_equal(row.background, subject.background) for row, subject in zip(rows, subjects))
        # A new pose alone changes the background: without one, it was encoded with the photo.
        (background,) = shared_guides(subjects) if own else (_pictures([row.background for row in rows]),)
        regions = tuple(_region(row, subject) for row, subject in zip(rows, subjects))
        guides = background, _pictures([row.render for row in rows])
        return Rig(vector, guides, regions, tuple(row.draft for row in rows))


def _wished(wish: RigWish | Still) -> RigWish:
    return wish.wish if isinstance(wish, Still) else to_wish(wish)


def conditions_of(subject: Subject, wish: RigWish) -> Conditions:
    """What the network will see of a wish.

    Raises:
        InputError: the subject or the target was not made by `RigFace`, or not by the same reconstructor.
    """
    wish, look = to_wish(wish), _look(subject, "subject")
    target, made = _target(look, wish), wish.target
    return look.reconstructor.conditions(
        look.seen, target and target.seen, wish.copy, subject.crop, _labels(subject),
        None if target is None else _labels(made), wish, target_crop=None if target is None else made.crop,
    )  # fmt: skip


def _target(look: Look, wish: RigWish) -> Look | None:
    """What was seen of whom a wish copies."""
    if not wish.copy:
        return None
    target = _look(wish.target, "target")
    if target.reconstructor is not look.reconstructor:
        raise InputError(
            "Subject and target were seen by different reconstructors; look at both with one editor, and give a "
            "photo, not a prepared crop, to copy from or onto."
        )
    return target


def _region(row: Conditions, subject: Subject) -> np.ndarray:
    if row.region is not None:
        return row.region
    return subject.region | (row.background != subject.background).any(2)


def _check_turn(degrees: np.ndarray) -> None:
    for (name, limit), angle in zip(TURNS.items(), degrees.tolist()):
        if abs(angle) > limit + 1e-3:
            raise InputError(
                "Without networks, a photo cannot be turned so far: it does not show what would come to light.\n"
                f"  expected: at most {limit:g} degrees of {name} from the photo's own\n"
                f"  got:      {angle:.0f} degrees\n"
                "  ask for fewer degrees, or take networks: rigface download fetches the published ones"
            )


def _look(made: Any, name: str) -> Look:
    look = getattr(made, "seen", None)
    if not isinstance(look, Look):
        raise InputError(
            f"The {name} was not seen in 3D; got {type(made).__name__}.\n"
            "  expected: what RigFace.encode returned (a target: RigFace.look)"
        )
    return look


def _labels(made: Subject | Target) -> Any:
    """(S, S) uint8, 0 where the extent keeps the photo; None for a prepared crop, whose parts nobody knows."""
    return None if made.labels is None else np.where(made.region, made.labels, 0).astype(np.uint8)


def _pictures(rows: list[np.ndarray]) -> torch.Tensor:
    """(B, 3, S, S) float32 in [0, 1]; (1, ...) where all are the same array."""
    same = all(row is rows[0] for row in rows)
    return torch.stack([to_tensor(row) for row in (rows[:1] if same else rows)])

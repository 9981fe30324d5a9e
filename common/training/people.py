"""Held-out people: rows of a list are split by who they show, so that no one is both trained on and validated on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from torch.utils.data import Subset

log = logging.getLogger(__name__)

COLUMNS = ("person", "subject", "identity", "person_id", "subject_id")
"""Names of the column that says who a row shows, in any case; a list may have one of them."""


class Part(Subset[Any]):
    """Some rows of a data set, in their own order.

    The fingerprint of the whole data is part of this one's.
    """

    def __init__(self, data: Any, rows: Sequence[int]) -> None:
        super().__init__(data, list(rows))
        digest = hashlib.sha256(repr(self.indices).encode()).hexdigest()[:16]
        self.fingerprint = f"{data.fingerprint} rows {digest}"

    def captions(self) -> list[str]:
        """The caption of every row, of data that have them."""
        every = self.dataset.captions()  # type: ignore[attr-defined]
        return [every[row] for row in self.indices]


def person_of(row: Any) -> tuple[str | None, str | None]:
    """Column and value that say who a row shows; (None, None) without such a column, an empty value is None."""
    column = next((key for key in row if str(key).strip().lower() in COLUMNS), None)
    value = None if column is None else row[column]
    return column, None if value is None or not str(value).strip() else str(value).strip()


def groups(people: Sequence[str | None], pictures: Sequence[Iterable[str]]) -> list[str]:
    """For each row the name of its group: rows of one person, or with a picture in common, are in one group.

    A person is None where it is unknown; `pictures` are names.
    """
    parent: dict[str, str] = {}

    def top(label: str) -> str:
        while parent.setdefault(label, label) != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    labels = []
    for person, names in zip(people, pictures):
        own = [*([] if person is None else [f"person {person}"]), *(f"picture {name}" for name in names)]
        labels.append(own[0])
        for label in own:
            one, other = sorted((top(own[0]), top(label)))
            parent[other] = one
    return [top(label) for label in labels]


def split(of: Sequence[str], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Rows to train on, and rows of held-out groups, one of each group in turn, so that the first show many people.

    `of` is the group of each row; a `fraction` of the groups is held out: at least one, and never all.
    """
    names = sorted(set(of), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    count = min(max(1, round(fraction * len(names))), len(names) - 1)
    apart = set(names[:count])
    return [row for row, name in enumerate(of) if name not in apart], in_turn(of, apart)


def in_turn(of: Sequence[str], chosen: Iterable[str] | None = None) -> list[int]:
    """Rows of the chosen groups (None: of all), one of each group in turn."""
    wanted = set(of) if chosen is None else set(chosen)
    seen: dict[str, int] = {}
    turns: list[tuple[int, int]] = []
    for row, name in enumerate(of):
        if name in wanted:
            turns.append((seen.get(name, 0), row))
            seen[name] = seen.get(name, 0) + 1
    return [row for _, row in sorted(turns)]


def hold_out(data: Any, held_out: Any | None, fraction: float, seed: int, key: str) -> tuple[Any, Any | None, str]:
    """Data to train on, held-out data, and what the model card says of both.

    `data` has `people` and `pictures_of` its rows. `held_out` is another list that the user names for it, or None,
    which splits `data` by a `fraction` of its people, 0 for none. `key` of the config names another list, for messages.
    """
    known = groups(data.people, data.pictures_of)
    named = all(person is not None for person in data.people)
    kind = "people" if named else "source photos"
    if held_out is not None:
        both = {*_labels(data)} & {*_labels(held_out)}
        if both:
            log.warning(
                "%d people or pictures of the held-out list are trained on too (%s ...): validation looks better than "
                "it is",
                len(both),
                min(both),
            )
        rows = in_turn(groups(held_out.people, held_out.pictures_of))
        summary = f"{len(data)} rows ({len(set(known))} {kind}); validated on {len(held_out)} rows of a list of its own"
        return data, Part(held_out, rows), f"{summary}{', which shares some of them' * bool(both)}."
    if not fraction:
        return data, None, f"{len(data)} rows ({len(set(known))} {kind}); none held out."
    if len(set(known)) < 2:
        log.warning("the list shows one person or photo alone, so none can be held out; name another list: %s", key)
        return data, None, f"{len(data)} rows of one person or photo; none held out."
    if not named:
        log.warning(
            "the list does not say who its pictures show (a column %s), so whole source photos are held out; one person"
            " may be on both sides",
            " or ".join(COLUMNS[:2]),
        )
    train, apart = split(known, fraction, seed)
    people = len({known[row] for row in train}), len({known[row] for row in apart})
    summary = f"{len(train)} rows of {people[0]} {kind}; held out: {len(apart)} rows of {people[1]} other {kind}"
    return Part(data, train), Part(data, apart), f"{summary}{'' if named else ', who may be the same people'}."


def _labels(data: Any) -> Iterable[str]:
    for person, names in zip(data.people, data.pictures_of):
        yield from ([] if person is None else [f"person {person}"])
        yield from names

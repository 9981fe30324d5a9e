"""AU variations -> what the network sees: the 12-vector, and the subject's background as the one guide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from common.action_units import ACTION_UNITS, AUWish, as_list, to_vector
from common.draft.change import Change
from common.rig import Rig, shared_guides
from common.subject import Subject


class ActionUnitRigger:
    """AU *variations* (wanted minus present intensity) as the vector (B, 12), the background as guide."""

    neutral: AUWish = {}  # noqa: RUF012 - read only

    def as_list(self, wish: Any) -> list[AUWish] | None:
        """The wishes of a list of them; None for a single one, of which 12 numbers are one form."""
        return as_list(wish)

    def plain(self, wish: AUWish) -> dict[str, float]:
        """Units and how much they change."""
        return {name: value for name, value in zip(ACTION_UNITS, to_vector(wish)) if value}

    def twin(self, subject: Subject, wish: AUWish) -> AUWish:
        """The wish that changes nothing."""
        return self.neutral

    def draft(self, subject: Subject, wish: AUWish) -> np.ndarray:
        """The photo with the face moved by its own fitted head, see `common.draft`."""
        photo = subject.draft
        units = torch.tensor(to_vector(wish), dtype=torch.float32)
        return photo(Change(units, torch.eye(3), photo.light, photo.light))

    def __call__(self, subjects: Sequence[Subject], wishes: Sequence[AUWish]) -> Rig:
        """One row for each wish.

        Raises:
            ActionUnitError, ShapeError: a wish that cannot be understood.
        """
        return Rig(torch.tensor([to_vector(wish) for wish in wishes]), shared_guides(subjects))

"""Scores of pooled predictions: all folds' are laid together and scored once, never averaged over folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.action_units.named_values import check_labels
from common.errors import ShapeError


def confusion(truth: Sequence[int] | np.ndarray, found: Sequence[int] | np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes): rows are the truth, columns what was found.

    Raises:
        ShapeError: not as many predictions as truths.
    """
    check_labels(truth, found)
    truth, found = np.asarray(truth, int), np.asarray(found, int)
    if truth.shape != found.shape or truth.ndim != 1:
        raise ShapeError("predictions", f"one for each of {truth.shape} truths", found.shape)
    return np.bincount(classes * truth + found, minlength=classes**2).reshape(classes, classes)


def uf1(matrix: np.ndarray) -> float:
    """Unweighted F1: the mean over classes of 2 TP / (2 TP + FP + FN), MEGC2019's first score."""
    return float(np.mean(_share(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1))))


def uar(matrix: np.ndarray) -> float:
    """Unweighted average recall: the mean over classes of TP / (TP + FN), MEGC2019's second score."""
    return float(np.mean(_share(np.diag(matrix), matrix.sum(1))))


def macro_precision(matrix: np.ndarray) -> float:
    """The mean over classes of TP / (TP + FP): what STSTNet's paper prints as UAR."""
    return float(np.mean(_share(np.diag(matrix), matrix.sum(0))))


def accuracy(matrix: np.ndarray) -> float:
    """Share of all that is right."""
    return float(np.trace(matrix) / matrix.sum()) if matrix.sum() else 0.0


@dataclass(frozen=True)
class UnitScores:
    """F1 of action units, each a yes or no.

    Attributes:
        units: (K,) of each unit over all samples.
        groups: name of a data set -> the mean over units within it.
        unit_average: the mean of `units`; CD6ME's first average.
        group_average: the mean of `groups`; CD6ME's second.
    """

    units: tuple[float, ...]
    groups: dict[str, float]

    @property
    def unit_average(self) -> float:
        """See the class."""
        return float(np.mean(self.units))

    @property
    def group_average(self) -> float:
        """See the class."""
        return float(np.mean([*self.groups.values()]))


def unit_scores(truth: np.ndarray, found: np.ndarray, groups: Sequence[str], *, both_sides: bool = False) -> UnitScores:
    """F1 of each unit; one that is neither there nor found scores 0, as CD6ME counts.

    Args:
        truth: (N, K) of 0 and 1.
        found: (N, K) likewise.
        groups: (N,) the data set of each sample.
        both_sides: the mean of the F1 of presence and that of absence ("macro"), in place of the first alone.

    Raises:
        ShapeError: unlike shapes.
    """
    check_labels(truth, found)
    truth, found, names = np.asarray(truth, bool), np.asarray(found, bool), np.asarray(groups)
    if truth.shape != found.shape or truth.ndim != 2 or names.shape != truth.shape[:1]:
        raise ShapeError("predictions", f"as the truth, {truth.shape}, and a group for each row", found.shape)

    def scores(rows: np.ndarray) -> np.ndarray:
        one, two = truth[rows], found[rows]
        present = _share(2 * (one & two).sum(0), one.sum(0) + two.sum(0))
        absent = _share(2 * (~one & ~two).sum(0), (~one).sum(0) + (~two).sum(0))
        return (present + absent) / 2 if both_sides else present

    each = {str(name): float(scores(names == name).mean()) for name in dict.fromkeys(names.tolist())}
    return UnitScores(tuple(scores(np.full(len(truth), True)).tolist()), each)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.where(whole > 0, whole, 1)

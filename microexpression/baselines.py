"""What any network has to beat: chance, and a straight line on the same flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .inputs import read
from .protocols import Protocol

STRENGTH = 0.3
"""Of the ridge, for each feature; features have deviation 1."""


def chance(protocol: Protocol) -> np.ndarray:
    """(N, K) logits of one answer for all: each fold's most frequent class; every unit is there."""
    logits = np.zeros((len(protocol.samples), len(protocol.names)))
    for fold in protocol.folds:
        if protocol.units:
            logits[list(fold.test)] = 1
        else:
            counts = np.bincount([int(protocol.labels[row]) for row in fold.train], minlength=len(protocol.names))  # pyright: ignore[reportArgumentType]
            logits[list(fold.test), counts.argmax()] = 1
    return logits


def linear(protocol: Protocol, files: Sequence[Path]) -> np.ndarray:
    """(N, K) logits of ridge regression on the flow of each file of `inputs.prepare`, to -1 and 1 for each answer."""
    features = np.stack([read(path)["flow"].ravel() for path in files]).astype(np.float64)
    if protocol.units:
        targets = 2.0 * np.array(protocol.labels) - 1
    else:
        targets = 2.0 * np.eye(len(protocol.names))[np.array(protocol.labels, int)] - 1
    logits = np.zeros(targets.shape)
    for fold in protocol.folds:
        train, test = list(fold.train), list(fold.test)
        mean, spread = features[train].mean(0), features[train].std(0) + 1e-6
        rows, usual = (features - mean) / spread, targets[train].mean(0)
        kernel = rows[train] @ rows[train].T + STRENGTH * rows.shape[1] * np.eye(len(train))
        logits[list(fold.test)] = rows[test] @ rows[train].T @ np.linalg.solve(kernel, targets[train] - usual) + usual
    return logits

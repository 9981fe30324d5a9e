"""A trained network and its folder: weights, and a description of their use and training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from common.core.errors import CheckpointError
from common.core.finite import check_finite
from common.core.jsonio import read_config
from common.weights.state_dict import building, frozen

from .inputs import KINDS
from .models import Model, model_of
from .networks.rcn import RCN, Architecture

FACTS, WEIGHTS = "network.json", "network.safetensors"
EMBEDDED = Path(__file__).parent / "embedded"
AUTO = "rcn_auto"


@dataclass(frozen=True, eq=False)
class Reader:
    """A network for inference: names of its outputs, which are classes or `units`, size of its inputs in pixels, and
    description of its training data.
    """

    model: Model
    network: Any
    names: tuple[str, ...]
    units: bool
    size: int
    trained: str

    def inputs(self, frames: np.ndarray, apex: int, flow: np.ndarray | None = None) -> dict[str, torch.Tensor]:
        """The input of a clip from its onset on, a batch of one; see `probabilities`."""
        arrays = KINDS[self.model.kind](frames, apex, self.size, flow)
        return {name: torch.from_numpy(np.ascontiguousarray(value))[None] for name, value in arrays.items()}

    @torch.inference_mode()
    def probabilities(self, frames: np.ndarray, apex: int, flow: np.ndarray | None = None) -> np.ndarray:
        """(K,) of each class, which sum to 1, or of each unit by itself.

        `frames` (T, H, W, 3) uint8 of a cropped face start at the onset, `apex` is a row, and `flow` (2, h, w) from
        onset to apex is computed by default. Raises NonFiniteError: the network computed NaN or infinity.
        """
        logits = self.model.answer(self.network, self.inputs(frames, apex, flow))[0]
        check_finite(logits, "The answers", {"the network": self.network})
        return (logits.sigmoid() if self.units else logits.softmax(0)).numpy()

    @torch.inference_mode()
    def seen(self, frames: np.ndarray, apex: int, answer: int, flow: np.ndarray | None = None) -> np.ndarray | None:
        """(P, P): what each place adds to an output's logit, relative to the mean over the outputs (Zhou et al. 2016,
        with a classifier whose weights differ from place to place). None for networks without a spatial classifier.
        """
        if not hasattr(self.network, "features"):
            return None
        features = self.network.features(self.inputs(frames, apex, flow)["flow"])[0]  # (C, P, P)
        head = getattr(self.network, "classifier", None) or self.network.fc
        weights = head.weight.view(-1, *features.shape)
        own = weights[answer] if self.units else weights[answer] - weights.mean(0)
        return (own * features).sum(0).numpy()


def load_reader(folder: str | Path) -> Reader:
    """The network of a folder that a study wrote. Raises CheckpointError: missing or damaged files ("unreadable")."""
    folder = Path(folder).expanduser()
    facts = read_config(folder / FACTS, "train it again, or name another folder")
    try:
        names, units = tuple(map(str, facts["names"])), bool(facts["units"])
        size, width, trained = int(facts["size"]), float(facts["width"]), str(facts["trained"])
        name = str(facts["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError.unreadable(folder / FACTS, error, "train it again") from error
    model = model_of("rcn_a" if name == AUTO else name)
    with building(folder):
        if "architecture" in facts:
            network: nn.Module = RCN(Architecture(**facts["architecture"]), len(names))
        else:
            network = model.build(len(names), width)
    return Reader(model, frozen(network, folder / WEIGHTS), names, units, size, trained)

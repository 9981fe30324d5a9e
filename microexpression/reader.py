"""A trained network and its folder: weights, and the facts that say how to use them and what they have seen."""

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

from .inputs import BY_FLOW, KINDS, of_flow
from .models import Model, model_of
from .networks.rcn import RCN, Architecture

FACTS, WEIGHTS = "network.json", "network.safetensors"
EMBEDDED = Path(__file__).parent / "embedded"
AUTO = "rcn_auto"


@dataclass(frozen=True, eq=False)
class Reader:
    """A network that reads clips.

    Attributes:
        network: its weights, for inference.
        names: of its answers: classes, or action units.
        units: which of the two.
        size: of its inputs in pixels.
        trained: what it was trained on, in words.
    """

    model: Model
    network: Any
    names: tuple[str, ...]
    units: bool
    size: int
    trained: str

    def inputs(self, frames: np.ndarray, apex: int, flow: np.ndarray | None = None) -> dict[str, torch.Tensor]:
        """A clip from its onset on as the network sees it, a batch of one; by the flow to the apex if that is known."""
        if flow is not None and self.model.kind in BY_FLOW:
            arrays = BY_FLOW[self.model.kind](of_flow(flow, self.size))
        else:
            arrays = KINDS[self.model.kind](frames, apex, self.size)
        return {name: torch.from_numpy(np.ascontiguousarray(value))[None] for name, value in arrays.items()}

    @torch.inference_mode()
    def probabilities(self, frames: np.ndarray, apex: int, flow: np.ndarray | None = None) -> np.ndarray:
        """(K,): of each class, which sum to 1, or of each unit by itself, of frames (T, H, W, 3) uint8 of a cropped
        face, the onset first, and the row of its apex; `flow` (2, h, w) to it, where it is known.

        Raises NonFiniteError where the network answers NaN or infinity.
        """
        logits = self.model.answer(self.network, self.inputs(frames, apex, flow))[0]
        check_finite(logits, "The answers", {"the network": self.network})
        return (logits.sigmoid() if self.units else logits.softmax(0)).numpy()

    @torch.inference_mode()
    def seen(self, frames: np.ndarray, apex: int, answer: int, flow: np.ndarray | None = None) -> np.ndarray | None:
        """(P, P): what each place adds to an answer's logit, against its mean over the answers (Zhou et al. 2016, with
        weights of the classifier that differ from place to place). None for networks whose classifier sees no places.
        """
        if not hasattr(self.network, "features"):
            return None
        features = self.network.features(self.inputs(frames, apex, flow)["flow"])[0]  # (C, P, P)
        head = getattr(self.network, "classifier", None) or self.network.fc
        weights = head.weight.view(-1, *features.shape)
        own = weights[answer] if self.units else weights[answer] - weights.mean(0)
        return (own * features).sum(0).numpy()


def load_reader(folder: str | Path) -> Reader:
    """The network of a folder that a study wrote. Raises CheckpointError: no such folder, or damaged files."""
    folder = Path(folder).expanduser()
    facts = read_config(folder / FACTS, "train it anew, or name another folder")
    try:
        names, units = tuple(map(str, facts["names"])), bool(facts["units"])
        size, width, trained = int(facts["size"]), float(facts["width"]), str(facts["trained"])
        name = str(facts["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / FACTS} is damaged: {error!r}; train it anew.") from error
    model = model_of("rcn_a" if name == AUTO else name)
    with building(folder):
        if "architecture" in facts:
            network: nn.Module = RCN(Architecture(**facts["architecture"]), len(names))
        else:
            network = model.build(len(names), width)
    return Reader(model, frozen(network, folder / WEIGHTS), names, units, size, trained)

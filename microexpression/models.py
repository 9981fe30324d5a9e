"""The networks by name: inputs, outputs, losses, and training options of their authors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import InputError

from .inputs import PICTURES
from .networks.elrcn import ELRCN
from .networks.infusenet import InfuseNet
from .networks.rcn import RCN
from .networks.ststnet import STSTNet

Batch = Mapping[str, torch.Tensor]


def error(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of classes, labels (B,); binary cross-entropy of units, labels (B, K)."""
    if labels.ndim == 1:
        return F.cross_entropy(logits, labels)
    return F.binary_cross_entropy_with_logits(logits, labels.float())


@dataclass(frozen=True)
class Model:
    """A network by name.

    Attributes:
        kind: of its inputs, see `inputs.KINDS`; their `size` is in pixels.
        build: (number of outputs, width) -> the network.
        answer: (network, batch) -> logits (B, K).
        training: options of its authors or of MEB; the others are ours.
    """

    name: str
    kind: str
    size: int
    build: Callable[[int, float], nn.Module]
    answer: Callable[[Any, Batch], torch.Tensor] = lambda network, batch: network(batch["flow"])
    loss: Callable[[Any, Batch], torch.Tensor] = lambda network, batch: error(network(batch["flow"]), batch["label"])
    training: Mapping[str, Any] = field(default_factory=dict)


def _images_loss(network: Any, batch: Batch) -> torch.Tensor:
    """Both stages of ELRCN: images have their clip's label; the LSTM's gradients do not reach the trunks."""
    clip, frames = network(batch["images"], stages=True)
    each = [error(part.flatten(0, 1), batch["label"].repeat_interleave(part.shape[1], 0)) for part in frames]
    return error(clip, batch["label"]) + torch.stack(each).mean()


def _both(network: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    if "latents" in batch:  # of an untrained magnifier, see `inputs.with_latents`
        return network(batch["flow"], latents=batch["latents"])
    return network(*(batch[name] for name in ("flow", *PICTURES)))


def _by_both(network: Any, batch: Batch) -> torch.Tensor:
    return torch.stack(_both(network, batch)).mean(0)  # the paper does not say how the two are joined


def _both_loss(network: Any, batch: Batch) -> torch.Tensor:
    return sum((error(each, batch["label"]) for each in _both(network, batch)), torch.zeros(()))


def _rcn(letter: str) -> Model:
    options = {"optimizer": "sgd", "learning_rate": 5e-4, "epochs": 20, "batch_size": 64}
    return Model(f"rcn_{letter}", "rcn", 60, lambda answers, _: RCN(letter, answers), training=options)


def _elrcn(name: str, modalities: tuple[str, ...], enrichment: Any) -> Model:
    def build(answers: int, width: float) -> ELRCN:
        return ELRCN(answers, modalities, enrichment, width)

    options = {"learning_rate": 1e-5, "epochs": 100, "batch_size": 32}
    return Model(name, "elrcn", 224, build, lambda network, batch: network(batch["images"]), _images_loss, options)


_STSTNET = {"learning_rate": 5e-5, "epochs": 800, "batch_size": 256}
_INFUSENET = {"learning_rate": 1e-4, "weight_decay": 1e-3, "epochs": 50, "batch_size": 32}
MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("ststnet", "ststnet", 28, lambda answers, _: STSTNet(answers), training=_STSTNET),
        *(_rcn(letter) for letter in "aswpcf"),
        _elrcn("elrcn", ("flow",), "spatial"),
        _elrcn("elrcn_se", ("flow", "strain"), "spatial"),
        _elrcn("elrcn_te", ("flow", "strain"), "temporal"),
        Model(
            "infusenet", "infusenet", 224, lambda k, width: InfuseNet(k, width=width), _by_both, _both_loss, _INFUSENET
        ),
    )
}
"""Without "rcn_auto", whose parts are searched for, see `networks.rcn`."""


def model_of(name: str) -> Model:
    """A model by its name. Raises InputError: it is unknown (code "unknown")."""
    if name not in MODELS:
        raise InputError("The model is unknown.", code="unknown", expected=", ".join(MODELS), actual=name)
    return MODELS[name]

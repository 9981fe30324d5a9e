"""Face parsing with a SegFormer (Xie et al. 2021, arXiv 2105.15203) trained on CelebAMask, through transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import CheckpointError
from ..core.finite import check_weights
from ..core.jsonio import read_config
from ..core.notices import loading
from ..weights.state_dict import building, read_network
from .hub import MODEL, WEIGHTS, download, missing, on_disk, snapshot
from .labels import PARTS
from .networks import IMAGENET_MEAN, IMAGENET_STD, NetworkParser, Preprocessing


class SegFormerParser(NetworkParser):
    """Face parsing by a SegFormer whose class names are CelebAMask's, in whatever order.

    Args:
        model: a folder, or a repository of the Hugging Face hub.
        device: where the network runs.
        fetch: allow downloading; without it only this machine's disk is looked at.

    Raises:
        CheckpointError: the model has a class that CelebAMask does not know, or its weights do not fit.
        MissingCheckpointError: the model is not on this machine, or could not be fetched.
    """

    name = "segformer"

    def __init__(self, model: str | Path = MODEL, *, device: str = "cpu", fetch: bool = False) -> None:
        # transformers takes seconds to import, and most sessions never need this parser.
        from transformers import SegformerConfig, SegformerForSemanticSegmentation

        if fetch and not on_disk(model):
            download(str(model))
        folder = snapshot(model)
        if folder is None or not on_disk(model):
            raise missing(model, "it is not on this machine")
        state, path = read_network(folder, expected=WEIGHTS)
        with building(folder), loading():
            config = SegformerConfig.from_pretrained(folder, local_files_only=True)
            loaded: Any = SegformerForSemanticSegmentation.from_pretrained(
                None, config=config, state_dict=state, output_loading_info=True
            )
        network, report = loaded
        if lacking := sorted([*report["missing_keys"], *report["unexpected_keys"]]):
            raise CheckpointError(
                f"The weights of {path} do not fit a SegFormer: {', '.join(lacking[:8])}.", code="keys"
            )
        check_weights(network, model)
        network.eval().to(device)
        with building(folder):
            table = _class_table(network.config.id2label, str(model))
            preprocessing = _preprocessing(folder)
        super().__init__(lambda x: network(x).logits, table, device, preprocessing)


def _class_table(id2label: Mapping[int, str], model: str) -> np.ndarray:
    """The index into `PARTS` of each class of the model, (classes,) uint8, by name."""
    unknown = sorted(set(id2label.values()) - set(PARTS))
    if unknown:
        raise CheckpointError(
            f"{model} has classes that are not CelebAMask's.", code="unknown", expected=PARTS, actual=unknown
        )
    return np.array([PARTS.index(id2label[i]) for i in range(len(id2label))], np.uint8)


def _preprocessing(folder: Path) -> Preprocessing:
    """How the model wants its pictures; ImageNet's way where its folder says nothing."""
    path = folder / "preprocessor_config.json"
    config = read_config(path) if path.is_file() else {}
    size = config.get("size", 512)
    if not isinstance(size, Mapping):
        size = {"shortest_edge": size}
    side = size.get("shortest_edge", 512)
    normalises = config.get("do_normalize", True)
    return Preprocessing(
        size=(int(size.get("height", side)), int(size.get("width", side))),
        mean=config.get("image_mean", IMAGENET_MEAN) if normalises else (0.0, 0.0, 0.0),
        std=config.get("image_std", IMAGENET_STD) if normalises else (1.0, 1.0, 1.0),
        scale=config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1.0,
    )

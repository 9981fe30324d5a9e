"""Face parsing with a SegFormer (Xie et al. 2021, arXiv 2105.15203) trained on CelebAMask, through transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import CheckpointError, MissingCheckpointError
from ..core.finite import check_weights
from ..core.jsonio import read_config
from ..core.notices import loading
from ..weights.hub import reachable
from ..weights.state_dict import building, read_network
from .hub import MODEL, fetched, on_disk, snapshot, stored
from .labels import PARTS
from .networks import IMAGENET_MEAN, IMAGENET_STD, NetworkParser


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
        from huggingface_hub import constants
        from transformers import SegformerConfig, SegformerForSemanticSegmentation

        here, source, options = snapshot(model), str(model), {}
        if here is not None and on_disk(model):
            state, _ = read_network(here, expected="model.safetensors")
            with building(here):
                config = SegformerConfig.from_pretrained(here, local_files_only=True)
            source, options, fetch = None, {"config": config, "state_dict": state}, False
        offline = fetch and not reachable(constants.ENDPOINT)
        fetch = fetch and not offline
        try:
            with loading():
                loaded: Any = SegformerForSemanticSegmentation.from_pretrained(
                    source, local_files_only=not fetch, output_loading_info=True, **options
                )
        except OSError as error:
            raise MissingCheckpointError(
                f"The SegFormer {model} is not on this machine{', and the hub cannot be reached' * offline}.\n"
                '  fetch it once: from common.parsing import get_parser; get_parser("segformer", fetch=True)\n'
                '  or do without: get_parser("embedded")'
            ) from error
        except Exception as error:  # damaged files fail in many ways
            raise CheckpointError(f"The weights of {model} do not fit a SegFormer: {str(error)[:300]}") from error
        network, report = loaded
        if report["missing_keys"] or report["unexpected_keys"]:
            raise CheckpointError(
                f"The weights of {model} do not fit a SegFormer.\n"
                f"  missing:    {sorted(report['missing_keys'])}\n  unexpected: {sorted(report['unexpected_keys'])}"
            )
        check_weights(network, model)
        network.eval().to(device)
        with building(model):
            table = _class_table(network.config.id2label, str(model))
            preprocessing = _preprocessing(str(model), fetch)
        super().__init__(lambda x: network(x).logits, table, device, preprocessing)


def _class_table(id2label: Mapping[int, str], model: str) -> np.ndarray:
    """The index into `PARTS` of each class of the model, (classes,) uint8, by name."""
    unknown = sorted(set(id2label.values()) - set(PARTS))
    if unknown:
        raise CheckpointError(
            f"{model} has classes that are not CelebAMask's: {unknown}\n  expected: some of {list(PARTS)}"
        )
    return np.array([PARTS.index(id2label[i]) for i in range(len(id2label))], np.uint8)


def _preprocessing(model: str, fetch: bool) -> dict[str, Any]:
    """How the model wants its pictures, as arguments of `classify`; ImageNet's way where nothing is said."""
    path = stored(model, "preprocessor_config.json")
    if path is None and fetch and not Path(model).is_dir():
        path = fetched(model, "preprocessor_config.json")
    config = read_config(path) if path else {}
    size = config.get("size", 512)
    if isinstance(size, Mapping):
        side = size.get("shortest_edge", 512)
        height, width = size.get("height", side), size.get("width", side)
    else:
        height = width = size
    normalises = config.get("do_normalize", True)
    return {
        "size": (int(height), int(width)),
        "mean": config.get("image_mean", IMAGENET_MEAN) if normalises else (0.0, 0.0, 0.0),
        "std": config.get("image_std", IMAGENET_STD) if normalises else (1.0, 1.0, 1.0),
        "scale": config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1.0,
    }

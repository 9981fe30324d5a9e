"""The trained networks in the layout that `FineFace.from_pretrained` loads."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file

from common.defaults import Defaults, read_defaults, write_defaults
from common.jsonio import read_config

from ..checkpoints import save_adapter
from ..lora import ALPHA, PREFIX, RELEASED_ALPHA, UP
from ..options import PUBLISHED
from ..variants import PIPELINE
from .begin import Beginning
from .config import FineFaceConfig

_NAMED = ".default.weight"  # peft's name of the adapter, which published files do not have


class Publisher:
    """Writes what was trained: the adapter's files, the LoRA, or a whole stock pipeline round them."""

    def __init__(self, config: FineFaceConfig, beginning: Beginning) -> None:
        self.config, self.begun = config, beginning
        self.dtype = torch.float16 if config.half else torch.float32

    def __call__(self, folder: Path, state: dict[str, torch.Tensor]) -> None:
        """Write a module's state into a new folder."""
        adapter = copy.deepcopy(self.begun.module.adapter)
        adapter.load_state_dict(part(state, "adapter."))
        adapter.strengthen(self.config.au_gain)
        save_adapter(adapter.to(self.dtype), folder, self.begun.variant)
        unet = part(state, "unet.")
        if self.begun.variant.lora:
            lora = published_lora(unet, self.config.alpha)
            save_file({name: value.to(self.dtype) for name, value in lora.items()}, folder / self.begun.variant.lora)
        own = read_defaults(self.config.place, PUBLISHED) if self.config.model else PUBLISHED
        if self.config.defaults or self.config.model:
            write_defaults(folder, Defaults.of(self.config.defaults, own))
        if self.config.unet or self.config.model:
            self._whole(unet, part(state, "text_encoder."), folder)

    def _whole(self, unet: dict[str, torch.Tensor], text_encoder: dict[str, torch.Tensor], folder: Path) -> None:
        begun, vae = self.begun, copy.deepcopy(self.begun.encoder.vae)
        vae.register_to_config(_name_or_path="")  # the folder of the training says nothing to others
        StableDiffusionPipeline(
            self._filled(vae, vae.state_dict()),
            self._filled(copy.deepcopy(begun.text_encoder), text_encoder),
            begun.encoder.tokenizer,
            self._filled(UNet2DConditionModel.from_config(begun.module.unet.config), unet),
            begun.scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False,  # type: ignore[arg-type]
        ).save_pretrained(folder)  # fmt: skip
        # Transformers would load it as it was saved, where diffusers loads the others in float32: two kinds in one
        _amend(folder / "text_encoder" / "config.json", {"dtype": "float32"})
        # The pipeline would name our module, which others have not
        _amend(folder / PIPELINE, {"vae": ["diffusers", type(vae).__name__]})

    def _filled(self, network: Any, state: dict[str, torch.Tensor]) -> Any:
        network.load_state_dict(
            {name: value.detach().cpu().to(self.dtype) for name, value in state.items()}, assign=True
        )
        return network


def _amend(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(read_config(path) | values, indent=2) + "\n", encoding="utf-8")


def part(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors of a part of a module, under the names that they have in it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def published_lora(unet: dict[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    """The LoRA in a UNet's state, as `fineface.lora.updates` reads it: the inverse of it."""
    found: dict[str, torch.Tensor] = {}
    for name, value in unet.items():
        if name.endswith(_NAMED):
            key = PREFIX + name.removesuffix(_NAMED) + ".weight"
            found[key] = value.detach().cpu().contiguous()
            if key.endswith(UP) and alpha != RELEASED_ALPHA:  # of which the release's files do not speak
                found[key.removesuffix(UP) + ALPHA] = torch.tensor(float(alpha))
    return found

"""What a training of an editor looks at: held-out edits beside their truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from ..autoencoders import decode
from ..files import replace_file
from ..pipeline import FaceEditPipeline
from ..rig import Rig
from .edit_config import EditConfig
from .sheet import edit_errors, sheet

Pair = dict[str, torch.Tensor]
"""source and target (3, S, S), guides (G, 3, S, S), all float32 in [0, 1]; vector (V,)."""

AT_ONCE = 4


class Validation:
    """Edits held-out sources, draws them beside the truth, and measures.

    Args:
        config: of the training.
        pipeline: whose autoencoder, scheduler and prompt are used.
        data: held-out pairs.
        named: what a vector asks for, in words.
    """

    def __init__(
        self, config: EditConfig, pipeline: FaceEditPipeline, data: Dataset[Pair], named: Callable[[list[float]], str]
    ) -> None:
        self.config, self.data, self.around, self.named = config, data, pipeline, named
        self.pairs: Pair | None = None

    def __call__(self, unet: Any, id_encoder: Any, step: int, folder: Path) -> dict[str, float]:
        """The metrics of these networks; writes step-N.png."""
        around = self.around
        pipeline = FaceEditPipeline(around.vae, id_encoder, unet, around.scheduler, around.prompt_embeds)
        pipeline.set_progress_bar_config(disable=True)
        if self.pairs is None:
            count = min(self.config.validation_count, len(self.data))  # type: ignore[arg-type]
            with torch.autocast("cpu", enabled=False):  # the networks' precision is not for what sees the faces
                rows = [self.data[i] for i in range(count)]
            self.pairs = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        pairs, count = self.pairs, len(self.pairs["vector"])
        made = [
            self._edit(pipeline, {name: value[i : i + AT_ONCE] for name, value in pairs.items()}, i)
            for i in range(0, count, AT_ONCE)
        ]
        edit, decoded = (torch.cat(part) for part in zip(*made))
        columns = {"source": pairs["source"], "edit": edit, "truth": pairs["target"], "VAE of the truth": decoded}
        page = sheet(columns, [self.named(row) for row in pairs["vector"].tolist()])
        replace_file(folder / f"step-{step:08d}.png", page.save)
        return edit_errors(pairs["source"], edit, pairs["target"], decoded)

    def _edit(self, pipeline: FaceEditPipeline, pairs: Pair, first: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Edits and decoded truths (B, 3, H, W), on the CPU."""
        identity = pipeline.encode_identity(pairs["source"])
        options: dict[str, Any] = {
            "num_inference_steps": self.config.validation_steps,
            "guidance_scale": self.config.validation_guidance,
            "generator": torch.Generator().manual_seed(self.config.seed + first),
            "output_type": "pt",
        }
        images: Any = pipeline(identity, Rig(pairs["vector"], tuple(pairs["guides"].unbind(1))), **options).images  # type: ignore[union-attr]
        with torch.no_grad():
            decoded = decode(pipeline.vae, pipeline.encode_image(pairs["target"]))
        return images.float().cpu(), (decoded.cpu() / 2 + 0.5).clamp(0, 1)

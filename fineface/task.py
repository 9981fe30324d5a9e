"""FineFaceTask: the training of FineFace, an adapter and a LoRA or a whole model, on captions and action units."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn

from common.core.files import EMBEDDED, replace_file
from common.core.fingerprint import fingerprint
from common.core.jsonio import read_config
from common.editing.defaults import Defaults, read_defaults, write_defaults
from common.face3d.heads.head_units import AU_SCALE
from common.facs.action_units import to_text
from common.imaging.tensors import to_tensor
from common.training.diffusion import DiffusionTask
from common.training.loop import State
from common.training.loss import noised, region_weights, squared_error
from common.training.networks import part
from common.training.sampler import Draws, generator
from common.training.sheet import sheet
from common.weights.vae import encode

from .checkpoints import Networks, published_lora, save_adapter, stock_pipeline
from .data import some, sources
from .data.samples import STRONGEST
from .editor import FineFace
from .request import PUBLISHED
from .text_to_face import initial_networks, size_of
from .variants import PIPELINE, get_variant

if TYPE_CHECKING:
    from .train import FineFaceConfig

AT_ONCE = 4
LEVELS = 8
_OF_SAMPLES, _OF_STEPS = 3, 4  # apart from the draws of `common.training.sampler`, which have 0 and 1


class FineFaceTask(DiffusionTask["FineFaceConfig"]):
    """Pictures follow from captions and the intensities of action units. Raises: as `initial_networks`, `sources`."""

    title = "A FineFace model"

    def __init__(self, config: FineFaceConfig) -> None:
        size = size_of(config)
        samples, held_out, data = sources(config, size)
        self.initial = initial = initial_networks(config, size, samples.captions() if config.unet else ())
        encoder = SampleEncoder(initial.vae, initial.tokenizer, initial.frozen_text)
        super().__init__(config, initial.module, encoder, dict(initial.scheduler.config), samples)
        self.slim = not config.unet and not config.model
        self.notes = notes(config, len(samples), size, data)
        self.nothing = encoder.texts([""])
        self.held_out: dict[str, Any] = {}
        if held_out is not None:
            self.metrics = ("loss", "loss_without_units")
            self.held_out = some(held_out, config.validation_count)

    def objective(self, module: Any, tensors: Mapping[str, torch.Tensor], draws: Draws) -> torch.Tensor:
        """The value of `text_to_face_loss`."""
        return text_to_face_loss(module, tensors, draws, self.schedule, self.config, self.nothing)

    def judge(self, metrics: Mapping[str, float]) -> str:
        """Whether action units do not help the model."""
        if metrics["loss"] < metrics["loss_without_units"]:
            return ""
        return "the loss with action units is no smaller than without: this model ignores them"

    def validate(self, module: Any, step: int, folder: Path) -> dict[str, float]:
        """Writes step-N.png: photos, and what is made with and without their intensities; always with the same noise.

        Returns:
            The loss over `LEVELS` timesteps a sample, and that without the AU branch: what the units are good for.
        """
        batch = self.held_out
        units = batch["units"].tolist()
        made = self._made(module, units)
        plain = self._made(module, [[0.0] * len(units[0])] * len(units))
        rows = [f"{to_text([round(v, 1) for v in row])}: {text}" for row, text in zip(units, batch["caption"])]
        page = sheet({"photo": batch["image"], "made": made, "made without units": plain}, rows)
        replace_file(folder / f"step-{step:08d}.png", page.save)
        with torch.no_grad():
            return self._losses(module)

    def _losses(self, module: Any) -> dict[str, float]:
        device = next(module.parameters()).device
        tensors = {name: value.to(device) for name, value in self.encoder(self.held_out).items()}
        count = len(tensors["mean"])
        found = dict.fromkeys(self.metrics, 0.0)
        for level in range(LEVELS):
            draws = self.draws(torch.arange(count) + level * count, tensors["mean"]).to(device)
            for name, units in zip(self.metrics, (tensors["units"], None)):
                error = prediction_error(module, tensors, units, tensors["text"], draws, self.schedule, self.config)
                found[name] += float(error) / LEVELS
        return found

    def _made(self, module: Any, units: list[list[float]]) -> torch.Tensor:
        """Pictures (B, 3, S, S) of the captions, as the editor makes them."""
        pipeline = self._pipeline(self.initial.vae, self.initial.text_encoder, module.unet)
        images = FineFace(Networks(pipeline, module.adapter, None)).generate(
            self.held_out["caption"],
            units,
            steps=self.config.validation_steps,
            guidance=self.config.validation_guidance,
            seed=self.config.seed,
            size=self.held_out["image"].shape[-1],
            batch_size=AT_ONCE,
            progress=False,
        )
        assert isinstance(images, list)  # of lists
        return torch.stack([to_tensor(np.asarray(image)) for image in images])

    def _pipeline(self, vae: Any, text_encoder: Any, unet: Any) -> StableDiffusionPipeline:
        return stock_pipeline(vae, text_encoder, self.initial.tokenizer, unet, self.initial.scheduler)

    def save(self, folder: Path, state: State) -> None:
        """Writes the layout of `FineFace.from_pretrained`: the adapter's files, the LoRA, or a whole stock pipeline."""
        config = self.config
        variant = get_variant(config.variant)
        adapter = copy.deepcopy(self.initial.module.adapter)
        adapter.load_state_dict(part(state, "adapter."))
        adapter.strengthen(config.au_gain)
        save_adapter(adapter.to(self._dtype), folder, variant)
        unet = part(state, "unet.")
        if variant.lora:
            lora = published_lora(unet, config.alpha)
            save_file({name: value.to(self._dtype) for name, value in lora.items()}, folder / variant.lora)
        own = read_defaults(config.place(config.model), PUBLISHED) if config.model else PUBLISHED
        if config.synthetic_count:
            own = replace(own, au_scale=AU_SCALE)
        if own != PUBLISHED or config.defaults or config.model:
            write_defaults(folder, Defaults.of(config.defaults, own))
        if config.unet or config.model:
            vae = copy.deepcopy(self.initial.vae)
            vae.register_to_config(_name_or_path="")  # the folder of the training means nothing elsewhere
            self._pipeline(
                self._filled(vae, vae.state_dict()),
                self._filled(copy.deepcopy(self.initial.text_encoder), part(state, "text_encoder.")),
                self._filled(UNet2DConditionModel.from_config(self.initial.module.unet.config), unet),
            ).save_pretrained(folder)
            # Transformers would load it as it was saved, where diffusers loads the others in float32: two dtypes in one
            _amend(folder / "text_encoder" / "config.json", {"dtype": "float32"})
            # The pipeline would name our module, which others do not have
            _amend(folder / PIPELINE, {"vae": ["diffusers", type(vae).__name__]})

    def _filled(self, network: Any, state: State) -> Any:
        weights = {name: value.detach().cpu().to(self._dtype) for name, value in state.items()}
        network.load_state_dict(weights, assign=True)
        return network

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float16 if self.config.half else torch.float32


def _amend(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(read_config(path) | values, indent=2) + "\n", encoding="utf-8")


def notes(config: FineFaceConfig, count: int, size: int, data: Sequence[str]) -> str:
    """What the model card says before the table."""
    named = {"an image folder": config.folder, "DISFA": config.disfa, "AffectNet": config.affectnet}
    kinds = [name for name, given in named.items() if given] + ["synthetic faces"] * bool(config.synthetic_count)
    base = f" --base {config.base}" if config.base else " --base FOLDER" if config.unet else ""
    origin = "random weights" if config.unet else f"`{config.base or 'the base of ' + config.variant}`, left as it is"
    if config.model == EMBEDDED:
        origin = "the small model inside the package, which saw synthetic people alone"
    elif config.model:
        origin = f"`{Path(config.model).name}`"
    earlier = f", continuing from `{Path(config.adapter).name}`" if config.adapter else ""
    return (
        "Faces from text with action-unit intensities (after Varanka et al., arXiv 2407.20175).\n\n"
        f'    fineface "a close-up of a woman" AU12=4 --model FOLDER{base} --variant {config.variant} -o face.png\n\n'
        f"Trained on {count} samples of {size} x {size} pixels ({', '.join(kinds)}), from {origin}{earlier}. The data"
        " and the base have licences of their own, which continue to apply."
        f"\n\n## Data\n\n{' '.join(data)}" + f" Action units measured by: {config.measured_by}." * bool(config.folder)
    )


class SampleEncoder:
    """An `Encoder` of samples: "mean" and "std" (B, C, h, w) in the scaled space, "units" (B, 12), and "text".

    Samples that say where the face is give "region" (B, 1, h, w) in [0, 1] too. The text, cut where it does not fit, is
    (B, L, D) float16 by the frozen text encoder: half the space where it is cached, and what a training in half
    precision makes of it. Without one it is (B, L) int64, tokens.
    """

    def __init__(self, vae: Any, tokenizer: Any, text_encoder: Any = None) -> None:
        self.vae = vae
        self.tokenizer = tokenizer
        self.text_encoder = text_encoder
        self.networks: tuple[nn.Module, ...] = (vae,) if text_encoder is None else (vae, text_encoder)

    @torch.no_grad()
    def __call__(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Encode a batch of samples."""
        weight = next(self.vae.parameters())
        mean, std = encode(self.vae, 2 * batch["image"].to(weight.device, weight.dtype) - 1)
        scale = float(self.vae.config.scaling_factor)
        text = self.texts(batch["caption"])
        found = {"mean": scale * mean.float(), "std": scale * std.float(), "units": batch["units"], "text": text}
        if "face" in batch:
            found["region"] = F.adaptive_avg_pool2d(batch["face"], (mean.shape[-2], mean.shape[-1]))
        return found

    @torch.no_grad()
    def texts(self, captions: Sequence[str]) -> torch.Tensor:
        """The "text" of B captions."""
        length = self.tokenizer.model_max_length
        options: Any = {"padding": "max_length", "max_length": length, "truncation": True, "return_tensors": "pt"}
        tokens = self.tokenizer(list(captions), **options).input_ids
        if self.text_encoder is None:
            return tokens
        return self.text_encoder(tokens.to(self.text_encoder.device))[0].half()

    def facts(self) -> dict[str, Any]:
        """What the tensors depend on."""
        words = json.dumps([sorted(self.tokenizer.get_vocab().items()), self.tokenizer.model_max_length])
        return {
            "vae": fingerprint(self.vae),
            "scale": float(self.vae.config.scaling_factor),
            "tokenizer": hashlib.sha256(words.encode()).hexdigest()[:16],
            "text_encoder": None if self.text_encoder is None else fingerprint(self.text_encoder),
        }


def conditions(units: torch.Tensor, numbers: torch.Tensor, config: FineFaceConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Intensities and captions with the paper's jitter and dropout: a function of the samples' numbers alone.

    All samples of an optimiser step are rounded, or none, however they are shared among passes and processes.

    `units` are (B, 12) intensities; `numbers` (B,) int64 say how many samples of the training came before each.

    Returns:
        units (B, 12) in [0, 5], zeros where they are dropped; (B,) bool, whose caption stays.
    """
    rows, captioned = [], []
    for row, number in zip(units.cpu(), numbers.tolist()):
        source = generator(config.seed, _OF_SAMPLES, number)
        row = (row + config.jitter * torch.randn(row.shape, generator=source)).clamp(0, STRONGEST)
        step = generator(config.seed, _OF_STEPS, number // config.batch_size)
        if torch.rand((), generator=step) < config.rounded:
            row = row.round()
        chance = float(torch.rand((), generator=source))
        units_go = chance < config.vector_dropout + config.both_dropout
        rows.append(torch.zeros_like(row) if units_go else row)
        captioned.append(not config.vector_dropout <= chance < config.dropped)
    return torch.stack(rows).to(units.device), torch.tensor(captioned, device=units.device)


def text_to_face_loss(
    module: Any,
    tensors: Mapping[str, torch.Tensor],
    draws: Draws,
    schedule: DDPMScheduler,
    config: FineFaceConfig,
    nothing: torch.Tensor,
) -> torch.Tensor:
    """E m |y - f(x_t, t, units, text)|^2 with y the noise or v, m the weight of the face where it is known.

    `tensors` are those of `SampleEncoder`, and "number" (B,) int64; `nothing` is the "text" (1, ...) of an empty
    caption, in place of one that is dropped.

    Returns:
        A number, the mean over the batch.
    """
    units, captioned = conditions(tensors["units"], tensors["number"], config)
    text = tensors["text"]
    text = torch.where(captioned.view(-1, *[1] * (text.ndim - 1)), text, nothing.to(text.device))
    return prediction_error(module, tensors, units, text, draws, schedule, config)


def prediction_error(
    module: Any,
    tensors: Mapping[str, torch.Tensor],
    units: torch.Tensor | None,
    text: torch.Tensor,
    draws: Draws,
    schedule: DDPMScheduler,
    config: FineFaceConfig,
) -> torch.Tensor:
    """The same under given conditions: units (B, 12) or None, text as the encoder makes it."""
    noisy, target = noised(tensors["mean"] + tensors["std"] * draws.posterior, draws, schedule)
    prediction = module(noisy, draws.timesteps, units, text.float() if text.is_floating_point() else text)
    weights = region_weights(tensors["region"], config.face_weight) if "region" in tensors else 1.0
    return squared_error(prediction, target, draws, schedule, min_snr_gamma=config.min_snr_gamma, weights=weights)

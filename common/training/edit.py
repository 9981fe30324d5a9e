"""EditTask: the training of an editor's UNets, whose target follows from a source, its conditioning and a vector."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from diffusers import UNet2DConditionModel, UniPCMultistepScheduler
from safetensors.torch import save_file
from torch.utils.data import Dataset

from ..core.errors import InputError
from ..core.files import replace_file
from ..core.numbers import check_multiple
from ..diffusion import loading
from ..diffusion.conditioning import Rig
from ..diffusion.loading import Release
from ..diffusion.pipeline import FaceEditPipeline
from ..editing.defaults import Defaults, write_defaults
from ..weights.text_encoder import PROMPT_FILE
from ..weights.unet import SD15_SCHEDULER, save_unet
from ..weights.vae import decode, scale_factor
from .config import EditConfig
from .diffusion import DiffusionTask
from .latents import LATENTS, Latents, PairEncoder
from .loop import State
from .loss import denoising_loss
from .manifest import Manifest, Pair
from .networks import autoencoder, begin_with, built, merged, part
from .people import hold_out
from .sampler import Draws
from .sheet import METRICS, edit_errors, judged, sheet
from .twin_unet import TwinUNet

AT_ONCE = 4
Config = TypeVar("Config", bound=EditConfig)


class EditTask(DiffusionTask[Config]):
    """What the trainings of all editors share; an editor says what its data are.

    Both networks are trained, or adapters of theirs, which are published merged.

    Attributes:
        name: of the editor, as people know it.
        about: what it does and its command, for the model card.
        about_synthetic: what a model that learned from synthetic pairs is, for the card.
        release: layout of its folder.
        conditioning_images: number of conditioning images.
        held_out: pairs to validate on, or None.

    `vector_size` is V, numbers of the vector; `published` are the defaults of the released scripts.

    Raises:
        InputError: networks, data and options that do not go together.
        MissingDependencyError: peft is needed and missing.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    about_synthetic: ClassVar[str] = ""
    release: ClassVar[Release]
    conditioning_images: ClassVar[int]

    def __init__(self, config: Config, vector_size: int, published: Defaults | None = None) -> None:
        self.config = config
        self.defaults = config.use(published)
        self.pipeline = pipeline = begin(config, self, vector_size)
        self.size = config.size or pipeline.sample_size
        check_multiple("size", self.size, pipeline.vae_scale_factor)
        pairs, self.held_out, origin = self._sources()
        self.configs = (dict(pipeline.unet.config), dict(pipeline.id_encoder.config))
        twin = TwinUNet(pipeline.unet, pipeline.id_encoder, train_id_encoder=config.train_id_encoder)
        if config.lora_rank:
            twin.add_lora(config.lora_rank, config.alpha, config.lora_targets)
        super().__init__(config, twin, PairEncoder(pipeline.vae), dict(pipeline.scheduler.config), pairs)
        self.metrics = () if self.held_out is None else METRICS
        self.dropout = config.unchanged or config.vector_dropout
        self.title = f"A {self.name} model"
        self.notes = self._notes(len(pairs), origin)  # type: ignore[arg-type]
        self._validated: Pair = {}

    # --- what an editor says -----------------------------------------------------------------------------------------

    def listed(self, path: str) -> Manifest:
        """The user's pairs."""
        raise NotImplementedError

    def synthetic(self, count: int, seed: int) -> Dataset[Pair]:
        """Pairs of synthetic people."""
        raise NotImplementedError

    @staticmethod
    def named(vector: list[float]) -> str:
        """What a vector asks for, as text."""
        raise NotImplementedError

    # --- data --------------------------------------------------------------------------------------------------------

    def _sources(self) -> tuple[Dataset[Pair], Dataset[Pair] | None, str]:
        """The pairs to train on, those held out, and what the model card says of both."""
        config = self.config
        count = config.validation_count
        if config.manifest:
            apart = self.listed(config.validation_manifest) if config.validation_manifest else None
            fraction = config.held_out if count else 0.0
            pairs, held_out, origin = hold_out(
                self.listed(config.manifest), apart, fraction, config.seed, "validation_manifest"
            )
            return pairs, held_out, f"`{Path(config.manifest).name}`: {origin}"
        seed = config.synthetic_seed
        held_out = self.synthetic(count, seed + 1) if count else None
        origin = f"{config.synthetic_count} pairs of synthetic people (`common.synthetic`, seed {seed})"
        apart_too = f"; validated on {count} pairs of other people" if count else ""
        return self.synthetic(config.synthetic_count, seed), held_out, f"{origin}{apart_too}."

    def _notes(self, count: int, origin: str) -> str:
        config = self.config
        extra = "" if config.manifest else self.about_synthetic
        kind = f"pairs listed in `{Path(config.manifest).name}`" if config.manifest else "synthetic pairs"
        who = f"measured by: {config.measured_by}" if config.manifest else "known exactly: the people are synthetic"
        return (
            f"{self.about}\n\nTrained on {count} {kind} of {self.size} x {self.size} pixels, from {config.origin}."
            f"{extra}\n\n## Data\n\n{origin} Action units and other conditions are {who}."
        )

    # --- the training ------------------------------------------------------------------------------------------------

    def objective(self, module: Any, tensors: Mapping[str, torch.Tensor], draws: Draws) -> torch.Tensor:
        """The denoising loss; see `loss.denoising_loss`."""
        config = self.config
        prompt: Any = self.pipeline.prompt_embeds
        latents = Latents(*(tensors[name] for name in LATENTS))
        return denoising_loss(
            module,
            latents,
            tensors["vector"],
            prompt.to(latents.mean.device),
            draws,
            self.schedule,
            min_snr_gamma=config.min_snr_gamma,
            region_weight=config.region_weight,
            source_scale=self.pipeline.vae.config["scaling_factor"] if config.unchanged else None,
        )

    def validate(self, module: Any, step: int, folder: Path) -> dict[str, float]:
        """Edits held-out sources, writes step-N.png with them beside the truth, and measures."""
        own = self.pipeline
        pipeline = FaceEditPipeline(own.vae, module.id_encoder, module.unet, own.scheduler, own.prompt_embeds)
        pipeline.set_progress_bar_config(disable=True)
        if not self._validated:
            held_out: Any = self.held_out
            with torch.autocast("cpu", enabled=False):  # the networks' precision is not for what sees the faces
                rows = [held_out[i] for i in range(min(self.config.validation_count, len(held_out)))]
            self._validated = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        pairs = self._validated
        made = [
            self._edit(pipeline, {name: value[first : first + AT_ONCE] for name, value in pairs.items()}, first)
            for first in range(0, len(pairs["vector"]), AT_ONCE)
        ]
        edit, decoded = (torch.cat(pictures) for pictures in zip(*made))
        columns = {"source": pairs["source"], "edit": edit, "truth": pairs["target"], "VAE of the truth": decoded}
        page = sheet(columns, [self.named(row) for row in pairs["vector"].tolist()])
        replace_file(folder / f"step-{step:08d}.png", page.save)
        return edit_errors(pairs["source"], edit, pairs["target"], decoded)

    def _edit(self, pipeline: FaceEditPipeline, pairs: Pair, first: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Edits and decoded truths (B, 3, H, W), on the CPU."""
        images: Any = pipeline(
            pipeline.encode_identity(pairs["source"]),
            Rig(pairs["vector"], tuple(pairs["conditioning_images"].unbind(1))),
            num_inference_steps=self.config.validation_steps,
            guidance_scale=self.config.validation_guidance,
            generator=torch.Generator().manual_seed(self.config.seed + first),
            output_type="pt",
        ).images  # type: ignore[union-attr]
        with torch.no_grad():
            decoded = decode(pipeline.vae, pipeline.encode_image(pairs["target"]))
        return images.float().cpu(), (decoded.cpu() / 2 + 0.5).clamp(0, 1)

    def judge(self, metrics: Mapping[str, float]) -> str:
        """Whether edits of held-out people are worse than none; see `sheet.judged`."""
        return judged(metrics)

    def save(self, folder: Path, state: State) -> None:
        """Writes both networks in the published layout, with all else that an editor needs to load them."""
        config = self.config
        pipeline = self.pipeline
        dtype = torch.float16 if config.half else torch.float32
        scale = config.alpha / max(1, config.lora_rank)
        unet, id_encoder = (
            {key: weight.to(dtype) for key, weight in merged(part(state, name), scale).items()}
            for name in ("unet.", "id_encoder.")
        )
        save_unet(folder / self.release.denoiser[0], self.configs[0], unet, vector_key=self.release.vector_key)
        save_unet(folder / self.release.id_encoder[0], self.configs[1], id_encoder)
        vae = copy.deepcopy(pipeline.vae).to(dtype)
        vae.register_to_config(_name_or_path="")  # the folder of the training says nothing to others
        vae.save_pretrained(folder / "vae")
        pipeline.scheduler.save_pretrained(folder / "scheduler")
        prompt: Any = pipeline.prompt_embeds
        save_file({"prompt_embeds": prompt.to("cpu", dtype).contiguous()}, folder / PROMPT_FILE)
        write_defaults(folder, self.defaults)


# --- the networks before the first step ------------------------------------------------------------------------------


def begin(config: EditConfig, task: EditTask[Any], vector_size: int) -> FaceEditPipeline:
    """The networks before the first step, and the scheduler that they will be used with."""
    torch.manual_seed(config.seed)
    if config.unet:
        pipeline = from_scratch(config, vector_size, task.conditioning_images)
    elif config.model:
        folder = config.place(config.model)
        base = config.base or None
        pipeline = loading.load(folder, base=base, dtype=torch.float32, device="cpu", release=task.release)
    else:
        pipeline = loading.from_stable_diffusion(
            config.base, vector_size=vector_size, conditioning_images=task.conditioning_images
        )
    if pipeline.prompt_embeds is None:
        model = config.model or config.base
        raise InputError(f"{model} has no {PROMPT_FILE}, nor text_encoder/ and tokenizer/.", code="missing")
    pipeline.prompt_embeds = pipeline.prompt_embeds.float()  # the file may be half, and the networks are not
    if pipeline.unet.config.get("projection_class_embeddings_input_dim") != vector_size:
        message = f"{config.model} is not a {task.name} model: its vector has another size."
        raise InputError(message, code="size", expected=vector_size)
    if config.model:
        config.check_learned(pipeline.scheduler.config, config.model)
    options = dict(pipeline.scheduler.config) | {"prediction_type": config.prediction}
    options.pop("_use_default_values", None)  # from_config would take its own defaults for the keys it names
    if config.zero_terminal_snr:
        options |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "final_sigmas_type": "zero"}
    pipeline.register_modules(scheduler=UniPCMultistepScheduler.from_config(options))
    return pipeline


def from_scratch(config: EditConfig, vector_size: int, conditioning_images: int) -> FaceEditPipeline:
    """Networks of the sizes that the config names, random but for `start`; the prompt is one token of zeros."""
    vae = autoencoder(config.vae, config.autoencoder)
    channels = vae.config["latent_channels"]
    size = config.size // scale_factor(vae)
    shared = {"cross_attention_dim": 8, **config.unet, "out_channels": channels, "sample_size": size}
    door = {"class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": vector_size}
    unet = built(UNet2DConditionModel, "unet", {**shared, **door, "in_channels": (1 + conditioning_images) * channels})
    id_encoder = built(UNet2DConditionModel, "unet", {**shared, "in_channels": channels})
    if config.start:
        other = loading.load(config.place(config.start), dtype=torch.float32, device="cpu")
        begin_with(unet, other.unet)
        begin_with(id_encoder, other.id_encoder)
        if config.start_conditioning_image:
            _begin_at(unet, config.start_conditioning_image, conditioning_images)
    prompt = torch.zeros(1, 1, shared["cross_attention_dim"])
    return FaceEditPipeline(vae, id_encoder, unet, UniPCMultistepScheduler(**SD15_SCHEDULER), prompt)


@torch.no_grad()
def _begin_at(unet: Any, conditioning_image: int, conditioning_images: int) -> None:
    """Swaps the weights of a conditioning image with those of the first, and resets the vector's projection. Raises
    InputError: there is no such image.
    """
    if conditioning_image >= conditioning_images:
        raise InputError(
            "start_conditioning_image is out of range.",
            code="range",
            expected=f"0 to {conditioning_images - 1}",
            actual=conditioning_image,
        )
    noise, *shown = unet.conv_in.weight.chunk(1 + conditioning_images, 1)
    shown[0], shown[conditioning_image] = shown[conditioning_image], shown[0]
    unet.conv_in.weight.copy_(torch.cat([noise, *shown], 1))
    unet.class_embedding.weight.zero_()

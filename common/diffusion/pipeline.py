"""FaceEditPipeline: identity and Rig -> picture. One sampling loop and one guidance line for the whole family."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from diffusers.image_processor import VaeImageProcessor
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.pipeline_utils import DiffusionPipeline, ImagePipelineOutput
from diffusers.utils.torch_utils import randn_tensor  # pyright: ignore[reportUnknownVariableType] - untyped, as the next
from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]
from tqdm import tqdm

from ..core.errors import InputError, ShapeError
from ..core.finite import check_finite
from ..weights.text_encoder import PROMPT_FILE
from ..weights.vae import Autoencoder, decode, encode, scale_factor
from .attention import Identity, IdentityAttnProcessor, attend_to_identity
from .conditioning import Rig
from .identity import encode_tokens, project_identity, select_rows

if TYPE_CHECKING:
    from typing_extensions import Self


StepCallback = Callable[[DiffusionPipeline, int, torch.Tensor, dict[str, torch.Tensor]], dict[str, torch.Tensor]]
"""What is called after each denoising step, see `FaceEditPipeline.__call__`."""
_OUTPUTS = ("pil", "np", "pt", "latent")
Generators = torch.Generator | list[torch.Generator] | None


class FaceEditPipeline(DiffusionPipeline):
    """Edits a face with a vanilla UNet that has three doors: vector, space and identity.

    Args:
        vae: the autoencoder, see `common.weights.vae`.
        id_encoder: the twin UNet; may be None once every subject is encoded.
        unet: the denoiser, `in_channels` = 4 + 4 per conditioning image, `class_embed_type="simple_projection"`.
        scheduler: any diffusers scheduler.
        prompt_embeds: (1, 77, D), the embedding of the one constant prompt that the networks were trained with.

    Attributes:
        places: the folders that the weights came from, where they came from some.
    """

    places: tuple[Path, ...] = ()

    if TYPE_CHECKING:  # diffusers leaves these untyped

        def to(self, *args: Any, **kwargs: Any) -> Self: ...  # noqa: D102
        def register_modules(self, **kwargs: Any) -> None: ...  # noqa: D102

    # diffusers makes the attributes of models and their configs at run time
    vae: Any
    id_encoder: Any
    unet: Any
    scheduler: Any

    model_cpu_offload_seq = "id_encoder->unet->vae"
    _optional_components = ["id_encoder"]  # noqa: RUF012 - the host's own convention

    def __init__(
        self,
        vae: Autoencoder,
        id_encoder: UNet2DConditionModel | None,
        unet: UNet2DConditionModel,
        scheduler: Any,
        prompt_embeds: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(vae=vae, id_encoder=id_encoder, unet=unet, scheduler=scheduler)
        self.prompt_embeds = prompt_embeds
        self.vae_scale_factor = scale_factor(self.vae)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor)
        attend_to_identity(unet)

    @property
    def sample_size(self) -> int:
        """Side in pixels of the pictures that the denoiser was made for, 512 for SD 1.5."""
        return self.unet.config.sample_size * self.vae_scale_factor

    @property
    def vector_size(self) -> int:
        """V, the width of `Rig.vector`."""
        return self.unet.config.projection_class_embeddings_input_dim

    @property
    def conditioning_images(self) -> int:
        """Number of conditioning images, 1 for MagicFace, 2 for RigFace."""
        return (self.unet.config.in_channels - self.unet.config.out_channels) // self.vae.config.latent_channels

    def save_pretrained(self, save_directory: str | Path, *args: Any, **kwargs: Any) -> None:
        """Saves in diffusers' layout, plus the prompt embedding next to `model_index.json`."""
        super().save_pretrained(save_directory, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        if self.prompt_embeds is not None:
            save_file({"prompt_embeds": self.prompt_embeds.contiguous().cpu()}, Path(save_directory) / PROMPT_FILE)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: Any) -> Self:
        """Loads what `save_pretrained` wrote, from a folder."""
        prompt_file = Path(pretrained_model_name_or_path) / PROMPT_FILE
        if "prompt_embeds" not in kwargs and prompt_file.is_file():
            kwargs["prompt_embeds"] = load_file(prompt_file)["prompt_embeds"]
        return super().from_pretrained(pretrained_model_name_or_path, **kwargs)  # pyright: ignore[reportUnknownMemberType]

    # --- encode once -------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """A picture (B, 3, H, W) in [0, 1] -> latents (B, 4, h, w), as the networks' conditions want them.

        They are the distribution's `mode()` and are **not** multiplied by the scaling factor (the convention of
        InstructPix2Pix). Latents pass through unchanged.

        Raises:
            ShapeError: not a batch of RGB pictures whose sides divide by 8.
            NonFiniteError: the autoencoder makes NaN or infinity of it.
        """
        if image.ndim == 4 and image.shape[1] == self.vae.config.latent_channels:
            return image.to(self._execution_device)
        step = self.vae_scale_factor
        if image.ndim != 4 or image.shape[1] != 3 or image.shape[2] % step or image.shape[3] % step:
            raise ShapeError("image", f"(B, 3, H, W) with sides that divide by {step}", image.shape)
        pixels = (2 * image.to(self._execution_device) - 1).to(self.vae.dtype)
        return encode(self.vae, pixels)[0]

    @torch.no_grad()
    def encode_identity(self, source: torch.Tensor, prompt_embeds: torch.Tensor | None = None) -> Identity:
        """The person in `source`, (B, 3, H, W) in [0, 1], as keys and values for every edit to come.

        Raises:
            InputError: the ID encoder has been released, or there is no prompt embedding.
            ShapeError, NonFiniteError: see `encode_image`.
        """
        if self.id_encoder is None:
            raise InputError("The ID encoder has been released.", code="missing", hint="load the model again")
        prompt = self._prompt(prompt_embeds, self.id_encoder.dtype)
        tokens = encode_tokens(self.id_encoder, self.encode_image(source).to(self.id_encoder.dtype), prompt)
        # Under model offload the denoiser rests on the CPU now: project where its weights are. (Under sequential
        # offload they are "meta" and arrive by themselves.)
        weights = next(self.unet.parameters()).device
        if weights.type != "meta":
            tokens = {name: t.to(weights, self.unet.dtype) for name, t in tokens.items()}
        identity = project_identity(self.unet, tokens)
        values = [value for pair in identity.values() for value in pair]
        check_finite(values, "The identity's keys and values", {"id_encoder": self.id_encoder, "unet": self.unet})
        device = self._execution_device  # asked for once: it looks through all modules
        return {name: (k.to(device), v.to(device)) for name, (k, v) in identity.items()}

    # --- edit many ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def __call__(
        self,
        identity: Identity,
        rig: Rig,
        *,
        # sampling
        num_inference_steps: int = 50,
        guidance_scale: float = 1.5,
        generator: Generators = None,
        latents: torch.Tensor | None = None,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
        prompt_embeds: torch.Tensor | None = None,
        # output
        output_type: str = "pil",
        return_dict: bool = True,
        progress: bool | None = None,
        callback_on_step_end: StepCallback | None = None,
    ) -> ImagePipelineOutput | tuple[Any]:
        """Samples one picture for each row of the rig.

        Args:
            identity: from `encode_identity`; its batch is 1 (one subject, many requests) or that of the rig.
            rig: B requests as the network sees them.
            num_inference_steps: denoising steps.
            guidance_scale: s in eps = eps_0 + s (eps_request - eps_0), eps_0 with a vector of zeros (text and identity
                stay). 1 switches guidance off. A row whose vector is zero needs no second pass at any scale.
            generator: the source of the noise, on any device; a list has one for each row.
            latents: the noise itself, (1 or B, 4, h, w); one row is shared by all requests.
            start: pictures or latents of `encode_image`, (1 or B, ...), to start from instead of pure noise: noised as
                far as the first step that is run.
            strength: in (0, 1], the fraction of the steps that is run, the last ones and at least one. 1 starts from
                pure noise, whatever `start` is.
            prompt_embeds: (1, L, D), instead of the stored one.
            output_type: "pil", "np" (B, H, W, 3), "pt" (B, 3, H, W), both in [0, 1], or "latent".
            return_dict: an `ImagePipelineOutput`, or a plain tuple.
            progress: show a progress bar of this call; None follows `set_progress_bar_config`.
            callback_on_step_end: called as (pipeline, step, timestep, {"latents": ...}); what it returns under
                "latents" replaces them.

        Raises:
            InputError: no prompt embedding, an unknown output type, no steps, a strength out of range, or foreign
                attention processors.
            ShapeError: rig, identity or latents do not fit the network or one another.
            NonFiniteError: the networks make NaN or infinity; the message says what to try.
        """
        if output_type not in _OUTPUTS:
            raise InputError("The output type is unknown.", code="unknown", expected=_OUTPUTS, actual=output_type)
        if not 0 < strength <= 1:
            raise InputError("strength is out of range.", code="range", expected="(0, 1]", actual=strength)
        if num_inference_steps < 1:
            raise InputError(
                "num_inference_steps is out of range.", code="range", expected="1 or more", actual=num_inference_steps
            )
        if not any(isinstance(processor, IdentityAttnProcessor) for processor in self.unet.attn_processors.values()):
            raise InputError(
                "The denoiser's attention processors were replaced, by attention slicing for instance: the identity "
                "would be lost.",
                code="conflict",
                hint="put them back: common.diffusion.attention.attend_to_identity(pipeline.unet)",
            )
        device = self._execution_device
        dtype = self.unet.dtype
        shown_images = self._conditioning_images(rig).to(dtype)  # (1 or B, 4 per image, h, w)
        if rig.vector.shape[1] != self.vector_size:
            raise ShapeError("Rig.vector", f"(B, {self.vector_size})", rig.vector.shape)
        vector = rig.vector.to(device, dtype)  # (B, V)
        prompt = self._prompt(prompt_embeds, dtype)
        x = self._noise(len(rig), shown_images.shape[-2:], generator, latents)

        # One UNet batch: every row with its request, then once more without it the rows that guidance will change.
        guided = (vector != 0).any(1).nonzero().flatten() if guidance_scale != 1 else torch.arange(0, device=device)
        rows = torch.cat([torch.arange(len(rig), device=device), guided])
        if len(next(iter(identity.values()))[0]) not in (1, len(rig)):
            raise ShapeError("identity", f"batch of 1 or {len(rig)}", next(iter(identity.values()))[0].shape)
        conditions = {
            "encoder_hidden_states": prompt.expand(len(rows), -1, -1),
            "class_labels": torch.cat([vector, torch.zeros_like(vector[guided])]),
            "cross_attention_kwargs": {"identity": select_rows(identity, rows)},
        }
        shown_images = shown_images.expand(len(rig), -1, -1, -1)[rows]

        scheduler = deepcopy(self.scheduler)  # it counts steps and keeps outputs: two calls at once need one each
        x, timesteps = self._begin(scheduler, num_inference_steps, x, start, strength)
        takes_generator = (
            "generator" in inspect.signature(scheduler.step).parameters
        )  # those that draw noise of their own
        step_options = {"generator": generator} if takes_generator and generator is not None else {}
        total = len(timesteps)
        # cast: the host's annotations deny the total
        shown = cast("Any", self.progress_bar if progress is None else partial(tqdm, disable=not progress))
        parts = {"unet": self.unet, "id_encoder": self.id_encoder, "vae": self.vae}
        with shown(total=total) as bar:
            for i, t in enumerate(timesteps):
                noisy = scheduler.scale_model_input(x, t).to(dtype)
                eps = self.unet(torch.cat([noisy[rows], shown_images], 1), t, **conditions, return_dict=False)[
                    0
                ].float()
                neutral = eps[len(rig) :]
                eps = eps[: len(rig)]
                eps[guided] = neutral + guidance_scale * (eps[guided] - neutral)
                x = scheduler.step(eps, t, x, return_dict=False, **step_options)[0]
                what = f"The latents after step {i + 1} of {len(timesteps)}"
                check_finite(x, what, parts, vector=vector, latents=latents)
                if callback_on_step_end is not None:
                    x = {"latents": x, **(callback_on_step_end(self, i, t, {"latents": x}) or {})}["latents"]
                bar.update()

        images: Any = x
        if output_type != "latent":
            pixels = decode(self.vae, x / self.vae.config.scaling_factor)
            images = self.image_processor.postprocess(pixels, output_type=output_type)
        self.maybe_free_model_hooks()
        return ImagePipelineOutput(images=images) if return_dict else (images,)  # type: ignore[arg-type]

    # --- the door ----------------------------------------------------------------------------------------------------

    def _prompt(self, prompt_embeds: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
        prompt = self.prompt_embeds if prompt_embeds is None else prompt_embeds
        if prompt is None:
            raise InputError("The model has no prompt embedding.", code="missing", hint="pass prompt_embeds (1, 77, D)")
        width = self.unet.config.cross_attention_dim
        if prompt.ndim != 3 or len(prompt) != 1 or prompt.shape[2] != width:
            raise ShapeError("prompt_embeds", f"(1, 77, {width})", prompt.shape)
        return prompt.to(self._execution_device, dtype)

    def _conditioning_images(self, rig: Rig) -> torch.Tensor:
        batch = max((len(image) for image in rig.conditioning_images), default=1)
        latents = [self._encode_rows(image).expand(batch, -1, -1, -1) for image in rig.conditioning_images]
        room = self.unet.config.in_channels - self.unet.config.out_channels
        if (got := sum(part.shape[1] for part in latents)) != room:
            raise ShapeError(
                "Rig.conditioning_images",
                f"{self.conditioning_images} conditioning image(s), {room} latent channels",
                (got,),
            )
        return torch.cat(latents, 1)

    def _encode_rows(self, image: torch.Tensor) -> torch.Tensor:
        """Latents of a conditioning image; equal rows pass the VAE once, and one at a time, which saves its memory."""
        if image.shape[1] != 3:
            return self.encode_image(image)
        found = torch.unique(image, dim=0, return_inverse=True)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        pictures, rows = cast("tuple[torch.Tensor, torch.Tensor]", found)
        latents = [self.encode_image(pictures[row : row + 1]) for row in range(len(pictures))]
        return torch.cat(latents)[rows.to(self._execution_device)]

    def _noise(self, batch: int, size: torch.Size, generator: Generators, latents: torch.Tensor | None) -> torch.Tensor:
        """Start latents (B, 4, h, w), drawn in float32 whatever the networks' dtype: one seed, one picture."""
        channels = self.unet.config.out_channels
        if latents is None:
            shape = (batch, channels, *size)
            return randn_tensor(shape, generator=generator, device=self._execution_device, dtype=torch.float32)
        if latents.ndim != 4 or len(latents) not in (1, batch) or latents.shape[1:] != (channels, *size):
            raise ShapeError("latents", f"(1 or {batch}, {channels}, {size[0]}, {size[1]})", latents.shape)
        return latents.to(self._execution_device, torch.float32).expand(batch, -1, -1, -1)

    def _begin(
        self, scheduler: Any, steps: int, noise: torch.Tensor, start: torch.Tensor | None, strength: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the first step sees, and the timesteps that are run."""
        if start is None or strength == 1:
            scheduler.set_timesteps(steps, device=noise.device)
            return noise * scheduler.init_noise_sigma, scheduler.timesteps
        scheduler.set_timesteps(max(steps, math.ceil(1 / strength)), device=noise.device)
        skipped = len(scheduler.timesteps) - max(1, int(len(scheduler.timesteps) * strength))
        timesteps = scheduler.timesteps[skipped:]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(skipped)
        clean = self.encode_image(start).float().expand_as(noise) * self.vae.config.scaling_factor
        return scheduler.add_noise(clean, noise, timesteps[:1].expand(len(noise))), timesteps

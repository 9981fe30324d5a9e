"""Trains MagicFace: `accelerate launch -m magicface.train config.toml`, or `python -m magicface.train config.toml`.

    python -m magicface.train examples/train_magicface.toml --set manifest=pairs.csv --set output=out/mine

A training that was stopped goes on where its last checkpoint was when the same command runs again.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UniPCMultistepScheduler
from safetensors.torch import save_file
from torch.utils.data import Dataset

from common import checkpoints, cli
from common.action_units import ACTION_UNITS, to_text
from common.autoencoders import load_vae, scale_factor
from common.checkpoints import MAGICFACE
from common.defaults import Defaults, read_defaults, write_defaults
from common.errors import InputError
from common.files import model_folder, replace_file
from common.networks import SD15_SCHEDULER, save_unet
from common.pipeline import FaceEditPipeline
from common.prompt import PROMPT_FILE
from common.rig import Rig
from common.synthetic.dataset import SyntheticFaces
from common.training.command import command
from common.training.config import at_least
from common.training.loop import train
from common.training.networks import built
from common.training.pairs import TwinConfig, twin_task
from common.training.sheet import edit_errors, sheet
from common.training.twin import TwinUNet

from .data import ManifestPairs, Pair, SyntheticPairs

AT_ONCE = 4


@dataclass(frozen=True)
class MagicFaceConfig(TwinConfig):
    """What a training of MagicFace is told: networks, data, and all of `TwinConfig`."""

    model: str = ""
    """Fine-tune this: a folder, or a hub repository that has been fetched ("mengtingwei/magicface")."""
    base: str = ""
    """Begin as the paper does: a folder of Stable Diffusion 1.5. Beside `model`: for what its folder lacks."""
    unet: dict[str, Any] = field(default_factory=dict)
    """Begin from nothing: a table of UNet2DConditionModel's options, both networks' alike."""
    vae: str = ""
    """With `unet`: the folder of a trained autoencoder."""
    autoencoder: dict[str, Any] = field(default_factory=dict)
    """With `unet`, in place of `vae`: a table of AutoencoderKL's options. It stays untrained; for trials."""

    manifest: str = ""
    """List of the pairs to train on (.csv, .jsonl, or a Hugging Face data set's folder); see `magicface.data`."""
    validation_manifest: str = ""
    """List of held-out pairs."""
    synthetic_count: int = 0
    """Train on so many synthetic pairs, in place of a manifest."""
    synthetic_seed: int = 0
    """Of the synthetic pairs; the held-out ones have the next."""
    synthetic_people: int = 0
    """How many people take turns in the synthetic pairs; 0 gives each about four."""
    synthetic_cache: str = ""
    """Folder where synthetic pictures are kept; empty draws them anew each time, which takes far longer than a step."""
    size: int = 0
    """Side of the pictures in pixels; 0 is what the networks were made for."""
    guide: Literal["source", "target", "photo"] = "source"
    """What guides the synthetic pairs: the background of the source, as in use, or of the target, as in the paper; or
    "photo", all of the source, which then must be in [defaults] too."""
    extent: Literal["face", "head"] = "face"
    """What the synthetic pairs' guide hides: the inner face, or hair, neck and clothes too."""
    found: bool = False
    """Find, cut out and parse the synthetic sources as photos that are edited, with all the mistakes of that."""
    half: bool = False
    """Publish the networks in float16, in half the space; training and its state stay in float32."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """How the model is to be used (steps, guidance, extent, paste_back, guide, zoom), for its `editor.json`; what is
    not named is as in `model`, else as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (Defaults.of(self.defaults).guide == "photo") != (self.guide == "photo") and self.synthetic_count:
            raise InputError('guide = "photo" must stand among the data and in [defaults], or in neither.')
        if bool(self.unet) + bool(self.model or self.base) != 1:
            raise InputError("Name what to begin with: model, or base, or a table [unet].")
        if bool(self.vae) + bool(self.autoencoder) != bool(self.unet):
            raise InputError("vae or [autoencoder] goes with [unet], one of them; other models bring their own.")
        for name in ("size", "synthetic_count", "synthetic_seed", "synthetic_people"):
            at_least(name, getattr(self, name), 0)
        if self.unet and not self.size:
            raise InputError("[unet] needs a size.")
        if bool(self.manifest) + bool(self.synthetic_count) != 1:
            raise InputError("Name the data: manifest, or synthetic_count.")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    return command("magicface.train", __doc__, MagicFaceConfig, run, argv)


def run(config: MagicFaceConfig) -> int:
    """Trains; returns the exit code."""
    pipeline = begin(config)
    size = config.size or pipeline.sample_size
    if size % pipeline.vae_scale_factor:
        raise InputError(f"size must divide by {pipeline.vae_scale_factor}; got {size}.")
    data, held_out = pairs(config, size)
    twin = TwinUNet(pipeline.unet, pipeline.id_encoder, train_id_encoder=config.train_id_encoder)
    task = twin_task(
        config,
        twin,
        pipeline.vae,
        pipeline.prompt_embeds,  # type: ignore[arg-type]
        betas=dict(pipeline.scheduler.config),
        data=data,
        write_model=Writer(pipeline, own_defaults(config), half=config.half),
        validate=None if held_out is None else Validation(config, pipeline, held_out),
        title="A MagicFace model",
        notes=notes(config, len(data), size),  # type: ignore[arg-type]
    )
    train(config, task)
    return cli.OK


# --- what to begin with ----------------------------------------------------------------------------------------------


def begin(config: MagicFaceConfig) -> FaceEditPipeline:
    """The networks before the first step, and the scheduler that they will be used with."""
    torch.manual_seed(config.seed)
    if config.unet:
        pipeline = from_scratch(config)
    elif config.model:
        pipeline = checkpoints.load(
            model_folder(config.model), base=config.base or None, dtype=torch.float32, device="cpu"
        )
    else:
        pipeline = checkpoints.from_stable_diffusion(config.base, vector_size=len(ACTION_UNITS), guides=1)
    if pipeline.prompt_embeds is None:
        raise InputError(f"{config.model or config.base} has no {PROMPT_FILE}, nor text_encoder/ and tokenizer/.")
    if pipeline.unet.config.get("projection_class_embeddings_input_dim") != len(ACTION_UNITS):
        raise InputError(f"{config.model} is no MagicFace: its vector has not {len(ACTION_UNITS)} numbers.")
    own = pipeline.scheduler.config
    learned = own.prediction_type, bool(own.rescale_betas_zero_snr)
    if config.model and learned != (config.prediction, config.zero_terminal_snr):
        raise InputError(
            f"{config.model} learned something else than the config says.\n"
            f'  expected: prediction = "{learned[0]}" and zero_terminal_snr = {str(learned[1]).lower()}\n'
            f'  got:      prediction = "{config.prediction}" and {str(config.zero_terminal_snr).lower()}'
        )
    options = dict(own) | {"prediction_type": config.prediction}
    options.pop("_use_default_values", None)  # from_config would take its own defaults for the keys it names
    if config.zero_terminal_snr:
        options |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "final_sigmas_type": "zero"}
    pipeline.register_modules(scheduler=UniPCMultistepScheduler.from_config(options))
    return pipeline


def from_scratch(config: MagicFaceConfig) -> FaceEditPipeline:
    """Random networks of the sizes that the config names; the prompt is one token of zeros."""
    if config.vae:
        vae = load_vae(Path(config.vae).expanduser())
    else:
        vae: Any = built(AutoencoderKL, "autoencoder", config.autoencoder)
    channels, factor = vae.config.latent_channels, scale_factor(vae)
    shared = {"cross_attention_dim": 8, **config.unet, "out_channels": channels, "sample_size": config.size // factor}
    door = {"class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": len(ACTION_UNITS)}
    unet = built(UNet2DConditionModel, "unet", {**shared, **door, "in_channels": 2 * channels})
    id_encoder = built(UNet2DConditionModel, "unet", {**shared, "in_channels": channels})
    prompt = torch.zeros(1, 1, shared["cross_attention_dim"])
    return FaceEditPipeline(vae, id_encoder, unet, UniPCMultistepScheduler(**SD15_SCHEDULER), prompt)


def pairs(config: MagicFaceConfig, size: int) -> tuple[Dataset[Pair], Dataset[Pair] | None]:
    """The pairs to train on, and those held out."""
    if config.manifest:
        held_out = ManifestPairs(config.validation_manifest, size) if config.validation_manifest else None
        return ManifestPairs(config.manifest, size), held_out

    zoom = Defaults.of(config.defaults).zoom

    def synthetic(count: int, seed: int) -> SyntheticPairs:
        faces = SyntheticFaces(
            count, size=size, seed=seed, pairs="expression", people=config.synthetic_people or None,
            cache=config.synthetic_cache or None,
        )  # fmt: skip
        return SyntheticPairs(faces, guide=config.guide, extent=config.extent, found=config.found, zoom=zoom)

    held_out = synthetic(config.validation_count, config.synthetic_seed + 1) if config.validation_count else None
    return synthetic(config.synthetic_count, config.synthetic_seed), held_out


def own_defaults(config: MagicFaceConfig) -> Defaults:
    """How the trained model is to be used."""
    return Defaults.of(config.defaults, read_defaults(model_folder(config.model)) if config.model else None)


def notes(config: MagicFaceConfig, count: int, size: int) -> str:
    """What the model card says before the table."""
    given = config.model or config.base
    origin = f"`{given}`, whose licence goes on to hold" if given else "random weights"
    kind = f"pairs listed in `{Path(config.manifest).name}`" if config.manifest else "synthetic pairs"
    return (
        "Changes a face's expression by action-unit variations (after Wei et al., arXiv 2501.02260).\n\n"
        f"    magicface photo.jpg AU12=3 --model FOLDER\n\n"
        f"Trained on {count} {kind} of {size} x {size} pixels, from {origin}."
    )


# --- closures of the loop --------------------------------------------------------------------------------------------


class Writer:
    """Writes the networks in the published layout, with all else that an editor needs to load them."""

    def __init__(self, pipeline: FaceEditPipeline, defaults: Defaults, *, half: bool = False) -> None:
        self.pipeline, self.defaults = pipeline, defaults
        self.dtype = torch.float16 if half else torch.float32
        self.configs = dict(pipeline.unet.config), dict(pipeline.id_encoder.config)

    def __call__(self, folder: Path, unet: dict[str, torch.Tensor], id_encoder: dict[str, torch.Tensor]) -> None:
        """Write both networks' weights into a new folder."""
        pipeline, prompt = self.pipeline, self.pipeline.prompt_embeds
        assert prompt is not None
        unet, id_encoder = ({key: w.to(self.dtype) for key, w in state.items()} for state in (unet, id_encoder))
        save_unet(folder / MAGICFACE.denoiser[0], self.configs[0], unet, vector_key=MAGICFACE.vector_key)
        save_unet(folder / MAGICFACE.id_encoder[0], self.configs[1], id_encoder)
        vae = copy.deepcopy(pipeline.vae).to(self.dtype)
        vae.register_to_config(_name_or_path="")  # the folder of the training says nothing to others
        vae.save_pretrained(folder / "vae")
        pipeline.scheduler.save_pretrained(folder / "scheduler")
        save_file({"prompt_embeds": prompt.to("cpu", self.dtype).contiguous()}, folder / PROMPT_FILE)
        write_defaults(folder, self.defaults)


class Validation:
    """Edits held-out sources, draws them beside the truth, and measures."""

    def __init__(self, config: MagicFaceConfig, pipeline: FaceEditPipeline, data: Dataset[Pair]) -> None:
        self.config, self.data, self.around = config, data, pipeline
        self.pairs: Pair | None = None

    def __call__(self, unet: Any, id_encoder: Any, step: int, folder: Path) -> dict[str, float]:
        """The metrics of these networks; writes step-N.png."""
        around = self.around
        pipeline = FaceEditPipeline(around.vae, id_encoder, unet, around.scheduler, around.prompt_embeds)
        pipeline.set_progress_bar_config(disable=True)
        if self.pairs is None:
            count = min(self.config.validation_count, len(self.data))  # type: ignore[arg-type]
            rows = [self.data[i] for i in range(count)]
            self.pairs = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        pairs, count = self.pairs, len(self.pairs["vector"])
        made = [
            self._edit(pipeline, {name: value[i : i + AT_ONCE] for name, value in pairs.items()}, i)
            for i in range(0, count, AT_ONCE)
        ]
        edit, decoded = (torch.cat(part) for part in zip(*made))
        columns = {"source": pairs["source"], "edit": edit, "truth": pairs["target"], "VAE of the truth": decoded}
        page = sheet(columns, [to_text([round(v, 1) for v in row]) for row in pairs["vector"].tolist()])
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
            decoded = pipeline.vae.decode(pipeline.encode_image(pairs["target"])).sample
        return images.float().cpu(), (decoded.float().cpu() / 2 + 0.5).clamp(0, 1)


if __name__ == "__main__":
    sys.exit(main())

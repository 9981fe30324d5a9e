"""Checkpoints: the published layouts, their key names, and networks made from them.

Foreign names live here and in `download`; the rest of the toolkit never sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UniPCMultistepScheduler
from safetensors import SafetensorError

from .errors import CheckpointError, MissingCheckpointError
from .pipeline import FaceEditPipeline
from .prompt import prompt_embeds
from .weights import check_keys, own_copy, read_config, read_weights

PARSER_FILE = "79999_iter.pth"
"""BiSeNet face parsing, in the release's `utils/` (once at its top level)."""

WEIGHTS = "diffusion_pytorch_model.safetensors"

# stable-diffusion-v1-5's scheduler_config.json, for checkpoints that come without one.
SD15_SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}


@dataclass(frozen=True)
class Release:
    """A published model: where it lives and how its folders are called."""

    name: str
    repo: str
    id_encoder: tuple[str, ...]
    """Folder of the ID encoder; the first that exists counts."""
    denoiser: tuple[str, ...]
    vector_key: str = "au_aug_mlp."
    """The release's name of what diffusers calls `class_embedding.`"""


MAGICFACE = Release("magicface", "mengtingwei/magicface", ("ID_enc",), ("denoising_unet",))
RIGFACE = Release(
    "rigface",
    "mengtingwei/rigface",
    ("unet_id", "pre_trained/unet_id/checkpoint-70000"),
    ("unet_denoise", "pre_trained/unet_denoise/checkpoint-70000"),
)
RELEASES = (MAGICFACE, RIGFACE)


def load(
    folder: str | Path,
    *,
    base: str | Path | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> FaceEditPipeline:
    """A FaceEditPipeline from a folder in a published layout, or in ours (`FaceEditPipeline.save_pretrained`).

    Args:
        folder: the checkpoint. `vae/`, `scheduler/`, `text_encoder/`, `tokenizer/` and `prompt_embeds.safetensors` are
            taken from it where it has them, else from `base`.
        base: a local folder of Stable Diffusion 1.5 in diffusers' layout.
        dtype: of the weights in memory; default: float16 on CUDA and MPS, else float32.
        device: where they go; default: CUDA, then MPS, then the CPU.

    Raises:
        MissingCheckpointError: a file is not there; the message lists every one.
        CheckpointError: keys or shapes do not fit.
    """
    folder, device = Path(folder), torch.device(device or best_device())
    dtype = dtype or (torch.float32 if device.type == "cpu" else torch.float16)
    if (folder / "model_index.json").is_file():
        return fast_layout(FaceEditPipeline.from_pretrained(folder, dtype=dtype).to(device))
    places = [folder] + ([Path(base)] if base else [])
    release, missing = _missing(places)
    if missing:
        raise missing_error(missing, folder, base, release)
    id_encoder = load_unet(_first([folder], release.id_encoder), dtype=dtype)
    unet = load_unet(_first([folder], release.denoiser), vector_key=release.vector_key, dtype=dtype)
    vae = load_vae(_first(places, ("vae",)), dtype=dtype)
    prompt = prompt_embeds(places)
    width = unet.config["cross_attention_dim"]
    if prompt is not None and prompt.shape[::2] != (1, width):
        raise CheckpointError(f"The prompt embedding must be (1, 77, {width}) for this network; it is {prompt.shape}.")
    pipeline = FaceEditPipeline(vae, id_encoder, unet, released_scheduler(places), prompt).to(device)
    return fast_layout(pipeline)


def fast_layout(pipeline: FaceEditPipeline) -> FaceEditPipeline:
    """Channels-last weights in half precision (see `weights.own_copy`)."""
    if pipeline.unet.dtype == torch.float32:
        return pipeline
    for network in (pipeline.vae, pipeline.id_encoder, pipeline.unet):
        if network is not None:
            network.to(memory_format=torch.channels_last)
    return pipeline


def missing_files(folder: str | Path, base: str | Path | None = None) -> list[str]:
    """The files of a published layout that neither the folder nor the base holds; empty when it can be loaded."""
    return _missing([Path(folder)] + ([Path(base)] if base else []))[1]


def missing_error(
    missing: list[str], folder: Path, base: str | Path | None, release: Release
) -> MissingCheckpointError:
    """The error that goes with `missing_files`: what is missing, where it goes, and the command that fetches it."""
    lines = "\n".join(f"  {name}" for name in missing)
    return MissingCheckpointError(
        f"The {release.name} model is not complete; these files are missing:\n{lines}\n"
        f"They go into {folder}{f' or {base}' if base else ''}.\n"
        f"  fetch them: {release.name} download\n"
        "  or name the folder that has them: --model FOLDER (from Python: model=FOLDER)"
    )


def auxiliary(folder: str | Path, name: str) -> Path | None:
    """A helper file of the release, such as the face parser's weights: in `utils/`, or at the top level as once."""
    candidates = (Path(folder) / "utils" / name, Path(folder) / name)
    return next((path for path in candidates if path.is_file()), None)


def best_device() -> str:
    """The name "cuda", "mps" or "cpu" of the fastest device here."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


# --- the networks ----------------------------------------------------------------------------------------------------


def unet_from_config(config: Mapping[str, Any], vector_size: int | None = None) -> UNet2DConditionModel:
    """An empty vanilla UNet for a published config.json, which does not tell of the vector's door.

    Built on the meta device: it takes no memory until weights are assigned.
    """
    config = {key: value for key, value in config.items() if not key.startswith("_")}
    if vector_size is not None:
        config |= {"class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": vector_size}
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(config)  # type: ignore[return-value]


def load_unet(
    folder: Path, *, vector_key: str | None = None, dtype: torch.dtype = torch.float32
) -> UNet2DConditionModel:
    """A UNet from `config.json` and its weights, keys renamed, nothing missing and nothing left over.

    Raises:
        CheckpointError: names the missing and unexpected keys, or the keys of other shapes.
    """
    state = read_weights(folder / WEIGHTS)
    vector_size = None
    if vector_key is not None:
        state = {key.replace(vector_key, "class_embedding.", 1): value for key, value in state.items()}
        if "class_embedding.weight" not in state:
            raise CheckpointError(f"{folder / WEIGHTS} has no {vector_key}weight: it is not a denoiser of this family.")
        vector_size = state["class_embedding.weight"].shape[1]
    config = read_config(folder / "config.json")
    try:
        unet = unet_from_config(config, vector_size)
    except (TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError) as error:
        raise CheckpointError(f"{folder / 'config.json'} describes no UNet that can be built: {error}") from error
    check_keys(unet.state_dict(), state, str(folder))
    unet.load_state_dict({key: own_copy(value, dtype) for key, value in state.items()}, assign=True)
    return unet.eval()


def load_vae(folder: Path, *, dtype: torch.dtype = torch.float32) -> AutoencoderKL:
    """A VAE through diffusers, which knows the older key names that Stable Diffusion 1.5 still has.

    Raises:
        CheckpointError: damaged, or keys missing or left over.
    """
    try:
        loaded: Any = AutoencoderKL.from_pretrained(
            folder, dtype=dtype, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"Cannot read the VAE in {folder}: {error}") from error
    vae, info = loaded
    wrong = {title: keys for title in ("missing_keys", "unexpected_keys", "mismatched_keys") if (keys := info[title])}
    if wrong:
        raise CheckpointError(f"The weights of {folder} do not fit the network: {wrong}")
    return vae


def released_scheduler(places: list[Path]) -> UniPCMultistepScheduler:
    """UniPC as the release's diffusers 0.25.1 made it: linspace timesteps, last sigma the smallest of training.

    Today's default last sigma is zero, which gives other pictures. A scheduler_config.json that is UniPC's own (ours)
    is taken as it stands.
    """
    config = dict(SD15_SCHEDULER)
    published = _first(places, ("scheduler",)) / "scheduler_config.json"
    if published.is_file():
        config = read_config(published)
    if config.get("_class_name") == UniPCMultistepScheduler.__name__:
        return UniPCMultistepScheduler.from_config(config)  # type: ignore[return-value]
    # Keys of the published PNDM config that UniPC does not know would be reported as ignored.
    known = UniPCMultistepScheduler._get_init_keys(UniPCMultistepScheduler)
    config = {key: value for key, value in config.items() if key in known}
    return UniPCMultistepScheduler.from_config(config, final_sigmas_type="sigma_min")  # type: ignore[return-value]


def from_stable_diffusion(base: str | Path, *, vector_size: int, guides: int) -> FaceEditPipeline:
    """Where training starts: both UNets are the base model's, and every new door is shut.

    `conv_in` is widened by 4 channels a guide and the vector's projection is added, both with zeros, so that the first
    prediction equals the base model's, identity aside.

    Args:
        base: a local folder in diffusers' layout (`unet/`, `vae/`, `scheduler/`, text encoder or prompt embedding).
        vector_size: V, 12 for magicface, 64 for rigface.
        guides: how many pictures are concatenated, 1 for magicface, 2 for rigface.

    Raises:
        MissingCheckpointError: the base folder lacks a file.
    """
    base = Path(base)
    missing = [f"{name}/" for name in ("unet", "vae") if not (base / name / "config.json").is_file()]
    if missing:
        raise MissingCheckpointError(f"{base} is no Stable Diffusion in diffusers' layout; it lacks {missing}.")
    id_encoder = load_unet(base / "unet")
    state = dict(id_encoder.state_dict())
    config = dict(id_encoder.config) | {"in_channels": id_encoder.config["in_channels"] + 4 * guides}
    unet = unet_from_config(config, vector_size)
    room = torch.zeros(len(state["conv_in.weight"]), 4 * guides, *state["conv_in.weight"].shape[2:])
    state["conv_in.weight"] = torch.cat([state["conv_in.weight"], room], 1)
    state |= {key: torch.zeros(value.shape) for key, value in unet.state_dict().items() if "class_embedding." in key}
    check_keys(unet.state_dict(), state, str(base))
    unet.load_state_dict({key: value.clone() for key, value in state.items()}, assign=True)
    return FaceEditPipeline(load_vae(base / "vae"), id_encoder, unet, released_scheduler([base]), prompt_embeds([base]))


# --- where files are -------------------------------------------------------------------------------------------------


def _missing(places: list[Path]) -> tuple[Release, list[str]]:
    """The release whose layout the first place has (MagicFace's if none), and what it lacks."""
    folder = places[0]
    release = next((r for r in RELEASES if any((folder / n).is_dir() for n in r.denoiser + r.id_encoder)), MAGICFACE)
    networks = [_first([folder], release.id_encoder), _first([folder], release.denoiser), _first(places, ("vae",))]
    files = [network / name for network in networks for name in ("config.json", WEIGHTS)]
    return release, [_relative(path, places) for path in files if not path.is_file()]


def _first(places: list[Path], names: tuple[str, ...]) -> Path:
    """The first folder of these names that exists; else where the first would be."""
    candidates = [place / name for place in places for name in names]
    return next((path for path in candidates if path.is_dir()), candidates[0])


def _relative(path: Path, places: list[Path]) -> str:
    return next(path.relative_to(place) for place in places if path.is_relative_to(place)).as_posix()

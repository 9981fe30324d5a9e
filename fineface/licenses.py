"""Whose weights FineFace takes, and whether they are here."""

from __future__ import annotations

from common.cli.sources import OPENRAIL, Source, lacks, shared, small_model
from common.core.files import model_folder

from .variants import FACEID_REPO, RELEASE, SD15_FACEID, SD21, Variant, locate_base, missing_base_files, missing_files


def sources() -> list[Source]:
    """The rows of `fineface licenses` and `fineface doctor`."""
    return [
        _adapter(SD21),
        _base(SD21, "Stable Diffusion 2.1-base", "CreativeML OpenRAIL++-M, with use restrictions", 5.2),
        _adapter(SD15_FACEID),
        _base(SD15_FACEID, "Realistic Vision 4.0", f"{OPENRAIL}, by its model card", 4.3),
        Source(
            "IP-Adapter FaceID",
            "keeping a person",
            "non-commercial research only, as the insightface pack it was trained with",
            "no",
            FACEID_REPO,
            fetch=f"fineface download --variant {SD15_FACEID.name}",
            folder=lambda: model_folder(FACEID_REPO),
            missing=lambda: lacks(model_folder(FACEID_REPO), [SD15_FACEID.faceid or ""]),
        ),
        small_model("FineFace inside", "making faces"),
        *shared(),
    ]


def _adapter(variant: Variant) -> Source:
    return Source(
        f"FineFace {variant.name}",
        "making faces",
        "see its model card; its code is Apache-2.0; trained on DISFA and AffectNet, which are for research",
        "no",
        RELEASE,
        fetch=f"fineface download --variant {variant.name}",
        folder=lambda: model_folder(RELEASE),
        missing=lambda: missing_files(model_folder(RELEASE), variant),
    )


def _base(variant: Variant, name: str, licence: str, gigabytes: float) -> Source:
    return Source(
        name,
        f"base of FineFace {variant.name}",
        licence,
        "yes",
        variant.bases[0],
        gigabytes=gigabytes,
        fetch=f"fineface download --variant {variant.name}",
        folder=lambda: locate_base(None, variant),
        missing=lambda: missing_base_files(locate_base(None, variant)),
    )

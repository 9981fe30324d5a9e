"""The options of RigFace's edits: those of every editor, and what is prepared before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from common.core.errors import InputError
from common.editing.options import EditOptions, FaceKeywords, FaceOptions, Keywords, ModelKeywords, ModelOptions, option

from .reconstruct import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from common.facs.action_units import AULike, AURequest
    from common.imaging.images import ImageLike

    from .editor import Target
    from .reconstruct import Reconstructor
    from .request import LightLike, PoseLike


def _guidance(name: str, value: Any) -> float:
    if isinstance(value, bool) or value != 1:
        raise InputError(no_guidance(value))
    return 1.0


def _reconstructor(name: str, value: Any) -> Any:
    if isinstance(value, str):
        check_name(value)
    return value


@dataclass(frozen=True, kw_only=True)
class RigEditOptions(EditOptions):
    """`EditOptions` without guidance."""

    guidance: float | None = option(
        None, "None or 1: the published pipeline's two guidance halves are the same", _guidance, read=float
    )


@dataclass(frozen=True, kw_only=True)
class RigFaceOptions(FaceOptions):
    """`FaceOptions`, and conditions that were prepared before, such as the authors' own pairs: with `background`, they
    are the edit of the aligned crop, and nothing else can be asked for. Raises InputError: one of the prepared three
    without the others.
    """

    render: ImageLike | None = option(
        None, "prepared render; goes with background and coefficients", read=Path, compare=False
    )
    coefficients: npt.ArrayLike | str | Path | None = option(
        None, "prepared expression, (V,), 64 for the published model, or a .npy file", read=Path, compare=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        given = {name: getattr(self, name) for name in ("background", "render", "coefficients")}
        missing = [name for name, value in given.items() if value is None]
        if 0 < len(missing) < len(given):
            raise InputError(
                f"Prepared conditions are background, render and coefficients together; {' and '.join(missing)} "
                "missing."
            )


@dataclass(frozen=True, kw_only=True)
class RigModelOptions(ModelOptions):
    """`ModelOptions`, and what sees faces in 3D."""

    reconstructor: str | Reconstructor = option(
        "auto", "3D reconstruction: released, embedded, one itself, or auto for the first at hand", _reconstructor
    )


class RigFaceKeywords(FaceKeywords, total=False):
    """`RigFaceOptions` as keywords."""

    render: ImageLike | None
    coefficients: npt.ArrayLike | str | Path | None


class RigModelKeywords(ModelKeywords, total=False):
    """`RigModelOptions` as keywords."""

    reconstructor: str | Reconstructor


class RigKeywords(Keywords, RigFaceKeywords, RigModelKeywords, total=False):
    """All options of `rigface.edit`."""


class RigRequest(TypedDict, total=False):
    """One request by its parts, as keywords."""

    light: LightLike | None
    pose: PoseLike | None
    expression: AURequest | None
    target: ImageLike | Target | None
    copy: str | list[str] | None


class RigRequests(TypedDict, total=False):
    """Requests by their parts, as keywords; each may be a list."""

    light: LightLike | Sequence[LightLike] | None
    pose: PoseLike | Sequence[PoseLike] | None
    expression: AULike | Sequence[AULike] | None
    target: ImageLike | Target | Sequence[ImageLike | Target] | None
    copy: str | list[str] | None


class OneEdit(RigRequest, RigKeywords, total=False):
    """All keywords of `rigface.edit` and `rigface.rig` with single requests."""


class SeveralEdits(RigRequests, RigKeywords, total=False):
    """All keywords of `rigface.edit` and `rigface.rig` with lists."""


def no_guidance(guidance: object) -> str:
    """The sentences of an error."""
    return (
        "RigFace has no guidance: the two halves that the published pipeline compares are the same, so that any "
        "strength gives the same picture, at twice the cost.\n"
        f"  expected: None or 1, one pass a step\n  got:      {guidance!r}"
    )

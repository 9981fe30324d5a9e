"""The options of RigFace's edits: those of every editor, prepared conditions, and the reconstructor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.core.errors import InputError
from common.editing.options import EditOptions, FaceKeywords, FaceOptions, Keywords, ModelOptions, option

from .reconstruct import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from common.facs.action_units import AULike, AURequest
    from common.imaging.images import ImageLike

    from .reconstruct import Reconstructor, View
    from .request import LightLike, PoseLike


NO_GUIDANCE = (
    "RigFace has no guidance: the two halves that the published pipeline compares are the same, so that any scale "
    "gives the same picture, at twice the cost."
)


def _guidance(name: str, value: Any) -> float:
    if isinstance(value, bool) or value != 1:
        raise InputError(NO_GUIDANCE, code="conflict", expected=1, actual=value)
    return 1.0


@dataclass(frozen=True, kw_only=True)
class RigEditOptions(EditOptions):
    """`EditOptions` without guidance."""

    guidance: float | None = option(
        None, "None or 1: the published pipeline's two guidance halves are the same", _guidance, read=float
    )


@dataclass(frozen=True, kw_only=True)
class RigFaceOptions(FaceOptions):
    """`FaceOptions`, and prepared conditions of an aligned crop, with `background`, beside which nothing is requested.

    Raises:
        InputError: one of the prepared three without the others.
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
                "Prepared conditions are background, render and coefficients together.",
                code="missing",
                expected=list(given),
                actual=[name for name in given if name not in missing],
            )


@dataclass(frozen=True, kw_only=True)
class RigModelOptions(ModelOptions):
    """`ModelOptions`, and what sees faces in 3D."""

    reconstructor: str | Reconstructor = option(
        "auto", "3D reconstruction: released, embedded, an object, or auto for what the network reads", check_name
    )


class RigFaceKeywords(FaceKeywords, total=False):
    """`RigFaceOptions` as keywords."""

    render: ImageLike | None
    coefficients: npt.ArrayLike | str | Path | None


class RigKeywords(Keywords, RigFaceKeywords, total=False):
    """All options of `rigface.edit`."""

    reconstructor: str | Reconstructor


class OneEdit(RigKeywords, total=False):
    """All keywords of `rigface.edit` and `rigface.rig` with single requests."""

    light: LightLike | None
    pose: PoseLike | None
    expression: AURequest | None
    target: ImageLike | View | None
    copy: str | list[str] | None


class SeveralEdits(RigKeywords, total=False):
    """All keywords of `rigface.edit` and `rigface.rig` with lists."""

    light: LightLike | Sequence[LightLike] | None
    pose: PoseLike | Sequence[PoseLike] | None
    expression: AULike | Sequence[AULike] | None
    target: ImageLike | View | Sequence[ImageLike | View] | None
    copy: str | list[str] | None

"""How pictures are made: the options that FineFace adds to those of every editor, and how they are resolved."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from common.core.errors import ActionUnitError, InputError
from common.core.numbers import fraction, number
from common.editing.defaults import Defaults
from common.editing.options import (
    EditOptions,
    Engine,
    FaceKeywords,
    FaceOptions,
    ModelOptions,
    ResolvedOptions,
    one_of,
    option,
)
from common.editing.request import pair_up
from common.facs.action_units import AUIntensity, AULike

from .variants import VARIANTS, get_variant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from common.faces import FaceDetector
    from common.imaging.images import ImageLike

    People = ImageLike | Sequence[ImageLike]

log = logging.getLogger(__name__)

Start = Literal["photo", "warp"]
PUBLISHED = Defaults(steps=50, guidance=7.5, region="face", conditioning_image="photo")
"""What the released scripts take; a model may have settings of its own, in its folder's editor.json."""
STRENGTHS: dict[str, float] = {"photo": 1.0, "warp": 0.5}
"""What an edit can start from, and the default fraction of the steps that is run."""
STEPS = 6
"""Pictures of a sweep."""
_OWN = "(default: the model's own)"
_RANGE = re.compile(r"(\w+)=([^:]+):([^:]+)")


def at_least(low: float) -> Callable[[str, Any], float]:
    """A check that a value is a finite number not below another."""
    return lambda name, value: number(name, value, low)


def check_prompt(name: str, value: Any) -> str:
    """The prompt; raises an InputError where it is not a text."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text.", code="type", expected="str", actual=type(value).__name__)
    return value


def _paste(name: str, value: Any) -> Literal["replace", False]:
    if value is True or value == "replace":
        return "replace"
    if value is False or value == "none":
        return False
    hint = "FineFace repaints the face, so that there is no change to add to the photo's own detail"
    raise InputError(f"{name} cannot be used.", code="unknown", expected="True or False", actual=value, hint=hint)


@dataclass(frozen=True, kw_only=True)
class FineFaceOptions(EditOptions):
    """How to sample and paste back; see the fields' texts. Raises: as `EditOptions`."""

    guidance: float | None = option(
        None,
        "guidance scale of text, AUs and person together: s in eps = eps_0 + s (eps_request - eps_0), eps_0 with "
        f"the negative prompt, a neutral face and no person; 1 is none, and saves a pass a step {_OWN}",
        at_least(1),
        read=float,
    )
    start: Start | None = option(  # pyright: ignore[reportIncompatibleVariableOverride]
        None,
        "what is noised first: the photo, or its warp, whose fitted head has these intensities (default: photo)",
        one_of(*get_args(Start)),
        choices=get_args(Start),
    )
    strength: float | None = option(
        None,
        "fraction of the steps that are run: 1 starts from pure noise; less keeps more of the photo or the warp; "
        "0, where start is warp, is the warp itself (default: 1; from a warp 0.5)",
        fraction,
        read=float,
    )
    paste_back: bool | Literal["replace"] | None = option(
        None,
        f"replace: the crop as generated; none: no paste-back, the crop is the result {_OWN}",
        _paste,
        choices=("replace", "none"),
        flag="--paste",
    )
    prompt: str | None = option(
        None, 'text about the face of a photo (default: "A close up of a person.")', check_prompt
    )
    negative_prompt: str | None = option(None, "text about what the picture must not show", check_prompt)
    au_scale: float = option(1.0, "strength of the AU branch; 0 is the base model", number, read=float)
    face_scale: float = option(0.9, "strength of the person (FaceID); 0.9 is the release's", number, read=float)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strength == 0 and self.start != "warp":
            raise InputError('A strength of 0 is the warp itself, and goes with start="warp".', code="conflict")

    def resolve(self, defaults: Defaults, *, networks: bool = True) -> FineFaceResolved:
        """As `EditOptions.resolve`. Raises InputError: a strength that leaves no step."""
        from common.weights.text_encoder import PROMPT  # brings torch

        start = self.start or "photo"
        strength = STRENGTHS[start] if self.strength is None else self.strength
        steps = int(defaults.steps) if self.steps is None else self.steps
        guidance = float(defaults.guidance) if self.guidance is None else self.guidance
        warped = start == "warp" and strength == 0
        if not warped and steps * strength < 1:
            expected = f"at least {1 / steps:g}, one of {steps} steps"
            raise InputError("strength leaves no step.", code="range", expected=expected, actual=strength)
        engine: Engine = "warp" if warped else self.wanted or ("diffusion" if networks else "warp")
        return FineFaceResolved(
            engine=engine,
            steps=steps,
            guidance=at_least(1)("guidance", guidance),
            start=start,
            strength=strength,
            paste_back=_paste("paste_back", defaults.paste_back if self.paste_back is None else self.paste_back),
            prompt=PROMPT if self.prompt is None else self.prompt,
            **{
                name: getattr(self, name)
                for name in ("seed", "batch_size", "negative_prompt", "au_scale", "face_scale")
            },
        )


@dataclass(frozen=True, kw_only=True)
class FineFaceResolved(ResolvedOptions):
    """`FineFaceOptions` in which nothing is left open: see there."""

    start: Start  # pyright: ignore[reportIncompatibleVariableOverride]
    prompt: str
    negative_prompt: str | None
    au_scale: float
    face_scale: float

    @property
    def guided(self) -> bool:
        """Whether there is an unconditional half."""
        return self.guidance > 1

    def sampling(self) -> dict[str, Any]:
        """What decided how a picture from text looks, as plain values, which `FineFaceOptions.of` reads."""
        names = ("steps", "guidance", "seed", "negative_prompt", "au_scale", "face_scale")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class FineFaceModel(ModelOptions):
    """Which networks, and where they run; see the fields' texts."""

    variant: str | None = option(
        None,
        "sd21: on Stable Diffusion 2.1-base, with a LoRA; sd15-faceid: on 1.5, which keeps a person; whole: model "
        "and base in one folder (default: whole for such a folder; sd15-faceid for a person; else sd21)",
        lambda name, value: get_variant(value).name,
        choices=tuple(VARIANTS),
    )
    lora_scale: float = option(
        1.0, "strength of the variant's LoRA; 0 leaves the base's weights as they are", number, read=float
    )

    @property
    def networks(self) -> dict[str, Any]:
        """Which weights, and where they run."""
        return super().networks | {"variant": self.variant, "lora_scale": self.lora_scale}


class SamplingKeywords(TypedDict, total=False):
    """The options of pictures from text and of edits, as keywords; but for the seed."""

    steps: int | None
    guidance: float | None
    batch_size: int
    negative_prompt: str | None
    au_scale: float
    face_scale: float


class NetworkKeywords(TypedDict, total=False):
    """Which networks, and where they run, as keywords."""

    base: str | Path | None
    variant: str | None
    lora_scale: float
    device: str | None
    dtype: torch.dtype | str | None


class EditorKeywords(NetworkKeywords, total=False):
    """`FineFaceModel` as keywords, but for the model."""

    size: int | None
    detector: str | FaceDetector
    parser: str


class TextKeywords(SamplingKeywords, NetworkKeywords, total=False):
    """Options of `fineface.generate` that are fields of `FineFaceOptions` or `FineFaceModel`."""

    model: str | Path | None


class GenerateKeywords(TextKeywords, total=False):
    """Options of `fineface.generate`."""

    identity: People | None
    seed: int | None
    size: int | tuple[int, int] | None
    progress: bool


class PhotoKeywords(SamplingKeywords, FaceKeywords, EditorKeywords, total=False):
    """Options of `fineface.edit` that are fields of `FineFaceOptions`, `FaceOptions` or `FineFaceModel`."""

    model: str | Path | None
    seed: int
    engine: Engine | None
    start: Start | None
    strength: float | None
    paste_back: bool | Literal["replace"] | None
    prompt: str | None


class Keywords(PhotoKeywords, total=False):
    """Options of `fineface.edit`."""

    progress: bool


def pair_texts(prompt: str | list[str], aus: AULike | Sequence[AULike]) -> tuple[list[tuple[str, AUIntensity]], bool]:
    """As `common.editing.request.pair_up`, of prompts and requests."""
    pairs, single = pair_up(prompt, aus, AUIntensity, "prompts")
    return [(check_prompt("prompt", text), request) for text, request in pairs], single


SAMPLING = tuple(SamplingKeywords.__annotations__)
"""Names of the options of pictures from text, but for the seed."""
KINDS = (FineFaceOptions, FaceOptions, FineFaceModel)


def drawn_seed(seed: int | None) -> int:
    """The seed; where there is none, one is drawn and logged."""
    if seed is None:
        seed = secrets.randbelow(2**31)
        log.info("seed %d", seed)
    return seed


def expand(request: str, steps: int = STEPS) -> list[AUIntensity]:
    """The requests of a sweep, from a request in its short form in which a value may be a range.

        expand("AU12=0:4,AU6=1", 3) -> AU6=1    AU6=1,AU12=2    AU6=1,AU12=4

    Several ranges run together. Without a range there is one request. Next to a range, expressions of several words are
    written with underscores. Raises ActionUnitError: see `AUIntensity.parse`, or fewer than two steps.
    """
    request = re.sub(r"\bneutral\b[\s,;]*", "", request, flags=re.IGNORECASE)
    parts = [part for part in re.split(r"[,;\s]+", request) if part]
    ranges = [_RANGE.fullmatch(part) for part in parts]
    if not any(ranges):
        return [AUIntensity.parse(request)]
    first, last = (
        AUIntensity.parse(",".join(f"{r[1]}={r[end]}" if r else part for r, part in zip(ranges, parts)))
        for end in (2, 3)
    )
    if steps < 2:
        raise ActionUnitError("A sweep has too few steps.", code="count", expected="at least 2", actual=steps)
    return [first.blend(last, step / (steps - 1)) for step in range(steps)]

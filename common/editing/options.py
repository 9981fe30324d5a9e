"""How an edit is made. Each option is one field here, with its check and its text; keywords, flags, settings of batches
and provenance records derive from the fields.

    EditOptions    how to sample and paste back
    FaceOptions    which face of the photo, and how it is looked at
    ModelOptions   which networks, detectors and parsers, and where they run

None stands for what was not given. `EditOptions.resolve` puts the model's own defaults (`common.editing.defaults`)
in its place.
"""

from __future__ import annotations

import inspect
import os
import textwrap
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, get_args

from ..core.errors import InputError
from ..core.numbers import fraction, number, whole_number
from ..weights.device import DTYPES

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

    from ..faces import FaceDetector
    from ..imaging.images import ImageLike
    from ..parsing import Region
    from .defaults import Defaults

Engine = Literal["diffusion", "warp"]
Start = Literal["noise", "warp"]
Paste = Literal["replace", "detail", False]
FaceChoice = str | int | tuple[float, float]
"""A face of a photo: "largest", an index counted from left to right, or a point (x, y) in the photo."""

SEED = 424
"""The release's seed."""
PASTE = ("replace", "detail")

_OWN = "(default: the model's own)"
_OPTION = "option"
_Function = TypeVar("_Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Option:
    """What is known of a field of `Options`, except its name and default.

    Attributes:
        help: text for the command line and for `help()`; it starts with a noun.
        check: from name and value to the value that is kept; raises an InputError. None is never checked where it is
            the default.
        choices: values on the command line; none where there are more than a few.
        read: type on the command line.
        flag: name on the command line, where it is not the field's.
    """

    help: str
    check: Callable[[str, Any], Any] | None = None
    choices: tuple[str, ...] = ()
    read: type = str
    flag: str | None = None


def option(
    default: Any,
    help: str,
    check: Callable[[str, Any], Any] | None = None,
    *,
    compare: bool = True,
    **known: Any,
) -> Any:
    """A dataclass's field with its `Option` in the metadata."""
    return field(default=default, compare=compare, metadata={_OPTION: Option(help, check, **known)})


def option_of(each: Field[Any]) -> Option:
    """What is known of a field."""
    return each.metadata[_OPTION]


def one_of(*choices: str | bool) -> Callable[[str, Any], Any]:
    """A check that a value is one of these; raises an InputError (code "unknown") for others."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, (str, bool)) or value not in choices:
            expected = " or ".join(repr(choice) for choice in choices)
            raise InputError(f"{name} has an unknown value.", code="unknown", expected=expected, actual=value)
        return value

    return check


ALL = "all"
"""The choice of a face that means all of them, see `everyone`."""


def check_option(kind: type[Options], name: str, value: Any) -> Any:
    """The value of one field as it is kept; raises an InputError where the field cannot have it."""
    check = next(option_of(each).check for each in fields(kind) if each.name == name)
    return value if check is None else check(name, value)


def _in_range(low: int, high: int) -> Callable[[str, Any], int]:
    return lambda name, value: whole_number(name, value, low, high)


def _paste(name: str, value: Any) -> Paste:
    if value is True or value == "replace":
        return "replace"
    if value is False or value == "none":
        return False
    if value == "detail":
        return "detail"
    expected = 'True, False, "replace" or "detail"'
    raise InputError(f"{name} has an unknown value.", code="unknown", expected=expected, actual=value)


def read_face(name: str, value: Any) -> FaceChoice:
    """The face that is meant, from a value or its text; raises an InputError for neither."""
    if isinstance(value, str) and value in ("largest", ALL):
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        if isinstance(value, Integral) or (isinstance(value, str) and "," not in value):
            return int(value)
        x, y = (float(part) for part in (value.split(",") if isinstance(value, str) else value))
    except (TypeError, ValueError):
        expected = '"largest", "all", an index counted from the left, or a point X,Y in the photo'
        raise InputError(f"{name} names no face.", code="format", expected=expected, actual=value) from None
    return x, y


def _as_text(name: str, value: Any) -> str:
    return str(value)


def _dtype(name: str, value: Any) -> str:
    return one_of(*DTYPES)(name, str(value).removeprefix("torch."))


def _place(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        expected = "a folder or the name of a model"
        raise InputError(f"{name} has the wrong type.", code="type", expected=expected, actual=type(value).__name__)
    return os.fspath(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _parser(name: str, value: Any) -> str:
    if value != "auto":
        from ..parsing import check_name

        check_name(value)
    return value


def _detector(name: str, value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        from ..faces.detectors import check_detector

        check_detector(value)
    return value


# --- the options ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that are checked when they are made."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            check = option_of(each).check
            if check is not None and not (value is None and each.default is None):
                object.__setattr__(self, each.name, check(each.name, value))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From keywords, a parsed command line (`vars`), settings of a batch, or a provenance record.

        Names that are not those of the fields are ignored.

        Raises:
            InputError: a value that cannot be used, or two that do not go together.
        """
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})

    def to_json(self) -> dict[str, Any]:
        """What was asked for as plain values, which `of` reads."""
        return {
            each.name: value if isinstance(value, (bool, int, float, str)) else _plain(value)
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        }


@dataclass(frozen=True, kw_only=True)
class EditOptions(Options):
    """How to sample and paste back; see the fields' texts.

    Raises:
        InputError: a value that cannot be used, or two that do not go together.
    """

    steps: int | None = option(None, f"denoising steps, 1 to 1000 {_OWN}", _in_range(1, 1000), read=int)
    guidance: float | None = option(None, f"guidance scale of the request {_OWN}", number, read=float)
    seed: int = option(SEED, "random seed for the initial noise", _in_range(0, 2**63 - 1), read=int)
    engine: Engine | None = option(
        None,
        "diffusion: the networks; warp: the photo warped by its fitted head, without networks (default: the "
        "networks where a model is named or fetched, else the warp)",
        one_of(*get_args(Engine)),
        choices=get_args(Engine),
    )
    start: Start | None = option(
        None,
        f"what the networks start from: noise, or the noised warp, of which only the last steps are run {_OWN}",
        one_of(*get_args(Start)),
        choices=get_args(Start),
    )
    strength: float | None = option(
        None,
        "fraction of the steps run from the warp, where start is warp; 0 is the warp itself, 1 the edit without "
        f"it {_OWN}",
        fraction,
        read=float,
    )
    paste_back: bool | Literal["replace", "detail"] | None = option(
        None,
        "replace: the crop as generated; detail: the change alone, so that the photo keeps its sharpness where "
        f"little moves; none: no paste-back, the crop is the result {_OWN}",
        _paste,
        choices=(*PASTE, "none"),
        flag="--paste",
    )
    batch_size: int = option(4, "requests that run through the networks at once", _in_range(1, 2**31), read=int)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine == "warp" and (self.start is not None or self.strength is not None):
            message = 'engine="warp" is the warp itself; a start or a strength goes with engine="diffusion".'
            raise InputError(message, code="conflict")
        if self.start == "noise" and self.strength is not None:
            raise InputError('A strength goes with start="warp", not with start="noise".', code="conflict")

    @property
    def wanted(self) -> Engine | None:
        """The engine that is asked for: by name, or by a start or a strength, which only networks have; else None.

        A start from the warp at strength 0 is the warp itself.
        """
        if self.start == "warp" and self.strength == 0:
            return "warp"
        return self.engine or (None if self.start is None and self.strength is None else "diffusion")

    def resolve(self, defaults: Defaults, *, networks: bool = True) -> ResolvedOptions:
        """These, with the model's own in the place of what was not given; without networks the engine is "warp".

        Raises:
            InputError: a strength of a warp that the networks do not begin with.
        """
        start = defaults.start if self.start is None else self.start
        strength = float(defaults.strength) if self.strength is None else self.strength
        if self.strength is not None and start == "noise":
            raise InputError('A strength goes with start="warp"; the edit starts from noise.', code="conflict")
        warped = start == "warp" and strength == 0
        return ResolvedOptions(
            engine="warp" if warped else self.wanted or ("diffusion" if networks else "warp"),
            steps=int(defaults.steps) if self.steps is None else self.steps,
            guidance=float(defaults.guidance) if self.guidance is None else self.guidance,
            seed=self.seed,
            start=start,
            strength=strength,
            paste_back=_paste("paste_back", defaults.paste_back if self.paste_back is None else self.paste_back),
            batch_size=self.batch_size,
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedOptions:
    """`EditOptions` in which nothing is left open: see there.

    Attributes:
        strength: of the warp; counts where `start` is "warp".
        paste_back: False for the crop alone.
    """

    engine: Engine
    steps: int
    guidance: float
    seed: int
    start: Start
    strength: float
    paste_back: Paste
    batch_size: int

    def settings(self) -> dict[str, Any]:
        """What decided how a picture looks, as plain values, which `EditOptions.of` reads."""
        if self.engine == "warp":
            return {"engine": self.engine, "paste_back": self.paste_back}
        found = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "batch_size"}
        if self.start == "noise":
            del found["strength"]
        return found


@dataclass(frozen=True, kw_only=True)
class FaceOptions(Options):
    """Which face of a photo, and how it is looked at; see the fields' texts."""

    face: FaceChoice = option("largest", '"largest", "all", an index from the left, or X,Y in the photo', read_face)
    region: Region | None = option(
        None, f"region that the network repaints {_OWN}", one_of("head", "face"), choices=("head", "face")
    )
    background: ImageLike | None = option(
        None, "prepared background; the photo is then the aligned crop", read=Path, compare=False
    )
    strict: bool = option(False, "treat photo warnings, such as a profile, as errors", one_of(True, False), read=bool)


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """Which networks, and where they run; see the fields' texts.

    Paths, dtype and device are kept as texts.
    """

    model: str | Path | None = option(
        None,
        "folder, fetched hub repository, or embedded (default: the published one; without it, photos are warped)",
        _place,
    )
    base: str | Path | None = option(
        None, "folder of the base model, Stable Diffusion, for what the model's folder lacks", _place
    )
    device: str | None = option(None, "cuda, mps or cpu (default: the fastest)", _as_text)
    dtype: torch.dtype | str | None = option(
        None, "precision of the networks (default: float16 on cuda and mps, else float32)", _dtype, choices=DTYPES
    )
    size: int | None = option(
        None, "side of the crop in pixels (default: the network's own)", _in_range(64, 4096), read=int
    )
    detector: str | FaceDetector = option(
        "auto", "face detector: auto, insightface, face-alignment or mediapipe", _detector
    )
    parser: str = option("auto", "face parser: auto, bisenet, segformer, embedded or grabcut", _parser)

    def check_device(self) -> None:
        """Raises an InputError for a device that this machine has not; brings torch."""
        from ..weights.device import choose_device

        choose_device(self.device, self.dtype)

    @property
    def networks(self) -> dict[str, Any]:
        """Which weights, and where they run."""
        return {name: getattr(self, name) for name in ("model", "base", "dtype", "device")}

    @property
    def surroundings(self) -> dict[str, Any]:
        """What an editor has except its networks, a subclass's own fields included."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in self.networks}


class EditKeywords(TypedDict, total=False):
    """`EditOptions` as keywords."""

    steps: int | None
    guidance: float | None
    seed: int
    engine: Engine | None
    start: Start | None
    strength: float | None
    paste_back: bool | Literal["replace", "detail"] | None
    batch_size: int


class FaceKeywords(TypedDict, total=False):
    """`FaceOptions` as keywords."""

    face: FaceChoice
    region: Region | None
    background: ImageLike | None
    strict: bool


class EditorKeywords(TypedDict, total=False):
    """`ModelOptions` but the model, as keywords."""

    base: str | Path | None
    device: str | None
    dtype: torch.dtype | str | None
    size: int | None
    detector: str | FaceDetector
    parser: str


class ModelKeywords(EditorKeywords, total=False):
    """`ModelOptions` as keywords."""

    model: str | Path | None


class Keywords(EditKeywords, FaceKeywords, ModelKeywords, total=False):
    """All options of an `edit` function."""


# --- for functions that take options as keywords ----------------------------------------------------------------------


def check_keywords(
    function: str, given: Mapping[str, Any], *kinds: type[Options], names: Collection[str] | None = None
) -> None:
    """Raises Python's own TypeError for keywords that no options have, or of which `names` has none."""
    known = [each.name for kind in kinds for each in fields(kind) if names is None or each.name in names]
    if unknown := [name for name in given if name not in known]:
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}; known: {', '.join(known)}")


def documented(*kinds: type[Options], names: Collection[str] | None = None) -> Callable[[_Function], _Function]:
    """Puts the texts of options in the place of `{options}` in a function's docstring; `names` alone, where given."""

    def document(function: _Function) -> _Function:
        if function.__doc__ is not None:
            lines = [
                textwrap.fill(f"    {each.name}: {option_of(each).help}", 112, subsequent_indent=" " * 8)
                for kind in kinds
                for each in fields(kind)
                if names is None or each.name in names
            ]
            function.__doc__ = inspect.cleandoc(function.__doc__).replace("    {options}", "\n".join(lines))
        return function

    return document


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [float(part) for part in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

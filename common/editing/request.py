"""What is asked of a face: a value that is parsed once, at the door, and lists of such."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeVar, cast

from ..core.errors import InputError
from ..imaging.images import as_list

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..facs.action_units import AUDelta, AUIntensity, AULike, AURequest


class Request(Protocol):
    """A request of one editor, such as `common.facs.action_units.AUDelta`; frozen. The class without arguments makes
    the null edit, and `str` the words of the command line.
    """

    @classmethod
    def parse(cls, value: Any) -> Self:
        """A request of any of its forms, else an InputError; one that is parsed already stays the same object."""
        ...

    @classmethod
    def split(cls, value: Any) -> list[Any] | None:
        """The requests of a list of them; None for a single one."""
        ...

    def cautions(self) -> list[str]:
        """Sentences on what is known to go wrong with it; none for most."""
        ...

    @property
    def beyond(self) -> Sequence[str]:
        """Names of what it asks for that warps alone grant, see `common.facs.controls`."""
        ...

    @property
    def known(self) -> Self:
        """The request without that."""
        ...

    def to_json(self) -> Any:
        """The request as JSON has it, and files of requests; `parse` reads it."""
        ...


class Sweepable(Request, Protocol):
    """A request with named attributes that have levels: for sweeps, grids, animations and measured expressions."""

    absolute: ClassVar[bool]
    """It asks for intensities, not for changes."""

    @property
    def units(self) -> Sequence[float] | None:
        """The 12 action units that it asks for; None where it asks for none."""
        ...

    @classmethod
    def axes(cls) -> Mapping[str, str]:
        """The names of all attributes, and what each means."""
        ...

    @classmethod
    def axis(cls, name: str) -> str:
        """The attribute's name as it is written, of any of its spellings; raises an InputError for an unknown one."""
        ...

    @classmethod
    def levels(cls, axis: str) -> Sequence[float]:
        """The values that a sweep of the attribute shows where none are given."""
        ...

    def with_level(self, axis: str, level: float) -> Self:
        """This request with one attribute at a level, whatever it was before."""
        ...

    def plus(self, other: Self) -> Self:
        """Both requests at once."""
        ...

    def blend(self, other: Self, fraction: float) -> Self:
        """What lies between this request (fraction 0) and another one (1); raises an InputError where nothing does."""
        ...

    @classmethod
    def toward(cls, present: AUIntensity, wanted: AUIntensity) -> Self:
        """The request that takes a face from its present action units to others."""
        ...

    @classmethod
    def shifted(cls, present: AUIntensity, delta: AUDelta) -> Self:
        """The request for a change of expression, of a face that shows `present`."""
        ...


log = logging.getLogger(__name__)

AnyRequest = TypeVar("AnyRequest", bound=Request)
One = TypeVar("One")
OneRequest: TypeAlias = "Request | AURequest | Mapping[str, object]"
RequestLike: TypeAlias = "OneRequest | AULike"
"""Every form of a request that some editor reads, see its `request.parse`."""
Requests: TypeAlias = "RequestLike | Sequence[RequestLike]"
NULL: Mapping[str, object] = MappingProxyType({})
"""The null edit of every editor."""


@cache
def null_edit(kind: type[AnyRequest]) -> AnyRequest:
    """The null edit of a kind of requests, always the same object."""
    return kind()


def check_granted(requests: Iterable[Request], *, warped: bool) -> None:
    """Say what of requests networks leave out; `warped` where sampling starts from a warp, which has it.

    Raises InputError: nothing of a request is left.
    """
    for request in requests:
        if not request.beyond or warped:
            continue
        names = ", ".join(request.beyond)
        if request.known == null_edit(type(request)):
            raise InputError(
                "The networks know none of what is requested.",
                code="unsupported",
                expected="some of the twelve action units of both sides",
                actual=names,
                hint='engine="warp" (--engine warp) grants it',
            )
        log.warning('the networks leave out %s; engine="warp" grants it', names)


def parse_all(value: object, kind: type[AnyRequest]) -> tuple[list[AnyRequest], bool]:
    """The requests of a list, or the one that was given, and whether it was a single one."""
    values = kind.split(value)
    return ([kind.parse(value)], True) if values is None else ([kind.parse(each) for each in values], False)


def pair_up(
    subject: One | Sequence[One], request: object, kind: type[AnyRequest], name: str = "pictures"
) -> tuple[list[tuple[One, AnyRequest]], bool]:
    """Pairs of subject and request, and whether neither came as a list; a single one goes with all of the other's.

    Raises:
        InputError: two lists of different lengths, or a value that is not a request.
    """
    subjects: list[One] | None = as_list(subject)
    requests, single = parse_all(request, kind)
    if subjects is None:
        return [(cast("One", subject), each) for each in requests], single
    if single:
        return [(each, requests[0]) for each in subjects], False
    if len(subjects) != len(requests):
        message = f"Lists of {name} and of requests pair up one by one; one item alone goes with all others."
        raise InputError(message, code="count", expected=len(subjects), actual=len(requests))
    return list(zip(subjects, requests)), False

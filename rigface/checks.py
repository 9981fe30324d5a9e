"""What can be wrong with a call before any network is loaded."""

from __future__ import annotations

from typing import Any

from common.errors import InputError


def check_guidance(guidance: float | None) -> None:
    """Raises an InputError for any guidance but None and 1, with the reason."""
    if guidance is not None and (isinstance(guidance, bool) or guidance != 1):
        raise InputError(no_guidance(guidance))


def check_prepared(background: Any, render: Any, coefficients: Any) -> None:
    """Raises an InputError unless the prepared three come together."""
    given = {"background": background, "render": render, "coefficients": coefficients}
    missing = [name for name, value in given.items() if value is None]
    if 0 < len(missing) < len(given):
        raise InputError(
            f"Prepared conditions are background, render and coefficients together; {' and '.join(missing)} missing."
        )


def no_guidance(guidance: object) -> str:
    """The sentences of an error."""
    return (
        "RigFace has no guidance: the two halves that the published pipeline compares are the same, so that any "
        "strength gives the same picture, at twice the cost.\n"
        f"  expected: None or 1, one pass a step\n  got:      {guidance!r}"
    )

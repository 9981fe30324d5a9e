"""Which engine edits a picture, where nobody says: networks, or where they do not know such pictures, the draft."""

from __future__ import annotations

import logging

from .arguments import Engine
from .domain import Domain
from .images import rgb
from .subject import Subject

log = logging.getLogger(__name__)


def choose(subject: Subject, domain: Domain | None, name: str) -> Engine:
    """The networks, but for photographs, where the small embedded ones merely stand in; these are logged in one line.

    Args:
        subject: who is edited.
        domain: of the pictures that the networks know; None where they are not doubted.
        name: of the release that they stand in for.
    """
    if domain is None or subject.face is None or domain.holds(rgb(subject.photo), subject.face.outline):
        return "diffusion"
    log.warning(
        'a photograph, which the small embedded model does not know: its draft is taken (engine="diffusion" insists; '
        "for the full-size weights: %s download)", name,
    )  # fmt: skip
    return "draft"

"""Choosing a face parser by name, or the best one that this machine has."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import numpy as np

from ..core.errors import InputError, MissingCheckpointError

log = logging.getLogger(__name__)

PARSERS = ("auto", "bisenet", "segformer", "embedded", "grabcut")


class Parser(Protocol):
    """What labels the pixels of a face crop."""

    @property
    def name(self) -> str:
        """One of `PARSERS`."""
        ...

    def parse(self, crop: np.ndarray, *, outline: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Label every pixel of a crop (H, W, 3) uint8 RGB: indices into `labels.PARTS`, (H, W) uint8.

        `outline` is the closed polygon of the face from chin to hairline, (N, 2), and `landmarks` are the 68 landmarks,
        (68, 2), both in crop pixels.
        """
        ...


def get_parser(
    name: str = "auto",
    *,
    bisenet: str | Path | None = None,
    segformer: str | Path | None = None,
    device: str = "cpu",
    fetch: bool = False,
) -> Parser:
    """Make a face parser.

    "bisenet" is the authors' own; "segformer" is a freely downloadable network with the same classes; "embedded"
    is our own small one, inside the package; "grabcut" needs no weights and separates person and background only.
    "auto" takes the first whose weights are on this machine, and says so at level INFO.

    Args:
        name: one of `PARSERS`.
        bisenet: path of the published `79999_iter.pth`.
        segformer: folder or hub repository; jonathandinu/face-parsing if None.
        device: where a network runs.
        fetch: allow "segformer" to download its weights.

    Raises:
        CheckpointError: weights do not fit.
        InputError: the name is unknown.
        MissingCheckpointError: the parser that was asked for by name has no weights here.
    """
    taken = resolve(name, bisenet=bisenet, segformer=segformer)
    if name == "auto":
        log.info("face parser: %s", taken)
    # torch and transformers are imported only by those who use them.
    if taken == "bisenet":
        if bisenet is None:
            raise MissingCheckpointError(
                'The parser "bisenet" needs its weights.',
                expected="79999_iter.pth in utils/ of the model's folder; `magicface download` brings it",
                hint='or do without: the parser "embedded"',
            )
        from .bisenet import BiSeNetParser

        return BiSeNetParser(bisenet, device)
    if taken == "segformer":
        from .hub import MODEL
        from .segformer import SegFormerParser

        return SegFormerParser(segformer or MODEL, device=device, fetch=fetch)
    if taken == "embedded":
        from .embedded import EmbeddedParser

        return EmbeddedParser()
    from .grabcut import GrabCutParser

    return GrabCutParser()


def resolve(name: str, *, bisenet: str | Path | None = None, segformer: str | Path | None = None) -> str:
    """The parser that a name stands for, "auto" for the best one on this machine; arguments as `get_parser`.

    Raises:
        InputError: the name is unknown.
    """
    check_name(name)
    if name != "auto":
        return name
    if bisenet is not None:
        if Path(bisenet).expanduser().is_file():
            return "bisenet"
        log.warning("BiSeNet's weights are not at %s; another face parser is taken", bisenet)
    from .hub import MODEL, on_disk

    return "segformer" if on_disk(segformer or MODEL) else "embedded"


def check_name(name: str) -> None:
    """Raise an InputError (code "unknown") unless this is one of `PARSERS`."""
    if name not in PARSERS:
        raise InputError("The face parser is unknown.", code="unknown", expected=PARSERS, actual=name)

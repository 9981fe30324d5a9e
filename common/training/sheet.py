"""Validation: pictures side by side, and how far an edit is from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL import Image

from ..imaging.contact_sheet import Row, contact_sheet
from ..imaging.tensors import to_pixels
from .latents import changed_region

METRICS = ("edit", "nothing", "vae", "edit_to_nothing", "edit_to_vae")


def edit_errors(
    source: torch.Tensor, edit: torch.Tensor, truth: torch.Tensor, decoded: torch.Tensor
) -> dict[str, float]:
    """Mean squared errors where source and truth differ, over all pictures (B, 3, H, W) in [0, 1].

    `decoded` is the truth after encoding and decoding, as near as the networks can come.

    Returns:
        edit, nothing (the source in place of the edit), vae (the decoded truth), and the ratios edit_to_nothing (below
        1 the edit is better than none) and edit_to_vae (1 is perfect).
    """
    region = changed_region(source, truth)
    if not region.any():
        region = torch.ones_like(region)
    pixels = 3 * region.sum()
    edited, nothing, vae = (
        float((region * (picture - truth) ** 2).sum() / pixels) for picture in (edit, source, decoded)
    )
    least = 1e-12
    return {
        "edit": edited,
        "nothing": nothing,
        "vae": vae,
        "edit_to_nothing": edited / max(nothing, least),
        "edit_to_vae": edited / max(vae, least),
    }


def judged(metrics: Mapping[str, float]) -> str:
    """What is wrong with a model of these `METRICS`: edits that are further from the truth than no edit; else empty."""
    ratio = metrics.get("edit_to_nothing", 0.0)
    if ratio < 1:
        return ""
    return (
        f"edits of held-out people are further from the truth than the unedited photo (squared error {ratio:.2f} x): "
        "this model does harm there"
    )


def sheet(columns: dict[str, torch.Tensor], requests: Sequence[str]) -> Image.Image:
    """A row for each request: the request as text over pictures side by side.

    Columns are heading -> pictures (B, 3, H, W) in [0, 1].
    """
    headings, rows = list(columns), []
    for number, request in enumerate(requests):
        pictures = [Image.fromarray(to_pixels(column[number])) for column in columns.values()]
        rows.append(Row(pictures, () if number else headings, request))
    return contact_sheet(rows)

"""Components that take what a visitor enters: numbers and pictures, whatever was typed or uploaded."""

from __future__ import annotations

import math
from typing import Any

from .library import gradio


def slider(lowest: float, highest: float, value: float, *, step: float, label: str, **options: Any) -> Any:
    """A slider with a field for its number.

    A number beyond an end counts as that end, and an empty field as the slider's first value. Gradio itself would
    refuse both, and the page would keep a picture of other values.

    Args:
        lowest: left end.
        highest: right end.
        value: at the start.
        step: between two values.
        label: what is read above it.
        options: of Gradio's Slider.
    """
    found = gradio().Slider(lowest, highest, value, step=step, label=label, buttons=[], **options)

    def preprocess(given: Any) -> float:
        number = given if isinstance(given, (int, float)) and math.isfinite(given) else value
        return min(max(number, lowest), highest)

    found.preprocess = preprocess
    return found


def picture_input(label: str, **options: Any) -> Any:
    """A component for a picture, whose value is the path of what was uploaded or taken; None without.

    Gradio would decode it first, and say little of what it cannot read; `common.imaging.images.read_image` does.
    """
    found = gradio().Image(label=label, type="filepath", buttons=[], **options)
    decode = found.preprocess
    found.preprocess = lambda given: given.path if given is not None and given.path else decode(given)
    return found

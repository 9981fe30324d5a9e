"""Components of the page, and the one place that imports Gradio."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..core.errors import MissingDependencyError
from ..facs.action_units import ACTION_UNITS, to_vector
from ..facs.expressions import EXPRESSIONS

BUTTONS = ("happy", "sad", "angry", "surprised", "afraid", "disgusted")
"""The expressions that have a button each."""
STRONGEST = 5.0


def gradio() -> Any:
    """The library, with its analytics off.

    Raises:
        MissingDependencyError: it is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio
    except ImportError as error:
        raise MissingDependencyError("gradio", "The app", 'pip install "face-rig[app]"') from error
    return gradio


def slider(lowest: float, highest: float, value: float, *, step: float, label: str, **options: Any) -> Any:
    """A slider with a field for its number.

    A number beyond an end counts as that end, and an empty field as the slider's first value. Gradio itself would
    refuse both, and the page would keep a picture of other values.

    `options` are those of Gradio's Slider.
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


def expression_buttons(last: str) -> tuple[dict[str, Any], Any]:
    """Buttons of `BUTTONS`, and one named `last`."""
    gr = gradio()
    with gr.Row(elem_classes="presets"):
        buttons = {name: gr.Button(name, size="sm") for name in BUTTONS}
        return buttons, gr.Button(last, size="sm", elem_classes="reset")


def expression_list() -> Any:
    """All expressions to choose from."""
    return gradio().Dropdown([*EXPRESSIONS], value=None, label="Or one of these", elem_classes="words")


def preset(before: int, lowest: float, expression: str | None = None) -> str:
    """JavaScript that sets the sliders of the units to a fraction of an expression.

    Its arguments are the expression, unless it is given here, the fraction, and all inputs of the tab; it returns the
    inputs. Without an expression, or with an unknown one, they stay.

    Args:
        before: how many other inputs stand before the sliders.
        lowest: of the sliders, see `unit_sliders`.
        expression: of `common.facs.expressions`, or "neutral".
    """
    known = {name: to_vector(found.units) for name, found in EXPRESSIONS.items()}
    known["neutral"] = [0.0] * len(ACTION_UNITS)
    limits = f"Math.max({lowest}, Math.min({STRONGEST}, fraction * unit))"
    function = f"""(expression, fraction, ...inputs) => {{
      const units = {json.dumps(known)}[expression], now = inputs.slice(0, {before + len(ACTION_UNITS)});
      return units ? [...now.slice(0, {before}), ...units.map(unit => Math.round(4 * {limits}) / 4)] : now;
    }}"""
    return function if expression is None else f"(...all) => ({function})({json.dumps(expression)}, ...all)"


def unit_sliders(lowest: float) -> list[Any]:
    """Sliders of the twelve units in their order, in two columns, from the `lowest` intensity or change."""
    return in_two_columns(
        [
            partial(slider, lowest, STRONGEST, 0, step=0.25, label=f"{unit} {meaning}", elem_classes=unit)
            for unit, meaning in ACTION_UNITS.items()
        ]
    )


def in_two_columns(makers: Sequence[Callable[[], Any]]) -> list[Any]:
    """The components that functions make, in two columns."""
    gr = gradio()
    middle = (len(makers) + 1) // 2
    found: list[Any] = []
    with gr.Row(elem_classes="units"):
        for half in (makers[:middle], makers[middle:]):
            with gr.Column(min_width=150):
                found += [make() for make in half]
    return found

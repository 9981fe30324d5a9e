"""Components for expressions: words, and a slider for each action unit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..facs.action_units import ACTION_UNITS, to_vector
from ..facs.expressions import EXPRESSIONS
from .inputs import slider
from .library import gradio

WORDS = ("happy", "sad", "angry", "surprised", "afraid", "disgusted")
"""Those that have a button each."""
STRONGEST = 5.0


def word_buttons(last: str) -> tuple[dict[str, Any], Any]:
    """Buttons of `WORDS`, and one more.

    Args:
        last: its name.
    """
    gr = gradio()
    with gr.Row(elem_classes="presets"):
        buttons = {word: gr.Button(word, size="sm") for word in WORDS}
        return buttons, gr.Button(last, size="sm", elem_classes="reset")


def word_list() -> Any:
    """All words to choose from."""
    return gradio().Dropdown([*EXPRESSIONS], value=None, label="Or one of these", elem_classes="words")


def preset(before: int, lowest: float, word: str | None = None) -> str:
    """JavaScript that sets the sliders of the units to a share of a word.

    Its arguments are the word, unless it is given here, the share, and all inputs of the tab; it returns the inputs.
    Without a word, or with an unknown one, they stay.

    Args:
        before: how many other inputs stand before the sliders.
        lowest: of the sliders, see `unit_sliders`.
        word: of `common.facs.expressions`, or "neutral".
    """
    known = {name: to_vector(found.units) for name, found in EXPRESSIONS.items()}
    known["neutral"] = [0.0] * len(ACTION_UNITS)
    limits = f"Math.max({lowest}, Math.min({STRONGEST}, share * unit))"
    function = f"""(word, share, ...inputs) => {{
      const units = {json.dumps(known)}[word], now = inputs.slice(0, {before + len(ACTION_UNITS)});
      return units ? [...now.slice(0, {before}), ...units.map(unit => Math.round(4 * {limits}) / 4)] : now;
    }}"""
    return function if word is None else f"(...all) => ({function})({json.dumps(word)}, ...all)"


def unit_sliders(lowest: float) -> list[Any]:
    """Sliders of the twelve units in their order, in two columns.

    Args:
        lowest: intensity, or change of one.
    """
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

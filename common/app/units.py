"""Components for expressions: words, and a slider for each action unit."""

from __future__ import annotations

from typing import Any

from ..action_units import ACTION_UNITS
from ..expressions import EXPRESSIONS
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


def unit_sliders(lowest: float) -> list[Any]:
    """Sliders of the twelve units in their order, in two columns.

    Args:
        lowest: intensity, or change of one.
    """
    gr, found, names = gradio(), [], list(ACTION_UNITS)
    with gr.Row(elem_classes="units"):
        for half in (names[:6], names[6:]):
            with gr.Column(min_width=150):
                for unit in half:
                    label = f"{unit} {ACTION_UNITS[unit]}"
                    found.append(slider(lowest, STRONGEST, 0, step=0.25, label=label, elem_classes=unit))
    return found

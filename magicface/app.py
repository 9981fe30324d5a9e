"""The tab of MagicFace: presets and twelve sliders, each a change of an action unit."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from common.action_units import ACTION_UNITS, to_text, to_vector
from common.app.desk import Desk, Visit
from common.app.inputs import picture_input, slider
from common.app.layout import Controls
from common.app.library import gradio
from common.app.tab import AT_ONCE, Tab
from common.app.units import STRONGEST, unit_sliders, word_buttons, word_list
from common.expressions import EXPRESSIONS

from ._api import MagicFace
from .measured import units_of

ABOUT = "### Expression\nA photo in, the same person with another expression out: by words, or by action units (AUs)."
LEVELS = (-2.0, 0.0, 1.0, 2.0, 3.0, 4.0)


def tab(**networks: Any) -> Tab:
    """The tab.

    Args:
        networks: of `MagicFace.from_pretrained`.
    """
    return Tab(Desk(MagicFace, **networks), "MagicFace", ABOUT, controls)


def controls() -> Controls:
    """Presets, sliders, and the expression of another photo."""
    gr = gradio()
    buttons, reset = word_buttons("reset")
    with gr.Row():
        words = word_list()
        much = slider(0.1, 1.5, 1.0, step=0.1, label="how much of it", elem_classes="much")
    sliders = unit_sliders(-STRONGEST)
    word = gr.State(None)  # the last one that has set the sliders, as long as none was moved by hand
    for name, button in buttons.items():
        button.click(partial(_told, name), None, [word, words], **AT_ONCE)
    words.input(lambda name: name, words, word, **AT_ONCE)
    gr.on([reset.click, *(each.input for each in sliders)], partial(_told, None), None, [word, words], **AT_ONCE)
    with gr.Row():
        neutral = gr.Button("Neutralize what is measured", size="sm", elem_classes="neutralize")
    with gr.Accordion("Take the expression of another photo", open=False):
        actor = picture_input("Actor", height=160, sources=["upload", "webcam"], elem_classes="actor")
    return Controls(
        inputs=sliders,
        wish=lambda *values: to_vector(list(values)),
        told=lambda wish: {"package": "magicface", "wish": to_text(wish)},
        requested=list,
        sweeps={f"{unit} {meaning}": _levels(unit) for unit, meaning in ACTION_UNITS.items()},
        sets=[
            (reset.click, lambda: [0.0] * len(ACTION_UNITS), ()),
            *((button.click, partial(_preset, name), (much,)) for name, button in buttons.items()),
            (words.input, _preset, (words, much)),
            (much.change, _preset, (word, much)),
        ],
        asks_photo=[(neutral.click, _neutralized, ()), (actor.upload, _copied, (actor,))],
    )


def _told(word: str | None) -> tuple[str | None, None]:
    """The word that sets the sliders; the list of words shows none, as it was not chosen there."""
    return word, None


def _preset(word: str | None, much: float) -> list[Any]:
    """The sliders for a share of a word; without a word they stay."""
    if word is None:
        return [gradio().skip()] * len(ACTION_UNITS)
    return _fitting(to_vector({unit: much * value for unit, value in EXPRESSIONS[word].units.items()}))


def _neutralized(visit: Visit) -> list[float]:
    return _fitting(-_present(visit))


def _copied(visit: Visit, actor: Any) -> list[float]:
    return _fitting(units_of(actor).clip(0) - _present(visit))


def _present(visit: Visit) -> np.ndarray:
    """What the chosen face shows now."""
    x0, y0, x1, y1 = (float(value) for value in visit.box())
    return units_of(visit.photo().photo, ((x0 + x1) / 2, (y0 + y1) / 2)).clip(0)


def _fitting(values: Any) -> list[float]:
    """Values that sliders can show."""
    return [round(4 * max(-STRONGEST, min(STRONGEST, float(value)))) / 4 for value in values]


def _levels(unit: str) -> Any:
    def wishes(wish: list[float]) -> list[tuple[str, list[float]]]:
        named = dict(zip(ACTION_UNITS, wish))
        return [(f"{unit}={level:g}", list({**named, unit: level}.values())) for level in LEVELS]

    return wishes

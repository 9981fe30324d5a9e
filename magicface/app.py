"""The tab of MagicFace: presets and twelve sliders, each a change of an action unit."""

from __future__ import annotations

from typing import Any

from common.app.attributes import sweeps
from common.app.components import (
    STRONGEST,
    expression_buttons,
    expression_list,
    gradio,
    picture_input,
    preset,
    slider,
    unit_sliders,
)
from common.app.desk import Desk, Visit
from common.app.layout import Controls
from common.app.tab import Tab
from common.editing.verbs import units_of
from common.facs.action_units import AUDelta, AUIntensity

from .editor import MagicFace

ABOUT = "### Expression\nA photo in, the same person with another expression out: by name, or by action units (AUs)."


def tab(**networks: Any) -> Tab:
    """The tab.

    Args:
        networks: of `MagicFace.from_pretrained`.
    """
    return Tab(Desk(MagicFace, **networks), "MagicFace", ABOUT, controls)


def controls() -> Controls:
    """Presets, sliders, and the expression of another photo."""
    gr = gradio()
    buttons, reset = expression_buttons("reset")
    with gr.Row():
        words = expression_list()
        much = slider(0.1, 1.5, 1.0, step=0.1, label="strength", elem_classes="much")
    sliders = unit_sliders(-STRONGEST)
    chosen = gr.Textbox("", visible=False)  # the expression that has set the sliders, until one is moved by hand
    for name, button in buttons.items():
        button.click(None, None, [chosen, words], js=f'() => ["{name}", null]')
    words.input(None, words, chosen, js="name => name")
    gr.on([reset.click, *(each.input for each in sliders)], None, None, [chosen, words], js='() => ["", null]')
    with gr.Row():
        neutral = gr.Button("Neutralize what is measured", size="sm", elem_classes="neutralize")
    with gr.Accordion("Take the expression of another photo", open=False):
        actor = picture_input("Actor", height=160, sources=["upload", "webcam"], elem_classes="actor")
    return Controls(
        inputs=sliders,
        request=lambda *values: AUDelta(values),
        recorded=lambda request: {"package": "magicface", "request": str(request)},
        requested=list,
        sweeps=sweeps(AUDelta),
        sets=[
            (reset.click, preset(0, -STRONGEST, "neutral"), (much, *sliders)),
            *((button.click, preset(0, -STRONGEST, name), (much, *sliders)) for name, button in buttons.items()),
            (words.input, preset(0, -STRONGEST), (words, much, *sliders)),
            (much.change, preset(0, -STRONGEST), (chosen, much, *sliders)),
        ],
        asks_photo=[(neutral.click, _neutralized, ()), (actor.upload, _copied, (actor,))],
    )


def _neutralized(visit: Visit) -> list[float]:
    return _fitting(AUDelta.toward(_present(visit), AUIntensity()))


def _copied(visit: Visit, actor: Any) -> list[float]:
    return _fitting(AUDelta.toward(_present(visit), units_of(actor)))


def _present(visit: Visit) -> AUIntensity:
    """What the chosen face shows now."""
    x0, y0, x1, y1 = (float(value) for value in visit.box())
    return units_of(visit.photo().photo, ((x0 + x1) / 2, (y0 + y1) / 2))


def _fitting(values: Any) -> list[float]:
    """Values that sliders can show."""
    return [round(4 * max(-STRONGEST, min(STRONGEST, float(value)))) / 4 for value in values]

"""The tab of FineFace: a prompt and twelve sliders, each an intensity of an action unit; with or without a photo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image

from common.app.components import expression_buttons, expression_list, gradio, preset, slider, unit_sliders
from common.app.desk import BATCH, NETWORKS, SMALL, WARP, Desk, Sampling, Visit
from common.app.layout import Controls
from common.app.tab import Tab
from common.facs.action_units import ACTION_UNITS, AUIntensity
from common.weights.text_encoder import PROMPT

from .editor import FineFace
from .request import check_prompt

ABOUT = (
    "### Text to face\nA sentence and action units (AUs) make a picture of a face; with a photo, the face in it gets "
    "these action units."
)
Asked = tuple[str, AUIntensity, float]
"""The prompt, the intensities, and the strength of an edit of a photo."""


def tab(**networks: Any) -> Tab:
    """The tab; `networks` are options of `FineFace.from_pretrained`."""
    return Tab(FineFaceDesk(FineFace, **networks), "FineFace", ABOUT, controls, needs_photo=False)


class FineFaceDesk(Desk[FineFace]):
    """A desk whose requests have a prompt, and need no photo."""

    def about(self) -> str:
        """See `Desk.about`."""
        return f"{super().about()}\nWithout a photo there is nothing to warp: networks draw the picture from the text."

    def engine_of(self, visit: Visit, sampling: Sampling) -> str:
        """See `Desk.engine_of`; without a photo there is nothing to warp, and networks draw."""
        engine = super().engine_of(visit, sampling)
        if visit.subject is not None or engine != WARP:
            return engine
        return NETWORKS if NETWORKS in self.engines else SMALL

    def warp(self, visit: Visit, request: Asked) -> Image.Image:
        """See `Desk.warp`."""
        visit.photo()
        return self.warper.edit(visit.small, request[1], progress=False)

    def shown(self, visit: Visit, picture: Image.Image) -> Image.Image:
        """See `Desk.shown`."""
        return picture if visit.subject is None else super().shown(visit, picture)

    def run(
        self, visit: Visit, requests: list[Asked], sampling: Sampling, engine: str, step: Callable[..., Any]
    ) -> list[Image.Image]:
        """See `Desk.run`; without a photo, pictures of the prompt."""
        prompt, _, strength = requests[0]
        units = [request[1] for request in requests]
        way: dict[str, Any] = {
            "seed": sampling.options.seed,
            "steps": sampling.options.steps,
            "batch_size": BATCH,
            "progress": False,
            "callback_on_step_end": step,
        }
        editor = self.editor_for(engine)
        if visit.subject is None:
            return editor.generate(prompt, units, **way)
        subject = self.subject(visit, engine)
        if engine == WARP:
            return editor.edit(subject, units, engine="warp", progress=False)
        return editor.edit(subject, units, prompt=prompt, engine="diffusion", start="warp", strength=strength, **way)


def controls() -> Controls:
    """A prompt, presets and sliders."""
    gr = gradio()
    prompt = gr.Textbox(PROMPT, label="Prompt", elem_classes="prompt", lines=2, max_lines=4)
    buttons, reset = expression_buttons("neutral")
    with gr.Row():
        words = expression_list()
        strength = slider(
            0.1,
            1,
            0.5,
            step=0.05,
            label="Strength: fraction of the steps that repaint a photo",
            elem_classes="strength",
        )
    sliders = unit_sliders(0)
    inputs, whole = [prompt, strength, *sliders], gr.Number(1, visible=False)
    return Controls(
        inputs=inputs,
        request=request,
        recorded=recorded,
        requested=lambda asked: None,
        sweeps={f"{unit} {meaning}": partial(_levels, unit) for unit, meaning in ACTION_UNITS.items()},
        sets=[
            *((button.click, preset(2, 0, word), (whole, *inputs)) for word, button in buttons.items()),
            (words.input, preset(2, 0), (words, whole, *inputs)),
            (reset.click, preset(2, 0, "neutral"), (whole, *inputs)),
        ],
    )


def request(prompt: str, strength: float, *values: float) -> Asked:
    """The request of the components' values."""
    return check_prompt("prompt", prompt), AUIntensity.parse(list(values)), strength


def recorded(asked: Asked) -> dict[str, Any]:
    """The request for the file of settings."""
    return {"package": "fineface", "prompt": asked[0], "request": str(asked[1]), "strength": asked[2]}


def _levels(unit: str, asked: Asked) -> list[tuple[str, Asked]]:
    prompt, units, strength = asked
    levels = AUIntensity.levels(unit)
    return [(f"{unit}={level:g}", (prompt, units.with_level(unit, level), strength)) for level in levels]

"""The tab of FineFace: a prompt and twelve sliders, each an intensity of an action unit; with a photo if one likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from common.action_units import ACTION_UNITS, to_text, to_vector
from common.app.desk import BATCH, Desk, Sampling, Visit
from common.app.layout import Controls
from common.app.library import gradio
from common.app.page import command
from common.app.tab import Tab
from common.app.units import unit_sliders, word_buttons, word_list
from common.expressions import EXPRESSIONS
from common.prompt import PROMPT

from .editor import FineFace
from .options import HIGH, LOW
from .text import check_prompt

ABOUT = (
    "### Text to face\nA sentence and action units (AUs) make a picture of a face; with a photo, the face in it is "
    "made anew."
)
LEVELS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
Asked = tuple[str, list[float], float]
"""The prompt, the 12 intensities, and how much of a photo is made anew."""


def tab(model: str | None = None, base: str | None = None, **networks: Any) -> Tab:
    """The tab.

    Args:
        model: the adapter, see `FineFace.from_pretrained`.
        base: see there.
        networks: its other options.
    """
    desk = FineFaceDesk(FineFace, adapter=model, base=base, **networks)
    return Tab(desk, "FineFace", ABOUT, controls, needs_photo=False)


class FineFaceDesk(Desk[FineFace]):
    """A desk whose wishes have a prompt, and need no photo."""

    def draft(self, visit: Visit, wish: Asked) -> Image.Image:
        """See `Desk.draft`."""
        visit.photo()
        return self.drafter.edit(visit.small, wish[1], progress=False)

    def shown(self, visit: Visit, picture: Image.Image) -> Image.Image:
        """See `Desk.shown`."""
        return picture if visit.subject is None else super().shown(visit, picture)

    def run(
        self, visit: Visit, wishes: list[Asked], sampling: Sampling, step: Callable[..., Any]
    ) -> tuple[str, list[Image.Image]]:
        """See `Desk.run`; without a photo, pictures of the prompt."""
        (prompt, _, strength), vectors = wishes[0], [wish[1] for wish in wishes]
        way: dict[str, Any] = {
            "seed": sampling.seed, "steps": sampling.steps, "batch_size": BATCH, "progress": False,
            "callback_on_step_end": step,
        }  # fmt: skip
        if visit.subject is None:
            return "diffusion", self.editor.generate(prompt, vectors, **way)
        engine = self.editor.engine_for(sampling.engine)
        if engine == "diffusion":
            way |= {"start": "draft", "strength": strength}
        return engine, self.editor.edit(visit.subject, vectors, prompt, engine=engine, **way)


def controls() -> Controls:
    """A prompt, presets and sliders."""
    gr = gradio()
    prompt = gr.Textbox(PROMPT, label="Prompt", elem_classes="prompt", lines=2, max_lines=4)
    buttons, reset = word_buttons("neutral")
    with gr.Row():
        words = word_list()
        strength = gr.Slider(0.1, 1, 0.5, step=0.05, label="made anew, of a photo's draft", buttons=[])
    sliders = unit_sliders(0)
    skip = [gr.skip(), gr.skip()]
    presets = {word: [*skip, *to_vector(EXPRESSIONS[word].units)] for word in EXPRESSIONS}
    nothing = [gr.skip()] * (2 + len(ACTION_UNITS))
    return Controls(
        inputs=[prompt, strength, *sliders],
        wish=wish,
        told=told,
        requested=lambda asked: None,
        sweeps={f"{unit} {meaning}": _levels(unit) for unit, meaning in ACTION_UNITS.items()},
        sets=[
            *((button, lambda word=word: presets[word], ()) for word, button in buttons.items()),
            (reset, lambda: [*skip, *[0.0] * len(ACTION_UNITS)], ()),
        ],
        chosen=[(words, lambda word: presets.get(word, nothing))],
        loose=[prompt],
    )


def wish(prompt: str, strength: float, *values: float) -> Asked:
    """What the components ask for.

    Raises:
        InputError: no prompt, or an intensity out of range.
    """
    return check_prompt("prompt", prompt), to_vector([float(v or 0) for v in values], low=LOW, high=HIGH), strength


def told(asked: Asked) -> dict[str, Any]:
    """What makes it again."""
    return {"package": "fineface", "prompt": asked[0], "wish": to_text(asked[1]), "strength": asked[2]}


def main(arguments: Sequence[str]) -> int:
    """`fineface app`."""
    return command("fineface app", "Opens a page to make faces on.", lambda found: [tab(**found)], arguments)


def _levels(unit: str) -> Any:
    def wishes(asked: Asked) -> list[tuple[str, Asked]]:
        named = dict(zip(ACTION_UNITS, asked[1]))
        return [(f"{unit}={level:g}", (asked[0], list({**named, unit: level}.values()), asked[2])) for level in LEVELS]

    return wishes

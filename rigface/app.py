"""The tab of RigFace: light, pose and expression by sliders, or from another photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.app.components import gradio, picture_input, slider
from common.app.desk import Desk, Visit
from common.app.layout import Controls
from common.app.tab import AT_ONCE, Tab
from common.facs.expressions import EXPRESSIONS

from .attributes import ATTRIBUTES, Light, Pose
from .editor import TURNS, RigFace
from .request import RigEdit

ABOUT = "### Light and pose\nA photo in, the same person in other light, looking elsewhere, or with another expression."
LAMPS = {"from the left": (-60, 10), "from the right": (60, 10), "from above": (0, 60), "from below": (0, -45)}


def tab(**networks: Any) -> Tab:
    """The tab.

    Args:
        networks: of `RigFace.from_pretrained`.
    """
    desk = Desk(RigFace, **networks)
    return Tab(desk, "RigFace", ABOUT, lambda: controls(desk))


def controls(desk: Desk[RigFace]) -> Controls:
    """Lamps, angles, an expression, and another photo to copy from."""
    gr = gradio()
    with gr.Row(elem_classes="presets"):
        lamps = {name: gr.Button(f"light {name}", size="sm", min_width=100) for name in LAMPS}
        reset = gr.Button("reset", size="sm", elem_classes="reset")
    relit = gr.Checkbox(False, label="Change the light", elem_classes="relit")
    with gr.Row():
        azimuth = slider(-90, 90, 0, step=5, label="from the side (°)", elem_classes="azimuth")
        elevation = slider(-60, 80, 10, step=5, label="from above (°)", elem_classes="elevation")
    with gr.Row():
        ambient = slider(0, 1, 0.5, step=0.05, label="light from everywhere", elem_classes="ambient")
        intensity = slider(0.3, 2, 1, step=0.05, label="brightness", elem_classes="intensity")
    # moving a lamp switches the change of light on
    gr.on([each.input for each in (azimuth, elevation, ambient, intensity)], lambda: True, None, relit, **AT_ONCE)
    with gr.Row():
        turns = [
            slider(-limit, limit, 0, step=1, label=f"{name} (°)", min_width=180, elem_classes=name)
            for name, limit in TURNS.items()
        ]
    with gr.Row():
        expression = gr.Dropdown(["as it is", *EXPRESSIONS], value="as it is", label="Expression", elem_classes="words")
    with gr.Accordion("Copy from another photo", open=False):
        target = picture_input("Other photo", height=160, sources=["upload", "webcam"], elem_classes="other")
        copied = gr.CheckboxGroup(list(ATTRIBUTES), value=["light"], label="What to copy")
        take = gr.Button("Copy", size="sm")
        forget = gr.Button("Copy nothing", size="sm")
    other = gr.State(None)
    inputs = [relit, azimuth, elevation, ambient, intensity, *turns, expression]

    def lit(place: tuple[int, int]) -> Any:
        return lambda: [True, *place] + [gr.skip()] * (len(inputs) - 2)

    def copy(visit: Visit, photo: Any, parts: Sequence[str]) -> list[Any]:
        if photo is None or not parts:
            return [gr.skip()] * len(inputs) + [None]
        desk.warper.ready([RigEdit(target=photo, copy=parts)])  # raises where no face is detected
        return [gr.skip()] * len(inputs) + [(photo, tuple(parts))]

    neutral = [False, 0, 10, 0.5, 1, 0, 0, 0, "as it is", None]
    return Controls(
        inputs=[*inputs, other],
        request=request,
        recorded=lambda asked: {"package": "rigface", "request": str(asked)},
        requested=lambda asked: list(asked.expression) if asked.expression else None,
        sweeps={
            "light from left to right": lambda asked: [
                (f"{angle}°", _with(asked, light=Light(azimuth=angle, elevation=10))) for angle in (-80, -40, 0, 40, 80)
            ],
            "yaw": lambda asked: [(f"{angle}°", _with(asked, pose=Pose(yaw=angle))) for angle in (-14, -7, 0, 7, 14)],
            "pitch": lambda asked: [
                (f"{angle}°", _with(asked, pose=Pose(pitch=angle))) for angle in (-12, -6, 0, 6, 12)
            ],
        },
        sets=[
            (reset.click, lambda: neutral, ()),
            (forget.click, lambda: [gr.skip()] * len(inputs) + [None], ()),
            *((button.click, lit(LAMPS[name]), ()) for name, button in lamps.items()),
        ],
        asks_photo=[(take.click, copy, (target, copied))],
    )


def request(
    relit: bool,
    azimuth: float,
    elevation: float,
    ambient: float,
    intensity: float,
    yaw: float,
    pitch: float,
    roll: float,
    expression: str | None,
    other: tuple[Any, tuple[str, ...]] | None,
) -> RigEdit:
    """What the components ask for; what is copied is not requested by numbers."""
    target, parts = other or (None, ())
    light = Light(azimuth, elevation, intensity, ambient) if relit and "light" not in parts else None
    pose = Pose(yaw, pitch, roll) if (yaw or pitch or roll) and "pose" not in parts else None
    known = EXPRESSIONS.get(expression or "") if "expression" not in parts else None
    return RigEdit(light=light, pose=pose, expression=known and known.units, target=target, copy=list(parts) or None)


def _with(asked: RigEdit, **parts: Any) -> RigEdit:
    """A request for these parts by numbers, and for what it has of the others."""
    kept = {name: getattr(asked, name) for name in ATTRIBUTES} | parts
    copied = asked.copy - set(parts)
    return RigEdit(**kept, target=asked.target if copied else None, copy=copied or None)

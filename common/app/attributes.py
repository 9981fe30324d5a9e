"""The tab of any editor: a slider for each attribute of its requests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..cli.editor_spec import EditorSpec
from .components import gradio, in_two_columns, slider
from .desk import Desk
from .layout import Controls
from .tab import Tab

if TYPE_CHECKING:
    from ..editing.request import Sweepable


def tab(spec: EditorSpec, **networks: Any) -> Tab:
    """The tab of an editor whose networks are options of `Editor.from_pretrained`."""
    about = f"### {spec.name}\nA photo in, the same photo with other attributes out."
    return Tab(Desk(spec.kind, **networks), spec.name, about, partial(controls, spec.name, spec.request))


def controls(name: str, request: type[Sweepable]) -> Controls:
    """Sliders in two columns, and a reset button; a slider that was not moved adds nothing to the request.

    `name` is that of the editor's program.
    """
    axes = list(request.axes())
    sliders = in_two_columns([partial(_slider, request, axis) for axis in axes])
    reset = gradio().Button("reset", size="sm", elem_classes="reset")
    starts = [each.value for each in sliders]

    def asked(*values: float) -> Sweepable:
        made = request()
        for axis, value, start in zip(axes, values, starts):
            if value != start:
                made = made.with_level(axis, value)
        return made

    return Controls(
        inputs=sliders,
        request=asked,
        recorded=lambda made: {"package": name, "request": str(made)},
        requested=lambda made: None if made.absolute or made.units is None else list(made.units),
        sweeps=sweeps(request),
        sets=[(reset.click, lambda: starts, ())],
    )


def sweeps(request: type[Sweepable]) -> dict[str, Callable[[Any], list[tuple[str, Any]]]]:
    """Titles, and for each a function from a request to labels and requests: one attribute at all its levels."""
    return {f"{axis} {meaning}": partial(_swept, axis) for axis, meaning in request.axes().items()}


def _slider(request: type[Sweepable], axis: str) -> Any:
    """From the lowest to the highest level of a sweep, in quarters of its steps."""
    levels = sorted(request.levels(axis))
    start = 0.0 if levels[0] <= 0 <= levels[-1] else levels[len(levels) // 2]
    step = round((levels[-1] - levels[0]) / (len(levels) - 1) / 4, 4)
    return slider(levels[0], levels[-1], start, step=step, label=f"{axis} {request.axes()[axis]}", elem_classes=axis)


def _swept(axis: str, asked: Sweepable) -> list[tuple[str, Sweepable]]:
    return [(f"{axis}={level:g}", asked.with_level(axis, level)) for level in asked.levels(axis)]

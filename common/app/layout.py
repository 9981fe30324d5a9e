"""Where things stand on a tab: what goes in on the left, what comes out on the right; on a phone, below it, in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..editing.options import SEED
from .desk import Visit
from .inputs import picture_input, slider
from .library import gradio

SAMPLED = ("seed", "steps", "engine")
"""What a tab asks for beside the request, in the order of its components."""
KEPT = 1800
"""Seconds for which a visitor's photo is kept after the last use."""


@dataclass(frozen=True)
class Controls:
    """What a tab asks its visitor for.

    Attributes:
        inputs: components, whose values make a request.
        request: from these values to the editor's request.
        told: from a request to what makes it again, for the file of settings.
        requested: from a request to the 12 changes that should be measured, if it has any.
        sweeps: titles, and for each a function from the present request to labels and requests of a gallery.
        sets: triggers that set the inputs, with a function from the values of other components, and these. A text is a
            function in JavaScript: the page sets the inputs itself, before the visitor can change one of them again.
        asks_photo: triggers that set the inputs by a visit with a photo, with a function from it and from the values of
            other components, and these.
    """

    inputs: Sequence[Any]
    request: Callable[..., Any]
    told: Callable[[Any], dict[str, Any]]
    requested: Callable[[Any], list[float] | None]
    sweeps: dict[str, Callable[[Any], list[tuple[str, Any]]]]
    sets: Sequence[tuple[Any, Callable[..., Any] | str, Sequence[Any]]] = ()
    asks_photo: Sequence[tuple[Any, Callable[..., Any], Sequence[Any]]] = ()


@dataclass(frozen=True)
class Layout:
    """The components of a tab, by what they are for."""

    visit: Any
    photo: Any
    status: Any
    faces: Any
    controls: Controls
    sampling: tuple[Any, Any, Any]
    live: Any
    go: Any
    stop: Any
    warp: Any
    compare: Any
    alone: Any
    close: Any
    report: Any
    save: Any
    which: Any
    sweep: Any
    gallery: Any


def lay_out(controls: Callable[[], Controls], needs_photo: bool, engines: Sequence[str], about: str) -> Layout:
    """Makes the components, inside of Gradio's blocks.

    Args:
        controls: makes those of the package.
        needs_photo: nothing can be made without one.
        engines: names of those on offer, the one that is taken by default first.
        about: what they are for.
    """
    gr = gradio()
    found: dict[str, Any] = {"visit": gr.State(Visit(), time_to_live=KEPT)}
    with gr.Row(elem_classes="sides"):
        with gr.Column(scale=5, min_width=320, elem_classes="left"):
            with gr.Column(elem_classes="given"):
                found |= _photo(gr, "Photo" if needs_photo else "Photo (if you like)")
            with gr.Column(elem_classes="asked"):
                found["controls"] = controls()
                found |= _more(gr, engines, about)
        with gr.Column(scale=6, min_width=320, elem_classes="made"):
            found |= _results(gr, needs_photo)
            found |= _sweep(gr, list(found["controls"].sweeps))
    return Layout(**found)


def _photo(gr: Any, label: str) -> dict[str, Any]:
    return {
        "photo": picture_input(label, height=280, sources=["upload", "webcam", "clipboard"], elem_classes="photo"),
        "status": gr.Markdown(elem_classes="status", visible=False),
        "faces": gr.Gallery(
            label="Which face?",
            columns=6,
            height=150,
            allow_preview=False,
            visible=False,
            buttons=[],
            elem_classes="faces",
            object_fit="contain",
        ),
    }


def _more(gr: Any, engines: Sequence[str], about: str) -> dict[str, Any]:
    engine = gr.Radio(
        list(engines),
        value=engines[0],
        label="Engine",
        info=about,
        elem_classes="engine",
    )
    with gr.Accordion("More", open=False):
        live = gr.Checkbox(True, label="Edit as soon as a value changes", elem_classes="live")
        seed = gr.Number(label="Seed of the networks' noise", value=SEED, precision=0, elem_classes="seed")
        steps = slider(0, 100, 0, step=1, label="Steps of the networks (0: the model's own)", elem_classes="steps")
    return {"sampling": (seed, steps, engine), "live": live}


def _results(gr: Any, needs_photo: bool) -> dict[str, Any]:
    with gr.Row(elem_classes="acts"):
        go = gr.Button("Edit" if needs_photo else "Make", variant="primary", elem_classes="go", scale=3)
        stop = gr.Button("Stop", elem_classes="halt", scale=1, min_width=90)
    with gr.Row(elem_classes="pictures"):
        with gr.Column(scale=2, min_width=110):
            warp = gr.Image(
                label="Preview: warp",
                interactive=False,
                format="jpeg",
                height=220,
                buttons=[],
                elem_classes="warp",
                visible=needs_photo,
            )
        with gr.Column(scale=4, min_width=200):
            compare = gr.ImageSlider(
                label="Before and after",
                interactive=False,
                max_height=480,
                buttons=["fullscreen"],
                elem_classes="compare",
                visible=needs_photo,
            )
            alone = gr.Image(
                label="Picture",
                interactive=False,
                visible=not needs_photo,
                elem_classes="alone",
                height=360,
                buttons=["fullscreen"],
            )
    close = gr.Checkbox(False, label="Show the face close up", elem_classes="close", visible=needs_photo)
    report = gr.HTML(elem_classes="report")
    save = gr.DownloadButton("Download with settings", interactive=False, elem_classes="save")
    return {
        "go": go,
        "stop": stop,
        "warp": warp,
        "compare": compare,
        "alone": alone,
        "close": close,
        "report": report,
        "save": save,
    }


def _sweep(gr: Any, titles: list[str]) -> dict[str, Any]:
    with gr.Accordion("Sweep: one thing at several levels, the rest as above", open=False, elem_classes="sweeps"):
        with gr.Row(equal_height=True):
            which = gr.Dropdown(titles, value=titles[0], show_label=False, elem_classes="which", scale=3)
            sweep = gr.Button("Show", elem_classes="sweep", scale=1, min_width=90)
        gallery = gr.Gallery(columns=3, label="Sweep", elem_classes="gallery", object_fit="contain", height=420)
    return {"which": which, "sweep": sweep, "gallery": gallery}

"""Where things stand on a tab: what goes in on the left, what comes out on the right; on a phone, below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..arguments import SEED
from .desk import Visit
from .library import gradio

KEPT = 1800
"""Seconds for which a visitor's photo is kept after the last use."""
ENGINES = ("as it fits", "diffusion", "draft")


@dataclass(frozen=True)
class Controls:
    """What a tab asks its visitor for.

    Attributes:
        inputs: components, whose values make a wish.
        wish: from these values to the editor's wish.
        told: from a wish to what makes it again, for the file of settings.
        requested: from a wish to the 12 changes that should be measured, if it has any.
        sweeps: titles, and for each a function from the present wish to labels and wishes of a gallery.
        sets: buttons that set the inputs, with a function from the values of other components, and these.
        chosen: components of choice that set the inputs, with a function from what was chosen.
        asks_photo: triggers that set the inputs by a visit with a photo, with a function from it and from the values of
            other components, and these.
        loose: inputs whose change alone drafts and edits nothing, such as a prompt.
    """

    inputs: Sequence[Any]
    wish: Callable[..., Any]
    told: Callable[[Any], dict[str, Any]]
    requested: Callable[[Any], list[float] | None]
    sweeps: dict[str, Callable[[Any], list[tuple[str, Any]]]]
    sets: Sequence[tuple[Any, Callable[..., Any], Sequence[Any]]] = ()
    chosen: Sequence[tuple[Any, Callable[..., Any]]] = ()
    asks_photo: Sequence[tuple[Any, Callable[..., Any], Sequence[Any]]] = ()
    loose: Sequence[Any] = field(default=())


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
    draft: Any
    compare: Any
    alone: Any
    report: Any
    save: Any
    which: Any
    sweep: Any
    gallery: Any


def lay_out(controls: Callable[[], Controls], needs_photo: bool) -> Layout:
    """Makes the components, inside of Gradio's blocks.

    Args:
        controls: makes those of the package.
        needs_photo: nothing can be made without one.
    """
    gr = gradio()
    found: dict[str, Any] = {"visit": gr.State(Visit(), time_to_live=KEPT)}
    with gr.Row(elem_classes="sides"):
        with gr.Column(scale=5, min_width=320, elem_classes="left"):
            with gr.Column(elem_classes="given"):
                found |= _photo(gr, "Photo" if needs_photo else "Photo (if you like)")
            with gr.Column(elem_classes="asked"):
                found["controls"] = controls()
                found |= _more(gr)
        with gr.Column(scale=6, min_width=320, elem_classes="made"):
            found |= _results(gr, needs_photo)
            found |= _sweep(gr, list(found["controls"].sweeps))
    return Layout(**found)


def picture_input(label: str, **options: Any) -> Any:
    """A component for a picture, whose value is the path of what was uploaded or taken; None without.

    Gradio would decode it first, and say little of what it cannot read; `common.images.read_image` does.
    """
    found = gradio().Image(label=label, type="filepath", buttons=[], **options)
    decode = found.preprocess
    found.preprocess = lambda given: given.path if given is not None and given.path else decode(given)
    return found


def _photo(gr: Any, label: str) -> dict[str, Any]:
    return {
        "photo": picture_input(
            label, height=280, sources=["upload", "webcam", "clipboard"], elem_classes="photo"
        ),
        "status": gr.Markdown(elem_classes="status", visible=False),
        "faces": gr.Gallery(
            label="Which face?", columns=6, height=150, allow_preview=False, visible=False, buttons=[],
            elem_classes="faces", object_fit="contain",
        ),
    }  # fmt: skip


def _more(gr: Any) -> dict[str, Any]:
    with gr.Accordion("More", open=False):
        live = gr.Checkbox(True, label="Edit as soon as a slider is let go", elem_classes="live")
        seed = gr.Number(label="Seed", value=SEED, precision=0, minimum=0)
        steps = gr.Slider(0, 100, 0, step=1, label="Steps (0: as the model likes it)", buttons=[], elem_classes="steps")
        engine = gr.Radio(list(ENGINES), value=ENGINES[0], label="Engine", elem_classes="engine")
    return {"sampling": (seed, steps, engine), "live": live}


def _results(gr: Any, needs_photo: bool) -> dict[str, Any]:
    with gr.Row():
        go = gr.Button("Edit" if needs_photo else "Make", variant="primary", elem_classes="go", scale=3)
        stop = gr.Button("Stop", elem_classes="halt", scale=1, min_width=90)
    with gr.Row():
        with gr.Column(scale=2, min_width=150):
            draft = gr.Image(
                label="Draft, at once", interactive=False, format="jpeg", height=220, buttons=[],
                elem_classes="draft", visible=needs_photo,
            )  # fmt: skip
        with gr.Column(scale=4, min_width=280):
            compare = gr.ImageSlider(
                label="Before and after", interactive=False, max_height=480, buttons=["fullscreen"],
                elem_classes="compare", visible=needs_photo,
            )  # fmt: skip
            alone = gr.Image(
                label="Picture", interactive=False, visible=not needs_photo, elem_classes="alone", height=360,
                buttons=["fullscreen"],
            )  # fmt: skip
    report = gr.HTML(elem_classes="report")
    save = gr.DownloadButton("Download with settings", interactive=False, elem_classes="save")
    return {
        "go": go, "stop": stop, "draft": draft, "compare": compare, "alone": alone, "report": report, "save": save,
    }  # fmt: skip


def _sweep(gr: Any, titles: list[str]) -> dict[str, Any]:
    with gr.Accordion("Sweep: one thing at several levels, the rest as above", open=False, elem_classes="sweeps"):
        with gr.Row(equal_height=True):
            which = gr.Dropdown(titles, value=titles[0], show_label=False, elem_classes="which", scale=3)
            sweep = gr.Button("Show", elem_classes="sweep", scale=1, min_width=90)
        gallery = gr.Gallery(columns=3, label="Sweep", elem_classes="gallery", object_fit="contain", height=420)
    return {"which": which, "sweep": sweep, "gallery": gallery}

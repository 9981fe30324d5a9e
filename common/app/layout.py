"""The layout of a tab: inputs on the left, results on the right; on a phone, results below the inputs, in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..editing.options import SEED
from .components import gradio, picture_input, slider
from .desk import Visit

SAMPLED = ("seed", "steps", "engine")
"""Options of a tab in addition to the request, in the order of its components."""
KEPT = 1800
"""Seconds for which a visitor's photo is kept after the last use."""


@dataclass(frozen=True)
class Controls:
    """The controls of a tab, and what their values mean.

    Attributes:
        inputs: components, whose values make a request.
        request: from these values to the editor's request.
        recorded: from a request to plain values that make it again, for the file of settings.
        requested: from a request to the 12 changes that should be measured, if it has any.
        sweeps: titles, and for each a function from the present request to labels and requests of a gallery.
        sets: triggers that set the inputs, with a function from the values of other components, and these. A text is a
            function in JavaScript: the page sets the inputs itself, before the visitor can change one of them again.
        asks_photo: triggers that set the inputs by a visit with a photo, with a function from it and from the values of
            other components, and these.
    """

    inputs: Sequence[Any]
    request: Callable[..., Any]
    recorded: Callable[[Any], dict[str, Any]]
    requested: Callable[[Any], list[float] | None]
    sweeps: dict[str, Callable[[Any], list[tuple[str, Any]]]]
    sets: Sequence[tuple[Any, Callable[..., Any] | str, Sequence[Any]]] = ()
    asks_photo: Sequence[tuple[Any, Callable[..., Any], Sequence[Any]]] = ()


class Layout:
    """The components of a tab, made inside of Gradio's blocks.

    Args:
        controls: makes those of the package.
        needs_photo: nothing can be made without one.
        engines: names of those on offer, the one that is taken by default first.
        about: what the engines are for.
    """

    def __init__(self, controls: Callable[[], Controls], needs_photo: bool, engines: Sequence[str], about: str) -> None:
        gr = gradio()
        self.visit = gr.State(Visit(), time_to_live=KEPT)
        with gr.Row(elem_classes="sides"):
            with gr.Column(scale=5, min_width=320, elem_classes="left"):
                with gr.Column(elem_classes="given"):
                    self._add_photo(gr, "Photo" if needs_photo else "Photo (if you like)")
                with gr.Column(elem_classes="asked"):
                    self.controls = controls()
                    self._add_sampling(gr, engines, about)
            with gr.Column(scale=6, min_width=320, elem_classes="made"):
                self._add_results(gr, needs_photo)
                self._add_sweep(gr, list(self.controls.sweeps))

    def _add_photo(self, gr: Any, label: str) -> None:
        sources = ["upload", "webcam", "clipboard"]
        self.photo = picture_input(label, height=280, sources=sources, elem_classes="photo")
        self.status = gr.Markdown(elem_classes="status", visible=False)
        self.faces = gr.Gallery(
            label="Which face?",
            columns=6,
            height=150,
            allow_preview=False,
            visible=False,
            buttons=[],
            elem_classes="faces",
            object_fit="contain",
        )

    def _add_sampling(self, gr: Any, engines: Sequence[str], about: str) -> None:
        engine = gr.Radio(list(engines), value=engines[0], label="Engine", info=about, elem_classes="engine")
        with gr.Accordion("More", open=False):
            self.live = gr.Checkbox(True, label="Edit as soon as a value changes", elem_classes="live")
            seed = gr.Number(label="Random seed for the initial noise", value=SEED, precision=0, elem_classes="seed")
            label = "Denoising steps (0: the model's own)"
            steps = slider(0, 100, 0, step=1, label=label, elem_classes="steps")
        self.sampling = seed, steps, engine

    def _add_results(self, gr: Any, needs_photo: bool) -> None:
        with gr.Row(elem_classes="acts"):
            self.go = gr.Button("Edit" if needs_photo else "Make", variant="primary", elem_classes="go", scale=3)
            self.stop = gr.Button("Stop", elem_classes="halt", scale=1, min_width=90)
        with gr.Row(elem_classes="pictures"):
            with gr.Column(scale=2, min_width=110):
                self.warp = gr.Image(
                    label="Preview: warp",
                    interactive=False,
                    format="jpeg",
                    height=220,
                    buttons=[],
                    elem_classes="warp",
                    visible=needs_photo,
                )
            with gr.Column(scale=4, min_width=200):
                self.compare = gr.ImageSlider(
                    label="Before and after",
                    interactive=False,
                    max_height=480,
                    buttons=["fullscreen"],
                    elem_classes="compare",
                    visible=needs_photo,
                )
                self.alone = gr.Image(
                    label="Picture",
                    interactive=False,
                    visible=not needs_photo,
                    elem_classes="alone",
                    height=360,
                    buttons=["fullscreen"],
                )
        self.close = gr.Checkbox(False, label="Show the face close up", elem_classes="close", visible=needs_photo)
        self.report = gr.HTML(elem_classes="report")
        self.save = gr.DownloadButton("Download with settings", interactive=False, elem_classes="save")

    def _add_sweep(self, gr: Any, titles: list[str]) -> None:
        with gr.Accordion("Sweep: one thing at several levels, the rest as above", open=False, elem_classes="sweeps"):
            with gr.Row(equal_height=True):
                self.which = gr.Dropdown(titles, value=titles[0], show_label=False, elem_classes="which", scale=3)
                self.sweep = gr.Button("Show", elem_classes="sweep", scale=1, min_width=90)
            options = {"columns": 3, "elem_classes": "gallery", "object_fit": "contain", "height": 420}
            self.gallery = gr.Gallery(label="Sweep", **options)

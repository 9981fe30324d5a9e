"""One tab: which event calls what. A change of any value shows a preview at once, and an edit when values rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .components import gradio
from .desk import Desk, Visit
from .hands import Hands
from .layout import Controls, Layout

AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "trigger_mode": "always_last"}
"""For functions that take a fraction of a second. Of several fast changes the last one counts."""
NETWORKS: dict[str, Any] = {"concurrency_id": "networks", "concurrency_limit": 1, "trigger_mode": "always_last"}
"""For edits, which serve one visitor after the other; previews do not wait for them."""


@dataclass(frozen=True, eq=False)
class Tab:
    """A tab of the page.

    `about` is Markdown; `controls` makes the package's components when the page is laid out; without `needs_photo`,
    pictures are generated where there is no photo.
    """

    desk: Desk[Any]
    name: str
    about: str
    controls: Callable[[], Controls]
    needs_photo: bool = True

    def build(self, folder: Path) -> None:
        """Lays the tab out and wires it, inside of Gradio's blocks; downloads lie in the folder."""
        gradio().Markdown(self.about)
        at = Layout(self.controls, self.needs_photo, self.desk.engines, self.desk.about())
        self._wire(at, Hands(self.desk, at.controls, folder))

    def _wire(self, at: Layout, hands: Hands) -> None:
        gr = gradio()
        clock = gr.Number(0, visible=False)
        values = [*at.controls.inputs, *at.sampling]
        results = [at.status, at.compare, at.alone, at.report, at.save]
        previewed = [at.status, at.warp, at.report, at.save, at.gallery]
        shown = {"show_progress_on": [at.compare, at.alone], **NETWORKS}

        # Gradio hands its progress to functions that have it as default
        def live(asked: float, on: bool, visit: Visit, *values: Any, progress: Any = gr.Progress()) -> Any:  # noqa: B008
            yield from hands.live(asked, on, visit, values, progress)

        def edit(asked: float, visit: Visit, *values: Any, progress: Any = gr.Progress()) -> Any:  # noqa: B008
            yield from hands.edit(asked, visit, values, progress)

        def sweep(asked: float, title: str, visit: Visit, *values: Any, progress: Any = gr.Progress()) -> Any:  # noqa: B008
            return hands.sweep(asked, title, visit, values, progress)

        watched: dict[str, Any] = {"inputs": [clock, at.live, at.visit, *values]}
        watched["js"] = _stamped(watched["inputs"])
        pressed: dict[str, Any] = {"inputs": [clock, at.visit, *values]}
        pressed["js"] = _stamped(pressed["inputs"])
        moved = {"fn": hands.preview, "outputs": previewed, **watched, **AT_ONCE}
        edited = {"fn": live, "outputs": results, **watched, **shown}

        def follow(event: Any) -> None:
            """A preview and an edit after what may have changed the values."""
            event.then(**moved).then(**edited)

        gr.on([each.change for each in (*values, at.live)], **moved).then(**edited)
        for trigger, change, own in at.controls.sets:
            fn, js = (None, change) if isinstance(change, str) else (change, None)
            follow(trigger(fn, list(own), at.controls.inputs, js=js, **AT_ONCE))
        for trigger, change, own in at.controls.asks_photo:
            outputs = [at.status, *at.controls.inputs]
            follow(trigger(hands.asking(change), [at.visit, *own], outputs, **AT_ONCE))
        for event in self._opened(at, hands, results):
            follow(event)
        started = at.go.click(hands.press, outputs=previewed, **pressed, **AT_ONCE)
        started.then(edit, outputs=results, **pressed, **shown)
        at.close.change(hands.show, [at.close, at.visit], at.compare, **AT_ONCE)
        at.stop.click(hands.stop, at.visit, None, queue=False)
        swept = [clock, at.which, at.visit, *values]
        at.sweep.click(sweep, swept, [at.status, at.gallery], js=_stamped(swept), **NETWORKS)

    @staticmethod
    def _opened(at: Layout, hands: Hands, results: list[Any]) -> list[Any]:
        """Events that open a photo, or choose another face in it."""
        gr = gradio()
        opened = [at.visit, at.faces, at.warp, at.gallery, *results]

        def other_face(visit: Visit, path: str | None, event: gr.SelectData) -> Any:  # type: ignore[name-defined]
            return hands.open(visit, path, int(event.index))

        # Gradio passes the event because of the annotation, which it does not resolve from a string
        other_face.__annotations__["event"] = gr.SelectData
        return [
            at.photo.input(hands.open, [at.visit, at.photo], opened, **NETWORKS),
            at.faces.select(other_face, [at.visit, at.photo], opened, **NETWORKS),
        ]


def _stamped(inputs: Sequence[Any]) -> str:
    """JavaScript that puts the page's time in the place of the first of so many inputs, when they are sent."""
    return f"(...all) => [Date.now(), ...all.slice(1, {len(inputs)})]"

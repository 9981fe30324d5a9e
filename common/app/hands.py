"""The functions that a page calls; each takes values of components and returns values of others.

A picture on the page belongs to the values on the page. Whatever changes a value calls `preview`, which notes the new
values as wanted and marks the picture as one of earlier values; an edit whose values are no longer wanted shows
nothing; and after every preview follows `live`, with the values that the page has then.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import FaceEditError
from ..imaging.images import read_image
from .components import gradio
from .desk import Desk, Sampling, Stopped, Visit
from .layout import SAMPLED, Controls
from .report import measured, pack, table

REST = 0.35
"""Seconds without a change of values after which an edit starts by itself."""
_LOOK = 0.05  # seconds between two looks at them
RESULTS = 5
"""Components that an edit fills: status, before and after, picture, report, file."""
PREVIEWED = 5
"""Components that a preview fills: status, preview, report, file, gallery."""
WAITING = "<p class='made stale'>Editing ...</p>"
STALE = "<p class='made stale earlier'>The picture belongs to earlier values. Press the button to edit.</p>"
STOPPED = "<p class='made stale earlier'>Stopped. The picture belongs to earlier values.</p>"
FAILED = "<p class='made stale failed'>There is no picture for these values.</p>"


class Hands:
    """The functions of one tab; downloads lie in the folder."""

    def __init__(self, desk: Desk[Any], controls: Controls, folder: Path) -> None:
        self.desk, self.controls, self.folder = desk, controls, folder
        self._neutral = tuple(each.value for each in controls.inputs)

    def open(self, visit: Visit, path: str | None, face: str | int = "largest") -> Any:
        """A photo -> visit, faces, preview, gallery, and the results, which belong to no photo any longer."""
        gr = gradio()
        visit.left = True
        close = visit.close
        nothing = [None, None]
        results = [gr.update(value=None), gr.update(value=None), "", gr.update(value=None, interactive=False)]
        no_faces = gr.update(value=None, visible=False)
        if path is None:
            return [Visit(close=close), no_faces, *nothing, said(""), *results]
        try:
            found = self.desk.open(Path(path), face)
        except FaceEditError as error:
            return [Visit(close=close), no_faces, *nothing, said(str(error)), *results]
        found.close = close
        thumbs = [(thumb, str(number)) for number, thumb in enumerate(found.thumbs)]
        faces = gr.update(value=thumbs, visible=len(thumbs) > 1)
        return [found, faces, *nothing, warnings(found), *results]

    def preview(self, asked: float, live: bool, visit: Visit, *values: Any) -> Any:
        """Values -> status, preview, report, file, gallery; `asked`: when, in the page's milliseconds."""
        if not _newest(visit, asked, values):
            return [gradio().skip()] * PREVIEWED
        visit.touched = visit.touched or values[: -len(SAMPLED)] != self._neutral
        return self._noted(visit, values, live and visit.subject is not None and visit.touched)

    def press(self, asked: float, visit: Visit, *values: Any) -> Any:
        """As `preview`, when the visitor presses the button."""
        if not _newest(visit, asked, values):
            return [gradio().skip()] * PREVIEWED
        visit.touched = True
        visit.shown = None
        return self._noted(visit, values, True)

    def live(self, asked: float, on: bool, visit: Visit, values: Sequence[Any], progress: Any) -> Iterator[Any]:
        """As `edit`, once values have rested; nothing where their picture is on the page, or no longer wanted."""
        values = tuple(values)
        yield unchanged()
        if not on or not _newest(visit, asked, values):
            return
        rested = time.monotonic() + REST
        while time.monotonic() < rested and visit.wanted == values:
            time.sleep(_LOOK)
        if visit.subject is not None and visit.touched and visit.wanted == values != visit.shown:
            yield from self.edit(asked, visit, values, progress)

    def edit(self, asked: float, visit: Visit, values: Sequence[Any], progress: Any) -> Iterator[Any]:
        """Values, sampling last -> status, before and after, picture, report, file; the pictures first."""
        gr = gradio()
        values = tuple(values)
        yield unchanged()
        if not _newest(visit, asked, values):
            return
        if visit.stopped:  # while this edit waited for its turn
            yield [gr.skip(), gr.skip(), gr.skip(), STOPPED, gr.skip()]
            return
        try:
            request, sampling = self._asked(values)
            (edit,) = self.desk.edit(visit, [request], sampling, lambda done: progress(done, "editing"), values)
        except Stopped:
            if visit.stopped and not visit.left and visit.wanted == values:
                yield [gr.skip(), gr.skip(), gr.skip(), STOPPED, gr.skip()]
            return
        except FaceEditError as error:
            if visit.wanted == values:
                yield [said(str(error)), gr.skip(), gr.skip(), FAILED, gr.skip()]
            return
        visit.latest = edit
        visit.shown = values
        status = said("") if visit.subject is None else warnings(visit)
        yield [status, *self._results(visit), "<p class='made'>Measuring ...</p>", gr.skip()]
        report = measured(visit, edit, self.controls.requested(request))
        with tempfile.NamedTemporaryFile(prefix="edit-", suffix=".zip", dir=self.folder, delete=False) as file:
            pack(edit, report, self.controls.recorded(request), Path(file.name))
        if visit.left or visit.shown != values:  # they have changed while the face was measured
            return
        yield [gr.skip()] * 3 + [table(report, edit), gr.update(value=file.name, interactive=True)]

    def sweep(self, asked: float, title: str, visit: Visit, values: Sequence[Any], progress: Any) -> Any:
        """A title and values -> status, gallery."""
        gr = gradio()
        values = tuple(values)
        if not _newest(visit, asked, values):
            return gr.skip(), gr.skip()
        try:
            present, sampling = self._asked(values)
            steps = self.controls.sweeps[title](present)
            requests = [request for _, request in steps]
            edits = self.desk.edit(visit, requests, sampling, lambda done: progress(done, "sweep"), values)
        except Stopped:
            return gr.skip(), gr.skip()
        except FaceEditError as error:
            return said(str(error)), gr.skip()
        return gr.skip(), [(self.desk.shown(visit, edit.after), label) for (label, _), edit in zip(steps, edits)]

    def asking(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """A change of inputs that needs a photo, as a function of the page: -> status and inputs."""
        gr = gradio()

        def changed(visit: Visit, *values: Any) -> Any:
            try:
                visit.photo()
                pictures = (read_image(value) if isinstance(value, str) else value for value in values)
                return [warnings(visit), *change(visit, *pictures)]
            except FaceEditError as error:
                return [said(str(error)), *[gr.skip()] * len(self.controls.inputs)]

        return changed

    def stop(self, visit: Visit) -> None:
        """Ends the visitor's edit after the step that runs."""
        visit.stopped = True

    def _noted(self, visit: Visit, values: tuple[Any, ...], edits: bool) -> Any:
        """Notes what is wanted -> status, preview, report, file, gallery; `edits`: an edit follows."""
        gr = gradio()
        visit.stopped = False
        warped = self._warped(visit, values)
        if visit.shown == values:  # they have come back to where the picture is
            return *warped, gr.skip(), gr.skip(), gr.skip()
        report = WAITING if edits else gr.skip() if visit.shown is None else STALE
        visit.shown = None
        return *warped, report, gr.update(value=None, interactive=False), None

    def show(self, close: bool, visit: Visit) -> Any:
        """Whether the face is shown close up -> before and after."""
        visit.close = close
        return self._results(visit)[0]

    def _results(self, visit: Visit) -> tuple[Any, Any]:
        """Before and after, or the picture alone where there was no photo."""
        gr, edit = gradio(), visit.latest
        if edit is None:
            return gr.skip(), gr.skip()
        if edit.before is None:
            return gr.update(visible=False), gr.update(value=edit.after.copy(), visible=True)
        pair, place = self.desk.pair(visit, edit)
        return gr.update(value=pair, visible=True, slider_position=place), gr.update(value=None, visible=False)

    def _warped(self, visit: Visit, values: Sequence[Any]) -> tuple[Any, Any]:
        """Status and preview."""
        gr = gradio()
        if visit.subject is None:
            return gr.skip(), None
        try:
            warp = self.desk.warp(visit, self._asked(values)[0])
            return warnings(visit), gr.update(value=warp, visible=True)
        except FaceEditError as error:
            return said(str(error)), gr.skip()

    def _asked(self, values: Sequence[Any]) -> tuple[Any, Sampling]:
        """The request and how it is made, from all values of the page."""
        return self.controls.request(*values[: -len(SAMPLED)]), Sampling.of(*values[-len(SAMPLED) :])


def _newest(visit: Visit, asked: float, values: tuple[Any, ...]) -> bool:
    """Whether the photo is still there and no later values have been asked for; these are then the wanted ones.

    Requests overtake each other on their way, so the page says when it made each.
    """
    if visit.left or asked < visit.asked:
        return False
    visit.asked = asked
    visit.wanted = values
    return True


def unchanged() -> list[Any]:
    """Results that stay. A function that yields nothing at all would empty them, as Gradio reads it."""
    return [gradio().skip()] * RESULTS


def warnings(visit: Visit) -> Any:
    """Photo warnings."""
    return said("\n".join(visit.photo().warnings))


def said(text: str) -> Any:
    """Sentences for the visitor; none hides their place."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return gradio().update(value="\n\n".join(lines), visible=bool(lines))

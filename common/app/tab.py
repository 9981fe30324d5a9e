"""One tab: which hand moves what. A photo is encoded once; a slider's move drafts at once, and edits when let go."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import FaceEditError
from ..images import flat, read_image
from .desk import Desk, Sampling, Stopped, Visit
from .layout import Controls, Layout, lay_out
from .library import gradio
from .report import measured, pack, table

DRAFTS: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
NETWORKS: dict[str, Any] = {"concurrency_id": "networks", "concurrency_limit": 1}
"""Networks serve one visitor after the other; drafts do not wait for them."""


class Tab:
    """A tab of the page.

    Args:
        desk: what happens behind it.
        name: of the tab.
        about: a sentence on it, in Markdown.
        controls: makes the package's components, when the page is laid out.
        needs_photo: nothing can be made without one.
    """

    def __init__(
        self, desk: Desk[Any], name: str, about: str, controls: Callable[[], Controls], needs_photo: bool = True
    ) -> None:
        self.desk, self.name, self.about, self.controls, self.needs_photo = desk, name, about, controls, needs_photo

    def build(self, folder: Path) -> None:
        """Lays the tab out and wires it, inside of Gradio's blocks.

        Args:
            folder: for files to take away; it goes with the app.
        """
        gr = gradio()
        gr.Markdown(self.about)
        at = lay_out(self.controls, self.needs_photo)
        hands = Hands(self.desk, at.controls, folder)
        self._wire_photo(at, hands)
        self._wire_edits(at, hands)

    def _wire_photo(self, at: Layout, hands: Hands) -> None:
        gr = gradio()
        opened, drafted = [at.visit, at.status, at.faces], [at.status, at.draft]
        present = [at.visit, *at.controls.inputs]

        def other_face(visit: Visit, path: str | None, event: gr.SelectData) -> Any:  # type: ignore[name-defined]
            return hands.open(visit, path, int(event.index))

        # Gradio tells from the annotation, which it reads as it is, that the event is wanted
        other_face.__annotations__["event"] = gr.SelectData
        at.photo.input(hands.open, [at.visit, at.photo], opened, **NETWORKS).then(
            hands.preview, present, drafted, **DRAFTS
        )
        at.faces.select(other_face, [at.visit, at.photo], opened, **NETWORKS).then(
            hands.preview, present, drafted, **DRAFTS
        )
        moved = [each.change for each in at.controls.inputs if each not in at.controls.loose]
        gr.on(moved, hands.preview, present, drafted, trigger_mode="always_last", **DRAFTS)

    def _wire_edits(self, at: Layout, hands: Hands) -> None:
        gr = gradio()
        inputs, results = list(at.controls.inputs), [at.status, at.compare, at.alone, at.report, at.save]
        asked = [at.visit, *inputs, *at.sampling]

        # Gradio hands its progress to functions that have it as default
        def edit(visit: Visit, *values: Any, progress: Any = gr.Progress()) -> Any:  # noqa: B008
            yield from hands.edit(visit, values, progress)

        def live(on: bool, visit: Visit, *values: Any, progress: Any = gr.Progress()) -> Any:  # noqa: B008
            if on and visit.subject is not None:
                yield from hands.edit(visit, values, progress)

        def sweep(title: str, visit: Visit, *values: Any, progress: Any = gr.Progress()) -> Any:  # noqa: B008
            return hands.sweep(title, visit, values, progress)

        at.go.click(edit, asked, results, **NETWORKS)
        let_go = [each.release for each in inputs if hasattr(each, "release")]
        let_go += [each.input for each in inputs if hasattr(each, "input") and not hasattr(each, "release")
                   and each not in at.controls.loose]  # fmt: skip
        gr.on(let_go, live, [at.live, *asked], results, trigger_mode="always_last", **NETWORKS)
        setting: list[tuple[Any, Any, list[Any], list[Any]]] = [
            *((button.click, change, list(own), inputs) for button, change, own in at.controls.sets),
            *((choice.input, change, [choice], inputs) for choice, change in at.controls.chosen),
            *((trigger, hands.asking(change), [at.visit, *own], [at.status, *inputs])
              for trigger, change, own in at.controls.asks_photo),
        ]  # fmt: skip
        for trigger, change, own, outputs in setting:
            trigger(change, own, outputs, **DRAFTS).then(live, [at.live, *asked], results, **NETWORKS)
        at.stop.click(hands.stop, at.visit, None, queue=False)
        at.sweep.click(sweep, [at.which, *asked], [at.status, at.gallery], **NETWORKS)


class Hands:
    """The functions that a page calls; each takes the values of components and returns those of others."""

    def __init__(self, desk: Desk[Any], controls: Controls, folder: Path) -> None:
        self.desk, self.controls, self.folder = desk, controls, folder

    def open(self, visit: Visit, path: str | None, face: str | int = "largest") -> Any:
        """A photo -> visit, status, faces."""
        gr = gradio()
        visit.stopped = True  # nobody waits for edits of the photo before
        if path is None:
            return Visit(), said(""), gr.update(value=None, visible=False)
        try:
            found = self.desk.open(Path(path), face)
        except FaceEditError as error:
            return Visit(), said(str(error)), gr.update(value=None, visible=False)
        thumbs = [(thumb, str(number)) for number, thumb in enumerate(found.thumbs)]
        return found, advice(found), gr.update(value=thumbs, visible=len(thumbs) > 1)

    def preview(self, visit: Visit, *values: Any) -> Any:
        """Values -> status, draft."""
        gr = gradio()
        if visit.subject is None:
            return gr.skip(), None
        visit.wanted = tuple(values)
        try:
            draft = self.desk.draft(visit, self.controls.wish(*values))
            return advice(visit), gr.update(value=draft, visible=True)
        except FaceEditError as error:
            return said(str(error)), gr.skip()

    def edit(self, visit: Visit, values: Sequence[Any], progress: Any) -> Iterator[Any]:
        """Values, sampling last -> status, before and after, picture, report, file; the pictures first."""
        gr = gradio()
        inputs, sampling = tuple(values[:-3]), Sampling.of(*values[-3:])
        try:
            wish = self.controls.wish(*inputs)
            (edit,) = self.desk.edit(visit, [wish], sampling, lambda share: progress(share, "editing"), inputs)
        except Stopped:
            return
        except FaceEditError as error:
            yield [said(str(error)), *[gr.skip()] * 4]
            return
        if edit.before is None:
            shown = gr.update(visible=False), gr.update(value=edit.after.copy(), visible=True)
        else:
            pair = flat(edit.before), flat(edit.after)
            shown = gr.update(value=pair, visible=True), gr.update(value=None, visible=False)
        yield [gr.skip(), *shown, "<p class='made'>measuring ...</p>", gr.skip()]
        report = measured(visit, edit, self.controls.requested(wish))
        with tempfile.NamedTemporaryFile(prefix="edit-", suffix=".zip", dir=self.folder, delete=False) as file:
            pack(edit, report, self.controls.told(wish), Path(file.name))
        yield [gr.skip()] * 3 + [table(report, edit), gr.update(value=file.name, interactive=True)]

    def sweep(self, title: str, visit: Visit, values: Sequence[Any], progress: Any) -> Any:
        """A title and values -> status, gallery."""
        gr = gradio()
        try:
            asked = self.controls.sweeps[title](self.controls.wish(*values[:-3]))
            wishes, sampling = [wish for _, wish in asked], Sampling.of(*values[-3:])
            edits = self.desk.edit(visit, wishes, sampling, lambda share: progress(share, "sweep"))
        except Stopped:
            return gr.skip(), gr.skip()
        except FaceEditError as error:
            return said(str(error)), gr.skip()
        return gr.skip(), [(self.desk.shown(visit, edit.after), label) for (label, _), edit in zip(asked, edits)]

    def asking(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """A change of inputs that needs a photo, as a function of the page: -> status and inputs."""
        gr = gradio()

        def changed(visit: Visit, *values: Any) -> Any:
            try:
                visit.photo()
                pictures = (read_image(value) if isinstance(value, str) else value for value in values)
                return [advice(visit), *change(visit, *pictures)]
            except FaceEditError as error:
                return [said(str(error)), *[gr.skip()] * len(self.controls.inputs)]

        return changed

    def stop(self, visit: Visit) -> None:
        """Ends the visitor's edit after the step that runs."""
        visit.stopped = True


def advice(visit: Visit) -> Any:
    """What is doubtful about the photo."""
    return said("\n".join(visit.photo().advice))


def said(text: str) -> Any:
    """Sentences for the visitor; none hides their place."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return gradio().update(value="\n\n".join(lines), visible=bool(lines))

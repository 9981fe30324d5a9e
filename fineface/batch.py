"""`fineface batch`: many prompts or photos, many requests, one folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from common.batch.command import Batches
from common.batch.plan import TEXTS, Job
from common.batch.worker import EditorWorker
from common.cli.edit_photos import editor_of
from common.cli.editor_spec import EditorSpec
from common.cli.options import saving
from common.cli.provenance import edited_again, recorded_model
from common.core.errors import InputError
from common.editing.defaults import read_defaults
from common.facs.action_units import AUIntensity
from common.provenance.recipe import GENERATION, Recipe, saved_with

from .request import PUBLISHED, FineFaceModel, FineFaceOptions, check_prompt
from .variants import keeper, locate, warps

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from common.editing.subject import Subject

    from .editor import FineFace

ABOUT = """Makes pictures of many prompts, or edits faces of photos, with many requests each, into one folder. Re-run
the command to resume.

    {name} batch prompts.txt --requests requests.txt -o run/
    {name} batch photos/ --requests requests.json -o run/
    {name} batch manifest.csv --requests requests.json -o run/ --inspect

A request is {requests}.
"""


@dataclass(frozen=True)
class PhotoRequest:
    """What a file of requests asks of a photo; without a prompt, that of the run counts."""

    aus: AUIntensity
    prompt: str | None = None


@dataclass(frozen=True, eq=False)
class Text:
    """What the pictures of a prompt share: embeddings (n, 512) of the person and a seed, if it has its own."""

    prompt: str
    people: torch.Tensor | None = None
    seed: int | None = None


def read_request(value: Any) -> PhotoRequest:
    """A request as files have it. Raises InputError, ActionUnitError: another form, or intensities out of range."""
    if not isinstance(value, Mapping) or not {"aus", "prompt"} & set(value):
        return PhotoRequest(AUIntensity.parse(value))
    if "aus" not in value or set(value) - {"aus", "prompt"}:
        expected = '{"aus": ..., "prompt": ...}, or action units alone'
        raise InputError("The request has another form.", code="format", expected=expected, actual=value)
    prompt = value.get("prompt")
    return PhotoRequest(AUIntensity.parse(value["aus"]), None if prompt is None else check_prompt("prompt", prompt))


class FineFaceWorker(EditorWorker):
    """FineFace as `common.batch.run.Worker`; its subjects may be prompts, which need an editor with networks."""

    def __init__(self, editor: FineFace, args: argparse.Namespace) -> None:
        super().__init__(editor, args, read_request)
        self.drawing = editor

    def encode(self, job: Job) -> Any:
        """See `Worker`."""
        if job.photo is not None:
            return super().encode(job)
        from .faceid import embed_people

        return Text(job.prompt or "", embed_people(list(job.people)) if job.people else None, job.seed)

    def edit(self, subject: Subject | Text, requests: Sequence[Any]) -> Sequence[Image.Image]:
        """See `Worker`; requests with the same prompt run together."""
        read = [read_request(each) for each in requests]
        options = {**vars(self.args), "batch_size": max(len(read), 1)}
        made: dict[int, Image.Image] = {}
        for prompt in dict.fromkeys(each.prompt for each in read):
            rows = [row for row, each in enumerate(read) if each.prompt == prompt]
            aus = [read[row].aus for row in rows]
            if isinstance(subject, Text):
                if prompt is not None:
                    message = "A request with a prompt is for photos; this picture has a prompt of its own."
                    raise InputError(message, code="conflict", actual=prompt)
                seed = self.args.seed if subject.seed is None else subject.seed
                how = FineFaceOptions.of({**options, "seed": seed})
                pairs = [(subject.prompt, each) for each in aus]
                where = {"identity": subject.people, "size": self.args.size}
                pictures = self.drawing.draw(pairs, how, progress=False, **where)
            else:
                how = FineFaceOptions.of(options if prompt is None else {**options, "prompt": prompt})
                pictures = self.editor.edit(subject, aus, progress=False, **vars(how))
            made |= dict(zip(rows, pictures))
        return [saved_with(made[row], **saving(self.args)) for row in range(len(read))]

    def record(self, subject: Any) -> Mapping[str, Any]:
        """See `Worker`."""
        if isinstance(subject, Text):
            return {"face": None, "faceid": subject.people is not None, "warnings": []}
        warped = FineFaceOptions.of(vars(self.args)).wanted == "warp"
        return {**super().record(subject), "faceid": not warped and self.drawing.keeps(subject)}


class FineFaceBatches(Batches):
    """See `Batches`: prompts as well as photos."""

    columns = TEXTS
    about = ABOUT

    def read(self, value: Any) -> PhotoRequest:
        """See `Batches`."""
        return read_request(value)

    def requested(self, value: Any) -> Sequence[float]:
        """See `Batches`."""
        return read_request(value).aus.units

    def check(self, args: argparse.Namespace, jobs: Sequence[Job]) -> argparse.Namespace:
        """The options, with the variant that photos and prompts need where none is named. Raises InputError: an option
        that cannot be used; MissingCheckpointError: photos are to be edited by networks, and there are none.
        """
        from common.editing.models import missing_networks  # brings torch

        found = copy(super().check(args, jobs))
        found.texts = any(job.photo is None for job in jobs)  # drawn by networks, whatever edits photos
        photos = any(job.photo is not None for job in jobs)
        asked = FineFaceOptions.of(vars(args))
        asked.resolve(PUBLISHED)
        if photos and asked.wanted == "diffusion" and warps(args.model, args.base, args.variant):
            raise missing_networks("fineface")
        if args.variant is None and photos:
            found.variant = keeper(args.model, args.base)
        if found.variant is None:
            people = any(job.people for job in jobs)
            found.variant = locate(args.model, args.base, identity=people)[2].name
        return found

    def worker(self, args: argparse.Namespace) -> FineFaceWorker:
        """See `Batches`."""
        from .editor import FineFace

        if args.texts:
            return FineFaceWorker(FineFace.from_pretrained(**vars(FineFaceModel.of(vars(args)))), args)
        return FineFaceWorker(editor_of(FineFace, args), args)

    def settings(self, args: argparse.Namespace) -> dict[str, Any]:
        """See `Batches`."""
        from common.batch.worker import of_networks

        model = FineFaceModel.of(vars(args))
        found = super().settings(args)
        if args.texts and found["engine"] == "warp":  # of the photos alone
            own = read_defaults(self.spec.kind.locate(**model.networks), PUBLISHED)
            found |= {**FineFaceOptions.of(vars(args)).resolve(own).sampling(), **of_networks(self.spec.kind, args)}
        return found


def again(spec: EditorSpec, recipe: Recipe, args: argparse.Namespace) -> Any:
    """The picture of a record, again. Raises InputError: an incomplete record, or another photo or model."""
    from common.editing.redo import check_model, place_of

    from .editor import FineFace

    if recipe.kind != GENERATION:
        return edited_again(spec, recipe, args)
    settings = recipe.settings
    if given := [f"--{name}" for name in ("photo", "photos", "background") if getattr(args, name) is not None]:
        raise InputError(f"{' and '.join(given)} is for edits of photos.", code="conflict", actual=given)
    if settings.get("identity"):
        raise InputError("The record does not hold the person of the picture.", code="unsupported")
    prompt = settings.get("prompt")
    size = settings.get("size")
    if not isinstance(prompt, str) or not isinstance(size, list):
        raise InputError("The record of the picture lacks its prompt or its size.", code="missing")
    known = replace(recipe, settings={name: value for name, value in settings.items() if name != "size"})
    editor = FineFace.from_pretrained(**vars(recorded_model(FineFaceModel, known, args)))
    check_model(recipe, editor.places)
    row, rows = place_of(recipe)
    how = FineFaceOptions.of({**settings, "batch_size": rows})
    return editor.draw([(prompt, AUIntensity.parse(recipe.request))] * rows, how, size=tuple(size))[row]

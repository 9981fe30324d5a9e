"""`fineface batch`: many prompts or photos, many wishes, one folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common import options as shared
from common.action_units import to_vector
from common.batch.command import Batches
from common.batch.plan import TEXTS, Job
from common.defaults import read_defaults
from common.edit_options import SEED
from common.errors import InputError
from common.prompt import PROMPT
from common.provenance.options import add_saving, saved, saving
from common.provenance.recipe import saved_with

from .flags import add_face, add_model, add_sampling, sampling
from .options import HIGH, LOW, PUBLISHED, STARTS, Options, check_engine
from .variants import keeper, locate, warps

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from common.subject import Subject

    from .editor import FineFace

ABOUT = """Makes pictures of many prompts, or faces in photos anew, with many wishes each, into one folder; a run that
was stopped goes on where it was.

    fineface batch prompts.txt --wishes wishes.txt -o run/
    fineface batch photos/ --wishes wishes.json -o run/
    fineface batch manifest.csv --wishes wishes.json -o run/ --inspect

A wish is what `fineface` takes: "AU12=3,AU6=2", "angry:0.7", {"AU12": 3}, intensities 0 to 5; for photos also
{"aus": "AU12=3", "prompt": "a close-up of a man in the rain"}. A manifest's rows have a `photo` or a `prompt`;
one prompt with several values of `seed` is several people.
"""


@dataclass(frozen=True)
class Wish:
    """What a picture shall show.

    Attributes:
        aus: 12 intensities in the order of `ACTION_UNITS`.
        prompt: what the face of a photo looks like; None for what all take.
    """

    aus: tuple[float, ...]
    prompt: str | None = None


@dataclass(frozen=True, eq=False)
class Text:
    """What the pictures of a prompt share.

    Attributes:
        prompt: what they show.
        people: embeddings (n, 512) of whom they show; None for anybody.
        seed: of the noise; None for the run's.
    """

    prompt: str
    people: torch.Tensor | None = None
    seed: int | None = None


def read_wish(value: Any) -> Wish:
    """A wish as files have it.

    Raises:
        InputError, ActionUnitError: it is none.
    """
    if not isinstance(value, Mapping) or not {"aus", "prompt"} & set(value):
        return Wish(tuple(to_vector(value, low=LOW, high=HIGH)))
    if "aus" not in value or set(value) - {"aus", "prompt"}:
        raise InputError(f'A wish is {{"aus": ..., "prompt": ...}}, or action units alone; got {value!r}.')
    prompt = value.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        raise InputError(f"A wish's prompt is a text; got {prompt!r}.")
    return Wish(tuple(to_vector(value["aus"], low=LOW, high=HIGH)), prompt)


class FineFaceWorker:
    """FineFace as `common.batch.run.Worker`.

    Args:
        editor: with its networks.
        args: options as `add_options` has them.
    """

    def __init__(self, editor: FineFace, args: argparse.Namespace) -> None:
        self.editor, self.args = editor, args

    def encode(self, job: Job) -> Subject | Text:
        """See `Worker`."""
        if job.photo is not None:
            return self.editor.encode(job.photo, face=job.face, extent=self.args.extent, strict=self.args.strict)
        from .faces import embed_faces

        return Text(job.prompt or "", embed_faces(list(job.people)) if job.people else None, job.seed)

    def edit(self, subject: Subject | Text, wishes: Sequence[Any]) -> Sequence[Image.Image]:
        """See `Worker`."""
        read, options = [read_wish(wish) for wish in wishes], sampling(self.args)
        options |= {"batch_size": max(len(wishes), 1), "progress": False}
        if isinstance(subject, Text):
            if any(wish.prompt is not None for wish in read):
                raise InputError("A wish with a prompt is for photos; this picture has a prompt of its own.")
            if subject.seed is not None:
                options["seed"] = subject.seed
            aus = [wish.aus for wish in read]
            pictures = self.editor.generate(subject.prompt, aus, face=subject.people, size=self.args.size, **options)
            return [saved_with(picture, **saving(self.args)) for picture in pictures]
        made: dict[int, Image.Image] = {}
        for prompt in dict.fromkeys(wish.prompt for wish in read):
            rows = [row for row, wish in enumerate(read) if wish.prompt == prompt]
            pictures = self.editor.edit(
                subject, [read[row].aus for row in rows], self.args.prompt if prompt is None else prompt,
                engine=self.args.engine, start=self.args.start, strength=self.args.strength, **options,
            )  # fmt: skip
            made |= dict(zip(rows, pictures))
        return [saved_with(made[row], **saving(self.args)) for row in range(len(read))]

    def record(self, subject: Subject | Text) -> Mapping[str, Any]:
        """See `Worker`."""
        if isinstance(subject, Text):
            return {"face": None, "faceid": subject.people is not None, "advice": []}
        face = subject.face
        args = self.args
        engine = check_engine(args.engine, args.start if args.start == "draft" else None, args.strength)
        engine = self.editor.engine_for(engine)
        return {
            "face": face and [round(float(value), 2) for value in face.box],
            "faceid": engine == "diffusion" and self.editor.keeps(subject),
            "advice": list(subject.advice),
        }


def requested(value: Any) -> list[float]:
    """The intensities that a request asks for."""
    return list(read_wish(value).aus)


def kind() -> Any:
    """The class of the editor; brings torch."""
    from .editor import FineFace

    return FineFace


class FineBatches(Batches):
    """See `Batches`: prompts as well as photos, and intensities in place of changes."""

    columns = TEXTS
    absolute = True
    baseline = "neutral"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Those of `fineface edit`; the noise is the same in every run, so that a run can go on."""
        parser.add_argument("-o", "--output", help="folder of the run")
        shared.add_quiet(parser)
        add_saving(parser)
        add_face(parser)
        add_sampling(parser, SEED)
        add_model(parser)
        parser.add_argument("--size", type=int, help="side of crop or picture in pixels (default: the network's own)")

    def check(self, args: argparse.Namespace, jobs: Sequence[Job]) -> argparse.Namespace:
        """The options, with the variant of the model that photos and prompts want where none is named.

        Raises:
            InputError: an option that cannot be used.
        """
        from common.devices import choose_device  # brings torch
        from common.models import missing_networks

        asked = PUBLISHED.asked(steps=args.steps, guidance=args.guidance)
        Options(
            asked.steps, asked.guidance, args.au_scale, args.face_scale, args.negative, args.seed, args.batch_size,
            strength=args.strength, start=args.start,
        )  # fmt: skip
        if args.runner == "local":  # else the devices are those of the cluster's machines
            choose_device(args.device, args.dtype)
        engine = check_engine(args.engine, args.start if args.start == "draft" else None, args.strength)
        if engine == "diffusion" and warps(args.adapter, args.base, args.variant) and any(job.photo for job in jobs):
            raise missing_networks("fineface", "adapter")
        saving(args)
        found, people = copy(args), any(job.people for job in jobs)
        found.texts = any(job.photo is None for job in jobs)  # drawn by networks, whatever edits photos
        if args.variant is None and any(job.photo for job in jobs):
            found.variant = keeper(args.base, args.adapter)
        if found.variant is None:
            found.variant = locate(args.adapter, args.base, face=people)[2].name
        return found

    def worker(self, args: argparse.Namespace) -> FineFaceWorker:
        """Who makes the pictures, with the options of the command line."""
        from .editor import FineFace

        around = {"size": args.size, "finder": args.finder, "parser": args.parser}
        editor = FineFace.from_pretrained(
            args.base, args.adapter, args.variant, dtype=args.dtype, device=args.device, **around
        )
        return FineFaceWorker(editor, args)

    def settings(self, args: argparse.Namespace) -> dict[str, Any]:
        """What decides how the pictures look, as plain values, all of them resolved."""
        from common.batch.worker import WARP, dtype_of, model, side, surroundings

        adapter, base, kind = locate(args.adapter, args.base, args.variant)
        asked = read_defaults(adapter, PUBLISHED).asked(steps=args.steps, guidance=args.guidance, extent=args.extent)
        engine = check_engine(args.engine, args.start if args.start == "draft" else None, args.strength)
        engine = engine or ("draft" if warps(args.adapter, args.base, args.variant) else "diffusion")
        found = {"engine": engine, "variant": kind.name, "start": args.start}
        found |= {"strength": STARTS[args.start] if args.strength is None else args.strength}
        found |= {**sampling(args), "steps": asked.steps, "guidance": asked.guidance, "prompt": args.prompt or PROMPT}
        found |= {**surroundings(args, asked.extent, None), **saved(args)}
        if engine == "draft" and not args.texts:
            found["model"] = WARP
        else:
            places = [place for place in dict.fromkeys((adapter, base)) if place.is_dir()]
            found |= {"dtype": dtype_of(args), **(model(places) if places else {"model": adapter.name})}
        return {**found, "size": args.size or side([base], ("unet",))}


BATCHES = FineBatches("fineface", ABOUT, kind, read_wish, requested)
main = BATCHES.batch
main_score = BATCHES.score
main_report = BATCHES.report

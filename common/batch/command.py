"""The commands `batch`, `score` and `report` of the packages."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ..cli import console, options
from ..cli.editor_spec import EditorSpec
from ..cli.options import saving
from ..core.errors import InputError
from ..core.files import check_writable
from ..core.numbers import whole_number
from ..editing.options import EditOptions
from .cluster import edit_on_ray
from .plan import PHOTOS, Fault, Item, Job, plan, read_jobs, read_requests
from .processes import Processes
from .run import DONE, FAILED, Edits, Worker, edit_photos, run

ABOUT = """Edits many photos, many requests each, into one folder; run the command again to resume.

    {name} batch photos/ --requests requests.txt -o run/
    {name} batch manifest.csv --requests requests.json -o run/ --inspect

A request is {requests}.
"""


@dataclass(frozen=True)
class Batches:
    """The batches of one editor.

    Attributes:
        spec: where the editor is.
        requests: form of a request in a file, as a part of a sentence.
    """

    spec: EditorSpec
    requests: str

    columns: ClassVar[Sequence[str]] = PHOTOS
    """Columns that a manifest may have."""
    about: ClassVar[str] = ABOUT
    """Help of the command `batch`."""

    @property
    def baseline(self) -> str:
        """The name of the null edit, {}, that `--baseline` adds."""
        return "neutral" if self.spec.request.absolute else "unchanged"

    def read(self, value: Any) -> Any:
        """Parses a request of a file; raises an InputError for one that cannot be used."""
        return self.spec.request.parse(value)

    def requested(self, value: Any) -> Sequence[float] | None:
        """The 12 action units of a request of a file; None where it names none."""
        return self.spec.request.parse(value).units

    def check(self, args: argparse.Namespace, jobs: Sequence[Job]) -> argparse.Namespace:
        """The options in effect; raises an InputError for a wrong one before a model is loaded."""
        model = self.spec.asked(vars(args))[2]
        if args.runner == "local":  # else the devices are those of the cluster's machines
            model.check_device()
        saving(args)
        return args

    def worker(self, args: argparse.Namespace) -> Worker:
        """The worker for the options of the command line; imports torch, and loads the networks."""
        from ..cli.edit_photos import editor_of
        from .worker import EditorWorker

        return EditorWorker(editor_of(self.spec.kind, args), args, self.read)

    def settings(self, args: argparse.Namespace) -> dict[str, Any]:
        """The resolved settings that decide how pictures look, as plain values."""
        from .worker import settings

        return settings(self.spec.kind, args)

    def batch(self, arguments: list[str]) -> int:
        """The command `batch`; returns the exit code."""
        args, processes = self.parser().parse_args(arguments), Processes.launched()
        console.listen(args.quiet or processes.rank > 0)  # one process prints for all
        edits = _edits(args, processes)
        jobs, faults = read_jobs(args.photos, self.columns)
        args = self.check(args, jobs)
        items = self._plan(args, jobs)
        if args.inspect:
            return _inspect(items, faults, args)
        if args.output is None:
            raise InputError("Name the folder of the run, e.g. -o run/.", code="missing")
        folder, settings = Path(args.output).expanduser(), {"program": self.spec.name, **self.settings(args)}
        check_writable(folder)
        if processes.count > 1 and getattr(args, "engine", None) != "warp":  # warps run on CPUs
            args = argparse.Namespace(**{**vars(args), "device": processes.device(args.device)})
        counts = run(
            items,
            partial(self.worker, args),
            folder,
            settings,
            batch_size=args.batch_size,
            again=args.again,
            progress=not args.quiet,
            processes=processes,
            edits=edits,
        )
        return console.OK if counts is None else _summed(counts, faults, args)

    def score(self, arguments: list[str]) -> int:
        """The command `score`, which measures the edits of a run and makes none; returns the exit code."""
        parser = self._reader("score", "Measures the edits of a run that are not measured yet, into its scores.csv.")
        parser.add_argument("--estimator", default="auto", help="auto, regressor, fit, landmarker or py-feat")
        args = parser.parse_args(arguments)
        console.listen(args.quiet)
        from ..measure import get_estimator
        from ..measure.estimators import described
        from .scores import score

        ways = {"absolute": self.spec.request.absolute, "estimator": args.estimator, "progress": not args.quiet}
        table = score(args.run, self.requested, **ways)
        console.note(f"written: {table}; action units measured by {described(get_estimator(args.estimator).name)}")
        return console.OK

    def report(self, arguments: list[str]) -> int:
        """The command `report`, which writes a run as one page; returns the exit code."""
        parser = self._reader(
            "report",
            "Writes a run as one self-contained page: pictures, requested vs measured intensities, failures. Its "
            f"numbers are those of `{self.spec.name} score`, if that was run.",
        )
        parser.add_argument("-o", "--output", type=Path, help="the page (default: report.html in the run)")
        args = parser.parse_args(arguments)
        console.listen(args.quiet)
        from .report.page import report

        ways = {"program": self.spec.name, "absolute": self.spec.request.absolute, "output": args.output}
        console.note(f"written: {report(args.run.expanduser(), self.requested, progress=not args.quiet, **ways)}")
        return console.OK

    def _plan(self, args: argparse.Namespace, jobs: Sequence[Job]) -> list[Item]:
        requests: Mapping[str, Any] = read_requests(args.requests, self.read) if args.requests else {}
        for job in jobs:
            if job.request is not None:
                self.read(job.request)
        if args.baseline:
            if self.baseline in requests and self.read(requests[self.baseline]) != self.read({}):
                why = "--baseline makes a picture of this name; rename the request."
                raise InputError(why, code="duplicate", actual=self.baseline)
            requests = {self.baseline: {}, **requests}
        return plan(jobs, requests)

    def _reader(self, command: str, about: str) -> argparse.ArgumentParser:
        parser = console.command_parser(f"{self.spec.name} {command}", about)
        parser.add_argument("run", type=Path, help="folder that the batch command wrote")
        options.add_quiet(parser)
        return parser

    def parser(self) -> argparse.ArgumentParser:
        """The options of the command `batch`."""
        parser = console.command_parser(
            f"{self.spec.name} batch", self.about.format(name=self.spec.name, requests=self.requests)
        )
        texts = ", or file of prompts, one a line (.txt)" if "prompt" in self.columns else ""
        parser.add_argument("photos", help=f"folder of pictures, or manifest (.csv, .jsonl, .json){texts}")
        parser.add_argument("--requests", help="file of requests for every photo (.txt, .csv, .jsonl, .json)")
        parser.add_argument("--baseline", action="store_true", help=f"also make the null edit, named {self.baseline}")
        parser.add_argument("--inspect", action="store_true", help="check the inputs and edit nothing")
        parser.add_argument("--again", action="store_true", help="retry what failed before")
        options.add_flags(parser, EditOptions, ["batch_size"])
        # which face of a photo is edited, and aligned crops, are in a manifest
        options.add_options(parser, "folder of the run", photo=False, kinds=self.spec.options)
        scale = parser.add_argument_group(
            "scale",
            f"Several devices: accelerate launch -m {self.spec.name} batch ...; each takes a part of the photos.",
        )
        runners = "local: this process; ray: workers of the cluster at RAY_ADDRESS, else of one on this machine"
        scale.add_argument("--runner", choices=("local", "ray"), default="local", help=runners)
        scale.add_argument("--workers", type=int, help="number of workers (default: as many as there is room for)")
        scale.add_argument(
            "--gpus-per-worker", type=float, help="GPUs of a worker, such as 0.5 (default: 1 if there are any)"
        )
        return parser


def _inspect(items: Sequence[Item], faults: Sequence[Fault], args: argparse.Namespace) -> int:
    from ..faces import get_detector
    from .inspect import inspect

    found = inspect(items, faults, get_detector(args.detector), progress=not args.quiet)
    print(found)
    return console.FAILED if found.faults else console.OK


def _summed(counts: Mapping[str, int], faults: Sequence[Fault], args: argparse.Namespace) -> int:
    """Prints the counts of a run; returns the exit code."""
    for fault in faults:
        console.say(f"{fault.where}: {fault.why}")
    failed = bool(counts[FAILED] or faults)
    if failed or not args.quiet:
        console.say(
            f"{counts[DONE]} edits are in {args.output}, {counts[FAILED]} failed, {len(faults)} inputs unusable"
        )
    return console.FAILED if failed else console.OK


def _edits(args: argparse.Namespace, processes: Processes) -> Edits:
    """How photos are edited, by --runner and its options; raises an InputError where they do not go together."""
    workers, gpus = args.workers, args.gpus_per_worker
    if args.runner == "local":
        if workers is not None or gpus is not None:
            raise InputError("--workers and --gpus-per-worker need --runner ray.", code="conflict")
        return edit_photos
    if processes.count > 1:
        raise InputError("--runner ray does not run under accelerate launch.", code="conflict")
    if workers is not None:
        whole_number("--workers", workers, 1, 4096)
    if gpus is not None and not (0 <= gpus < 1 or gpus in range(1, 65)):
        expected = "a fraction below 1, or a whole number up to 64"
        raise InputError("--gpus-per-worker is out of range.", code="range", expected=expected, actual=gpus)
    return partial(edit_on_ray, workers=workers, gpus=gpus)

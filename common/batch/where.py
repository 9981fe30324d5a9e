"""Where a batch runs: in this process, in several of one launch, or on a Ray cluster."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..checks import whole_number
from ..errors import InputError
from .group import launched
from .making import Making, found, name_of
from .run import Item, Worker, run

RUNNERS = ("local", "ray")


def add_options(parser: argparse.ArgumentParser, program: str) -> None:
    """The options of this room, for the batches of a program."""
    group = parser.add_argument_group(
        "scale",
        f"Several devices: accelerate launch -m {program} batch ...; each process takes its share of the photos.",
    )
    group.add_argument(
        "--runner",
        choices=RUNNERS,
        default="local",
        help="local: this process; ray: workers of the cluster at RAY_ADDRESS, else of one on this machine",
    )
    group.add_argument("--workers", type=int, help="workers of --runner ray (default: as many as there is room for)")
    group.add_argument(
        "--gpus-per-worker", type=float, help="of --runner ray, such as 0.5 (default: 1 if there are GPUs)"
    )


def run_somewhere(
    items: Sequence[Item],
    worker: Callable[[argparse.Namespace], Worker],
    args: argparse.Namespace,
    folder: Path,
    settings: Mapping[str, Any],
) -> dict[str, int] | None:
    """Makes what is not made yet, where the options say.

    Args:
        items: see `common.batch.run.run`.
        worker: a module's function, from the options to who edits.
        args: options of the batch, and of `add_options`.
        folder: see `run`.
        settings: see `run`.

    Returns:
        See `run`.

    Raises:
        InputError: options that do not go together; or see `run`.
        MissingCheckpointError: see `run`.
        MissingDependencyError: `ray` is asked for, and is not installed.
    """
    share, options = launched(), {"batch_size": args.batch_size, "again": args.again, "progress": not args.quiet}
    if args.runner == "ray":
        if share is not None:
            raise InputError("--runner ray starts its workers itself; start it without accelerate launch.")
        from .cluster import Pool, run_on_ray

        return run_on_ray(items, making_of(worker, args), folder, settings, _pool(args, Pool), **options)
    if args.workers is not None or args.gpus_per_worker is not None:
        raise InputError("--workers and --gpus-per-worker are of --runner ray.")
    if share is not None and getattr(args, "engine", None) != "draft":  # drafts run on CPUs
        args = argparse.Namespace(**{**vars(args), "device": share.device(args.device)})
    return run(items, worker(args), folder, settings, share=share, **options)


def making_of(worker: Callable[[argparse.Namespace], Worker], args: argparse.Namespace) -> Making:
    """What another process makes the worker of: the name of the function, and the options."""
    return Making(name_of(make), {"worker": name_of(worker), "options": vars(args)})


def make(worker: str, options: Mapping[str, Any]) -> Worker:
    """The worker that `making_of` describes."""
    return found(worker)(argparse.Namespace(**options))


def _pool(args: argparse.Namespace, pool: Callable[..., Any]) -> Any:
    if args.workers is not None:
        whole_number("--workers", args.workers, 1, 4096)
    gpus = args.gpus_per_worker
    if gpus is not None and not (0 <= gpus < 1 or gpus in range(1, 65)):
        raise InputError(f"--gpus-per-worker is a share below 1, or a whole number up to 64; got {gpus:g}.")
    return pool(args.workers, gpus)

"""`microexpression train`: networks under a protocol, with baselines."""

from __future__ import annotations

import argparse

from common.cli import console
from common.core.errors import InputError
from common.core.files import check_writable

from . import results
from .data.load import load
from .data.sample import UNITS, DataSetError, Sample, count_units
from .fit import Study
from .inputs import prepare
from .protocols import PROTOCOLS, Protocol, cd6me
from .study import chance, linear, publish, run


def train(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    check_writable(args.output)
    progress = not args.quiet
    names = ("epochs", "batch_size", "learning_rate", "size", "width", "seed", "magnifier", "mix")
    options = {name: getattr(args, name) for name in names}
    studies = [Study(model, detector=args.crop, **options) for model in args.model]
    for study in studies:
        study.chosen()  # an unknown model is refused before anything is read
    protocol = asked(args.protocol, _loaded(args, args.datasets))
    extra = _loaded(args, args.extra)
    flows = prepare(
        protocol.samples, "rcn", 28, args.output / "inputs", detector=args.crop, workers=args.jobs, progress=progress
    )
    found = {
        "chance": results.scores(protocol, chance(protocol)),
        "linear on flow": results.scores(protocol, linear(protocol, flows)),
    }
    for study in studies:
        folder = args.output / study.model
        made = run(study, protocol, folder, extra=extra, jobs=args.jobs, progress=progress)
        found[study.model] = results.scores(protocol, made.logits)
        if args.publish:
            trained = f"trained on {len(protocol.samples)} clips of {', '.join(args.datasets)} ({protocol.name})"
            print(f"written: {publish(study, protocol, folder, trained, jobs=args.jobs, progress=progress)}")
    results.write(args.output, protocol, found)
    print(results.table(protocol, found))
    print(f"written: {args.output / 'results.md'}")
    return console.OK


def asked(name: str, samples: list[Sample]) -> Protocol:
    """A protocol by its name; action units are those of the samples. Raises InputError: unknown (code "unknown")."""
    if name not in PROTOCOLS:
        raise InputError("The protocol is unknown.", code="unknown", expected=", ".join(PROTOCOLS), actual=name)
    if name != "cd6me":
        return PROTOCOLS[name](samples)
    return cd6me(samples, [unit for unit, count in count_units(samples, UNITS).items() if count])


def _loaded(args: argparse.Namespace, names: list[str]) -> list[Sample]:
    samples, faults = [], []
    for name in names:
        try:
            samples += load(name, args.data, cropped=args.cropped)
        except DataSetError as error:
            faults += [f"{name}: {fault}" for fault in error.faults]
    if faults:
        raise DataSetError(str(args.data), faults)
    return samples

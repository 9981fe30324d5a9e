"""The networks that `python -m microexpression analyze` reads clips with, trained on rendered ones.

    python -m microexpression synthetic -o faces
    python examples/train_micro_readers.py --data faces --output out

Each clip gives several pairs of frames, for who reads a clip may look at any of them: from the onset to the apex, to
frames beside it, and, for the action units, between two frames before the onset, where nothing moves but noise and
head. Both networks are first tried under leave one data set out, and then trained on all: out/emotion, out/units.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from common.cli.console import guarded
from microexpression import results
from microexpression.commands import asked
from microexpression.data.load import load
from microexpression.data.sample import Sample
from microexpression.fit import Study
from microexpression.protocols import cd6me
from microexpression.study import publish, run
from microexpression.synthetic import curve

STRONG = (1.0, 0.85, 0.7)
"""Shares of the apex's intensity that pairs show, on the way to it and back."""


def main() -> int:
    """Trains both, and prints how well they do on data sets that they have not seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--datasets", nargs="+", default=["studio", "office", "window"], help="(default: these three)")
    parser.add_argument("--model", default="ststnet", help="see python -m microexpression train (default: ststnet)")
    parser.add_argument("--epochs", type=float, default=60, help="passes over all pairs (default: 60)")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="(default: 0.002)")
    parser.add_argument("--batch-size", type=int, default=32, help="(default: 32)")
    parser.add_argument("--jobs", type=int, default=1, help="folds at once (default: 1)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    args = parser.parse_args()
    clips = [sample for name in args.datasets for sample in load(name, args.data)]
    study = Study(args.model, epochs=args.epochs, batch_size=args.batch_size, learning_rate=args.learning_rate)
    shown = [pair for clip in clips for pair in strong_pairs(clip)]
    for what, name, pairs in (
        ("emotion", "megc2019", shown),
        ("units", "cd6me", [*shown, *(pair for clip in clips for pair in rest_pairs(clip))]),
    ):
        protocol = replace(asked(name, pairs), folds=cd6me(pairs).folds)
        made = run(study, protocol, args.output / what, jobs=args.jobs)
        print(results.table(protocol, {args.model: results.scores(protocol, made.logits)}))
        people = len({sample.person for sample in clips})
        trained = f"trained on {len(clips)} rendered clips of {people} people who do not exist, and on no real face"
        print(f"written: {publish(study, protocol, args.output / what, trained, jobs=args.jobs)}")
    return 0


def strong_pairs(clip: Sample) -> list[Sample]:
    """From the onset to frames at which the expression is strong."""
    shares = curve(clip.offset + 1, clip.onset, clip.apex, clip.offset)
    up = [clip.onset + int((shares[clip.onset : clip.apex + 1] >= share).argmax()) for share in STRONG]
    down = [clip.offset - int((shares[clip.apex : clip.offset + 1][::-1] >= share).argmax()) for share in STRONG[1:]]
    return [replace(clip, clip=f"{clip.clip}-{row}", apex=row) for row in sorted({*up, *down})]


def rest_pairs(clip: Sample) -> list[Sample]:
    """From the first frame to the last one before anything moves."""
    if clip.onset < 2:
        return []
    still = replace(clip, clip=f"{clip.clip}-rest", onset=1, apex=clip.onset, offset=clip.onset)
    return [replace(still, units=frozenset())]


if __name__ == "__main__":
    sys.exit(guarded(main))

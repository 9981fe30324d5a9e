"""The four systems on synthetic micro-expressions, on a CPU, beside chance and a straight line on the flow.

    python -m microexpression synthetic -o faces
    python examples/micro_table.py --data faces --output out

Classes under the composite protocol (leave one subject out), action units under leave one data set out. Large networks
are made smaller, and all are trained with what was found to do on such clips, not with their authors' settings.
Writes results.json, results.md and confusion.png for both; a run that was stopped goes on.
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
from microexpression.fit import Study
from microexpression.inputs import prepare
from microexpression.study import chance, linear, run

STUDIES = {
    "megc2019": (
        Study("ststnet", epochs=150, batch_size=32, learning_rate=2e-3),
        Study("rcn_a", epochs=20, batch_size=16, learning_rate=5e-3),
        Study("elrcn_se", epochs=20, batch_size=16, learning_rate=3e-4, size=48, width=1 / 16),
        Study("infusenet", epochs=12, batch_size=16, learning_rate=5e-4, size=64, width=1 / 4),
    ),
    "cd6me": (
        Study("ststnet", epochs=150, batch_size=32, learning_rate=2e-3),
        Study("rcn_a", epochs=80, batch_size=16, learning_rate=2e-2),
        Study("elrcn_se", epochs=80, batch_size=16, learning_rate=3e-4, size=48, width=1 / 16),
        Study("infusenet", epochs=50, batch_size=16, learning_rate=5e-4, size=64, width=1 / 4),
    ),
}


def main() -> int:
    """Trains what is not trained yet, and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--datasets", nargs="+", default=["studio", "office", "window"], help="(default: these three)")
    parser.add_argument("--protocols", nargs="+", choices=STUDIES, default=[*STUDIES], help="(default: both)")
    parser.add_argument("--models", nargs="+", help="some of the networks (default: all)")
    parser.add_argument("--magnifier", help="released weights for infusenet; without them it trains its own, slowly")
    parser.add_argument("--epochs", type=float, help="of all, to try the script")
    parser.add_argument("--jobs", type=int, default=1, help="folds at once (default: 1)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    args = parser.parse_args()
    samples = [sample for name in args.datasets for sample in load(name, args.data)]
    for name in args.protocols:
        protocol, folder = asked(name, samples), args.output / name
        flows = prepare(protocol.samples, "rcn", 28, folder / "inputs", workers=args.jobs)
        found = {
            "chance": results.scores(protocol, chance(protocol)),
            "linear on flow": results.scores(protocol, linear(protocol, flows)),
        }
        for study in STUDIES[name]:
            if args.models is None or study.model in args.models:
                own = replace(study, magnifier=args.magnifier if study.model == "infusenet" else None)
                own = own if args.epochs is None else replace(own, epochs=args.epochs)
                logits = run(own, protocol, folder / study.model, jobs=args.jobs).logits
                found[study.model] = results.scores(protocol, logits)
        results.write(folder, protocol, found)
        print(results.table(protocol, found))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

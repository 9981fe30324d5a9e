"""Do clips of unseen people, added to a training, help to read the micro-expressions of others? And how many?

    python -m microexpression synthetic -o faces
    python examples/micro_mixing.py --data faces --datasets studio --extra office window --output out

Leave one subject out over `--datasets`; of `--extra`, so many clips are added to each fold's training for each of its
own, chosen by chance. Each ratio is trained with several seeds. Writes mixing.json, mixing.md and mixing.png; what was
trained is kept, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from common.cli.console import guarded
from common.core.files import replace_file
from microexpression.commands import asked
from microexpression.data.load import load
from microexpression.fit import Study
from microexpression.protocols import Protocol
from microexpression.results import scores
from microexpression.study import run

RATIOS = (0.0, 0.5, 1.0, 2.0)


def main() -> int:
    """Trains every ratio with every seed, and draws what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--datasets", nargs="+", required=True, help="that are tested on")
    parser.add_argument("--extra", nargs="+", required=True, help="that are only trained on")
    parser.add_argument("--model", default="ststnet", help="see python -m microexpression train (default: ststnet)")
    parser.add_argument("--protocol", default="megc2019", help="megc2019 (default), or another one")
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS, help="extra clips for each of a fold's own")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each ratio (default: 3)")
    parser.add_argument("--epochs", type=float, help="with --learning-rate and --batch-size: of the training")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--jobs", type=int, default=1, help="folds at once (default: 1)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    args = parser.parse_args()
    protocol = asked(args.protocol, [s for name in args.datasets for s in load(name, args.data)])
    extra = [s for name in args.extra for s in load(name, args.data)]
    found: dict[float, list[float]] = {}
    for ratio in args.ratios:
        for seed in range(args.seeds):
            study = Study(
                args.model, epochs=args.epochs, batch_size=args.batch_size, learning_rate=args.learning_rate, seed=seed,
                mix=ratio,
            )  # fmt: skip
            folder = args.output / f"{args.model}-{ratio:g}-{seed}"
            logits = run(study, protocol, folder, extra=extra, jobs=args.jobs).logits
            found.setdefault(ratio, []).append(score(protocol, logits))
    values = {"model": args.model, "protocol": protocol.name, "datasets": args.datasets, "extra": args.extra}
    values |= {"measure": measure(protocol), "scores": {f"{ratio:g}": rows for ratio, rows in found.items()}}
    text = json.dumps(values, indent=1)
    replace_file(args.output / "mixing.json", lambda path: path.write_text(text + "\n", encoding="utf-8"))
    replace_file(args.output / "mixing.md", lambda path: path.write_text(table(values, found), encoding="utf-8"))
    replace_file(args.output / "mixing.png", lambda path: draw(values, found).savefig(path, dpi=130, format="png"))
    print(table(values, found))
    return 0


def measure(protocol: Protocol) -> str:
    """What `score` is."""
    return "F1, mean of units" if protocol.units else "UF1"


def score(protocol: Protocol, logits: np.ndarray) -> float:
    """UF1 of classes, or the mean F1 of units, over all folds together."""
    own = scores(protocol, logits)
    return float(own["binary"]["unit_average"] if protocol.units else own["all"]["uf1"])


def table(values: dict[str, Any], found: dict[float, list[float]]) -> str:
    """Mean and range over the seeds, and the difference to none of the extra clips, seed by seed."""
    none = np.array(found.get(0.0, []))
    lines = [
        f"{values['model']}, {values['protocol']}: tested on {', '.join(values['datasets'])}, extra clips of"
        f" {', '.join(values['extra'])}; {values['measure']}.\n",
        "| extra clips for each | mean | least to largest of the seeds | better than without |",
        "|---|---|---|---|",
    ]
    for ratio, rows in found.items():
        better = f"{int((np.array(rows) > none).sum())} of {len(rows)}" if ratio and len(none) else ""
        lines.append(f"| {ratio:g} | {np.mean(rows):.3f} | {min(rows):.3f} to {max(rows):.3f} | {better} |")
    return "\n".join(lines) + "\n"


def draw(values: dict[str, Any], found: dict[float, list[float]]) -> Any:
    """A dot for each training, a line through the means."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="extra clips for each of a fold's own", ylabel=values["measure"])
    places = range(len(found))
    for place, rows in zip(places, found.values()):
        axes.plot([place] * len(rows), rows, "o", color="tab:blue", alpha=0.5)
    axes.plot(places, [np.mean(rows) for rows in found.values()], color="black", linewidth=1)
    axes.set_xticks(places, [f"{ratio:g}" for ratio in found])
    axes.set_ylim(max(0.0, min(map(min, found.values())) - 0.1), 1)
    axes.set_title(
        f"{values['model']} on {', '.join(values['datasets'])}, extra clips of {', '.join(values['extra'])}",
        fontsize=10,
    )
    return figure


if __name__ == "__main__":
    sys.exit(guarded(main))

"""What was dropped and why, and a sheet of pairs to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from common.core.files import replace_file
from common.facs.action_units import ACTION_UNITS, to_text, to_vector
from common.training.sheet import sheet

from ..data import ManifestPairs

SHOWN, SIDE = 12, 160


def summary(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The report of a preparation, ready for JSON.

    `records` is name -> the record of a video, as `prepare` writes it.
    """
    dropped: Counter[str] = Counter()
    units = {name: {"rises": 0, "falls": 0, "largest": 0.0} for name in ACTION_UNITS}
    for record in records.values():
        dropped.update(record["dropped"])
        for row in record["pairs"]:
            before, after = to_vector(row["au_source"]), to_vector(row["au_target"])
            for count, change in zip(units.values(), (b - a for a, b in zip(before, after))):
                count["rises" if change > 0 else "falls"] += abs(change) >= 1
                count["largest"] = round(max(count["largest"], abs(change)), 3)
    return {
        "videos": len(records),
        "unreadable": {name: record["error"] for name, record in records.items() if record["error"]},
        "without_pairs": [name for name, record in records.items() if not record["error"] and not record["pairs"]],
        "frames": sum(record["frames"] for record in records.values()),
        "kept": sum(record["kept"] for record in records.values()),
        "dropped": dict(dropped.most_common()),
        "pairs": sum(len(record["pairs"]) for record in records.values()),
        "units": units,
        "by_video": {
            name: {key: record[key] for key in ("frames", "kept", "dropped")} | {"pairs": len(record["pairs"])}
            for name, record in records.items()
        },
    }


def table(report: Mapping[str, Any]) -> str:
    """The report as text."""
    lines = [
        f"{report['videos']} videos, {len(report['unreadable'])} unreadable, {len(report['without_pairs'])} without"
        " a pair",
        f"{report['frames']} frames looked at, {report['kept']} kept",
        *(f"  {count:8d}  {reason}" for reason, count in report["dropped"].items()),
        f"action units measured by {report['action_units_by']}",
        f"{report['pairs']} pairs; those in which a unit changes by 1 and more:",
        "  unit   rises  falls  largest",
        *(
            f"  {name:5s} {count['rises']:6d} {count['falls']:6d} {count['largest']:8.2f}"
            for name, count in report["units"].items()
        ),
        *(error for error in report["unreadable"].values()),
    ]
    return "\n".join(lines)


def write_sheet(manifest: Path, target: Path) -> None:
    """A picture of pairs from all over the manifest, read as a training reads them."""
    pairs = ManifestPairs(manifest, SIDE)
    shown = [pairs[i * len(pairs) // min(SHOWN, len(pairs))] for i in range(min(SHOWN, len(pairs)))]
    columns = {
        "source": torch.stack([pair["source"] for pair in shown]),
        "target": torch.stack([pair["target"] for pair in shown]),
        "background": torch.stack([pair["guides"][0] for pair in shown]),
    }
    page = sheet(columns, [to_text([round(v, 1) for v in pair["vector"].tolist()]) for pair in shown])
    replace_file(target, page.save)

"""A report as text that reads well as it is, and as Markdown."""

from __future__ import annotations

from common.evaluation.pooled import goals_table
from common.evaluation.responses import identity_words
from common.measure.estimators import described
from common.tables import counted, number, table

from .summary import GOALS, Report

_ROWS = {
    "photo": "all, after paste-back",
    "singles": "single units, after paste-back",
    "combinations": "combinations, after paste-back",
    "crop": "all, the crop as generated",
}


def markdown(report: Report) -> str:
    """The whole report."""
    return (
        "\n\n".join(
            [
                _opening(report),
                goals_table(GOALS, report["goals"], _measured(report)),
                _errors(report),
                _units(report),
                _rest(report),
            ]
        )
        + "\n"
    )


def _measured(report: Report) -> dict[str, list[int]]:
    """Of each goal, how many edits or units were measured, and of how many."""
    counts = report["counts"]
    own = {"strong_units": counts["units"], "off_target": counts["off_target"]["edit"]}
    own["background"] = counts["background"]
    return {name: own.get(name, counts["edits"]) for name in GOALS}


def _opening(report: Report) -> str:
    of = report["evaluated"]
    settings = ", ".join(f"{name} {value}" for name, value in of["settings"].items())
    return (
        f"# {report['edits']} edits of synthetic people\n\n"
        f"People of seed {of['seed']}, photos of {of['photos']} px, crops of {of['pixels']} px; {settings}; finder "
        f"{of['finder']}, parser {of['parser']}; action units measured by {described(of['measurer'][0])}. "
        f"No face was found in {report['without_face']} photos."
    )


def _errors(report: Report) -> str:
    head = (
        "squared error in the changed region",
        "edit",
        "nothing",
        "autoencoder",
        "edit / nothing",
        "autoencoder / nothing",
    )
    rows = []
    for name, words in _ROWS.items():
        error = report["error"][name]
        values = [number(error[key], 5) for key in ("edit", "nothing", "vae")]
        rows.append((words, *values, *(number(error[key]) for key in ("edit_to_nothing", "vae_to_nothing"))))
    return table(head, rows)


def _units(report: Report) -> str:
    head = ("unit", "measured", "Pearson", "slope", "truth: Pearson", "truth: slope", "error / nothing")
    rows = []
    for name, unit in report["units"].items():
        responses = [number(unit[of][key]) for of in ("edit", "truth") for key in ("pearson", "slope")]
        rows.append((name, f"{unit['edit']['count']} of {unit['items']}", *responses, number(unit["error"])))
    return (
        "Dose response: measured against requested change. The columns `truth` are the measurer's own limit, read from "
        "the true pictures.\n\n" + table(head, rows)
    )


def _rest(report: Report) -> str:
    zero, background, seconds = report["zero"], report["background"], report["seconds"]
    counts = report["counts"]
    rows = [
        (
            "off-target change, of the on-target change",
            *(counted(report["off_target"][of], counts["off_target"][of]) for of in ("edit", "truth")),
        ),
        (
            "Pearson over all units of the combinations",
            *(counted(report["combined"][of], counts["combined"][of]) for of in ("edit", "truth")),
        ),
        ("PSNR of a wish of zero, and of the autoencoder, dB", number(zero["psnr"]), number(zero["vae"])),
        (
            "PSNR of the background, dB, without watermark",
            f"{counted(background['psnr'], counts['background'])}, worst {number(background['worst'])}",
            "",
        ),
        ("identity, mean", *(identity_words(report["identity"][of]) for of in ("edit", "truth"))),
        (
            f"seconds to encode a photo, and for an edit of it, of {counts['edits'][0]}",
            number(seconds["encode"]),
            number(seconds["edit"]),
        ),
    ]
    return table(("", "edit", "truth, or as said"), rows)

"""A report as text that reads well as it is, and as Markdown."""

from __future__ import annotations

from common.evaluation.responses import identity_words
from common.measure.estimators import described
from common.tables import counted, number, table

from .summary import OF, Report


def markdown(report: Report) -> str:
    """The whole report."""
    return "\n\n".join([_opening(report), _units(report), _traits(report), _rest(report)]) + "\n"


def _opening(report: Report) -> str:
    of = report["evaluated"]
    settings = ", ".join(f"{name} {value}" for name, value in of["settings"].items())
    return (
        f"# {report['pictures']} pictures of synthetic captions\n\n"
        f"Captions of seed {of['seed']}, pictures of {of['pixels']} px; {settings}; action units measured by "
        f"{described(of['measurer'][0])}. Each caption is made twice from the same noise, without and with the wish. "
        f"No face was found in {report['without_face']['made']} of the pairs."
    )


def _units(report: Report) -> str:
    singles = report["counts"]["off_target"]["made"][1]
    head = ("unit", "measured", "Pearson", "slope", "truth: Pearson", "truth: slope")
    rows = [
        (
            name,
            f"{unit['made']['count']} of {singles}",
            *(number(unit[of][key]) for of in OF for key in ("pearson", "slope")),
        )
        for name, unit in report["units"].items()
    ]
    return (
        "Dose response: measured against requested change between the two pictures, also where a unit was not asked"
        " for. The columns `truth` are the measurer's own limit, read from true pictures of the same captions.\n\n"
        + table(head, rows)
    )


def _traits(report: Report) -> str:
    rows = []
    for name, trait in report["traits"].items():
        for value, found in trait["classes"].items():
            rows.append((f"{name}: {value}", str(found["asked"]), *(_percent(found[of]) for of in OF)))
        classes = f"{len(trait['classes'])} classes"
        rows.append((f"{name}: mean of these", classes, *(_percent(trait["mean"][of]) for of in OF)))
        rows.append(
            (
                f"{name}: all (by chance {_percent(trait['chance'])})",
                str(trait["asked"]),
                *(_percent(trait["all"][o]) for o in OF),
            )
        )
    return "Does the caption hold? Share of the pictures that show what it says.\n\n" + table(
        ("caption says", "captions", "made", "truth"), rows
    )


def _rest(report: Report) -> str:
    counts = report["counts"]
    rows = [
        (
            "off-target change, of the on-target change",
            *(counted(report["off_target"][of], counts["off_target"][of]) for of in OF),
        ),
        (
            "Pearson over all units of the combinations",
            *(counted(report["combined"][of], counts["combined"][of]) for of in OF),
        ),
        ("identity of the two pictures, mean", *(identity_words(report["identity"][of]) for of in OF)),
        ("PSNR of their backgrounds, dB", counted(report["background"], counts["background"], 1), ""),
        ("seconds a picture", number(report["seconds"]), ""),
    ]
    return table(("", "made", "truth"), rows)


def _percent(value: float | None) -> str:
    return "N/A" if value is None else f"{100 * value:.0f} %"

"""A report as text that reads well as it is, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.evaluation.pooled import goals_table
from common.evaluation.responses import identity_words
from common.measure.estimators import described
from common.tables import counted, number, table

from .summary import ANGLES, GOALS, Report
from .trial import OF


def markdown(report: Report) -> str:
    """The whole report."""
    goals = goals_table(GOALS, report["goals"], _measured(report))
    return "\n\n".join([_opening(report), goals, _errors(report), _units(report), _rest(report)]) + "\n"


def _measured(report: Report) -> dict[str, Sequence[int]]:
    """Of each goal, how many edits or units were measured, and of how many."""
    counts = report["counts"]
    own = {"light": counts["light"]["edit"], "yaw": counts["pose"]["edit"], "pitch": counts["pose"]["edit"]}
    own |= {"strong_units": counts["units"], "off_target": counts["off_target"]}
    return {name: own.get(name, counts["edits"]) for name in GOALS}


def _opening(report: Report) -> str:
    of = report["evaluated"]
    settings = ", ".join(f"{name} {value}" for name, value in of["settings"].items())
    return (
        f"# {report['edits']} edits of synthetic people: light, pose, expression and combinations\n\n"
        f"People of seed {of['seed']}, photos of {of['photos']} px, crops of {of['pixels']} px; {settings}; finder "
        f"{of['finder']}, parser {of['parser']}; action units and pose measured by {described('regressor')}. "
        f"{report['failed']} photos could not be edited."
    )


def _errors(report: Report) -> str:
    head = ("squared error in the changed region", "edit", "nothing", "edit / nothing", "autoencoder / nothing")
    rows = []
    for kind, error in report["error"].items():
        values = [number(error[key], 5) for key in ("edit", "nothing")]
        rows.append((kind, *values, *(number(error[key]) for key in ("edit_to_nothing", "vae_to_nothing"))))
    return table(head, rows)


def _units(report: Report) -> str:
    head = ("unit", "measured", "Pearson", "slope", "truth: Pearson", "truth: slope")
    rows = []
    for name, unit in report["units"].items():
        responses = [number(unit[of][key]) for of in ("edit", "truth") for key in ("pearson", "slope")]
        rows.append((name, str(unit["edit"]["count"]), *responses))
    return (
        "Dose response: measured against requested change. The columns `truth` are the measurer's own limit, read from "
        "the true pictures.\n\n" + table(head, rows)
    )


def _rest(report: Report) -> str:
    held, background, seconds = report["held"], report["background"], report["seconds"]
    counts = report["counts"]

    def both(found: dict[str, float | None], measured: Mapping[str, Sequence[int]] | Sequence[int]) -> list[str]:
        own = measured if isinstance(measured, Mapping) else dict.fromkeys(OF, measured)
        return [counted(found[of], own[of]) for of in OF]

    rows = [
        (
            "degrees between the read light and the truth's; of the truth's and the lamp",
            *both(report["light"], counts["light"]),
        ),
        ("degrees that the light was to move", counted(report["light_moved"], counts["light_moved"]), ""),
        *((f"{name}: error in degrees", *both(_each(report["pose"], name), counts["pose"])) for name in ANGLES),
        ("light that should stay: degrees", *both(held["light"], counts["held_light"])),
        *(
            (f"{name} that should stay: error in degrees", *both(_each(held["pose"], name), counts["held_pose"]))
            for name in ANGLES
        ),
        ("action units that should stay: mean change, light edited", *both(held["units"], counts["held_units"])),
        (
            "off-target change of action units, of the on-target change",
            *both(report["off_target"], counts["off_target"]),
        ),
        ("identity, mean", *(identity_words(report["identity"][of]) for of in ("edit", "truth"))),
        (
            "PSNR of the background, dB, without watermark",
            f"{counted(background['psnr'], counts['background'])}, worst {number(background['worst'])}",
            "",
        ),
        (
            f"seconds to encode a photo, and for an edit of it, of {counts['edits'][0]}",
            number(seconds["encode"]),
            number(seconds["edit"]),
        ),
    ]
    return table(("", "edit", "truth, or as said"), rows)


def _each(pose: dict[str, dict[str, float | None]], name: str) -> dict[str, float | None]:
    return {of: angles[name] for of, angles in pose.items()}

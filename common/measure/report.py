"""What an edit did, as numbers, a table, a chart and files; matplotlib is imported when a chart is drawn."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import FaceEditError, InputError, MissingDependencyError
from ..core.files import replace_file
from ..core.jsonio import parse_json
from ..facs.action_units import ACTION_UNITS
from .estimators import NOT_STATED, finite, validation
from .identity import INSTALL, Similarity

PSNR_CAP = 100.0
"""Decibels that stand for equal pixels, whose ratio is infinite."""

_SHAPES = {
    "units_before": (12,),
    "units_after": (12,),
    "requested": (12,),
    "angles_before": (3,),
    "angles_after": (3,),
    "light_before": (9, 3),
    "light_after": (9, 3),
}
_REQUESTED = "#b8c4d6"
_MEASURED = "#1f5fa8"
_OPTIONAL = ("requested", "light_before", "light_after")


@dataclass(frozen=True, eq=False)
class Report:
    """An edit's effect on a picture's largest face; `compare.measure` makes it. Arrays are kept as float32.

    Attributes:
        estimator: what read the pictures.
        units_before: (12,) intensities in the order of `ACTION_UNITS`, 0 to 5.
        units_after: (12,).
        requested: (12,) the change that was asked for; None if none was.
        identity: likeness of the faces; None if no network was at hand.
        angles_before: (3,) degrees: yaw, pitch, roll.
        angles_after: (3,).
        light_before: (9, 3) spherical harmonics; None where they cannot be read.
        light_after: (9, 3), or None.
        light_turn: degrees between the lights' directions; None where one has none.
        background_psnr: dB outside head and shoulders, at most PSNR_CAP; None if the picture shows no background.
        outside_psnr: dB where the edit was not allowed; None without a mask.
        outside_difference: mean absolute grey levels, 0 to 255, in the same place.
        estimator_version: package and weights of what read the pictures.
        mark_psnr: dB that the invisible watermark of `after` costs by itself, over the whole picture; the other values
            are those of the picture without it. None where there is no mark.
        mark_problem: why the watermark could not be taken out; background and outside of the mask are not measured
            then. None where there is no problem.
        pictures: (H, W, 3) uint8 before and after; None in a report that was read from a file.

    Raises:
        ShapeError: an array has another shape.
        InputError: a number is NaN or infinite.
    """

    estimator: str
    units_before: np.ndarray
    units_after: np.ndarray
    requested: np.ndarray | None
    identity: Similarity | None
    angles_before: np.ndarray
    angles_after: np.ndarray
    light_before: np.ndarray | None
    light_after: np.ndarray | None
    light_turn: float | None
    background_psnr: float | None
    outside_psnr: float | None = None
    outside_difference: float | None = None
    estimator_version: str = NOT_STATED
    mark_psnr: float | None = None
    mark_problem: str | None = None
    pictures: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            if value is not None or name not in _OPTIONAL:
                object.__setattr__(self, name, finite(f"Report.{name}", value, shape))
        for name in ("light_turn", "background_psnr", "outside_psnr", "outside_difference", "mark_psnr"):
            if (value := getattr(self, name)) is not None:
                finite(f"Report.{name}", value, ())

    @property
    def change(self) -> np.ndarray:
        """Measured change of the action units, (12,)."""
        return self.units_after - self.units_before

    @property
    def validation(self) -> str:
        """What the estimator was validated on, in words, see `common.measure.estimators`."""
        return validation(self.estimator)

    def table(self) -> str:
        """The report as plain text."""
        lines = [
            f"measured by {self.estimator}, {self.validation}",
            "",
            f"{'':6}{'before':>8}{'after':>8}{'change':>8}{'wanted':>8}",
        ]
        wanted = [""] * 12 if self.requested is None else [f"{value:+.1f}" for value in self.requested]
        for name, before, after, change, request in zip(
            ACTION_UNITS, self.units_before, self.units_after, self.change, wanted
        ):
            lines.append(f"{name:6}{before:8.2f}{after:8.2f}{change:+8.2f}{request:>8}".rstrip())
        lines += ["", f"{'':12}{'before':>8}{'after':>8}{'change':>8}"]
        for name, before, after in zip(("yaw", "pitch", "roll"), self.angles_before, self.angles_after):
            lines.append(f"{name + ' (deg)':12}{before:8.1f}{after:8.1f}{after - before:+8.1f}")
        lines += [
            "",
            f"identity       {self._identity()}",
            f"light turned   {_number(self.light_turn, 'degrees', 'the light has no direction')}",
            f"background     {_number(self.background_psnr, 'dB PSNR', self.mark_problem or 'none in the picture')}",
            f"outside mask   {_number(self.outside_psnr, 'dB PSNR', self.mark_problem or 'no mask')}",
        ]
        if self.outside_difference is not None:
            lines[-1] += f", mean difference {self.outside_difference:.2f} of 255"
        if self.mark_psnr is not None:
            lines.append(f"watermark      {self.mark_psnr:.1f} dB PSNR by itself; left out of all values above")
        return "\n".join(lines)

    def save(self, folder: str | Path) -> tuple[Path, Path]:
        """Write `report.json` and `report.png`, each whole or not at all.

        Returns:
            Paths of both.

        Raises:
            MissingDependencyError: matplotlib, which draws the picture, is not installed.
            FaceEditError: the folder cannot be written.
        """
        numbers, chart = Path(folder) / "report.json", Path(folder) / "report.png"
        figure = draw(self)
        try:
            replace_file(numbers, lambda path: path.write_text(self.to_json() + "\n", encoding="utf-8"))
            replace_file(chart, lambda path: figure.savefig(path, format="png"))
        except OSError as error:
            raise FaceEditError(f"Cannot write the report to {folder}: {error}") from error
        return numbers, chart

    def to_json(self) -> str:
        """All but the pictures, as JSON without NaN; arrays as lists."""
        found: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        del found["pictures"]
        found["identity"] = None if self.identity is None else asdict(self.identity)
        lists = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}
        head = {"action_units": list(ACTION_UNITS), "validation": self.validation}
        return json.dumps({**head, **lists}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what `to_json` wrote; without pictures.

        Raises:
            InputError: it is no such text.
        """
        try:
            found = parse_json(text)
            if found.pop("action_units") != list(ACTION_UNITS):
                raise InputError("The report has other action units, or in another order.")
            found.pop("validation", None)  # follows from the estimator's name
            likeness = found.pop("identity")
            return cls(**found, identity=None if likeness is None else Similarity(**likeness))
        except InputError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise InputError(f"This is no report's JSON: {error}") from error

    def _identity(self) -> str:
        if self.identity is None:
            return f"not measured; {INSTALL}"
        found = self.identity
        verdict = "the same person" if found.same else "another person"
        return f"{found.measure} {found.value:.3f}, {verdict} (threshold {found.threshold:g})"


def _number(value: float | None, unit: str, missing: str) -> str:
    return f"not measured: {missing}" if value is None else f"{value:.1f} {unit}"


def draw(report: Report) -> Any:
    """The report as matplotlib's Figure; in no window.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "The picture of a report", "pip install matplotlib") from error
    figure = Figure(figsize=(11, 4) if report.pictures else (7, 4), dpi=120, layout="constrained")
    columns = "abc" if report.pictures else "c"
    panels = figure.subplot_mosaic([list(columns)], width_ratios=[1.0] * (len(columns) - 1) + [1.8])
    for name, title, picture in zip("ab", ("before", "after"), report.pictures or ()):
        panels[name].imshow(picture)
        panels[name].set_title(title)
        panels[name].set_axis_off()
    _bars(panels["c"], report)
    return figure


def _bars(panel: Any, report: Report) -> None:
    rows = np.arange(len(ACTION_UNITS))
    if report.requested is not None:
        panel.barh(rows - 0.2, report.requested, 0.4, color=_REQUESTED, label="requested")
    panel.barh(rows + 0.2, report.change, 0.4, color=_MEASURED, label="measured")
    panel.set_yticks(rows, [f"{name} {meaning}" for name, meaning in ACTION_UNITS.items()], fontsize=8)
    panel.invert_yaxis()
    panel.axvline(0, color="black", linewidth=0.6)
    panel.set_xlabel(f"change of intensity, read by {report.estimator}\n{report.validation}", fontsize=8)
    panel.legend(fontsize=8)

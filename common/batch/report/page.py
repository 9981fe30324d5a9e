"""The page: one self-contained file, in which only its own script can run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.environment import versions
from ...core.errors import InputError, MissingDependencyError
from ...core.files import replace_file
from ...facs.action_units import ACTION_UNITS
from ...measure.identity import ARCFACE_SAME, DLIB_SAME
from ...provenance.recipe import DISTRIBUTION
from .charts import DOTS, INSTALL, Charts
from .choice import choose, failures
from .doses import DRAWS, FEWEST, Dose, doses
from .gather import Edits, Requested, engine_of, gather
from .summary import ROWS, likeness, photo_notes, request_texts, summary, table
from .thumbnails import Thumbnails

PAGE = "report.html"
_FAILURES, _UNREAD = 300, 20  # rows of a table, and names in a sentence
_SAME = {"dlib L2": DLIB_SAME, "ArcFace cosine": ARCFACE_SAME}
_SPREAD = {
    "background_psnr": "background, PSNR in dB, without watermark",
    "mark_psnr": "watermark alone, PSNR in dB",
    "yaw_change": "yaw, change in degrees",
    "pitch_change": "pitch, change in degrees",
    "roll_change": "roll, change in degrees",
    "light_turn": "light, turn in degrees",
}

SYSTEMS = {
    "magicface": """@article{wei2025magicface,
  title   = {{MagicFace}: High-Fidelity Facial Expression Editing with Action-Unit Control},
  author  = {Wei, Mengting and Varanka, Tuomas and Jiang, Xingxun and Khor, Huai-Qian and Zhao, Guoying},
  journal = {arXiv preprint arXiv:2501.02260},
  year    = {2025}
}""",
    "rigface": """@article{wei2025rigface,
  title   = {Towards Consistent and Controllable Image Synthesis for Face Editing},
  author  = {Wei, Mengting and Varanka, Tuomas and Li, Yante and Jiang, Xingxun and Khor, Huai-Qian and Zhao, Guoying},
  journal = {arXiv preprint arXiv:2502.02465},
  year    = {2025}
}""",
    "fineface": """@article{varanka2024fineface,
  title   = {Towards Localized Fine-Grained Control for Facial Expression Generation},
  author  = {Varanka, Tuomas and Khor, Huai-Qian and Li, Yante and Wei, Mengting and Kung, Hanwei and Sebe, Nicu and
             Zhao, Guoying},
  journal = {arXiv preprint arXiv:2407.20175},
  year    = {2024}
}""",
}
"""Program -> BibTeX of the published system that it follows."""


def report(
    folder: str | Path,
    requested: Requested,
    *,
    program: str = "magicface",
    absolute: bool = False,
    output: str | Path | None = None,
    progress: bool = True,
) -> Path:
    """Writes a run as one HTML page, whole or not at all, and returns its path. The same run gives the same page.

    Args:
        folder: of the run.
        requested: parses a request of a file to the 12 units that it names; None where it names none.
        program: named in the commands that the page recommends.
        absolute: requests are intensities, and not changes.
        output: the page; None for report.html in the folder.
        progress: show a bar while pictures are read.

    Raises:
        InputError: there is no run, a line of it is damaged, a process writes to it, or the suffix is not .html.
        MissingDependencyError: matplotlib is not installed.
    """
    folder = Path(folder).expanduser()
    target = folder / PAGE if output is None else Path(output).expanduser()
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError("The report has the wrong suffix.", code="format", expected=".html", actual=target)
    charts = Charts()
    edits = gather(folder, requested, absolute)
    failed = failures(edits)
    choice, found = choose(edits, failed), {engine: doses(edits.of(engine)) for engine in edits.engines}
    pictures = Thumbnails(edits, sorted(choice.edits), choice.failures, progress)
    known = {**versions(), "matplotlib": charts.version}
    text = _render(
        title=edits.folder.resolve().name,
        program=program,
        numbers=summary(edits, found, failed),
        edits=edits,
        choice=choice,
        pictures=pictures,
        notes=_notes(edits, pictures),
        failed=failed[:_FAILURES],
        failures=len(failed),
        why={each.place: each.why for each in failed},
        drawn={engine: _doses_drawn(charts, own, edits.absolute) for engine, own in found.items()},
        spread={engine: _spread_drawn(charts, edits.of(engine)) for engine in edits.engines},
        engine_of=lambda place: engine_of(edits.rows[place]),
        versions={name: known.get(name, "not installed") for name in (DISTRIBUTION, "numpy", "pillow", "matplotlib")},
        bibtex=citation(str(edits.settings.get("program") or program), edits.made),
        photo_table=table(edits, edits.photos, photo_notes(edits)),
        request_table=table(edits, edits.requests, request_texts(edits)),
    )
    replace_file(target, lambda path: path.write_text(text, encoding="utf-8", errors="replace"))
    return target


def citation(program: str, made: Sequence[Mapping[str, Any]]) -> str:
    """BibTeX of the published system and of this toolkit, in the version and year of the run, by its `MADE` entries."""
    last = made[-1] if made else {}
    packages = last.get("versions")
    values = {
        "author": f"{DISTRIBUTION} contributors",
        "title": f"{DISTRIBUTION}: a toolkit for diffusion-based face editing",
        "version": str(packages.get(DISTRIBUTION, "")) if isinstance(packages, Mapping) else "",
        "year": str(last.get("date", ""))[:4],
    }
    fields = ",\n".join(f"  {name:7} = {{{_bibtex(text)}}}" for name, text in values.items() if text)
    own = f"@software{{face_rig,\n{fields}\n}}"
    return "\n\n".join([*([SYSTEMS[program]] if program in SYSTEMS else []), own])


def _bibtex(text: str) -> str:
    """The text without the characters that BibTeX interprets."""
    return "".join(letter for letter in text if letter.isalnum() or letter in " .:-+_")


def _render(**values: Any) -> str:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingDependencyError("jinja2", "The report of a batch", INSTALL) from error
    here = Path(__file__).parent
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    page = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page.filters |= {"count": "{:,}".format, "number": _number, "basis": _basis, "sure": _sure, "duration": _duration}
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page.get_template("page.html").render(
        **values,
        style=style,
        script=script,
        digest=digest,
        units=ACTION_UNITS,
        dots=DOTS,
        draws=DRAWS,
        fewest=FEWEST,
        most=ROWS,
    )


def _doses_drawn(charts: Charts, found: Sequence[Dose], absolute: bool) -> list[str]:
    """All in the same frame, so that they can be compared."""
    wanted = np.concatenate([dose.wanted for dose in found] or [np.zeros(0)])
    measured = np.concatenate([dose.measured for dose in found] or [np.zeros(0)])
    if not len(wanted):
        return []
    low = min(0.0 if absolute else -1.0, float(wanted.min()), float(np.percentile(measured, 0.5)))
    high = max(1.0, float(wanted.max()), float(np.percentile(measured, 99.5)))
    return [charts.dose(dose, low - 0.3, high + 0.3, absolute) for dose in found]


def _spread_drawn(charts: Charts, edits: Edits) -> dict[str, str]:
    measure, values = likeness(edits)
    drawn = {}
    if measure is not None and np.isfinite(values).any():
        same = {"another person": _SAME[measure]} if measure in _SAME else {}
        drawn["identity"] = _drawn(charts, values, f"identity, {measure[:40]}", same)
    for name, label in _SPREAD.items():
        if np.isfinite(values := edits.column(name)).any():
            drawn[name] = _drawn(charts, values, label, {})
    return drawn


def _drawn(charts: Charts, values: np.ndarray, label: str, marks: dict[str, float]) -> str:
    known = values[np.isfinite(values)]
    middle = {"median": float(np.median(known))} if len(known) > 1 else {}
    return charts.histogram(known, label, {**middle, **marks})


def _notes(edits: Edits, pictures: Thumbnails) -> list[str]:
    if not pictures.unread:
        return edits.notes
    few = ", ".join(f"{name} ({why})" for name, why in list(pictures.unread.items())[:_UNREAD])
    more = len(pictures.unread) - _UNREAD
    return [*edits.notes, f"Pictures that could not be shown: {few}{f' and {more:,} more' if more > 0 else ''}."]


def _number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A number as text; N/A where nothing was measured."""
    if value is None or not np.isfinite(value):
        return "N/A"
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return f"{0:.{digits}f}" if not float(text) else text.replace("-", "\N{MINUS SIGN}")


def _basis(measured: Mapping[str, Any], what: str) -> str:
    """How many values a median is of: several, one, or none."""
    count, of, one = measured["count"], measured["of"], what.removesuffix("s")
    if of == 0:
        return f"no {what}"
    if count == 0:
        return f"N/A for all {of:,} {what}" if of > 1 else f"N/A for the one {one}"
    if count == of:
        return f"median of {of:,} {what}" if of > 1 else f"of one {one}"
    return f"{f'median of {count:,}' if count > 1 else 'of one'} of {of:,} {what}; N/A for {of - count:,}"


def _sure(interval: tuple[float, float] | None, digits: int = 2) -> str:
    return "" if interval is None else f"[{_number(interval[0], digits)}, {_number(interval[1], digits)}]"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "N/A"
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 100 else f"{hours:.1f} h" if hours < 100 else f"{hours / 24:.1f} days"

"""The analysis of a clip as one HTML page, and as plain values."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np

from common.core.files import replace_file
from common.facs.action_units import ACTION_UNITS
from common.imaging.animation import save_movie
from common.imaging.page import Section, page

from .analysis import Analysis
from .pictures import curves, enlarged, flow_picture, heat, save_figure, seen_picture

SHOWN = 6
"""Action units of the curve: those with the largest probabilities."""


def write_report(analysis: Analysis, folder: str | Path, title: str = "") -> Path:
    """Writes report.html, analysis.json, magnified.gif and the pictures; returns the page. Raises
    MissingDependencyError: matplotlib is not installed.
    """
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    clip, values = analysis.clip, to_dict(analysis)
    frames, apex = clip.frames[clip.onset : clip.offset + 1], values["apex"] - clip.onset
    pictures = {
        "onset": enlarged(frames[0]),
        "apex": enlarged(frames[apex]),
        "flow": enlarged(flow_picture(analysis.flow)),
        "strain": enlarged(heat(analysis.strain)),
    }
    if analysis.seen is not None:
        pictures["seen"] = enlarged(seen_picture(frames[apex], analysis.seen))
    rows, marks = range(clip.onset, clip.offset + 1), {"onset": clip.onset, "apex": values["apex"]}
    largest = analysis.units.max(0).argsort()[::-1][:SHOWN]
    names = [analysis.unit_reader.names[each] for each in largest]
    figures = {
        "units": curves(rows, analysis.units[:, largest], names, marks, "probability", 1.02),
        "motion": curves(rows, analysis.motion[:, None], ["motion"], marks, "pixels", None),
    }
    for name, picture in pictures.items():
        replace_file(folder / f"{name}.png", lambda path, picture=picture: picture.save(path, "PNG"))
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png", dpi=110)
    movie = [enlarged(frame) for frame in analysis.magnified]
    save_movie(movie, folder / "magnified.gif", min(clip.fps, 25.0))
    text = json.dumps(values, indent=1)
    shown = _page(values, folder, title or Path(clip.name).name, analysis.seen is not None)
    replace_file(folder / "analysis.json", lambda path: path.write_text(text + "\n", encoding="utf-8"))
    replace_file(folder / "report.html", lambda path: path.write_text(shown, encoding="utf-8"))
    return folder / "report.html"


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Plain values; frames count from 0 in the frames of the clip."""
    clip, units, emotion = analysis.clip, analysis.unit_reader, analysis.emotion_reader
    apex = clip.onset + max(1, (clip.apex or 0) - clip.onset)
    at_apex = analysis.units[apex - clip.onset]
    return {
        "clip": Path(clip.name).name,
        "frames": len(clip),
        "onset": clip.onset,
        "apex": apex,
        "apex_spotted": analysis.spotted,
        "offset": clip.offset,
        "emotion": analysis.label,
        "confidence": round(analysis.confidence, 4),
        "emotions": {name: round(float(value), 4) for name, value in zip(emotion.names, analysis.emotion)},
        "units_at_apex": {name: round(float(value), 4) for name, value in zip(units.names, at_apex)},
        "units": {name: np.round(analysis.units[:, k], 4).tolist() for k, name in enumerate(units.names)},
        "motion": np.round(analysis.motion, 4).tolist(),
        "largest_flow": round(float(np.hypot(*analysis.flow).max()), 3),
        "magnified": analysis.factor,
        "magnified_by": "learned weights" if analysis.learned else "the flow",
        "readers": {
            "emotion": {"network": emotion.model.name, "trained": emotion.trained},
            "units": {"network": units.model.name, "trained": units.trained},
        },
    }


def _page(values: dict[str, Any], folder: Path, title: str, seen: bool) -> str:
    spotted = "spotted here, by the flow" if values["apex_spotted"] else "given"
    captions = {
        "onset": f"onset, frame {values['onset']}",
        "apex": f"apex, frame {values['apex']} ({spotted})",
        "flow": f"optical flow from onset to apex; at most {values['largest_flow']} pixels",
        "strain": "optical strain: where skin is stretched",
    }
    if seen:
        captions["seen"] = f"evidence for {values['emotion']} (red) and against it (blue)"
    readers = [
        f"{what} by {own['network']}: {own['trained'] or 'training data unknown'}"
        for what, own in values["readers"].items()
    ]
    summary = [
        f"{values['frames']} frames; onset {values['onset']}, apex {values['apex']} ({spotted}),"
        f" offset {values['offset']}.",
        f"What networks find depends on their training data; {'; '.join(readers)}.",
    ]
    motion = "The face's own motion, without the head's: the 95th percentile of the flow since the onset."
    magnified = f"Enlarged by {values['magnified_by']}."
    sections = [
        Section("Where it moves", pictures={folder / f"{name}.png": words for name, words in captions.items()}),
        Section(f"{values['magnified']:g} times the motion", magnified, {folder / "magnified.gif": ""}),
        Section("Class", table=_bars(values["emotions"])),
        Section("Action units at the apex", table=_bars(values["units_at_apex"])),
        Section("Action units over time", pictures={folder / "units.png": ""}),
        Section("Motion over time", motion, {folder / "motion.png": ""}),
    ]
    head = f"{title}: {values['emotion']}, {100 * values['confidence']:.0f} %"
    return page(head, summary, sections)


def _bars(found: dict[str, float]) -> str:
    cells = (
        f"<tr><th>{html.escape(name)} <small>{ACTION_UNITS.get(name, '')}</small><td>{value:.2f}"
        f"<td style='width:12rem'><div style='width:{100 * value:.0f}%'></div>"
        for name, value in sorted(found.items(), key=lambda item: -item[1])
    )
    return f"<table>{''.join(cells)}</table>"

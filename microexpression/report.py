"""The analysis of a clip as one page that needs nothing else, and as plain values."""

from __future__ import annotations

import base64
import html
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.core.files import replace_file
from common.facs.action_units import ACTION_UNITS
from common.imaging.animation import save_movie

from .analysis import Analysis
from .pictures import curves, enlarged, flow_picture, heat, seen_picture

SHOWN = 6
"""Action units of the curve: those with the largest probabilities."""
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fbfaf7;max-width:66rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.9rem;margin:0}h2{font-size:1.2rem;margin:2rem 0 .4rem}p{max-width:46rem}small,figcaption{color:#666}
.row{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:15rem}
figure img{width:15rem;border-radius:.4rem;display:block}
img.wide{width:100%;max-width:54rem}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}
td div{background:#2b6cb0;height:.7rem;border-radius:.2rem}
.note{background:#fff3d6;padding:.6rem .9rem;border-radius:.4rem}
"""


def write_report(analysis: Analysis, folder: str | Path, title: str = "") -> Path:
    """report.html, analysis.json, magnified.gif and the pictures by themselves; returns the page. Raises
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
    pictures["units"] = _drawn(curves(rows, analysis.units[:, largest], names, marks, "probability", 1.02))
    pictures["motion"] = _drawn(curves(rows, analysis.motion[:, None], ["motion"], marks, "pixels", None))
    for name, picture in pictures.items():
        replace_file(folder / f"{name}.png", lambda path, picture=picture: picture.save(path, "PNG"))
    movie = [enlarged(frame) for frame in analysis.magnified]
    save_movie(movie, folder / "magnified.gif", min(clip.fps, 25.0))
    moving = base64.b64encode((folder / "magnified.gif").read_bytes()).decode()
    text = json.dumps(values, indent=1)
    page = _page(analysis, values, pictures, moving, title or Path(clip.name).name)
    replace_file(folder / "analysis.json", lambda path: path.write_text(text + "\n", encoding="utf-8"))
    replace_file(folder / "report.html", lambda path: path.write_text(page, encoding="utf-8"))
    return folder / "report.html"


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Plain values; frames count from 0 in what was read."""
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


def _drawn(figure: Any) -> Image.Image:
    file = io.BytesIO()
    figure.savefig(file, dpi=110, format="png")
    return Image.open(file).convert("RGB")


def _page(analysis: Analysis, values: dict[str, Any], pictures: dict[str, Image.Image], moving: str, title: str) -> str:
    def embedded(name: str, wide: bool = False) -> str:
        file = io.BytesIO()
        pictures[name].save(file, "PNG")
        data = base64.b64encode(file.getvalue()).decode()
        return f'<img alt="{name}"{" class=wide" * wide} src="data:image/png;base64,{data}">'

    def figure(name: str, words: str) -> str:
        return f"<figure>{embedded(name)}<figcaption>{html.escape(words)}</figcaption></figure>"

    def bars(found: dict[str, float]) -> str:
        lines = sorted(found.items(), key=lambda item: -item[1])
        cells = (
            f"<tr><th>{html.escape(name)} <small>{ACTION_UNITS.get(name, '')}</small><td>{value:.2f}"
            f"<td style='width:12rem'><div style='width:{100 * value:.0f}%'></div>"
            for name, value in lines
        )
        return f"<table>{''.join(cells)}</table>"

    said = "spotted here, by the flow" if values["apex_spotted"] else "given"
    shown = [
        figure("onset", f"onset, frame {values['onset']}"),
        figure("apex", f"apex, frame {values['apex']} ({said})"),
        figure("flow", f"optical flow from one to the other; at most {values['largest_flow']} pixels"),
        figure("strain", "optical strain: where skin is stretched"),
    ]
    if "seen" in pictures:
        shown.append(figure("seen", f"what speaks for {values['emotion']} (red) and against it (blue)"))
    readers = values["readers"]
    trained = "".join(
        f"<li><b>{what}</b>: {html.escape(own['network'])}, {html.escape(own['trained'] or 'trained on unknown clips')}"
        for what, own in readers.items()
    )
    head = f"{values['emotion']}, {100 * values['confidence']:.0f} %"
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>
<style>{STYLE}</style>
<small>micro-expression</small><h1>{html.escape(title)}: {html.escape(head)}</h1>
<p>{values["frames"]} frames; onset {values["onset"]}, apex {values["apex"]} ({said}), offset {values["offset"]}.</p>
<p class="note">What networks say depends on what they have seen:</p><ul>{trained}</ul>
<h2>Where it moves</h2><div class="row">{"".join(shown)}</div>
<h2>{values["magnified"]:g} times the motion</h2><p>Enlarged by {values["magnified_by"]}.</p>
<img alt="magnified" style="width:20rem" src="data:image/gif;base64,{moving}">
<h2>Class</h2>{bars(values["emotions"])}
<h2>Action units at the apex</h2>{bars(values["units_at_apex"])}
<h2>Action units over time</h2>{embedded("units", wide=True)}
<h2>Motion over time</h2><p>The face's own, without the head's: the 95th percentile of the flow since the onset.</p>
{embedded("motion", wide=True)}
</html>
"""

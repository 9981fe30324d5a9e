"""One HTML page with pictures and words, all of it in one file."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STYLE = """
body{font:17px/1.55 Georgia,serif;color:#222;background:#fbfaf7;max-width:70rem;margin:2.5rem auto;padding:0 1rem}
h1{font-size:2.1rem;margin:0 0 .6rem}h2{font-size:1.3rem;margin:2.4rem 0 .2rem}p{max-width:46rem;margin:.3rem 0}
img{max-width:100%;display:block;margin:.6rem 0}table{border-collapse:collapse;font:14px system-ui,sans-serif}
nav a{margin-right:.9rem;font:14px system-ui,sans-serif;color:#2b6cb0}
td,th{padding:.15rem .9rem .15rem 0;text-align:right;border-bottom:1px solid #e6e2d8}
td:first-child,th:first-child{text-align:left}
.row{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:15rem}figcaption{font:14px system-ui,sans-serif}
td div{background:#2b6cb0;height:.7rem;border-radius:.2rem}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        words: a paragraph.
        pictures: PNG or GIF files with their captions, side by side; one without a caption takes the page's width.
        table: HTML.
    """

    title: str
    words: str = ""
    pictures: Mapping[Path, str] = field(default_factory=dict)
    table: str = ""


def page(title: str, summary: Sequence[str], sections: Sequence[Section]) -> str:
    """HTML with all pictures inside; `summary` is paragraphs."""
    links = "".join(f'<a href="#s{row}">{html.escape(each.title)}</a>' for row, each in enumerate(sections))
    parts = "".join(_section(row, each) for row, each in enumerate(sections))
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in summary)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>{lines}<nav>{links}</nav>{parts}</html>\n"
    )


def _section(row: int, own: Section) -> str:
    words = f"<p>{html.escape(own.words)}</p>" if own.words else ""
    pictures = "".join(_picture(path, caption, own.title) for path, caption in own.pictures.items())
    if any(own.pictures.values()):
        pictures = f'<div class="row">{pictures}</div>'
    return f'<h2 id="s{row}">{html.escape(own.title)}</h2>{words}{pictures}{own.table}'


def _picture(path: Path, caption: str, title: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    shown = f'<img alt="{html.escape(caption or title)}" src="data:image/{path.suffix[1:].lower()};base64,{data}">'
    return f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>" if caption else shown

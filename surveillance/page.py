"""One page with pictures and words, which needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STYLE = """
body{font:17px/1.55 Georgia,serif;color:#222;background:#fbfaf7;max-width:70rem;margin:2.5rem auto;padding:0 1rem}
h1{font-size:2.1rem;margin:0 0 .6rem}h2{font-size:1.3rem;margin:2.4rem 0 .2rem}p{max-width:46rem;margin:.3rem 0}
img{max-width:100%;display:block;margin:.6rem 0}table{border-collapse:collapse;font:14px system-ui,sans-serif}
nav a{margin-right:.9rem;font:14px system-ui,sans-serif;color:#2b6cb0}
td,th{padding:.15rem .9rem .15rem 0;text-align:right;border-bottom:1px solid #e6e2d8}
td:first-child,th:first-child{text-align:left}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    The picture is a PNG file, the table HTML; either may be missing.
    """

    title: str
    words: str
    picture: Path | None = None
    table: str = ""


def page(title: str, summary: Sequence[str], sections: Sequence[Section]) -> str:
    """HTML with all pictures inside."""
    links = "".join(f'<a href="#s{row}">{html.escape(each.title)}</a>' for row, each in enumerate(sections))
    parts = "".join(_section(row, each) for row, each in enumerate(sections))
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in summary)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>{lines}<nav>{links}</nav>{parts}</html>\n"
    )


def _section(row: int, own: Section) -> str:
    picture = ""
    if own.picture is not None:
        data = base64.b64encode(own.picture.read_bytes()).decode()
        picture = f'<img alt="{html.escape(own.title)}" src="data:image/png;base64,{data}">'
    return f'<h2 id="s{row}">{html.escape(own.title)}</h2><p>{html.escape(own.words)}</p>{picture}{own.table}'

"""The page: tabs side by side, bound to this machine."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cli import console
from ..core.errors import InputError
from .command import HOST, MEGABYTES, PORT
from .components import gradio
from .tab import Tab

QUEUE = 32
"""Max visitors who wait."""
CLEANED, OLD = 60, 900
"""Seconds: how often uploads and pictures are cleared away, and how old they are then."""
_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
_CSS = """
.gradio-container { max-width: 1240px !important; margin: 0 auto !important; }
.status { border-left: 4px solid #d97706; background: #fff7ed; padding: 8px 12px !important; border-radius: 4px; }
.status, .status * { color: #7c2d12 !important; }
.status p { margin: 2px 0; }
.alone img, .warp img { width: 100%; height: 100%; object-fit: contain; }
.presets { gap: 6px !important; }
.presets button { min-width: 62px !important; padding: 6px 4px; flex: 1 1 62px; }
.units .block { padding: 2px 10px 0 !important; border: none !important; }
.units .block input[type=number] { padding: 0 4px; }

.units .slider_input_container { margin-top: 0; }
.report table { width: 100%; border-collapse: collapse; font-size: 14px; }
.report table, .report tr, .report th, .report td { border: none !important; background: none !important; }
.report th, .report td { text-align: left; padding: 3px 8px 3px 0 !important; }
.report th { font-weight: 400; opacity: 0.65; }
.report td.bars { width: 36%; padding: 3px 0 !important;
  background: linear-gradient(#8888, #8888) center / 1px 100% no-repeat !important; }
.report .bar { height: 6px; margin: 2px 0; border-radius: 3px; }
.report .wanted { background: #b8c4d6; }
.report .measured { background: #1f5fa8; }
.report .made { opacity: 0.75; font-size: 13px; }
.report .stale { opacity: 1; font-size: 14px; font-weight: 600; }
.made:has(.stale) .compare, .made:has(.stale) .alone { opacity: 0.35; filter: grayscale(1); }
.pictures > :first-child:not(:has(img)) { display: none !important; }
.compare .icon-wrap { top: auto !important; bottom: -9px; opacity: 0.85; }
.engine .wrap { gap: 6px; }
.engine .info-text { color: var(--body-text-color) !important; opacity: 0.8; }
.large-file { position: fixed; top: 12px; left: 50%; transform: translateX(-50%); z-index: 1000; padding: 10px 16px;
  background: #fff7ed; color: #7c2d12; border-left: 4px solid #d97706; border-radius: 4px; }
@media (max-width: 760px) {
  .sides { flex-direction: column; flex-wrap: nowrap !important; }
  .sides > .left, .sides > .made { display: contents !important; }
  .asked .form > .block { min-width: 100% !important; }
  .units { flex-direction: column; gap: 0 !important; }
  .units > * { width: 100%; }
  .units .block { padding: 2px 6px 0 !important; }
  .pictures { flex-wrap: nowrap !important; gap: 8px !important; }
  .pictures:has(img) { position: sticky; bottom: 0; z-index: 1000; padding: 6px 0; box-shadow: 0 -6px 12px -8px #0006;
    background: var(--background-fill-primary, white) !important; }
  .pictures .warp label { display: none; }
  .pictures > :first-child { flex: 3 1 0 !important; min-width: 0 !important; }
  .pictures > :last-child { flex: 7 1 0 !important; min-width: 0 !important; }
  .pictures img { max-height: 34vh !important; }
  .pictures .warp { height: auto !important; }
  .report th, .report td { white-space: normal !important; }
}
"""

# The pictures cannot stick to the screen's edge inside a container with hidden overflow. Gradio applies its CSS option
# to what is inside the container only, so this rule goes into the head.
_UNCLIPPED = "<style>.gradio-container { overflow: clip !important; }</style>"

# Gradio refuses large files without a message; this shows one before they are sent. %d: bytes.
_LARGE = """
<script>
(() => {
  const check = (event, files) => {
    for (const file of files || []) {
      if (file.size <= %d) continue;
      event.stopImmediatePropagation();
      event.preventDefault();
      const note = document.createElement("div");
      note.className = "large-file";
      note.textContent = `${file.name} is ${(file.size / 1e6).toFixed(1)} MB: choose a file of at most %.1f MB.`;
      document.body.append(note);
      setTimeout(() => note.remove(), 8000);
    }
  };
  document.addEventListener("change", e => e.target.type === "file" && check(e, e.target.files), true);
  document.addEventListener("drop", e => check(e, e.dataTransfer && e.dataTransfer.files), true);
})();
</script>
"""


def page(tabs: Sequence[Tab], folder: Path) -> Any:
    """All tabs as Gradio's Blocks; downloads lie in the folder."""
    gr = gradio()
    with gr.Blocks(title=" · ".join(tab.name for tab in tabs), delete_cache=(CLEANED, OLD)) as blocks:
        if len(tabs) == 1:
            tabs[0].build(folder)
        else:
            with gr.Tabs():
                for tab in tabs:
                    with gr.Tab(tab.name):
                        tab.build(folder)
    return blocks.queue(max_size=QUEUE)


def serve(
    tabs: Sequence[Tab],
    *,
    host: str = HOST,
    port: int | None = None,
    megabytes: float = MEGABYTES,
    browser: bool = False,
    wait: bool = True,
) -> str:
    """Opens the page and returns its address; the folder of uploads and pictures is deleted when the app ends.

    Args:
        tabs: one or more.
        host: the address to listen at; any but 127.0.0.1 makes the page public.
        port: default: the first free one from 7860.
        megabytes: max size of an uploaded file.
        browser: open it in a browser too.
        wait: return when the app ends; False returns at once, and the app continues.

    Raises:
        MissingDependencyError: Gradio is not installed.
        InputError: the port is taken, or the size is out of range.
    """
    if not 0 < megabytes <= 1000:
        raise InputError("megabytes is out of range.", code="range", expected="above 0, up to 1000", actual=megabytes)
    folder = Path(tempfile.mkdtemp(prefix="face-rig-app-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    gr = gradio()
    blocks = page(tabs, folder)
    most = round(megabytes * 1e6)
    theme = gr.themes.Default(primary_hue="blue", font=_FONTS, font_mono=["ui-monospace", "monospace"])
    try:
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            max_file_size=most,
            inbrowser=browser,
            prevent_thread_lock=True,
            theme=theme,
            css=_CSS,
            share=False,
            quiet=True,
            footer_links=[],
            ssr_mode=False,
            show_error=False,
            head=_UNCLIPPED + _LARGE % (most, megabytes),
        )
    except OSError as error:
        why = f"Cannot listen at {host}:{port or PORT}: {error}"
        raise InputError(why, code="connection", hint="choose another --port") from error
    console.say(f"open {address} in a browser; Ctrl+C ends it")
    if wait:
        blocks.block_thread()
    return address

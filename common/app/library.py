"""The one place that imports Gradio."""

from __future__ import annotations

import os
from typing import Any

from ..core.errors import MissingDependencyError


def gradio() -> Any:
    """The library, which is told to call nobody.

    Raises:
        MissingDependencyError: it is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio
    except ImportError as error:
        raise MissingDependencyError("gradio", "The app", 'pip install "face-rig[app]"') from error
    return gradio

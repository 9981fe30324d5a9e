"""Long-term surveillance: a place as a year of one camera's tracks shows it.

    from surveillance import describe, read_tracks
    describe(read_tracks("tracks"), "out")

Names load on first use: importing this package costs nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from common.core.errors import MissingDependencyError
from common.core.lazy import attach

if TYPE_CHECKING:
    from .evaluation import Method as Method
    from .evaluation import evaluate as evaluate
    from .maps import day_pools as day_pools
    from .maps import flows as flows
    from .maps import heatmap as heatmap
    from .maps import heatmaps as heatmaps
    from .maps import volumes as volumes
    from .overview import describe as describe
    from .reading import read_tracks as read_tracks
    from .reading import read_truth as read_truth
    from .recording import Recording as Recording

PACKAGES = ("matplotlib", "pandas", "scipy", "sklearn", "statsmodels")


def ready() -> None:
    """Raises MissingDependencyError: one of `PACKAGES` is not installed."""
    for module in PACKAGES:
        if find_spec(module) is None:
            package = {"sklearn": "scikit-learn"}.get(module, module)
            raise MissingDependencyError(package, "surveillance", 'pip install "face-rig[surveillance]"')


attach(__name__, ready)

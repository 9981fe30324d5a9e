"""What an edit did: action units, identity, head pose, light and background, read from the pictures before and after.

report = measure("photo.jpg", "edited.png", requested={"AU12": 3})
print(report.table())
report.save("measured")
"""

from .blendshapes import BlendshapeReading, read_blendshapes
from .compare import measure
from .estimators import AUEstimator, HeadFit, Measurement, get_estimator
from .identity import Similarity, identity
from .readings import AUReading, UnitReading, read_units
from .report import Report

__all__ = [
    "AUEstimator",
    "AUReading",
    "BlendshapeReading",
    "HeadFit",
    "Measurement",
    "Report",
    "Similarity",
    "UnitReading",
    "get_estimator",
    "identity",
    "measure",
    "read_blendshapes",
    "read_units",
]

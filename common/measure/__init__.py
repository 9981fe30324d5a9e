"""What an edit did: action units, identity, head pose, light and background, read from the pictures before and after.

report = measure("photo.jpg", "edited.png", requested={"AU12": 3})
print(report.table())
report.save("measured")
"""

from .compare import measure
from .estimators import AUEstimator, HeadFit, Measurement, get_estimator
from .identity import Similarity, identity
from .report import Report

__all__ = ["AUEstimator", "HeadFit", "Measurement", "Report", "Similarity", "get_estimator", "identity", "measure"]

"""What an edit did: action units, identity, head pose, light and background, read from the pictures before and after.

report = measure("photo.jpg", "edited.png", requested={"AU12": 3})
print(report.table())
report.save("measured")
"""

from .compare import measure
from .estimators import HeadFit, Measurement, Measurer, get_measurer
from .identity import Similarity, identity
from .report import Report

__all__ = ["HeadFit", "Measurement", "Measurer", "Report", "Similarity", "get_measurer", "identity", "measure"]

"""The shared suite of action units, with the goals that this model was built to reach."""

from common.evaluation.metrics import METRICS, with_goals
from common.evaluation.run import Suite

from . import SEED

GOALS = {"strong_units": 10, "off_target": 0.25, "error": 0.35, "null_loss": 1.0, "background": 35.0, "seconds": 3.0}
SUITE = Suite(metrics=with_goals(METRICS, GOALS), seed=SEED)

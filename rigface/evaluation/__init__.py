"""What the editor's edits are worth, measured against true pictures of people that it has never seen."""

from __future__ import annotations

from common.evaluation.command import EvaluateCommand

SEED = 3000
"""Of the people to evaluate on: trainings draw theirs from other seeds, the embedded model's from 1 and 2."""

ABOUT = """Measures a model's edits of held-out synthetic people against their true pictures.

    rigface evaluate --count 200
    rigface evaluate --count 20 --model out/mine/model -o out/mine/evaluation
    rigface evaluate --start warp --strength 0 -o out/warp     warps, without denoising

Light, pose, single action units and combinations in turn, with the model's own settings: where the light comes from and
how the head is turned afterwards, how far the expression follows, what else changed, the error to the truth, the
person, and the time. An interrupted evaluation resumes when the same command runs again.
"""


main = EvaluateCommand(
    "rigface",
    "RigFace",
    ABOUT,
    SEED,
    200,
    "edits: light, pose, expression, combinations in turn",
    "out/rigface_evaluation",
)

"""What the editor's edits are worth, measured against true pictures of people that it has never seen."""

from __future__ import annotations

from common.evaluation.command import EvaluateCommand

SEED = 1000
"""Of the people to evaluate on: trainings draw theirs from other seeds, the embedded model's from 1 and 2."""

ABOUT = """Measures a model's edits of held-out synthetic people against their true pictures.

    python -m magicface evaluate --count 200
    python -m magicface evaluate --count 20 --model out/mine/model -o out/mine/evaluation
    python -m magicface evaluate --start warp --strength 0 -o out/warp     warps, without denoising

Single action units at several levels in both directions, and combinations, with the model's own settings: how far the
measured change follows the requested one, what else changed, the error to the truth, the background, the person, and
the time. An interrupted evaluation resumes when the same command runs again.
"""


main = EvaluateCommand(
    "magicface", "MagicFace", ABOUT, SEED, 200, "edits, a quarter of them combinations", "out/evaluation"
)

"""What the pictures of a model are worth: do they have the action units, and what the caption says?"""

from __future__ import annotations

import argparse
from typing import Any

from common.cli import options
from common.evaluation.command import EvaluateCommand

from ..request import FineFaceModel

SEED = 1000
"""Of the people in the captions: trainings draw theirs from other seeds, the embedded model's from 1 and 2."""

ABOUT = """Measures a model's pictures: do they have the action units that were asked for, and what the caption says?

    fineface evaluate --count 100
    fineface evaluate --count 20 --model out/mine/model -o out/mine/evaluation

Captions of held-out synthetic people, each drawn twice from the same noise, without and with a request: single action
units at three levels, and drawn expressions. Measured are the change between the two, what else changed, and hair
colour, glasses and beard, beside the same read from true pictures. An interrupted evaluation resumes when the same
command runs again.
"""


def _add(parser: argparse.ArgumentParser) -> None:
    options.add_model_options(parser, FineFaceModel)


def _load(kind: Any, args: argparse.Namespace) -> Any:
    return kind.from_pretrained(**vars(FineFaceModel.of(vars(args))))


main = EvaluateCommand(
    "fineface",
    "FineFace",
    ABOUT,
    SEED,
    100,
    "pairs of pictures, a quarter with drawn expressions",
    "out/fineface_evaluation",
    _add,
    _load,
)

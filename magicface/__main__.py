"""Changes the expression of a face in a photo by action-unit (AU) variations."""

from __future__ import annotations

import sys

from common.cli.editor_spec import EditorSpec
from common.evaluation.command import Evaluation
from common.facs.action_units import AUDelta
from common.program import Program

ABOUT = """Changes the expression of a face in a photo by action-unit (AU) variations.

    magicface photo.jpg AU12=3 AU6=2 -o smile.png     raise the lip corners by 3 and the cheeks by 2
    magicface photo.jpg angry:0.7 -o angry.png        an expression, or a fraction of it; several by commas
    magicface *.jpg AU4=2 -o frowns/                  several photos, one folder
    magicface prepare-videos videos/ -o pairs.jsonl   pairs to train on, from videos of people

A variation is target minus present intensity, on the FACS scale 0..5. The AUs are 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25
and 26.
"""

PROGRAM = Program(
    EditorSpec("magicface", "magicface._api:MagicFace", AUDelta),
    ABOUT,
    example="AU12=3 or happy:0.7",
    requests='what `magicface` takes: "AU12=3,AU6=2", "angry:0.7", {"AU12": 3}',
    sources="magicface.licenses:sources",
    tab="magicface.app:tab",
    evaluation=Evaluation("magicface.evaluation.metrics:SUITE"),
    own={"prepare-videos": "magicface.videos.command:run"},
)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())

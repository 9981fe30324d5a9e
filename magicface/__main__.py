"""Changes the expression of a face in a photo by action-unit (AU) variations."""

from __future__ import annotations

import sys

from common.cli.editor_spec import EditorSpec
from common.evaluation.command import Evaluation
from common.facs.action_units import AUDelta
from common.program import Program

ABOUT = """Changes the expression of a face in a photo by action-unit (AU) variations.

    magicface photo.jpg AU12=3 AU6=2 -o smile.png     raise the lip corners by 3 and the cheeks by 2
    magicface photo.jpg angry:0.7 -o angry.png        a word for an expression, or a share of it; more by commas
    magicface *.jpg AU4=2 -o frowns/                  several photos, one folder
    magicface explain AU4 -o brows.png                what a unit or a word is, and a picture of it
    magicface neutralize photo.jpg                    the measured expression taken away
    magicface transfer photo.jpg actor.jpg            the expression of another photo
    magicface sweep photo.jpg AU12                    one unit at several levels, as a labelled sheet
    magicface grid photo.jpg AU4 AU12                 two units
    magicface animate photo.jpg happy -o smile.gif    an expression that comes, stays and goes
    magicface batch photos/ --requests w.txt -o run/    many photos, many requests; goes on where it stopped
    magicface score run/                              what the edits of a batch have changed, as a table
    magicface verify smile.png                        what a picture says of itself: synthetic, how made
    magicface redo smile.png                          the same picture once more, from what its file says
    magicface report run/                             a batch on one page: pictures, dose and response, failures
    magicface app                                     all of it on a page, with sliders
    magicface download                                fetch the published weights
    magicface doctor                                  what this machine has and lacks
    magicface licenses                                terms of all weights
    magicface prepare-videos videos/ -o pairs.jsonl   pairs to train on, from videos of people
    magicface evaluate                                measure the edits of a model

A variation is wanted minus present intensity, on the FACS scale 0..5. The AUs are 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25
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

"""Light, pose and expression of one face, swept in turn and together; then with a smile by MagicFace on top.

    python examples/rig.py --output out
    python examples/rig.py --photo mine.jpg --output out
    python examples/rig.py --sweeps 1             # the first row alone: quick

Writes sweeps.png, a row for each sweep, and composition.png: the photo, what RigFace is shown, its edit, and the same
with MagicFace after it on the same crop. Without --photo: a synthetic face (examples/portraits.py) that no training has
seen.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from PIL import Image

from common.cli.console import guarded
from magicface import MagicFace, Row, chain, contact_sheet, read_image, save_image
from rigface import Light, Pose, RigEdit, RigFace

PHOTO = Path(__file__).with_name("portraits") / "surprise.jpg"
SIDE = 192
SWEEPS = {
    "light, azimuth": [RigEdit(light=Light(azimuth)) for azimuth in (-75, -50, -25, 0, 25, 50, 75)],
    "light, elevation": [RigEdit(light=Light(20, elevation)) for elevation in (-10, 0, 15, 30, 45, 60, 75)],
    "pose, yaw": [RigEdit(pose=Pose(yaw, relative=False)) for yaw in (-40, -25, -12, 0, 12, 25, 40)],
    "pose, pitch": [RigEdit(pose=Pose(pitch=pitch, relative=False)) for pitch in (-20, -12, -6, 0, 6, 12, 20)],
    "expression": [
        RigEdit(expression=units)
        for units in ("AU12=2", "AU12=4,AU6=3", "AU1=4,AU2=4", "AU4=4", "AU9=4", "AU15=4,AU17=2", "AU25=3,AU26=4")
    ],
    "all three together": [
        RigEdit(Light(60, 20), Pose(-20), "AU12=4,AU6=3"),
        RigEdit(Light(-60, 20), Pose(20), "AU12=4,AU6=3"),
        RigEdit(Light(60, 20), Pose(20), "AU4=4,AU15=3"),
        RigEdit(Light(-60, 20), Pose(-20), "AU4=4,AU15=3"),
        RigEdit(Light(0, 60), Pose(pitch=12), "AU1=4,AU2=4,AU26=3"),
        RigEdit(Light(0, 60), Pose(pitch=-12), "AU1=4,AU2=4,AU26=3"),
        RigEdit(Light(-40, 45), Pose(30, 8), "AU9=3,AU25=3"),
    ],
}
RELIT = RigEdit(Light(60, 20, 1.2), Pose(-10))
SMILE = {"AU12": 4, "AU6": 3}


def main() -> int:
    """Writes both sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, default=PHOTO, help="a picture file (default: a synthetic face)")
    parser.add_argument("--model", default="embedded", help="of RigFace, folder of another (default: embedded)")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    parser.add_argument("--sweeps", type=int, default=len(SWEEPS), help="how many of the rows (default: all)")
    args = parser.parse_args()
    started = time.perf_counter()
    editor = RigFace.from_pretrained(args.model)
    subject = editor.encode(args.photo)
    rows = [
        Row(
            editor.edit(subject, requests, batch_size=len(requests), progress=False),
            [str(each) for each in requests],
            title,
        )
        for title, requests in [*SWEEPS.items()][: args.sweeps]
    ]
    save_image(contact_sheet(rows, SIDE), args.output / "sweeps.png")

    smiling = MagicFace.from_pretrained(args.model)
    pictures = {
        "photo": read_image(args.photo),
        "warp": Image.fromarray(editor.rig(subject, RELIT).render),
        str(RELIT): editor.edit(subject, RELIT, progress=False),
        f"then {SMILE}": chain(args.photo, [(editor, RELIT), (smiling, SMILE)], progress=False),
    }
    save_image(contact_sheet([Row([*pictures.values()], [*pictures])], 2 * SIDE), args.output / "composition.png")
    print(f"{args.output}: sweeps.png, composition.png; all in {time.perf_counter() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

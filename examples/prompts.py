"""The embedded text-to-face model at work: a row for each prompt, the same noise throughout, other action units.

    python examples/prompts.py --output out/prompts.png
    python examples/prompts.py --prompt "a close-up of a woman with a black bob" --output out/bob.png

The model has seen synthetic people only, and knows the words of their captions.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from common.cli.console import guarded
from common.facs.action_units import to_text, to_vector
from fineface import Row, contact_sheet, generate, save_image

PROMPTS = (
    "a close-up of a man with a full beard and red hair",
    "a close-up of a young woman with long straight blond hair, in front of a teal wall",
    "a close-up of an elderly man with receding white hair and round glasses",
    "a close-up of a middle-aged woman with a black bob and sunglasses, in front of a red wall",
    "a close-up of a bald man with stubble, in hard light from the left",
    "a close-up of a woman with brown hair in a bun and freckles, in front of a green wall",
)
REQUESTS: tuple[dict[str, float], ...] = (
    {},
    {"AU12": 2.5},
    {"AU12": 4.5, "AU6": 3},
    {"AU4": 4, "AU9": 3},
    {"AU1": 4, "AU2": 4, "AU5": 3},
    {"AU26": 4, "AU25": 3},
    {"AU15": 4.5, "AU17": 3},
)
SEED = 60


def main() -> int:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompt", action="append", help="may stand several times (default: six of our own)")
    parser.add_argument("--model", default="embedded", help="folder of another model (default: embedded)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the first row's noise (default: {SEED})")
    parser.add_argument("--output", type=Path, default=Path("out/prompts.png"), help="(default: out/prompts.png)")
    args = parser.parse_args()
    started = time.perf_counter()
    prompts = args.prompt or PROMPTS
    labels, rows = [to_text(to_vector(request)) for request in REQUESTS], []
    for number, prompt in enumerate(prompts):
        made = generate(
            prompt,
            list(REQUESTS),
            model=args.model,
            seed=args.seed + number,
            batch_size=len(REQUESTS),
            progress=False,
        )
        rows.append(Row(made, () if number else labels, prompt))
    save_image(contact_sheet(rows), args.output)
    print(f"{args.output}: {len(rows) * len(REQUESTS)} pictures, all in {time.perf_counter() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

"""Fuzzing led by what the inputs reach in our code, with atheris: `python tests/fuzz/guided.py TARGET -runs=10000`.

A target is one of `byte_targets.TARGETS`; the options are libFuzzer's. An input that fails is printed, and can be given
to the target again: `byte_targets.TARGETS[name](data, folder)`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
OURS = ["common", "magicface", "rigface", "fineface"]


def main(name: str, *options: str) -> None:
    """Fuzzes a target; ends the process."""
    with atheris.instrument_imports(include=OURS):
        import byte_targets
    from guards import tried

    target = byte_targets.TARGETS[name]

    def once(data: bytes) -> None:
        try:
            tried(target, data)
        except BaseException:
            print(f"\n{name} fails on {data!r}", file=sys.stderr, flush=True)
            raise

    with tempfile.TemporaryDirectory() as place:
        corpus = Path(place, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(byte_targets.seeds()[name]):
            (corpus / str(number)).write_bytes(seed)
        words = [token for token in byte_targets.TOKENS if 0 < len(token) <= 64]
        lines = ('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words)
        Path(place, "words").write_text("".join(lines))
        fixed = [f"-dict={place}/words", f"-artifact_prefix={place}/", "-rss_limit_mb=0", "-timeout=0", "-max_len=4096"]
        atheris.Setup([sys.argv[0], str(corpus), *fixed, *options], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])

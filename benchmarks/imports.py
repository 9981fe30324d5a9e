"""Seconds and modules that `import magicface` and its siblings cost, beside `import torch`.

python benchmarks/imports.py
"""

from __future__ import annotations

import subprocess
import sys

PACKAGES = ("magicface", "rigface", "fineface", "microexpression", "surveillance")
_CODE = (
    "import sys, time; before = set(sys.modules); started = time.perf_counter(); import {0};"
    "print(time.perf_counter() - started, len(set(sys.modules) - before))"
)


def main() -> None:
    """Prints one line for each package: the least of three processes, and its ratio to torch's."""
    seconds = {name: min(_cost(name) for _ in range(3)) for name in ("torch", *PACKAGES)}
    for name in PACKAGES:
        spent, modules = seconds[name]
        print(f"{name}: {spent * 1000:.1f} ms, {modules} modules, {spent / seconds['torch'][0]:.4f} of torch")


def _cost(package: str) -> tuple[float, int]:
    code = _CODE.format(package)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), int(out[1])


if __name__ == "__main__":
    main()

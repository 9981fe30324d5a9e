"""How pictures are saved, on the command lines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..provenance.recipe import check_pair


def add_saving(group: Any) -> None:
    """Options of whatever saves pictures: an argument parser, or a group of one."""
    group.add_argument("--no-watermark", action="store_true", help="leave the invisible mark out of the pixels")
    group.add_argument("--certificate", type=Path, help="PEM file that signs the pictures (C2PA); goes with --key")
    group.add_argument("--key", type=Path, help="its private key, PEM")


def saving(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say, for `common.provenance.recipe.saved_with`.

    Raises:
        InputError: a certificate without a key, or the other way round.
    """
    check_pair(args.certificate, args.key)
    return {"watermark": not args.no_watermark, "certificate": args.certificate, "key": args.key}


def saved(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say, as plain values; of a certificate its file's name, for its folder names a user."""
    return {"watermark": not args.no_watermark, "certificate": args.certificate and Path(args.certificate).name}

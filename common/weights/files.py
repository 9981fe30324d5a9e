"""Which files hold a network's weights: one or shards, of safetensors or of torch, in full or half precision.

One place finds them for all networks of all packages; `common.weights.state_dict` reads what is found. Names are those
that diffusers, transformers and accelerate write:

    diffusion_pytorch_model.safetensors             diffusion_pytorch_model.bin
    diffusion_pytorch_model.fp16.safetensors        diffusion_pytorch_model.fp16.bin
    diffusion_pytorch_model.safetensors.index.json  and diffusion_pytorch_model-00001-of-00002.safetensors, ...

Importing this brings no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..core.errors import CheckpointError, MissingCheckpointError
from ..core.jsonio import read_config

WEIGHTS = "diffusion_pytorch_model.safetensors"
"""The name that we write, and that is asked for where there is none."""
STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
"""Of diffusers' networks, of transformers' and accelerate's safetensors, and of their older files."""
SAFE = ".safetensors"
PICKLED = (".bin", ".ckpt", ".pth", ".pt")
"""Files of torch; read without running any code."""
VARIANTS = {"float16": "fp16", "bfloat16": "bf16"}
"""dtype -> the word in the names of files that hold weights in it."""
MOST_SHARDS = 1000
LARGEST_INDEX = 64 * 2**20
"""Bytes of an index; a network of a million tensors needs that many."""
_LISTED = (SAFE, *PICKLED, ".json", ".msgpack", ".h5", ".onnx", ".gguf")


@dataclass(frozen=True)
class WeightFiles:
    """Where the weights of one network lie.

    `path` is the file, or where they are `sharded`, the index of its shards.
    """

    path: Path
    sharded: bool = False

    def shards(self) -> dict[str, str]:
        """Tensor -> name of the shard that holds it, as the index says; empty for a single file. Raises
        CheckpointError: the index is damaged, or names files outside its folder.
        """
        if not self.sharded:
            return {}
        if self.path.is_file() and self.path.stat().st_size > LARGEST_INDEX:
            raise CheckpointError.refused(self.path, f"it is larger than {LARGEST_INDEX >> 20} MiB")
        found = read_config(self.path).get("weight_map")
        if not isinstance(found, dict) or not found or not all(isinstance(name, str) for name in found.values()):
            raise CheckpointError(
                f"{self.path} must hold a weight_map of tensors to files; it holds none.", code="keys"
            )
        names = set(found.values())
        for name in sorted(names):
            plain = PurePosixPath(name).name == PureWindowsPath(name).name == name and "\0" not in name
            if not plain or not name.endswith((SAFE, *PICKLED)):
                raise CheckpointError.refused(
                    self.path, f"it names {name[:80]!r}; expected weight files of its own folder"
                )
        if len(names) > MOST_SHARDS:
            raise CheckpointError.refused(self.path, f"it names {len(names)} shards, of at most {MOST_SHARDS}")
        return found

    def files(self) -> list[Path]:
        """The weight files themselves. Raises CheckpointError: see `shards`; MissingCheckpointError: shards are not
        there; the message names them.
        """
        if not self.sharded:
            return [self.path]
        if missing := self.missing():
            raise MissingCheckpointError(
                f"Shards that {self.path} names are missing: {', '.join(missing)}.",
                hint="fetch them, or all of them again",
            )
        return [self.path.parent / name for name in sorted(set(self.shards().values()))]

    def missing(self) -> list[str]:
        """Names of the shards that are not there."""
        return sorted(name for name in set(self.shards().values()) if not (self.path.parent / name).is_file())


def find_weights(folder: Path, stems: tuple[str, ...] = STEMS, dtype: str = "float32") -> WeightFiles | None:
    """The weights in a folder that suit a dtype best, or None.

    Full precision comes before half, and within a precision safetensors come before files of torch; where float16 or
    bfloat16 is asked for, safetensors in that precision come first.

    The folder need not exist; `stems` of the files' names come in the order of preference.
    """
    asked = VARIANTS.get(dtype)
    rest = [variant for variant in VARIANTS.values() if variant != asked]
    if asked is None:
        order = [(variant, ends) for variant in ("", *rest) for ends in ((SAFE,), PICKLED)]
    else:
        order = [(variant, ends) for ends in ((SAFE,), PICKLED) for variant in (asked, "", *rest)]
    for variant, ends in order:
        for end in ends:
            for stem in stems:
                for found in _named(folder, stem, variant, end):
                    if found.path.is_file():
                        return found
    return None


def missing_weights(folder: Path, expected: str = WEIGHTS) -> list[str]:
    """Names of the weight files that a network's folder lacks; empty where it can be read.

    Of shards without an index, the index is missing. Faults inside an index are reported when it is read.

    The folder need not exist; `expected` is asked for where there is nothing.
    """
    found = find_weights(folder)
    if found is None:
        shard = next((path.name for path in _list(folder) if "-of-" in path.stem and path.suffix != ".json"), None)
        if shard is None:
            return [expected]
        return [f"{shard.rpartition('-of-')[0].rpartition('-')[0]}{PurePosixPath(shard).suffix}.index.json"]
    try:
        return found.missing()
    except CheckpointError:
        return []


def missing_parts(folder: Path, names: Iterable[str]) -> list[str]:
    """Which of these files a folder lacks; weights of networks count in whatever form they lie there.

    The folder need not exist; names lie below it, or are patterns.
    """
    lacking: list[str] = []
    for name in names:
        place, own = PurePosixPath(name).parent, PurePosixPath(name).name
        if own.endswith(SAFE) and place.name:
            lacking += [(place / other).as_posix() for other in missing_weights(folder / place, own)]
        elif not any(folder.glob(name)):
            lacking.append(name)
    return lacking


def whats_there(folder: Path) -> str:
    """The files of a folder that may be weights, in words, for errors; "no folder" where there is none."""
    if not folder.is_dir():
        return "no folder"
    names = [path.name for path in _list(folder)]
    return ", ".join(names[:6]) + " ..." * (len(names) > 6) if names else "no weight files"


def _named(folder: Path, stem: str, variant: str, end: str) -> Iterator[WeightFiles]:
    """Whole file first, then the indexes by which diffusers and transformers name shards."""
    middle = f".{variant}" if variant else ""
    yield WeightFiles(folder / f"{stem}{middle}{end}")
    for name in dict.fromkeys([f"{stem}{end}.index{middle}.json", f"{stem}{middle}{end}.index.json"]):
        yield WeightFiles(folder / name, sharded=True)


def _list(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in _LISTED and path.name != "config.json")

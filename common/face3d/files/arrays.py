"""Named arrays from the files in which face models come: pickles, .npy, .npz and .safetensors; none of them is run."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from ...core.errors import CheckpointError, FaceEditError, InputError, MissingCheckpointError
from ...core.files import replace_file
from . import pickles
from .pickles import Call, read_pickle

MOST_NUMBERS = 2**28  # what a compressed matrix or archive may unfold to: 2 GiB in float64
SAFE = ".safetensors"
NUMBERS = "an array of numbers"


def read_arrays(
    path: str | Path, what: str, source: str, required: Iterable[str] = (), optional: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """Read arrays by their names.

    Args:
        path: a pickled dictionary (also one inside an .npy), an .npz or a .safetensors file; recognised by its content.
        what: what the errors call the file: "The FLAME model".
        source: where to get it, for the error when it is not there.
        required: names that must be there.
        optional: names that may be there.

    Returns:
        The named arrays that are there, dense, each of numbers or booleans.

    Raises:
        CheckpointError: the file is damaged or refused, lacks a name, or holds something that is not numbers.
        MissingCheckpointError: there is no such file.
    """
    required = list(required)
    wanted = {*required, *optional}
    path = Path(path).expanduser()
    with reading(path, what, source):
        table = {key: value for key, value in _table(path, wanted).items() if key in wanted}
        check_names(table, required, f"{what} at {path}", source)
        return {key: as_array(value, f"{key} of {path}") for key, value in table.items()}


def convert(path: str | Path, target: str | Path | None = None) -> Path:
    """Write all arrays of numbers of a face model's file, see `read_arrays`, as .safetensors, which loads at once and
    can hold no code; returns where: at `target`, by default next to the file and with its name.

    Raises CheckpointError for a file that is damaged, refused or without arrays, MissingCheckpointError where there is
    none, InputError for a .safetensors file.
    """
    from safetensors.numpy import save_file

    path = Path(path).expanduser()
    if path.suffix == SAFE:
        raise InputError(f"{path} is converted already.", code="format", expected="a .pkl, .npy or .npz file")
    arrays: dict[str, np.ndarray] = {}
    with reading(path, "The file", "from the model's authors"):
        for key, value in _table(path).items():
            array = _array(value)
            if isinstance(key, str) and array is not None and array.dtype.kind in "biuf":
                arrays[key] = np.ascontiguousarray(array)
    if not arrays:
        raise CheckpointError(f"{path} holds no arrays.", code="empty", expected="a dictionary of arrays")
    target = Path(target).expanduser() if target else path.with_suffix(SAFE)
    replace_file(target, lambda temporary: save_file(arrays, temporary))
    return target


@contextmanager
def reading(path: Path, what: str, source: str) -> Iterator[None]:
    """Check that a file is there, and turn whatever its reader raises into a CheckpointError that names it."""
    if path.is_dir():
        raise CheckpointError(f"{what} is not at {path}.", code="type", expected="a file", actual="a folder")
    if not path.is_file():
        raise MissingCheckpointError(f"{what} is not at {path}.", hint=f"get it: {source}")
    try:
        yield
    except FaceEditError:
        raise
    except Exception as error:  # damaged files fail in many ways
        raise CheckpointError.unreadable(path, error, f"delete it and get it again: {source}") from error


def check_names(arrays: Mapping[str, Any], names: Iterable[str], what: object, source: str | None = None) -> None:
    """Raise a CheckpointError (code "keys") that names the missing arrays."""
    if missing := sorted(set(names) - arrays.keys()):
        raise CheckpointError(
            f"{what} lacks {', '.join(missing)}.",
            code="keys",
            expected=", ".join(names),
            hint=source and f"get it: {source}",
        )


def check_shapes(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int | str, ...]], what: object) -> None:
    """Check arrays against shapes in which equal letters stand for equal numbers, such as {"v_template": ("V", 3),
    "weights": ("V", 5)}; `what` names their file. Raises CheckpointError: a shape does not fit (code "shape"), or a
    number is infinite or NaN ("values").
    """
    sizes: dict[str, int] = {}
    for key, expected in shapes.items():
        actual = arrays[key].shape
        if len(actual) == len(expected):
            for size, letter in zip(actual, expected):
                if isinstance(letter, str):
                    sizes.setdefault(letter, size)
        wanted = tuple(sizes.get(size, size) if isinstance(size, str) else size for size in expected)
        if actual != wanted:
            shown = f"({', '.join(map(str, wanted))})"
            raise CheckpointError(f"{key} of {what} has the wrong shape.", code="shape", expected=shown, actual=actual)
        if 0 in actual or not np.isfinite(arrays[key]).all():
            raise CheckpointError(f"{key} of {what} must hold finite numbers, and some.", code="values")


def check_indices(array: np.ndarray, count: int, key: str, what: object) -> None:
    """Raise a CheckpointError (code "values") unless all numbers are integers in [0, count)."""
    if array.min() < 0 or array.max() >= count or (array != array.astype(np.int64)).any():
        raise CheckpointError(
            f"{key} of {what} points to what is not there.",
            code="values",
            expected=f"integers in [0, {count})",
            actual=f"[{array.min()}, {array.max()}]",
        )


def as_array(value: Any, what: str) -> np.ndarray:
    """An array from what `read_pickle` gives: a number, a list of numbers, an array, or the `Call` that would have made
    one; `what` names it. Raises CheckpointError: it is not an array of real numbers or booleans (code "values").
    """
    array = _array(value)
    if array is None or array.dtype.kind not in "biuf":
        actual = value.path if isinstance(value, Call) else getattr(value, "dtype", type(value).__name__)
        raise CheckpointError(f"{what} is not an array of numbers.", code="values", expected=NUMBERS, actual=actual)
    return array


def _table(path: Path, keys: set[str] | None = None) -> dict[Any, Any]:
    """The content of a file; of those that can be read in parts, the named entries."""
    with path.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(b"PK"):
            with np.load(file, allow_pickle=False) as archive:
                if sum(each.file_size for each in archive.zip.infolist()) > 8 * MOST_NUMBERS:
                    raise ValueError(f"it unfolds to more than {8 * MOST_NUMBERS >> 30} GiB")
                return {key: archive[key] for key in archive.files if keys is None or key in keys}
        if path.suffix == SAFE:
            from safetensors.numpy import load_file

            return load_file(path)
        content = _object(file, path) if start == b"\x93NUMPY" else read_pickle(file, path)
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path} holds no arrays.", code="type", expected="a dictionary of arrays", actual=type(content).__name__
        )
    return content


def _object(file: BinaryIO, path: Path) -> Any:
    """The one Python object of an .npy file, which numpy pickles as an array of objects."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if not dtype.hasobject or shape != ():
        raise ValueError(f"expected one dictionary, got an array of {dtype} and shape {shape}")
    value = read_pickle(file, path)
    if isinstance(value, Call) and value.path in pickles.ARRAY and isinstance(value.state, tuple):
        (value,) = value.state[-1]  # the array's items
    return value


def _array(value: Any) -> np.ndarray | None:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (bool, int, float)):
        return np.asarray(value)
    if isinstance(value, (list, tuple)):
        numbers = [_array(item) if isinstance(item, Call) and item.path in pickles.SCALAR else item for item in value]
        return np.array(numbers) if all(isinstance(item, (int, float, np.ndarray)) for item in numbers) else None
    if not isinstance(value, Call):
        return None
    if value.path in pickles.ARRAY:
        _, shape, dtype, fortran, content = value.state
        return _from_bytes(content, dtype, shape, "F" if fortran else "C")
    if value.path in pickles.BUFFER:
        content, dtype, shape, order = value.arguments
        return _from_bytes(content, dtype, shape, order)
    if value.path in pickles.SCALAR:
        dtype, content = value.arguments
        return _from_bytes(content, dtype, (), "C")
    if value.path in pickles.COLUMNS | pickles.ROWS:
        return _unfold(value.state, by_column=value.path in pickles.COLUMNS)
    if value.path in pickles.TENSOR:
        return _tensor(*value.arguments[:4])
    if value.path == "chumpy.ch.Ch":
        return _array(value.state["x"])
    if value.path == "chumpy.reordering.Select":  # picks from the flattened array, then shapes what it picked
        source = _array(value.state["a"])
        picked = value.state["idxs"]
        if source is None or (isinstance(picked, Call) and picked.path.startswith("chumpy")):
            return None
        return source.ravel()[_array(picked)].reshape(value.state["preferred_shape"])
    return None


def _from_bytes(content: Any, dtype: Any, shape: tuple[int, ...], order: Any) -> np.ndarray | None:
    """An array of numbers from its bytes; None for arrays of anything else."""
    name = dtype.arguments[0]
    if dtype.path not in pickles.DTYPE or not re.fullmatch(r"b1|[iu][1248]|f[248]", str(name)):
        return None
    byteorder = (dtype.state or (3, "="))[1]
    kind = np.dtype((">" if byteorder == ">" else "<") + name)
    array = np.frombuffer(_bytes(content), kind).astype(kind.newbyteorder("="))
    if any(size < 0 for size in shape):
        raise ValueError(f"a shape of {shape}")
    return array.reshape(shape, order="F" if order == "F" else "C")


def _bytes(content: Any) -> Any:
    if isinstance(content, Call) and content.path in pickles.BYTES and not content.arguments:
        return b""  # how Python 3 writes no bytes up to protocol 2
    if isinstance(content, Call) and content.path in pickles.ENCODE and content.arguments[1:] == ("latin1",):
        content = content.arguments[0]  # and some
    return content.encode("latin1") if isinstance(content, str) else content


def _unfold(state: dict[str, Any], by_column: bool) -> np.ndarray:
    """The dense array of a matrix in compressed columns, or rows."""
    shape = tuple(int(size) for size in state["_shape" if "_shape" in state else "shape"])
    data, indices, starts = (as_array(state[key], key) for key in ("data", "indices", "indptr"))
    height, width = shape if by_column else shape[::-1]
    if not (min(shape) > 0 and height * width <= MOST_NUMBERS):
        raise ValueError(f"a matrix of shape {shape}")
    counts = np.diff(starts)
    if len(counts) != width or (counts < 0).any() or (indices < 0).any() or starts[0] != 0:
        raise ValueError("a compressed matrix whose indices do not fit")
    dense = np.zeros((height, width), data.dtype)
    np.add.at(dense, (indices, np.repeat(np.arange(width), counts)), data)  # entries met twice are added
    return dense if by_column else dense.T


def _tensor(storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> np.ndarray | None:
    """The array of a pickled tensor; its storage is a file of torch's own, read in torch's mode for tensors alone."""
    if not isinstance(storage, Call) or storage.path not in pickles.STORAGE:
        return None
    content = torch.load(io.BytesIO(_bytes(storage.arguments[0])), map_location="cpu", weights_only=True)
    if math.prod(size) > MOST_NUMBERS:
        raise ValueError(f"a tensor of shape {tuple(size)}")
    flat = torch.empty(0, dtype=content.dtype).set_(content._untyped_storage)
    # torch refuses what lies outside the storage.
    return torch.as_strided(flat, size, stride, offset).clone().numpy()

"""Arrays out of pickles, without running them.

A pickle is a program that names what it calls. The reader knows the names by which numpy, scipy, torch and chumpy (the
library in which SMPL and FLAME were built) write arrays, and puts an inert `Call` in the place of each; any other name
is refused. What the calls mean is worked out afterwards, from their arguments, by `arrays.as_array`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO, ClassVar

from ...core.errors import CheckpointError

_NUMPY = ("numpy.core", "numpy._core")  # before and since numpy 2
ARRAY = {f"{core}.multiarray._reconstruct" for core in _NUMPY}
SCALAR = {f"{core}.multiarray.scalar" for core in _NUMPY}
BUFFER = {f"{core}.numeric._frombuffer" for core in _NUMPY}
DTYPE = {"numpy.dtype"}
ENCODE = {"_codecs.encode"}
COLUMNS = {f"scipy.sparse.{name}" for name in ("csc.csc_matrix", "_csc.csc_matrix", "_csc.csc_array")}
ROWS = {f"scipy.sparse.{name}" for name in ("csr.csr_matrix", "_csr.csr_matrix", "_csr.csr_array")}
TENSOR = {"torch._utils._rebuild_tensor_v2"}
STORAGE = {"torch.storage._load_from_bytes"}
BYTES = {f"{module}.bytes" for module in ("__builtin__", "builtins")}
_RECONSTRUCTOR = {f"{module}._reconstructor" for module in ("copy_reg", "copyreg")}
_DICT = {"collections.OrderedDict"}
_UNUSED = {f"{module}.{name}" for module in ("__builtin__", "builtins") for name in ("object", "set", "frozenset")}
_KNOWN = ARRAY | SCALAR | BUFFER | DTYPE | ENCODE | COLUMNS | ROWS | TENSOR | STORAGE | BYTES
_KNOWN |= _RECONSTRUCTOR | _DICT | _UNUSED | {"numpy.ndarray"}


class Call:
    """What a pickle would have built.

    Attributes:
        path: what it calls; a class of its own for every name, so that the pickle can name it without calling it.
        arguments: of the call.
        state: that it sets afterwards.
    """

    __slots__ = ("arguments", "state")
    path = ""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.arguments = arguments
        self.state: Any = None


class Table(dict[Any, Any]):
    """A dictionary whose keys are hashed at once: a nested tuple could take forever."""

    __slots__ = ()

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, (str, bytes, int, float, type(None))):
            raise pickle.UnpicklingError(f"a key is a {type(key).__name__}")
        super().__setitem__(key, value)


def read_pickle(file: BinaryIO, what: object) -> Any:
    """Read the pickle that starts where `file` stands.

    Args:
        file: a binary file of any protocol; Python 2's strings are read as latin-1.
        what: what the errors call it.

    Returns:
        Numbers, strings, bytes, lists (sets among them), tuples and dictionaries as they are; anything else as `Call`.

    Raises:
        CheckpointError: code "refused" where it names something that is not known, "unreadable" where it is damaged.
    """
    try:
        return _Reader(file, what).load()
    except CheckpointError:
        raise
    except Exception as error:  # damaged pickles fail in many ways
        raise CheckpointError.unreadable(what, error, expected="a pickle of arrays") from error


_UNPICKLER: Any = pickle._Unpickler
"""Python's own in Python, whose steps can be replaced."""


class _Reader(_UNPICKLER):
    """Python's unpickler, whose every name is a `Call`; only these can be called, and given a state."""

    def __init__(self, file: BinaryIO, what: object) -> None:
        super().__init__(file, encoding="latin1")
        self.what = what

    def find_class(self, module: str, name: str) -> type[Call]:
        path = f"{module}.{name}"
        if path in _KNOWN or (module.split(".")[0] == "chumpy" and name.isidentifier()):
            return type("Call", (Call,), {"path": path, "__slots__": ()})
        raise CheckpointError(
            f"{self.what} is refused: a pickle can run code, and this one names {path[:200]}.",
            code="refused",
            expected="numpy arrays, scipy's csc or csr matrices, torch tensors, chumpy arrays",
            actual=path[:200],
            hint="fetch it from its authors, or save its arrays as .npz or .safetensors",
        )

    def checked(self, called: object) -> type[Call]:
        if not (isinstance(called, type) and issubclass(called, Call)):
            raise pickle.UnpicklingError(f"it calls a {type(called).__name__}")
        return called

    def call(self) -> None:
        arguments = self.stack.pop()
        called = self.checked(self.stack.pop())
        if not isinstance(arguments, tuple):
            raise pickle.UnpicklingError(f"it calls with a {type(arguments).__name__}")
        if called.path in _RECONSTRUCTOR:  # (class, base class, state of the base class)
            called = self.checked(arguments[0])
        self.append(Table() if called.path in _DICT and not arguments else called(arguments))

    def build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], Call):
            raise pickle.UnpicklingError(f"a state for a {type(self.stack[-1]).__name__}")
        self.stack[-1].state = state

    def dictionary(self) -> None:
        items = self.pop_mark()
        made = Table()
        for key, value in zip(items[::2], items[1::2]):
            made[key] = value
        self.append(made)

    def refuse(self) -> None:
        raise pickle.UnpicklingError("it holds an instruction that no file of arrays needs")

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        **_UNPICKLER.dispatch,
        pickle.REDUCE[0]: call,
        pickle.NEWOBJ[0]: call,
        pickle.BUILD[0]: build,
        pickle.DICT[0]: dictionary,
        pickle.EMPTY_DICT[0]: lambda self: self.append(Table()),
        # sets are lists: nothing is hashed
        pickle.EMPTY_SET[0]: lambda self: self.append([]),
        pickle.ADDITEMS[0]: _UNPICKLER.load_appends,
        pickle.FROZENSET[0]: _UNPICKLER.load_list,
        **dict.fromkeys([code[0] for code in (pickle.EXT1, pickle.EXT2, pickle.EXT4)], refuse),
        **dict.fromkeys([code[0] for code in (pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX)], refuse),
    }

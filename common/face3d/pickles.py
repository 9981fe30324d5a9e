"""Arrays out of pickles, without running them.

A pickle is a program for a stack machine, and Python's own machine calls whatever the program names. The machine here
calls nothing: a name stays a `Name`, and a call of it stays a `Call` that remembers its arguments. What the few
admitted calls mean is worked out afterwards, from their arguments, by `arrays.as_array`.

Admitted are numpy's arrays and numbers, scipy's compressed matrices, torch's tensors, and the arrays of chumpy, the
library in which SMPL and FLAME were built.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import CheckpointError

_NUMPY = ("numpy.core", "numpy._core")  # before and since numpy 2
ARRAY = {f"{core}.multiarray._reconstruct" for core in _NUMPY}
SCALAR = {f"{core}.multiarray.scalar" for core in _NUMPY}
BUFFER = {f"{core}.numeric._frombuffer" for core in _NUMPY}
DTYPE, ENCODE = {"numpy.dtype"}, {"_codecs.encode"}
COLUMNS = {f"scipy.sparse.{name}" for name in ("csc.csc_matrix", "_csc.csc_matrix", "_csc.csc_array")}
ROWS = {f"scipy.sparse.{name}" for name in ("csr.csr_matrix", "_csr.csr_matrix", "_csr.csr_array")}
TENSOR, STORAGE = {"torch._utils._rebuild_tensor_v2"}, {"torch.storage._load_from_bytes"}
_RECONSTRUCTOR = {"copy_reg._reconstructor", "copyreg._reconstructor"}
_DICT = {"collections.OrderedDict"}
_PLAIN = {f"{module}.{name}" for module in ("__builtin__", "builtins") for name in ("object", "set", "frozenset")}
_BYTES = {"__builtin__.bytes", "builtins.bytes"}
_KNOWN = ARRAY | SCALAR | BUFFER | DTYPE | ENCODE | COLUMNS | ROWS | TENSOR | STORAGE | _RECONSTRUCTOR | _DICT | _PLAIN
_KNOWN |= _BYTES | {"numpy.ndarray"}


@dataclass(frozen=True)
class Name:
    """Something that the pickle imports."""

    path: str


@dataclass(eq=False)
class Call:
    """Something that the pickle would have built: what it calls, on what, and the state that it sets afterwards."""

    path: str
    arguments: tuple[Any, ...]
    state: Any = None


def read_pickle(file: BinaryIO, what: object) -> Any:
    """Read the pickle that starts where `file` stands.

    Args:
        file: a binary file of any protocol; Python 2's strings are read as latin-1.
        what: what the errors call it.

    Returns:
        Numbers, strings, bytes, lists (sets among them), tuples and dictionaries as they are; anything else as `Name`
        or `Call`.

    Raises:
        CheckpointError: it is damaged or not a pickle, or it names something that is not admitted.
    """
    machine = _Machine(what)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            machine.step(opcode.name, argument)
        return machine.stack.pop()
    except CheckpointError:
        raise
    except Exception as error:  # damaged pickles fail in many ways
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise CheckpointError(
            f"Cannot read {what}: {reason}\n  expected: a pickle of arrays\n  delete it and fetch it again"
        ) from error


_MARK = object()
_MOST_COPIED = 2**24  # items of lists that become sets or dictionaries, in all
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_FRESH: dict[str, Callable[[], Any]] = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": list}
_LITERALS = {
    *("INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}


class _Machine:
    """The stack machine of Python's pickle module, with `Call` in the place of calls."""

    def __init__(self, what: object) -> None:
        self.what = what
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.copied = 0

    def step(self, opcode: str, argument: Any) -> None:
        stack = self.stack
        match opcode:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                stack.append(_MARK)
            case "POP":
                stack.pop()
            case "POP_MARK":
                self.since_mark()
            case "DUP":
                stack.append(stack[-1])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case _ if opcode in _LITERALS:
                stack.append(argument)
            case _ if opcode in _CONSTANTS:
                stack.append(_CONSTANTS[opcode])
            case _ if opcode in _FRESH:
                stack.append(_FRESH[opcode]())
            case _:
                self.step_collection(opcode, argument)

    def step_collection(self, opcode: str, argument: Any) -> None:
        stack = self.stack
        match opcode:
            case "TUPLE":
                stack.append(tuple(self.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack[-int(opcode[-1]) :] = [tuple(self.last(int(opcode[-1])))]
            case "LIST" | "FROZENSET":
                stack.append(self.since_mark())
            case "DICT":
                items = self.since_mark()
                stack.append({})
                self.set_items(items)
            case "APPEND":
                value = stack.pop()
                self.extend([value])
            case "APPENDS" | "ADDITEMS":
                self.extend(self.since_mark())
            case "SETITEM":
                items = self.last(2)
                del stack[-2:]
                self.set_items(items)
            case "SETITEMS":
                self.set_items(self.since_mark())
            case _:
                self.step_object(opcode, argument)

    def step_object(self, opcode: str, argument: Any) -> None:
        stack = self.stack
        match opcode:
            case "GLOBAL":
                stack.append(self.name(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                module, name = self.last(2)
                stack[-2:] = [self.name(module, name)]
            case "REDUCE" | "NEWOBJ":
                called, arguments = self.last(2)
                stack[-2:] = [self.call(called, arguments)]
            case "BUILD":
                state = stack.pop()
                if not isinstance(stack[-1], Call):
                    raise self.refusal(f"state for {type(stack[-1]).__name__}")
                stack[-1].state = state
            case "INST":
                raise self.refusal(argument.replace(" ", "."))
            case _:  # PERSID, BINPERSID, EXT1 .. EXT4, OBJ, NEWOBJ_EX, NEXT_BUFFER, READONLY_BUFFER
                raise self.refusal(f"the instruction {opcode}")

    def last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("the stack is too short")
        return self.stack[-count:]

    def since_mark(self) -> list[Any]:
        start = next((i for i in range(len(self.stack) - 1, -1, -1) if self.stack[i] is _MARK), None)
        if start is None:
            raise ValueError("a mark is missing")
        values = self.stack[start + 1 :]
        del self.stack[start:]
        return values

    def extend(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise self.refusal(f"items for {type(self.stack[-1]).__name__}")
        self.stack[-1].extend(values)

    def set_items(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict) or len(items) % 2:
            raise self.refusal(f"items for {type(self.stack[-1]).__name__}")
        for key, value in zip(items[::2], items[1::2]):
            if not isinstance(key, (str, bytes, int, float, type(None))):  # hashing nested tuples can take forever
                raise self.refusal(f"{type(key).__name__} as a key")
            self.stack[-1][key] = value

    def name(self, module: Any, name: Any) -> Name:
        path = f"{module}.{name}"
        chumpy = str(module).split(".")[0] == "chumpy" and str(name).isidentifier()
        if not (isinstance(module, str) and isinstance(name, str) and (path in _KNOWN or chumpy)):
            raise self.refusal(path[:200])
        return Name(path)

    def call(self, called: Any, arguments: Any) -> Any:
        if not isinstance(called, Name) or not isinstance(arguments, tuple):
            raise self.refusal(f"a call of {type(called).__name__}")
        if called.path in _RECONSTRUCTOR:  # (class, base class, state of the base class)
            if len(arguments) != 3 or not isinstance(arguments[0], Name):
                raise self.refusal(called.path)
            return Call(arguments[0].path, ())
        if called.path in _DICT:  # its pairs follow as items, or come as one list
            return {key: value for key, value in self.copy(arguments) if isinstance(key, str)}
        if called.path in _BYTES and not arguments:  # how Python 3 writes no bytes up to protocol 2
            return b""
        if called.path in _PLAIN:
            return self.copy(arguments)
        return Call(called.path, arguments)

    def copy(self, arguments: tuple[Any, ...]) -> list[Any]:
        """The items of the only argument; a short program that copies a long list over and over ends here."""
        self.copied += len(arguments[0]) if arguments else 0
        if self.copied > _MOST_COPIED:
            raise self.refusal("too many copies of lists")
        return list(arguments[0]) if arguments else []

    def refusal(self, found: str) -> CheckpointError:
        return CheckpointError(
            f"{self.what} is refused: a pickle can run code, and this one holds {found}.\n"
            "  expected: numpy arrays, scipy's csc or csr matrices, torch tensors, chumpy arrays\n"
            "  fetch it from its authors, or save its arrays as .npz or .safetensors"
        )

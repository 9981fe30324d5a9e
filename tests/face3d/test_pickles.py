import contextlib
import copyreg
import io
import os
import pickle
import struct
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
import torch
from refusals import refused
from safetensors.numpy import load_file, save_file

from common.core.errors import CheckpointError, InputError, MissingCheckpointError
from common.face3d.files.arrays import as_array, check_indices, check_shapes, convert, read_arrays
from common.face3d.files.pickles import read_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
NUMBERS = np.arange(6.0).reshape(2, 3)


def unpickle(content: bytes) -> np.ndarray:
    return as_array(read_pickle(io.BytesIO(content), "file"), "value")


def read(path, *keys):
    return read_arrays(path, "The model", "somewhere", keys)


class Named:
    """What stands for an object of a library that is not installed: `module.name` with a state."""

    def __init__(self, path: str, state: object) -> None:
        self.path, self.state = path, state

    def pickled(self, protocol: int) -> bytes:
        """A dictionary {"a": the object}, as Python 2 (protocols 0, 1) or 3 writes objects."""
        module, _, name = self.path.rpartition(".")
        new = (
            f"c{module}\n{name}\n)\x81".encode("latin1")
            if protocol >= 2
            else f"ccopy_reg\n_reconstructor\n(c{module}\n{name}\nc__builtin__\nobject\nNtR".encode()
        )
        # An own stack machine needs no memo of the outer program, so the state's program may be pasted in.
        state = pickle.dumps(self.state, protocol=2)[2:-1]
        return b"\x80\x02}X\x01\x00\x00\x00a" + new + state + b"bs."


VALUES = (
    NUMBERS,
    np.asfortranarray(NUMBERS),
    NUMBERS.astype(">f4"),
    np.arange(4, dtype=np.uint32),
    np.array([True, False]),
    np.zeros((2, 0, 3)),
    np.float32(2.5),
    np.array(7),
    [1, 2.5, 3],
    [np.int64(1), np.int64(2)],
    torch.arange(24.0).reshape(2, 3, 4),
    torch.arange(24.0).reshape(2, 3, 4)[1].T,
)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_come_back_whatever_the_protocol(protocol):
    for value in VALUES:
        array = unpickle(pickle.dumps(value, protocol))
        assert np.array_equal(array, value)
        assert array.dtype.isnative
    dense = np.random.default_rng(0).integers(0, 3, (5, 8)).astype(np.float64)
    for kind in ("csc_matrix", "csr_matrix", "csc_array", "csr_array"):
        assert np.array_equal(unpickle(pickle.dumps(getattr(scipy.sparse, kind)(dense), protocol)), dense), kind


@pytest.mark.parametrize("protocol", [0, 2])
def test_old_names_of_scipy_and_chumpy_need_neither(tmp_path, protocol):
    matrix = scipy.sparse.csc_matrix(NUMBERS)
    compressed = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "maxprint": 50}
    states = {
        "scipy.sparse.csc.csc_matrix": compressed | {"_shape": (2, 3)},
        "scipy.sparse._csc.csc_matrix": compressed | {"_shape": (2, 3)},
        "chumpy.ch.Ch": {"x": NUMBERS, "_dirty_vars": {"x"}, "_itr": None},
        "chumpy.reordering.Select": {"a": NUMBERS, "idxs": np.arange(6), "preferred_shape": (2, 3)},
    }
    for path, state in states.items():
        (tmp_path / "old.pkl").write_bytes(Named(path, state).pickled(protocol))
        assert np.array_equal(read(tmp_path / "old.pkl", "a")["a"], NUMBERS), path
    assert "chumpy" not in sys.modules


def test_a_formula_of_chumpy_only_matters_where_it_is_wanted(tmp_path):
    (tmp_path / "sum.pkl").write_bytes(Named("chumpy.ch_ops.add", {"a": NUMBERS}).pickled(2))
    assert read_arrays(tmp_path / "sum.pkl", "The model", "somewhere") == {}
    with pytest.raises(CheckpointError) as caught:
        read(tmp_path / "sum.pkl", "a")
    assert (caught.value.code, caught.value.actual) == ("values", "chumpy.ch_ops.add")


def test_strings_of_python_2_are_bytes():
    raw = NUMBERS.astype("<f8").tobytes()
    program = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02K\x03\x86"
        b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    )
    assert np.array_equal(unpickle(program + b"T" + struct.pack("<i", len(raw)) + raw + b"tb."), NUMBERS)


def test_one_dictionary_in_any_of_the_formats(tmp_path):
    arrays = {"a": NUMBERS, "b": np.arange(3)}
    np.savez(tmp_path / "m.npz", **arrays)
    save_file(arrays, tmp_path / "m.safetensors")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(arrays))
    np.save(tmp_path / "m.npy", arrays)  # pyright: ignore[reportArgumentType]
    for kind in ("npz", "safetensors", "pkl", "npy"):
        found = read_arrays(str(tmp_path / f"m.{kind}"), "The model", "somewhere", ["a"], ["b", "c"])
        assert found.keys() == {"a", "b"}, kind
        assert np.array_equal(found["a"], NUMBERS)
        with refused(CheckpointError, "keys", expected="a, c"):
            read(tmp_path / f"m.{kind}", "a", "c")


def test_a_file_is_converted_once(tmp_path):
    sparse = scipy.sparse.csc_matrix(NUMBERS)
    content = {"a": NUMBERS.T, "b": sparse, "c": torch.ones(2), "style": "lbs", "none": None, 5: NUMBERS}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(content, 2))
    assert convert(tmp_path / "m.pkl") == tmp_path / "m.safetensors"
    expected = read(tmp_path / "m.pkl", "a", "b", "c")
    for found in (read(tmp_path / "m.safetensors", "a", "b", "c"), load_file(tmp_path / "m.safetensors")):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value, strict=True)
    with pytest.raises(InputError):
        convert(tmp_path / "m.safetensors")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"a": "text"}))
    with pytest.raises(CheckpointError):
        convert(tmp_path / "m.pkl", tmp_path / "other.safetensors")
    assert sorted(os.listdir(tmp_path)) == ["m.pkl", "m.safetensors"]


# --- hostile files ---------------------------------------------------------------------------------------------------


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def named(module: str, name: str) -> bytes:
    """A program that calls a name on the marker's."""
    parts = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name))
    return b"\x80\x04" + parts + b"\x93\x8c\x03ran\x85R."


NAMES = (
    *("os.system", "subprocess.Popen", "builtins.eval", "builtins.getattr", "builtins.open", "_codecs.open"),
    *("numpy.load", "numpy.memmap", "numpy.testing._private.utils.runstring", "numpy.f2py.crackfortran.myeval"),
    *("torch.load", "chumpyx.run", "scipy.sparse.load_npz", "builtins.object.__subclasses__"),
)
DOTTED = (
    ("numpy", "ndarray.tofile"),
    ("numpy.core.multiarray", "_reconstruct.__globals__"),
    ("chumpy.ch", "os.system"),
    ("_codecs", "encode.__self__"),
    ("torch.storage", "_load_from_bytes.__globals__"),
)
TOUCH = "touch ran"
HOSTILE: dict[str, list[bytes]] = {
    "names": [named(*name.rsplit(".", 1)) for name in NAMES],
    "dotted": [named(*name) for name in DOTTED],
    "reduce": [pickle.dumps(Runs(os.system, TOUCH), protocol) for protocol in PROTOCOLS],
    "instances": [
        b"(S'touch ran'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch ran'\no.",
        b"(cnumpy\nndarray\nK\x02o.",
        b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93\x8c\x09touch ran\x85}\x92.",
        b"\x80\x04cnumpy\nndarray\nK\x02\x85}\x92.",
        b"ccopy_reg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\nNtR.",
        b"ccopy_reg\n_reconstructor\n(K\x01tR.",
    ],
    "outside": [
        b"Psomething\n.",
        b"K\x01Q.",
        b"\x80\x05\x97.",
        b"\x82\xf0.",
        b"\x83\xf0\x00.",
        b"\x84\xf0\x00\x00\x00.",
    ],
    "misuse": [
        b"\x80\x04K\x01K\x02\x93.",
        b"cnumpy\nndarray\n}U\x01xK\x01sb.",
        b"cnumpy\nndarray\nN}U\x01xK\x01s\x86b.",
        b"]}U\x01xK\x01sb.",
        b"])R.",
        b"cnumpy\nndarray\n)R)R.",
        b"cnumpy\nndarray\n]R.",
        b"cnumpy\nndarray\n)RK\x01a.",
        b"cnumpy\nndarray\nU\x04pathU\x01xs.",
        b"}" + b"}" * 60 + b"K\x01s.",
        b"]K\x01K\x02s.",
        b"})" + b"2\x86" * 60 + b"K\x01s.",  # a key that takes forever to hash
        b"(})" + b"2\x86" * 60 + b"K\x01u.",
        b"()" + b"2\x86" * 60 + b"K\x01d.",
    ],
}


@pytest.fixture
def extension():
    copyreg.add_extension("os", "system", 240)
    yield
    copyreg.remove_extension("os", "system", 240)


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pickles_do_nothing_and_are_refused(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program in HOSTILE[kind]:
        # Both alone and where a value is read; a protocol byte may stand inside.
        for content in (program, b"\x80\x04}\x8c\x01a" + program[:-1] + b"s."):
            (tmp_path / "model.pkl").write_bytes(content)
            with pytest.raises(CheckpointError) as caught:
                read("model.pkl", "a")
            assert caught.value.code == "refused" or kind not in ("names", "dotted", "reduce"), program
            assert os.listdir() == ["model.pkl"], program


def test_what_is_refused_is_named():
    with pytest.raises(CheckpointError) as caught:
        read_pickle(io.BytesIO(named("numpy", "ndarray.tofile")), "file")
    assert (caught.value.code, caught.value.actual) == ("refused", "numpy.ndarray.tofile")


def test_hostile_pickles_within_other_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    harm = Runs(os.system, TOUCH)
    inner = pickle.dumps(harm, 2)
    storage = b"ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(inner)) + inner + b"\x85R"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89NtR"
    (tmp_path / "model.pkl").write_bytes(b"\x80\x03}X\x01\x00\x00\x00a" + tensor + b"s.")
    objects = np.array({"a": harm}, dtype=object)
    np.savez("model.npz", a=objects)
    np.save("model.npy", objects)
    for kind in ("pkl", "npz", "npy"):
        with pytest.raises(CheckpointError):
            read(f"model.{kind}", "a")
    assert not (tmp_path / "ran").exists()


def huge_sparse() -> bytes:
    state = {"data": np.ones(1), "indices": np.zeros(1, int), "indptr": np.array([0, 1]), "_shape": (10**12, 1)}
    return Named("scipy.sparse.csc.csc_matrix", state).pickled(2)


def outside_sparse() -> bytes:
    state = {"data": np.ones(1), "indices": np.array([7]), "indptr": np.array([0, 1]), "_shape": (2, 1)}
    return Named("scipy.sparse.csc.csc_matrix", state).pickled(2)


def endless_chumpy() -> bytes:
    return b"\x80\x02}U\x01acchumpy.ch\nCh\n)\x81q\x00}U\x01xh\x00sbs."


def long_array() -> bytes:
    return pickle.dumps({"a": NUMBERS}, 3).replace(b"K\x02K\x03\x86", b"K\x7fK\x7f\x86")


def wide_tensor() -> bytes:
    return pickle.dumps({"a": torch.zeros(7)}, 3).replace(b"K\x00K\x07\x85", b"K\x00K\x70\x85")


def endless_tensor() -> bytes:
    content = pickle.dumps({"a": torch.zeros(7)}, 3)
    return content.replace(b"K\x07\x85", b"J\xff\xff\xff\x7f\x85").replace(b"K\x01\x85", b"K\x00\x85")


def test_values_that_do_not_add_up_are_damaged(tmp_path):
    for content in (
        huge_sparse(),
        outside_sparse(),
        endless_chumpy(),
        long_array(),
        wide_tensor(),
        endless_tensor(),
    ):
        (tmp_path / "model.pkl").write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            read(tmp_path / "model.pkl", "a")
        assert caught.value.code == "unreadable"


def test_values_that_are_no_numbers_are_named(tmp_path):
    odd = (
        None,
        "text",
        b"bytes",
        {"x": 1},
        np.array(["text"]),
        np.array([None, {}], object),
        [[1], [2]],
        [1.0, "text"],
    )
    for value in (*odd, np.zeros(2, "c8")):
        (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": value}))
        with pytest.raises(CheckpointError, match=r"^a of ") as caught:
            read(tmp_path / "model.pkl", "a")
        assert caught.value.code == "values"


def test_copies_of_a_long_list_take_no_memory():
    length, copies = 1 << 16, 1 << 10  # 66 kB and 12 kB of program, half a gigabyte if each copy were made
    for name in (b"__builtin__\nset", b"collections\nOrderedDict"):
        for long in (b"]q\x00(" + b"N" * length + b"e0", b"(" + b"N" * length + b"tq\x000"):
            call = b"h\x01h\x00R" if long.startswith(b"(") else b"h\x01h\x00\x85R"
            program = b"\x80\x02" + long + b"c" + name + b"\nq\x010](" + call * copies + b"e."
            tracemalloc.start()
            with contextlib.suppress(CheckpointError):
                read_pickle(io.BytesIO(program), "file")
            assert tracemalloc.get_traced_memory()[1] < 32 << 20
            tracemalloc.stop()


# --- damaged files ---------------------------------------------------------------------------------------------------


def torch_file() -> bytes:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, file)
    return file.getvalue()


@pytest.mark.parametrize("name", ["model.pkl", "model.npz", "model.npy", "model.safetensors"])
def test_damaged_files_are_checkpoint_errors(tmp_path, name):
    texts = (b"", b"K", b"<html>rate limited</html>", b"some text\nwith lines\n", b"a.", b"t.", b"h\x07.", b".")
    heads = (b"PK\x03\x04", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x00\x00")
    pickled = (pickle.dumps({"a": NUMBERS})[:-40], pickle.dumps([NUMBERS]))
    for content in (*texts, *heads, *pickled, torch_file()):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError):
            read(tmp_path / name, "a")


def test_npy_of_numbers_is_not_a_dictionary(tmp_path):
    np.save(tmp_path / "model.npy", NUMBERS)
    with refused(CheckpointError, "unreadable"):
        read(tmp_path / "model.npy", "a")


def test_cut_files_are_checkpoint_errors_wherever_they_end(tmp_path):
    content = pickle.dumps({"a": NUMBERS, "b": scipy.sparse.csc_matrix(NUMBERS)}, 2)
    for end in range(0, len(content), 7):
        (tmp_path / "model.pkl").write_bytes(content[:end])
        with pytest.raises(CheckpointError):
            read(tmp_path / "model.pkl", "a")


def test_flipped_bytes_raise_nothing_else(tmp_path):
    content = pickle.dumps({"a": NUMBERS, "b": torch.zeros(3), "c": scipy.sparse.csc_matrix(NUMBERS)}, 2)
    random = np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 3):
            damaged[place] = random.integers(256)
        (tmp_path / "model.pkl").write_bytes(damaged)
        with contextlib.suppress(CheckpointError):
            read(tmp_path / "model.pkl", "a", "b", "c")


def test_folders_and_missing_files(tmp_path):
    with refused(MissingCheckpointError, hint="get it: somewhere"):
        read(tmp_path / "absent.pkl", "a")
    with pytest.raises(CheckpointError) as caught:
        read(tmp_path, "a")
    assert (caught.value.expected, caught.value.actual) == ("a file", "a folder")


def test_shapes_bind_letters():
    arrays = {"a": np.zeros((4, 3)), "b": np.zeros((4, 5))}
    check_shapes(arrays, {"a": ("V", 3), "b": ("V", 5)}, "file")
    for shapes, expected in (({"a": ("V", 3), "b": ("V", 6)}, "(4, 6)"), ({"a": ("V", 3, 2)}, "(V, 3, 2)")):
        with pytest.raises(CheckpointError) as caught:
            check_shapes(arrays, shapes, "file")
        assert (caught.value.code, caught.value.expected) == ("shape", expected)
        assert caught.value.actual == arrays[list(shapes)[-1]].shape
    with pytest.raises(CheckpointError) as caught:
        check_shapes({"a": np.array([np.nan])}, {"a": (1,)}, "file")
    assert caught.value.code == "values"


def test_indices_must_point_at_something():
    for values in ([0, 3], [-1, 0], [0.5], [1e300]):
        with pytest.raises(CheckpointError) as caught:
            check_indices(np.array(values), 3, "f", "file")
        assert caught.value.expected == "integers in [0, 3)"

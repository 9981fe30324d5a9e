import contextlib
import copyreg
import io
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import torch
from safetensors.numpy import save_file

from common.errors import CheckpointError, MissingCheckpointError
from common.face3d.arrays import as_array, check_indices, check_shapes, read_arrays
from common.face3d.pickles import read_pickle

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


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
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
    ],
)
def test_arrays_and_numbers_come_back_whatever_the_protocol(value, protocol):
    array = unpickle(pickle.dumps(value, protocol))
    assert np.array_equal(array, value)
    assert array.dtype.isnative


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["csc_matrix", "csr_matrix", "csc_array", "csr_array"])
def test_compressed_matrices_come_back_dense(kind, protocol):
    dense = np.random.default_rng(0).integers(0, 3, (5, 8)).astype(np.float64)
    matrix = getattr(scipy.sparse, kind)(dense)
    assert np.array_equal(unpickle(pickle.dumps(matrix, protocol)), dense)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tensors_come_back(protocol):
    tensor = torch.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(unpickle(pickle.dumps(tensor, protocol)), tensor)
    assert np.array_equal(unpickle(pickle.dumps(tensor[1].T, protocol)), tensor[1].T)


@pytest.mark.parametrize("module", ["scipy.sparse.csc", "scipy.sparse._csc"])
@pytest.mark.parametrize("protocol", [0, 2])
def test_old_names_of_scipy_are_known(tmp_path, module, protocol):
    matrix = scipy.sparse.csc_matrix(NUMBERS)
    state = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "_shape": (2, 3), "maxprint": 50}
    (tmp_path / "old.pkl").write_bytes(Named(f"{module}.csc_matrix", state).pickled(protocol))
    assert np.array_equal(read(tmp_path / "old.pkl", "a")["a"], NUMBERS)


@pytest.mark.parametrize("protocol", [0, 2])
def test_arrays_of_chumpy_need_no_chumpy(tmp_path, protocol):
    state = {"x": NUMBERS, "_dirty_vars": {"x"}, "_itr": None}
    (tmp_path / "ch.pkl").write_bytes(Named("chumpy.ch.Ch", state).pickled(protocol))
    assert np.array_equal(read(tmp_path / "ch.pkl", "a")["a"], NUMBERS)
    assert "chumpy" not in sys.modules


def test_a_choice_of_chumpy_is_worked_out(tmp_path):
    state = {"a": NUMBERS, "idxs": np.array([0, 1, 3, 4]), "preferred_shape": (2, 2)}
    (tmp_path / "select.pkl").write_bytes(Named("chumpy.reordering.Select", state).pickled(2))
    assert np.array_equal(read(tmp_path / "select.pkl", "a")["a"], NUMBERS[:, :2])


def test_a_formula_of_chumpy_only_matters_where_it_is_wanted(tmp_path):
    (tmp_path / "sum.pkl").write_bytes(Named("chumpy.ch_ops.add", {"a": NUMBERS}).pickled(2))
    assert read_arrays(tmp_path / "sum.pkl", "The model", "somewhere") == {}
    with pytest.raises(CheckpointError, match=r"chumpy\.ch_ops\.add"):
        read(tmp_path / "sum.pkl", "a")


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
        with pytest.raises(CheckpointError, match="lacks c"):
            read(tmp_path / f"m.{kind}", "a", "c")


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(command: str, marker: str) -> dict[str, bytes]:
    """Pickles that would run the command, or write the marker, in Python's own unpickler or a careless one."""
    import os

    line, text = command.encode(), b"X" + struct.pack("<I", len(command)) + command.encode()

    def dotted(module: str, name: str) -> bytes:
        parts = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name))
        return b"\x80\x04" + parts + b"\x93" + text + b"\x85R."

    programs = {f"reduce-{p}": pickle.dumps(Runs(os.system, command), p) for p in PROTOCOLS}
    programs |= {
        "eval": pickle.dumps(Runs(eval, f"__import__('os').system({command!r})")),
        "getattr": b"\x80\x02c__builtin__\ngetattr\nc__builtin__\n__import__\nU\x02os\x85RU\x06system\x86R"
        + text
        + b"\x85R.",
        "popen": pickle.dumps(Runs(subprocess.Popen, ["sh", "-c", command])),
        "newobj": b"\x80\x02csubprocess\nPopen\n" + text + b"\x85\x81.",
        "newobj_ex": b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93" + text + b"\x85}\x92.",
        "newobj_ex-known": b"\x80\x04cnumpy\nndarray\nK\x02\x85}\x92.",
        "inst": b"(S'" + line + b"'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'" + line + b"'\no.",
        "obj-known": b"(cnumpy\nndarray\nK\x02o.",
        "runstring": b"cnumpy.testing._private.utils\nrunstring\n(S'" + line + b"'\n}tR.",
        "f2py": b"cnumpy.f2py.crackfortran\nmyeval\n(S'" + line + b"'\ntR.",
        "load": b"cnumpy\nload\n(S'" + marker.encode() + b"'\nNI01\ntR.",
        "memmap": b"cnumpy\nmemmap\n(S'" + marker.encode() + b"'\nS'u1'\nS'w+'\ntR.",
        "tofile": dotted("numpy", "ndarray.tofile"),
        "globals": dotted("numpy.core.multiarray", "_reconstruct.__globals__"),
        "chumpy-dotted": dotted("chumpy.ch", "os.system"),
        "chumpy-like": dotted("chumpyx", "run"),
        "codecs": b"c_codecs\nopen\n(S'" + marker.encode() + b"'\nS'w'\ntR.",
        "codecs-dotted": dotted("_codecs", "encode.__self__"),
        "name-no-text": b"\x80\x04K\x01K\x02\x93.",
        "persid": b"Psomething\n.",
        "binpersid": b"K\x01Q.",
        "buffer": b"\x80\x05\x97.",
        "state-of-class": b"cnumpy\nndarray\n}U\x01xK\x01sb.",
        "slots-of-class": b"cnumpy\nndarray\nN}U\x01xK\x01s\x86b.",
        "state-of-list": b"]}U\x01xK\x01sb.",
        "call-of-list": b"])R.",
        "call-of-call": b"cnumpy\nndarray\n)R)R.",
        "arguments-no-tuple": b"cnumpy\nndarray\n]R.",
        "items-of-call": b"cnumpy\nndarray\n)RK\x01a.",
        "pairs-of-list": b"]K\x01K\x02s.",
        "reconstructor": b"ccopy_reg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\nNtR.",
        "reconstructor-odd": b"ccopy_reg\n_reconstructor\n(K\x01tR.",
        "tuple-as-key": b"})" + b"2\x86" * 60 + b"K\x01s.",  # hashing it would take for ever
        "getattribute": b"c__builtin__\nobject.__subclasses__\n)R.",
        "torch": b"ctorch\nload\n(S'" + marker.encode() + b"'\ntR.",
        "old-torch": b"ctorch.storage\n_load_from_bytes.__globals__\n)R.",
    }
    return programs


@pytest.mark.parametrize("name", hostile("true", "marker"))
def test_hostile_pickles_do_nothing_and_are_refused(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = hostile("touch ran", "ran")[name]
    # Both alone and where a value is read; a protocol byte may stand inside.
    for content in (program, b"\x80\x04}\x8c\x01a" + program[:-1] + b"s."):
        (tmp_path / "model.pkl").write_bytes(content)
        with pytest.raises(CheckpointError, match="refused"):
            read("model.pkl", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pkl"]


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "numpy.ndarray.tofile"])
def test_what_is_refused_is_named(name):
    module, name = name.split(".", 1)
    program = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(p)]) + p.encode() for p in (module, name)) + b"\x93."
    with pytest.raises(CheckpointError, match=f"{module}.{name}"):
        read_pickle(io.BytesIO(program), "file")


def test_the_extension_registry_is_not_asked():
    copyreg.add_extension("os", "system", 240)
    try:
        for program in (b"\x82\xf0.", b"\x83\xf0\x00.", b"\x84\xf0\x00\x00\x00."):
            with pytest.raises(CheckpointError, match="EXT"):
                read_pickle(io.BytesIO(program), "file")
    finally:
        copyreg.remove_extension("os", "system", 240)


def test_a_hostile_pickle_within_a_tensor_is_refused(tmp_path, monkeypatch):
    import os

    monkeypatch.chdir(tmp_path)
    inner = pickle.dumps(Runs(os.system, "touch ran"), 2)
    storage = b"ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(inner)) + inner + b"\x85R"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89NtR"
    (tmp_path / "model.pkl").write_bytes(b"\x80\x03}X\x01\x00\x00\x00a" + tensor + b"s.")
    with pytest.raises(CheckpointError, match="Cannot read"):
        read("model.pkl", "a")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["npz", "npy"])
def test_hostile_pickles_within_numpy_files_are_refused(tmp_path, monkeypatch, place):
    import os

    monkeypatch.chdir(tmp_path)
    objects = np.array({"a": Runs(os.system, "touch ran")}, dtype=object)
    np.savez("model.npz", a=objects)
    np.save("model.npy", objects)
    with pytest.raises(CheckpointError):
        read(f"model.{place}", "a")
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


@pytest.mark.parametrize(
    "content",
    [huge_sparse(), outside_sparse(), endless_chumpy(), long_array(), wide_tensor(), endless_tensor()],
    ids=["huge-sparse", "outside-sparse", "endless-chumpy", "long-array", "wide-tensor", "endless-tensor"],
)
def test_values_that_do_not_add_up_are_damaged(tmp_path, content):
    (tmp_path / "model.pkl").write_bytes(content)
    with pytest.raises(CheckpointError, match="Cannot read"):
        read(tmp_path / "model.pkl", "a")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        b"bytes",
        {"x": 1},
        np.array(["text"]),
        np.array([None, {}], object),
        [[1], [2]],
        [1.0, "text"],
        np.zeros(2, "c8"),
    ],
)
def test_values_that_are_no_numbers_are_named(tmp_path, value):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": value}))
    with pytest.raises(CheckpointError, match="is no array of numbers"):
        read(tmp_path / "model.pkl", "a")


def torch_file() -> bytes:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, file)
    return file.getvalue()


@pytest.mark.parametrize("name", ["model.pkl", "model.npz", "model.npy", "model.safetensors"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"K",
        b"<html>rate limited</html>",
        b"some text\nwith lines\n",
        b"PK\x03\x04",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\x00\x00",
        pickle.dumps({"a": NUMBERS})[:-40],
        pickle.dumps([NUMBERS]),
        b"a.",
        b"t.",
        b"h\x07.",
        b".",
        torch_file(),
    ],
)
def test_damaged_files_are_checkpoint_errors(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError):
        read(tmp_path / name, "a")


def test_npy_of_numbers_is_not_a_dictionary(tmp_path):
    np.save(tmp_path / "model.npy", NUMBERS)
    with pytest.raises(CheckpointError, match="one dictionary"):
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
    with pytest.raises(MissingCheckpointError, match="somewhere"):
        read(tmp_path / "absent.pkl", "a")
    with pytest.raises(CheckpointError, match="folder"):
        read(tmp_path, "a")


def test_shapes_bind_letters():
    arrays = {"a": np.zeros((4, 3)), "b": np.zeros((4, 5))}
    check_shapes(arrays, {"a": ("V", 3), "b": ("V", 5)}, "file")
    with pytest.raises(CheckpointError, match=r"b of file.*\n.*expected: \(4, 6\)\n.*got: +\(4, 5\)"):
        check_shapes(arrays, {"a": ("V", 3), "b": ("V", 6)}, "file")
    with pytest.raises(CheckpointError, match="expected: \\(V, 3, 2\\)"):
        check_shapes(arrays, {"a": ("V", 3, 2)}, "file")
    with pytest.raises(CheckpointError, match="finite"):
        check_shapes({"a": np.array([np.nan])}, {"a": (1,)}, "file")


@pytest.mark.parametrize("values", [[0, 3], [-1, 0], [0.5], [1e300]])
def test_indices_must_point_at_something(values):
    with pytest.raises(CheckpointError, match=r"\[0, 3\)"):
        check_indices(np.array(values), 3, "f", "file")


def test_copies_of_a_long_list_end_before_the_memory_does():
    length, copies = 1 << 16, 1 << 10  # 66 kB and 12 kB of program, half a gigabyte of copies
    program = (
        b"\x80\x02]q\x00(" + b"N" * length + b"e0c__builtin__\nset\nq\x010](" + b"h\x01h\x00\x85R" * copies + b"e."
    )
    with pytest.raises(CheckpointError, match="copies"):
        read_pickle(io.BytesIO(program), "file")

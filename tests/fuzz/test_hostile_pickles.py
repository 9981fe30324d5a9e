"""No loader runs what a pickle holds: the file is refused by name, whatever form the pickle has."""

from __future__ import annotations

import ast
import io
import pickle
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from guards import guarded
from runs import ROOT

from common.core.errors import CheckpointError, FaceEditError
from common.diffusion.loading import PARSER_FILE
from common.face3d.heads.bfm import Bfm
from common.face3d.heads.flame import Flame
from common.face3d.heads.flame_files import FlameLandmarks, FlameTexture, read_parts
from common.measure.regressor import Regressor
from common.measure.traits import TraitReader
from common.parsing.bisenet import BiSeNetParser
from common.training.loop import Run
from common.weights.state_dict import read_pickled, read_weights
from fineface.checkpoints import read_adapter
from fineface.faceid import read_faceid
from fineface.variants import SD15_FACEID, SD21, WHOLE
from rigface.conditioning import read_coefficients
from rigface.released.d3dfr import D3dfr
from rigface.released.deca import Deca

identity = import_module("common.measure.identity")  # the package has a function of that name
FACES = torch.tensor([[0, 1, 2]])


class Touches:
    """Unpickled by Python's own machine, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def forms(marker: Path) -> dict[str, bytes]:
    """The same pickle as each of the libraries would write it."""
    harm, found = {"a": Touches(marker)}, {f"pickle {p}": pickle.dumps({"a": Touches(marker)}, p) for p in (0, 2, 4, 5)}
    for name, zipped in (("torch", True), ("old torch", False)):
        torch.save(harm, file := io.BytesIO(), _use_new_zipfile_serialization=zipped)
        found[name] = file.getvalue()
    np.save(file := io.BytesIO(), np.array(harm, object), allow_pickle=True)
    found["npy"] = file.getvalue()
    np.savez(file := io.BytesIO(), a=np.array(harm, object), v_template=np.array(harm, object))
    return found | {"npz": file.getvalue()}


def test_the_forms_do_harm_where_they_are_run(tmp_path):
    for name, content in forms(tmp_path / "ran").items():
        file = io.BytesIO(content)
        with np.load(file, allow_pickle=True) if name == "npz" else io.BytesIO() as archive:
            if name == "npz":
                archive["a"].item()["a"].close()
            elif name == "npy":
                np.load(file, allow_pickle=True).item()["a"].close()
            elif "torch" in name:
                torch.load(file, weights_only=False)["a"].close()
            else:
                pickle.loads(content)["a"].close()
        assert (tmp_path / "ran").exists(), name
        (tmp_path / "ran").unlink()


def adapter(folder: Path) -> object:
    (folder / f"{SD21.encoder}.ckpt").write_bytes((folder / f"{SD21.processors}.ckpt").read_bytes())
    return read_adapter(folder, SD21)


def encoder(folder: Path) -> object:
    torch.save({"a": torch.zeros(1)}, folder / f"{WHOLE.processors}.ckpt")
    return read_adapter(folder, WHOLE)


def dlib(folder: Path) -> object:
    pytest.importorskip("dlib", reason="dlib is not installed")
    identity._dlib.cache_clear()
    try:
        return identity._dlib()
    finally:
        identity._dlib.cache_clear()


def training(folder: Path) -> object:
    run = object.__new__(Run)
    run.config = run.accelerator = None  # type: ignore[assignment] - it gets no further
    return run._load(folder, 1)


LOADERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "any": ("a.bin", lambda folder: read_pickled(folder / "a.bin")),
    "any safetensors": ("a.safetensors", lambda folder: read_weights(folder / "a.safetensors")),
    "the AU adapter": (f"{SD21.processors}.ckpt", adapter),
    "the AU encoder": (f"{WHOLE.encoder}.ckpt", encoder),
    "FaceID": (str(SD15_FACEID.faceid), lambda folder: read_faceid(folder / str(SD15_FACEID.faceid))),
    "BiSeNet": (PARSER_FILE, lambda folder: BiSeNetParser(folder / PARSER_FILE)),
    "D3DFR": ("d3dfr_res50_nofc.pth", lambda folder: D3dfr.from_file(folder / "d3dfr_res50_nofc.pth")),
    "DECA": ("deca_model.tar", lambda folder: Deca.from_file(folder / "deca_model.tar")),
    "FLAME": ("generic_model.pkl", lambda folder: Flame.from_file(folder / "generic_model.pkl")),
    "FLAME's landmarks": ("marks.npy", lambda folder: FlameLandmarks(folder / "marks.npy", FACES)),
    "FLAME's texture": ("texture.npz", lambda folder: FlameTexture(folder / "texture.npz")),
    "FLAME's parts": ("masks.pkl", lambda f: read_parts(f / "masks.pkl", FACES.numpy(), np.zeros(3, bool))),
    "BFM": ("BFM_model_front.mat", lambda folder: Bfm.from_file(folder / "BFM_model_front.mat")),
    "coefficients": ("c.npy", lambda folder: read_coefficients(folder / "c.npy")),
    "the regressor": ("r.safetensors", lambda folder: Regressor(weights=folder / "r.safetensors")),
    "the traits": ("t.safetensors", lambda folder: TraitReader(weights=folder / "t.safetensors")),
    "dlib": (identity._NETWORK, dlib),
    "a training": ("custom_checkpoint_0.pkl", training),
}


@pytest.mark.parametrize("loader", LOADERS)
def test_no_pickle_runs_and_its_file_is_named(loader, tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "_models", lambda: tmp_path)
    name, read = LOADERS[loader]
    marker = tmp_path / "ran"
    for form, content in forms(marker).items():
        (tmp_path / name).write_bytes(content)
        with guarded(), pytest.raises(FaceEditError) as error:
            read(tmp_path)
        assert not marker.exists(), form
        assert name in str(error.value) or str(tmp_path) in str(error.value), form


def test_a_number_that_is_repeated_without_end_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1).expand(2**20, 2**20)}, tmp_path / "a.ckpt")
    with guarded(), pytest.raises(CheckpointError, match=r"a\.ckpt.*\(1048576, 1048576\)") as caught:
        read_pickled(tmp_path / "a.ckpt")
    assert caught.value.code == "refused"


def test_what_are_no_tensors_are_named(golden_sd21, tmp_path):
    for stem in (SD21.processors, SD21.encoder):
        content = torch.load(golden_sd21 / f"{stem}.ckpt", weights_only=True)
        torch.save({**content, 5: "five"}, tmp_path / f"{stem}.ckpt")
    with pytest.raises(CheckpointError, match=r"ckpt.*'5'") as caught:
        read_adapter(tmp_path, SD21)
    assert caught.value.code == "keys"


def test_layers_of_an_adapter_take_no_memory_until_they_fit(tmp_path):
    """Two small tensors, of which a layer of 4 TB could be made."""
    key = "down_blocks.0.attentions.{}.transformer_blocks.0.attn2.processor.au_to_k.weight"
    torch.save(
        {key.format(0): torch.zeros(1, 2**20), key.format(1): torch.zeros(2**20, 1)},
        tmp_path / f"{SD21.processors}.ckpt",
    )
    torch.save({"au_encoder.bias": torch.zeros(4)}, tmp_path / f"{SD21.encoder}.ckpt")
    with guarded(), pytest.raises(CheckpointError) as caught:
        read_adapter(tmp_path, SD21)
    assert caught.value.code == "keys"


# --- and none will be added -------------------------------------------------------------------------------------------

FORBIDDEN = {"pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "torch.jit.load", "torch.hub.load"}
FORBIDDEN |= {"eval", "exec", "os.system", "marshal.loads", "shelve.open", "dill.load", "cloudpickle.load"}


def calls() -> list[tuple[str, ast.Call]]:
    """Every call in the packages, with the place where it stands."""
    files = [
        path for package in ("common", "magicface", "rigface", "fineface") for path in (ROOT / package).rglob("*.py")
    ]
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


def test_no_call_can_run_a_file():
    for place, call in calls():
        name = ast.unparse(call.func)
        options = {option.arg: option.value for option in call.keywords}
        assert name not in FORBIDDEN, place
        for option, value in (("weights_only", True), ("allow_pickle", False)):
            assert option not in options or getattr(options[option], "value", None) is value, place
        assert name != "torch.load" or "weights_only" in options, place
        assert not {"trust_remote_code", "custom_pipeline"} & options.keys(), place

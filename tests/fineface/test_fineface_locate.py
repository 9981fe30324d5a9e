"""Which model a call takes, where it lies, and its own settings."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import CheckpointError, InputError, MissingCheckpointError
from common.editing.cache import EditorCache
from common.weights.unet import load_unet
from fineface import FineFace, edit, generate
from fineface import _api as api
from fineface.adapter import AUAdapter
from fineface.checkpoints import save_adapter
from fineface.request import PUBLISHED
from fineface.variants import BASE_FILES, PIPELINE, RELEASE, SD15_FACEID, SD21, STEPS_IN, WHOLE, locate

pytestmark = pytest.mark.usefixtures("one_thread")

FAST = {"seed": 1, "progress": False, "device": "cpu"}


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name.replace("*", "vocab.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FACE_RIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def small(tmp_path) -> Path:
    """What an embedded model consists of."""
    names = [PIPELINE, "attn_processors.safetensors", "au_encoder.safetensors", *BASE_FILES]
    return touch(tmp_path / "small", *names)


@pytest.fixture
def none(tmp_path) -> Path:
    return tmp_path / "no embedded model"


def places(home: Path, variant) -> tuple[Path, Path, object]:
    """Where a published variant lies or would lie."""
    return home / RELEASE.replace("/", "--"), home / variant.bases[0].replace("/", "--"), variant


# --- where -----------------------------------------------------------------------------------------------------------


def test_without_an_embedded_model_it_is_the_published_one(home, none):
    assert locate(embedded=none) == places(home, SD21)
    assert locate(identity=True, embedded=none) == places(home, SD15_FACEID)
    assert locate(variant="sd15-faceid", embedded=none) == places(home, SD15_FACEID)


def test_the_embedded_model_stands_in_where_nothing_was_fetched(home, small):
    assert locate(embedded=small) == locate(variant="whole", embedded=small) == (small, small, WHOLE)
    assert locate("embedded", embedded=small) == (small, small, WHOLE)
    touch(home / RELEASE.replace("/", "--"), "attn_processors.ckpt")
    assert locate(embedded=small) == places(home, SD21)
    assert locate("embedded", identity=True, embedded=small) == (small, small, WHOLE)


@pytest.mark.parametrize("asked", ["identity", "base", "variant", "model"])
def test_it_does_not_where_something_else_is_asked_for(home, small, tmp_path, asked):
    """A person, a base, a variant or a repository: none of them is the small model's."""
    base = touch(tmp_path / "base", *BASE_FILES)
    options = {"identity": {"identity": True}, "base": {"base": base}, "variant": {"variant": "sd21"}}
    found = locate(**options.get(asked, {"model": RELEASE}), embedded=small)
    folder, own, variant = places(home, SD15_FACEID if asked == "identity" else SD21)
    assert found == (folder, base if asked == "base" else own, variant)


def test_an_embedded_model_that_is_not_whole_is_none(home, small, none):
    (small / "unet" / "config.json").unlink()
    for place in (small, none):
        assert locate(embedded=place) == places(home, SD21)
        with refused(MissingCheckpointError):
            locate("embedded", embedded=place)


def test_a_folder_says_which_variant_it_is(home, small, none, tmp_path):
    assert locate(small, embedded=none) == locate(str(small), identity=True, embedded=none) == (small, small, WHOLE)
    plain = touch(tmp_path / "mine", "attn_processors.safetensors")
    assert locate(plain, embedded=small) == (plain, *places(home, SD21)[1:])
    assert locate(plain, identity=True, embedded=small) == (plain, *places(home, SD15_FACEID)[1:])
    assert locate(plain, variant="whole", embedded=small) == (plain, plain, WHOLE)
    assert locate(small, variant="sd21", embedded=none) == (small, *places(home, SD21)[1:])
    assert locate(plain, base=small, embedded=none) == (plain, small, SD21)


def test_the_base_is_the_first_that_was_fetched(home, none):
    second = touch(home / SD21.bases[1].replace("/", "--"), *BASE_FILES)
    assert locate(embedded=none)[1] == second
    first = touch(home / SD21.bases[0].replace("/", "--"), *BASE_FILES)
    assert locate(embedded=none)[1] == first
    assert locate(base=SD21.bases[1], embedded=none)[1] == second


def test_what_cannot_be_located_is_reported(home, none):
    with refused(InputError, "unknown", expected="sd21, sd15-faceid, whole", actual="sd3"):
        locate(variant="sd3", embedded=none)
    with pytest.raises(InputError, match="owner/name"):
        locate("absent", embedded=none)
    assert locate(variant="whole", embedded=none)[2] == WHOLE
    with pytest.raises(MissingCheckpointError, match="attn_processors"):
        FineFace.from_pretrained(home.parent, variant="whole", device="cpu")


# --- what a call takes -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_folder(base, tmp_path_factory) -> Path:
    """A whole model of tiny random networks, with settings of its own."""
    folder = tmp_path_factory.mktemp("whole") / "model"
    shutil.copytree(base, folder)
    save_adapter(AUAdapter.from_unet(load_unet(folder / "unet"), 8), folder, WHOLE)
    (folder / "editor.json").write_text(json.dumps({"steps": 3, "guidance": 1.0, "region": "head", "zoom": 1.2}))
    return folder


@pytest.fixture
def embedded(whole_folder, home, monkeypatch) -> Path:
    """The same, as if it lay in the package, and nothing were fetched."""
    monkeypatch.setitem(locate.__kwdefaults__, "embedded", whole_folder)
    monkeypatch.setattr(FineFace, "embedded", whole_folder)
    monkeypatch.setattr(api.verbs, "editors", EditorCache(FineFace))
    return whole_folder


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_a_folders_settings_are_honoured_and_overridden(whole_folder, monkeypatch):
    editor = FineFace.from_pretrained(whole_folder, device="cpu")
    calls, original = [], editor.pipeline.unet.forward
    monkeypatch.setattr(
        editor.pipeline.unet, "forward", lambda sample, *a, **k: calls.append(len(sample)) or original(sample, *a, **k)
    )
    for options, steps, rows in (({}, 3, 1), ({"steps": 5}, 5, 1), ({"guidance": 2.0}, 3, 2)):
        calls.clear()
        editor.generate("a man", {"AU12": 3}, seed=1, progress=False, **options)
        assert calls == [rows] * (steps + 1)  # PNDM takes one more than it is told


def test_a_folder_needs_no_variant(whole_folder):
    options = {"model": whole_folder, **FAST}
    made = generate("a man", {"AU12": 3}, **options)
    assert (
        pixels(made) == pixels(generate("a man", {"AU12": 3}, variant="whole", steps=3, guidance=1, **options))
    ).all()
    assert (pixels(made) != pixels(generate("a man", {"AU12": 3}, steps=2, **options))).any()


def test_extent_and_zoom_of_a_folder_are_those_of_an_edit(whole_folder, astronaut):
    options = {"device": "cpu", "detector": "mediapipe", "parser": "grabcut"}
    editor = FineFace.from_pretrained(whole_folder, **options)
    head, face = editor.encode(astronaut), editor.encode(astronaut, region="face")
    assert (head.record["region"], face.record["region"]) == ("head", "face")
    assert head.mask.sum() > face.mask.sum()
    editor.defaults = PUBLISHED
    far = editor.encode(astronaut)
    assert far.record["region"] == "face"
    assert head.crop.matrix[0, 0] == pytest.approx(1.2 * far.crop.matrix[0, 0], rel=0.03)


def test_settings_that_no_model_has_are_reported(whole_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(whole_folder, folder)
    (folder / "editor.json").write_text('{"step": 3}')
    with pytest.raises(CheckpointError, match=r"editor\.json(.|\n)*step"):
        FineFace.from_pretrained(folder, device="cpu")


def test_the_embedded_model_is_taken_and_logged_once(embedded, caplog):
    with caplog.at_level(logging.WARNING, "fineface"):
        first = generate("a man", {"AU12": 3}, **FAST)
        assert first.size == (64, 64)
        generate("a man", {"AU12": 4}, **FAST)
    assert [record.getMessage() for record in caplog.records] == [STEPS_IN]
    caplog.clear()
    assert (pixels(generate("a man", {"AU12": 3}, model="embedded", **FAST)) == pixels(first)).all()
    assert not caplog.records  # who asks for it knows


def test_a_photo_is_edited_by_the_embedded_networks_only_where_they_are_named(embedded, tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    options = {"detector": "mediapipe", "parser": "grabcut", **FAST}
    unnamed, warped, named = (
        edit(tmp_path / "photo.png", {"AU12": 3}, **options, **asked)
        for asked in ({}, {"engine": "warp"}, {"model": "embedded"})
    )
    assert unnamed.size == named.size == (512, 512)
    assert (pixels(unnamed) == pixels(warped)).all()
    assert (pixels(unnamed) != pixels(named)).any()


def test_faces_need_the_published_model(embedded):
    with pytest.raises(MissingCheckpointError, match="fineface download --variant sd15-faceid"):
        generate("a man", {"AU12": 3}, identity=np.ones((1, 512)), **FAST)

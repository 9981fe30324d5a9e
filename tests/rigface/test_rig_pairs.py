"""Users' pairs: prepared once, from MagicFace's lists, and read for training."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import InputError
from common.faces import Crop, get_detector
from rigface.data import ManifestRigs
from rigface.prepare_pairs import prepare_pairs


@pytest.fixture
def pairs(tmp_path, astronaut):
    """Two pairs of which the second shows nobody, as `magicface prepare-videos` lists them."""
    face = get_detector("mediapipe").find(astronaut)[0]
    crop = Crop.around(face.box, (512, 512), 256).apply(astronaut)
    Image.fromarray(crop).save(tmp_path / "a.png")
    Image.fromarray(np.ascontiguousarray(crop[:, ::-1])).save(tmp_path / "b.png")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "nobody.png")
    rows = [{"source": "a.png", "target": "b.png", "au_source": {}}, {"source": "nobody.png", "target": "b.png"}]
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path / "pairs.jsonl"


def test_pairs_are_prepared_once_and_read(pairs, rigface_editor, caplog):
    out = pairs.parent / "rig" / "pairs.jsonl"
    assert prepare_pairs(pairs, out, rigface_editor, progress=False) == (1, 1)
    assert "nobody.png" in caplog.text
    looked = rigface_editor.reconstructor.looked
    assert prepare_pairs(pairs, out, rigface_editor, progress=False) == (1, 1)
    assert rigface_editor.reconstructor.looked == looked  # nothing is done twice
    data = ManifestRigs(out, 64)
    assert (len(data), len(data.vectors[0])) == (1, 64)
    pair = data[0]
    assert {name: tuple(value.shape) for name, value in pair.items()} == {
        "source": (3, 64, 64),
        "target": (3, 64, 64),
        "conditioning_images": (2, 3, 64, 64),
        "vector": (64,),
    }
    row = json.loads(out.read_text())
    render = np.asarray(Image.open(out.parent / row["render"]))
    assert np.array_equal(pair["conditioning_images"][1].mul(255).round().byte().permute(1, 2, 0).numpy(), render)


def test_coefficients_may_lie_in_files(pairs, rigface_editor):
    out = pairs.parent / "rig" / "pairs.jsonl"
    prepare_pairs(pairs, out, rigface_editor, progress=False)
    row = json.loads(out.read_text())
    np.save(out.parent / "numbers.npy", np.arange(64, dtype=np.float32))
    out.write_text(json.dumps({**row, "coefficients": "numbers.npy"}))
    assert ManifestRigs(out, 64)[0]["vector"].tolist() == list(range(64))
    for bad, name in (("absent.npy", "absent"), ([], r"\(0,\)"), ([float("nan")], r"\(1,\)"), ("[1, 2", "JSON")):
        out.write_text(json.dumps({**row, "coefficients": bad}))
        with pytest.raises(InputError, match=name):
            ManifestRigs(out, 64)
    out.write_text(json.dumps(row) + "\n" + json.dumps({**row, "coefficients": [1.0]}))
    with refused(InputError, "shape", actual=[1, 64]):
        ManifestRigs(out, 64)


def test_what_cannot_be_prepared_is_refused(pairs, rigface_editor):
    with refused(InputError, "name", actual=str(pairs)):
        prepare_pairs(pairs, pairs, rigface_editor)
    empty = pairs.parent / "empty.jsonl"
    empty.write_text(json.dumps({"source": "a.png"}))
    with pytest.raises(InputError, match="source and target"):
        prepare_pairs(empty, pairs.parent / "out.jsonl", rigface_editor)
    Image.new("RGB", (60, 40)).save(pairs.parent / "wide.png")
    empty.write_text(json.dumps({"source": "wide.png", "target": "wide.png"}))
    with pytest.raises(InputError, match="60 x 40"):
        prepare_pairs(empty, pairs.parent / "wide.jsonl", rigface_editor)

"""Pictures of FineFace and RigFace, made again from what their files say."""

from __future__ import annotations

import pytest
from breadth import breadth
from PIL import Image
from runs import ROOT

from common.provenance.picture import carry
from common.provenance.recipe import Recipe
from common.provenance.verify import read_recipe
from fineface import edit as fine_edit
from fineface import generate
from fineface.__main__ import main as fineface
from rigface import edit as rig_edit
from rigface.__main__ import main as rigface

FACE = ROOT / "examples" / "portraits" / "calm.jpg"
SAME = "the same picture, pixel for pixel"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    (folder / FACE.name).write_bytes(FACE.read_bytes())
    return folder


def test_a_picture_from_text(folder, capsys):
    pictures = generate("a man", ["AU12=4", "AU4=2.5"], steps=2, model="embedded", progress=False)  # a drawn seed
    pictures[1].save(folder / "text.png", watermark=False)
    recipe = read_recipe(folder / "text.png")
    assert (recipe.kind, recipe.request, recipe.settings["prompt"]) == ("generation", {"AU4": 2.5}, "a man")
    assert recipe.photo is None
    assert fineface(["redo", str(folder / "text.png")]) == 0
    assert SAME in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "options"), breadth([("anew", {"steps": 2}), ("moved", {"start": "warp", "strength": 0})])
)
def test_a_photo_whose_face_is_made_anew(folder, capsys, name, options):
    fine_edit(folder / FACE.name, "AU12=4", model="embedded", seed=3, progress=False, **options).save(
        folder / f"{name}.png", watermark=False
    )
    assert read_recipe(folder / f"{name}.png").kind == ("edit" if name == "anew" else "warp")
    assert fineface(["redo", str(folder / f"{name}.png")]) == 0
    assert SAME in capsys.readouterr().err


@pytest.mark.parametrize("engine", breadth(["diffusion", "warp"]))
def test_light_pose_and_expression(folder, capsys, engine):
    options = {} if engine == "warp" else {"model": "embedded", "steps": 1}
    made = rig_edit(
        folder / FACE.name, light="azimuth=40", pose="yaw=8", expression="AU12=2", engine=engine, progress=False,
        **options,
    )  # fmt: skip
    made.save(folder / f"{engine}.png", watermark=False)
    assert set(read_recipe(folder / f"{engine}.png").request) == {"light", "pose", "expression"}
    assert rigface(["redo", str(folder / f"{engine}.png")]) == 0
    assert SAME in capsys.readouterr().err


def test_what_was_copied_cannot_be_made_again_without_its_photo(folder, capsys):
    other = ROOT / "examples" / "portraits" / "frown.jpg"
    made = rig_edit(folder / FACE.name, target=other, copy="expression", engine="warp", progress=False)
    made.save(folder / "copied.png", watermark=False)
    assert read_recipe(folder / "copied.png").request == {"target": "frown.jpg", "copy": ["expression"]}
    assert rigface(["redo", str(folder / "copied.png")]) == 2
    assert "frown.jpg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "asked", "settings"),
    [
        ("generation", {"AU12": 4}, {"size": [64, 64]}),
        ("generation", {"AU12": 4}, {"prompt": "a man"}),
        ("generation", {"AU12": 4}, {"prompt": 3, "size": [64, 64]}),
        ("generation", {"AU12": 4}, {"prompt": "a man", "size": 64}),
    ],
)
def test_recipes_that_name_too_little_are_told(tmp_path, capsys, kind, asked, settings):
    picture = carry(Image.new("RGB", (64, 64)), Recipe("fineface", kind, asked, settings))
    picture.save(tmp_path / "damaged.png", watermark=False)
    assert fineface(["redo", str(tmp_path / "damaged.png")]) == 2
    assert "record of the picture" in capsys.readouterr().err

"""Laws of the released conditions: what is copied comes from the target, and nothing else does."""

import itertools
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from preparation_networks import weights
from refusals import refused
from released_heads import MODEL, crop_of, face_at, person, same, seen, view, write_landmarks, write_texture

from common.core.errors import CheckpointError, InputError, ShapeError
from common.face3d.heads.flame import Flame
from common.faces import Crop
from rigface.attributes import ATTRIBUTES
from rigface.released.deca import Codes, Deca
from rigface.released.reconstruct import PLAIN, Released, changed
from rigface.request import RigEdit

BELONGS = {"pose": {"rotation", "camera"}, "expression": {"expression", "jaw"}, "light": {"light"}}
COPIES = [frozenset(some) for count in range(4) for some in itertools.combinations(ATTRIBUTES, count)]


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Released:
    landmarks = write_landmarks(tmp_path_factory.mktemp("flame") / "landmarks.safetensors")
    return Released(Flame.from_file(MODEL, landmarks=landmarks), SimpleNamespace(), SimpleNamespace())


@pytest.fixture(scope="module")
def source():
    return seen(0, rotation=torch.tensor([0.1, 0.3, 0.0]))


@pytest.fixture(scope="module")
def target():
    return seen(1, 90, 140, rotation=torch.tensor([-0.2, -0.4, 0.1]), jaw=torch.tensor([0.3, 0.0, 0.0]))


LABELS, OTHER = person(128, 40, 90), person(128, 60, 120)


def copying(target, copy, labels=OTHER, **numbers):
    """The request for what is copied from a seen face."""
    return RigEdit(target=view(target, labels) if copy else None, copy=copy, **numbers)


def conditions(released, source, target, copy):
    return released.conditions(view(source, LABELS), copying(target, copy))


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: "+".join(sorted(copy)) or "nothing")
def test_codes_come_from_the_target_where_they_are_copied_and_only_there(source, target, copy):
    mixed = changed(source.codes, copying(target, copy))
    taken = set().union(*(BELONGS[name] for name in copy))
    assert same(mixed, target.codes, taken)
    assert same(mixed, source.codes, {field.name for field in fields(Codes)} - taken)


def test_copying_nothing_is_the_source_itself(released, source):
    alone = released.conditions(view(source, LABELS), RigEdit())
    assert same(changed(source.codes, RigEdit()), source.codes)
    assert np.array_equal(alone.coefficients, source.coefficients[80:144].numpy())
    assert alone.coefficients.shape == (64,)
    assert alone.coefficients.dtype == np.float32
    assert alone.notes == (PLAIN,)


def test_copying_all_of_a_twin_is_the_target_itself(released, target):
    twin = seen(0, 150, 110, shape=target.codes.shape, texture=target.codes.texture)
    everything = conditions(released, twin, target, set(ATTRIBUTES))
    itself = released.conditions(view(target, OTHER), RigEdit())
    assert same(changed(twin.codes, copying(target, ATTRIBUTES)), target.codes)
    assert np.array_equal(everything.render, itself.render)
    assert np.array_equal(everything.coefficients, itself.coefficients)


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: "+".join(sorted(copy)) or "nothing")
def test_coefficients_are_the_targets_where_the_expression_is_copied(released, source, target, copy):
    giver = target if "expression" in copy else source
    assert np.array_equal(conditions(released, source, target, copy).coefficients, giver.coefficients[80:144].numpy())


@pytest.mark.parametrize(
    "copy", [copy for copy in COPIES if "light" not in copy], ids=lambda copy: "+".join(sorted(copy)) or "nothing"
)
def test_the_targets_light_changes_nothing_unless_light_is_copied(released, source, target, copy):
    brighter = seen(1, 90, 140, rotation=target.codes.rotation[0], jaw=target.codes.jaw[0], light=torch.tensor(9.0))
    first, second = (conditions(released, source, giver, copy).render for giver in (target, brighter))
    assert np.array_equal(first, second)
    lit = (conditions(released, source, giver, copy | {"light"}).render for giver in (target, brighter))
    assert not np.array_equal(*lit)


def test_a_copied_pose_takes_the_targets_place(released, source, target):
    background = conditions(released, source, target, {"pose"}).background
    photo = crop_of(source).apply(source.photo)
    person_or_other = (LABELS > 0) | (OTHER > 0)
    assert (background[person_or_other] == 127).all()
    assert np.array_equal(background[~person_or_other], photo[~person_or_other])
    kept = conditions(released, source, target, {"expression"}).background
    assert (kept[LABELS > 0] == 127).all()
    assert np.array_equal(kept[LABELS == 0], photo[LABELS == 0])


def test_a_copied_pose_is_as_large_as_the_targets_crop_shows_it(released, source, target):
    near, far = (
        released.conditions(
            view(source, LABELS),
            RigEdit(target=view(target, OTHER, Crop.around(target.face.box, (256, 240), 128, zoom=zoom)), copy="pose"),
        ).render
        for zoom in (1.4, 1.0)
    )
    assert (far > 0).mean() < 0.8 * (near > 0).mean()


def test_numbers_change_what_they_name(released, source):
    turn, relight = RigEdit(pose="yaw=20"), RigEdit(light="azimuth=60,elevation=20")
    turned = changed(source.codes, turn)
    assert same(turned, source.codes, {field.name for field in fields(Codes)} - {"rotation"})
    assert not torch.equal(turned.rotation, source.codes.rotation)
    # the person will be where the head is drawn
    moved = released.conditions(view(source, LABELS), turn)
    gone = (moved.background == 127).all(-1)
    assert gone[(LABELS > 0) | (moved.render > 0).any(-1)].all()
    lit = changed(source.codes, relight)
    assert same(lit, source.codes, {field.name for field in fields(Codes)} - {"light"})
    kept = released.conditions(view(source, LABELS), relight)
    assert np.array_equal((kept.background == 127).all(-1), LABELS > 0)


def test_numbers_and_a_target_go_together(source, target):
    both = changed(source.codes, copying(target, "expression", pose="pitch=10,absolute"))
    assert same(both, target.codes, {"expression", "jaw"})
    assert np.allclose(both.rotation.numpy(), [[-np.pi / 18, 0, 0]], atol=1e-6)


def test_what_does_not_fit_is_refused(released, source):
    with refused(ShapeError, name="labels"):
        released.conditions(view(source, LABELS[:64]), RigEdit())
    with refused(ShapeError, name="photo"):
        released.conditions(view(source, LABELS, Crop.around(source.face.box, (99, 99), 128)), RigEdit())
    small = RigEdit(target=view(seen(1), OTHER, crop_of(source, 64)), copy="pose")
    with refused(InputError, "size", expected=128, actual=64):
        released.conditions(view(source, LABELS), small)
    with refused(InputError, "missing"):
        Released(Flame.from_file(MODEL), SimpleNamespace(), SimpleNamespace())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every file that users bring, with golden numbers in them."""
    folder = tmp_path_factory.mktemp("licensed")
    (folder / "generic_model.pkl").write_bytes(MODEL.read_bytes())
    write_landmarks(folder / "landmarks.safetensors")
    write_texture(folder / "FLAME_texture.npz")
    torch.save({Deca.part: weights("deca")}, folder / "deca_model.tar")
    torch.save(weights("d3dfr"), folder / "d3dfr_res50_nofc.pth")
    return folder


def files_in(folder, **others) -> dict[str, Path]:
    names = {"flame": "generic_model.pkl", "landmarks": "landmarks.safetensors", "deca": "deca_model.tar"}
    paths = {key: folder / name for key, name in {**names, "d3dfr": "d3dfr_res50_nofc.pth"}.items()}
    return paths | others


def test_from_files_to_conditions(folder, astronaut):
    released = Released.from_files(files_in(folder, texture=folder / "FLAME_texture.npz"))
    face = face_at(222, 110, 110)
    found = released.look(astronaut, face)
    assert found.coefficients.shape == (261,)
    again = released.look(astronaut, face)
    assert same(again.codes, found.codes)
    assert torch.equal(again.coefficients, found.coefficients)
    made = released.conditions(view(found, person(64, 20, 40), Crop.around(face.box, (512, 512), 64)), RigEdit())
    assert made.render.shape == made.background.shape == (64, 64, 3)
    assert made.notes == ()
    with pytest.raises(InputError, match="uint8"):
        released.look(astronaut / 255, face)


def test_a_texture_without_coordinates_is_refused(folder, tmp_path):
    with np.load(folder / "FLAME_texture.npz") as arrays:
        np.savez(tmp_path / "bare.npz", MU=arrays["MU"], PC=arrays["PC"])
    with refused(CheckpointError, "keys"):
        Released.from_files(files_in(folder, texture=tmp_path / "bare.npz"))


def test_a_file_in_anothers_place_is_refused(folder):
    for wrong in ({"deca": folder / "d3dfr_res50_nofc.pth"}, {"d3dfr": folder / "deca_model.tar"}):
        with pytest.raises(CheckpointError, match=next(iter(wrong.values())).name) as caught:
            Released.from_files(files_in(folder, **wrong))
        assert caught.value.code == "keys"

"""Laws of the released conditions: what is copied comes from the target, and nothing else does."""

import itertools
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from preparation_networks import weights
from released_heads import MODEL, crop_of, face_at, person, seen, write_landmarks, write_texture

from common.core.errors import CheckpointError, InputError, ShapeError
from common.face3d.heads.flame import Flame
from common.faces import Crop
from rigface.released.deca import PART, Codes
from rigface.released.files import Files
from rigface.released.reconstruct import PLAIN, Released, mix
from rigface.request import ATTRIBUTES, RigEdit

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


def conditions(released, source, target, copy):
    return released.conditions(source, target, copy, crop_of(source), LABELS, OTHER, target_crop=crop_of(target))


def same(a: Codes, b: Codes, names) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: "+".join(sorted(copy)) or "nothing")
def test_codes_come_from_the_target_where_they_are_copied_and_only_there(source, target, copy):
    mixed = mix(source.codes, target.codes, copy)
    taken = set().union(*(BELONGS[name] for name in copy))
    assert same(mixed, target.codes, taken)
    assert same(mixed, source.codes, {field.name for field in fields(Codes)} - taken)


def test_copying_nothing_is_the_source_itself(released, source, target):
    alone = released.conditions(source, None, (), crop_of(source), LABELS)
    beside = conditions(released, source, target, frozenset())
    assert torch.equal(released.codes(source, None, ()).join(), source.codes.join())
    assert np.array_equal(alone.render, beside.render)
    assert np.array_equal(alone.background, beside.background)
    assert np.array_equal(alone.coefficients, source.coefficients[80:144].numpy())
    assert alone.coefficients.shape == (64,)
    assert alone.coefficients.dtype == np.float32
    assert alone.notes == (PLAIN,)


def test_copying_all_of_a_twin_is_the_target_itself(released, target):
    twin = seen(0, 150, 110, shape=target.codes.shape, texture=target.codes.texture)
    everything = conditions(released, twin, target, set(ATTRIBUTES))
    itself = released.conditions(target, None, (), crop_of(target), OTHER)
    assert torch.equal(released.codes(twin, target, set(ATTRIBUTES)).join(), target.codes.join())
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


def test_a_copied_pose_needs_and_takes_the_targets_place(released, source, target):
    background = conditions(released, source, target, {"pose"}).background
    photo = crop_of(source).apply(source.photo)
    person_or_other = (LABELS > 0) | (OTHER > 0)
    assert (background[person_or_other] == 127).all()
    assert np.array_equal(background[~person_or_other], photo[~person_or_other])
    kept = conditions(released, source, target, {"expression"}).background
    assert (kept[LABELS > 0] == 127).all()
    assert np.array_equal(kept[LABELS == 0], photo[LABELS == 0])
    with pytest.raises(InputError, match="labels_target and target_crop"):
        released.conditions(source, target, {"pose"}, crop_of(source), LABELS)
    with pytest.raises(InputError, match="labels_target and target_crop"):
        released.conditions(source, target, {"pose"}, crop_of(source), LABELS, OTHER)


def test_a_copied_pose_is_as_large_as_the_targets_crop_shows_it(released, source, target):
    near, far = (
        released.conditions(
            source, target, {"pose"}, crop_of(source), LABELS, OTHER,
            target_crop=Crop.around(target.face.box, (256, 240), 128, zoom=zoom),
        ).render
        for zoom in (1.4, 1.0)
    )  # fmt: skip
    assert (far > 0).mean() < 0.8 * (near > 0).mean()


def test_numbers_change_what_they_name(released, source):
    crop = crop_of(source)
    turn, relight = RigEdit(pose="yaw=20"), RigEdit(light="azimuth=60,elevation=20")
    turned = released.codes(source, None, (), turn)
    assert same(turned, source.codes, {field.name for field in fields(Codes)} - {"rotation"})
    assert not torch.equal(turned.rotation, source.codes.rotation)
    # the person will be where the head is drawn
    moved = released.conditions(source, None, (), crop, LABELS, request=turn)
    gone = (moved.background == 127).all(-1)
    assert gone[(LABELS > 0) | (moved.render > 0).any(-1)].all()
    lit = released.codes(source, None, (), relight)
    assert same(lit, source.codes, {field.name for field in fields(Codes)} - {"light"})
    kept = released.conditions(source, None, (), crop, LABELS, request=relight)
    assert np.array_equal((kept.background == 127).all(-1), LABELS > 0)


def test_numbers_and_a_target_go_together(released, source, target):
    both = released.codes(source, target, {"expression"}, RigEdit(pose="pitch=10,absolute"))
    assert same(both, target.codes, {"expression", "jaw"})
    assert np.allclose(both.rotation.numpy(), [[-np.pi / 18, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("copy", "message"),
    [
        ({"smile"}, r"light, pose, expression\n.*'smile'"),
        ("pose", "a set of"),
        ({"pose", 3}, "3, 'pose'"),
        (None, "got:      None"),
        ([["pose"]], "a set of"),
    ],
)
def test_what_cannot_be_copied_is_told(released, source, target, copy, message):
    with pytest.raises(InputError, match=message):
        conditions(released, source, target, copy)


def test_copying_from_nobody_is_told(released, source):
    with pytest.raises(InputError, match="light needs a target photo"):
        released.conditions(source, None, {"light"}, crop_of(source), LABELS)


def test_what_does_not_fit_is_told(released, source):
    with pytest.raises(ShapeError, match="labels"):
        released.conditions(source, None, (), crop_of(source), LABELS[:64])
    with pytest.raises(ShapeError, match="photo"):
        released.conditions(source, None, (), Crop.around(source.face.box, (99, 99), 128), LABELS)
    small = crop_of(source, 64)
    with pytest.raises(InputError, match="target_crop must be as large"):
        released.conditions(source, seen(1), {"pose"}, crop_of(source), LABELS, OTHER, target_crop=small)
    with pytest.raises(InputError, match="landmarks"):
        Released(Flame.from_file(MODEL), SimpleNamespace(), SimpleNamespace())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every file that users bring, with golden numbers in them."""
    folder = tmp_path_factory.mktemp("licensed")
    (folder / "generic_model.pkl").write_bytes(MODEL.read_bytes())
    write_landmarks(folder / "landmarks.safetensors")
    write_texture(folder / "FLAME_texture.npz")
    torch.save({PART: weights("deca")}, folder / "deca_model.tar")
    torch.save(weights("d3dfr"), folder / "d3dfr_res50_nofc.pth")
    return folder


def files_in(folder, **others) -> Files:
    names = {"flame": "generic_model.pkl", "landmarks": "landmarks.safetensors", "deca": "deca_model.tar"}
    paths = {key: folder / name for key, name in {**names, "d3dfr": "d3dfr_res50_nofc.pth"}.items()}
    return Files(**paths | others)


def test_from_files_to_conditions(folder, astronaut):
    released = Released.from_files(files_in(folder, texture=folder / "FLAME_texture.npz"))
    face = face_at(222, 110, 110)
    found = released.look(astronaut, face)
    assert found.codes.join().shape == (1, 236)
    assert found.coefficients.shape == (261,)
    assert np.array_equal(found.landmarks, face.landmarks)
    again = released.look(astronaut, face)
    assert torch.equal(again.codes.join(), found.codes.join())
    assert torch.equal(again.coefficients, found.coefficients)
    made = released.conditions(found, None, (), Crop.around(face.box, (512, 512), 64), person(64, 20, 40))
    assert made.render.shape == made.background.shape == (64, 64, 3)
    assert made.notes == ()
    with pytest.raises(InputError, match="uint8"):
        released.look(astronaut / 255, face)


def test_a_texture_without_coordinates_is_told(folder, tmp_path):
    with np.load(folder / "FLAME_texture.npz") as arrays:
        np.savez(tmp_path / "bare.npz", MU=arrays["MU"], PC=arrays["PC"])
    with pytest.raises(CheckpointError, match="head_template"):
        Released.from_files(files_in(folder, texture=tmp_path / "bare.npz"))


def test_a_file_in_anothers_place_is_told(folder):
    for wrong in ({"deca": folder / "d3dfr_res50_nofc.pth"}, {"d3dfr": folder / "deca_model.tar"}):
        with pytest.raises(CheckpointError, match=f"{next(iter(wrong.values())).name}.*E_flame") as caught:
            Released.from_files(files_in(folder, **wrong))
        assert caught.value.code == "keys"

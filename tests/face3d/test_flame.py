import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch
from breadth import breadth
from folders import GOLDEN
from refusals import refused
from safetensors.numpy import save_file
from safetensors.torch import load_file

from common.core.errors import CheckpointError, InputError, MissingCheckpointError, ShapeError
from common.core.face_labels import PARTS
from common.face3d.camera import rotation_from_vector
from common.face3d.heads.flame import Flame
from common.face3d.heads.head import Head

MODEL = GOLDEN / "preparation" / "flame_model.pkl"


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return {key.removeprefix("flame_"): value for key, value in load_file(MODEL.with_name("flame.safetensors")).items()}


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """The model's arrays, as Python's own unpickler reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file has numpy's old names
        return pickle.loads(MODEL.read_bytes())


@pytest.fixture(scope="module")
def embedding(golden) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in golden.items() if "_lmk_" in key}


@pytest.fixture(scope="module")
def folder(arrays, embedding, tmp_path_factory) -> Path:
    """The model and its landmarks in every format; the landmarks' .npy as DECA has it, in part tensors."""
    folder = tmp_path_factory.mktemp("flame")
    (folder / "model.pkl").write_bytes(MODEL.read_bytes())
    np.savez(folder / "model.npz", **arrays)
    save_file(arrays, folder / "model.safetensors")
    sparse = arrays | {"J_regressor": scipy.sparse.csc_matrix(arrays["J_regressor"]), "bs_style": "lbs", "J": None}
    (folder / "sparse.pkl").write_bytes(pickle.dumps(sparse, 2))
    np.savez(folder / "landmarks.npz", **embedding)
    save_file(embedding, folder / "landmarks.safetensors")
    deca = {key: torch.from_numpy(value) if "dynamic" in key else value for key, value in embedding.items()}
    np.save(folder / "landmarks.npy", deca)  # pyright: ignore[reportArgumentType]
    return folder


@pytest.fixture(scope="module")
def flame(folder) -> Flame:
    return Flame.from_file(MODEL, landmarks=folder / "landmarks.npy")


def save(path: Path, arrays) -> Path:
    np.savez(path, **arrays)
    return path


def near(a, b, tolerance=1e-5):
    assert a.shape == b.shape
    assert (a - b).abs().max() <= tolerance


@pytest.mark.golden
@pytest.mark.parametrize(
    ("model", "landmarks"),
    [
        ("model.pkl", "landmarks.npy"),
        ("sparse.pkl", "landmarks.npy"),
        ("model.npz", "landmarks.npz"),
        ("model.safetensors", "landmarks.safetensors"),
    ],
)
def test_vertices_and_landmarks_are_decas(folder, golden, model, landmarks):
    flame = Flame.from_file(folder / model, landmarks=str(folder / landmarks))
    rotation, jaw = golden["pose"].split(3, 1)
    vertices = flame(golden["shape"], golden["expression"], jaw=jaw, rotation=rotation)
    near(vertices, golden["vertices"])
    near(flame.landmarks(vertices), golden["landmarks3d"])
    near(flame.landmarks2d(vertices, rotation), golden["landmarks2d"])


def test_it_is_a_head(flame):
    assert isinstance(flame, Head)
    assert (flame.identity_size, flame.expression_shape) == (100, (50,))
    assert flame.triangles.dtype == flame.uv_triangles.dtype == flame.parts.dtype == torch.int64
    assert flame.uv.shape == (80, 2)
    assert 0 <= flame.uv.min() <= flame.uv.max() <= 1
    assert (flame.parts == PARTS.index("skin")).all()
    assert flame.parts.shape == (len(flame.triangles),)


def test_nothing_is_the_template(flame, arrays):
    near(flame(), torch.from_numpy(arrays["v_template"]).float()[None], 1e-6)


def test_a_batch_of_two_is_two_of_one(flame, golden):
    arguments = {
        "identity": golden["shape"],
        "expression": golden["expression"],
        "jaw": golden["pose"][:, 3:],
        "rotation": golden["pose"][:, :3],
        "neck": 0.3 * golden["pose"][:, 3:],
        "gaze": 0.3 * golden["pose"][:, :4].unflatten(1, (2, 2)),
    }
    both = flame(**arguments)
    one_each = torch.cat([flame(**{key: value[i : i + 1] for key, value in arguments.items()}) for i in range(2)])
    near(both, one_each, 1e-6)
    near(
        flame(arguments["identity"][:1], arguments["expression"]),
        flame(arguments["identity"][[0, 0]], arguments["expression"]),
        0,
    )
    turned = [flame.landmarks2d(both[i : i + 1], arguments["rotation"][i : i + 1]) for i in range(2)]
    near(flame.landmarks2d(both, arguments["rotation"]), torch.cat(turned), 0)


def test_gradients_reach_everything_even_at_rest(folder, golden):
    flame = Flame.from_file(MODEL, landmarks=folder / "landmarks.npy").double()
    shapes = {"identity": (100,), "expression": (50,), "jaw": (3,), "gaze": (2, 2), "rotation": (3,), "neck": (3,)}
    arguments = {key: torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True) for key, shape in shapes.items()}
    weights = torch.randn(80, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def value(**changed):
        vertices = flame(**(arguments | changed))
        return (vertices * weights).sum() + flame.landmarks(vertices).square().sum()

    value().backward()
    for key, argument in arguments.items():
        assert argument.grad is not None, key
        assert argument.grad.isfinite().all(), key
        assert argument.grad.abs().max() > 0, key
        step = torch.zeros_like(argument)
        step.view(-1)[0] = 1e-3
        with torch.no_grad():
            slope = (value(**{key: argument + step}) - value(**{key: argument - step})) / 2e-3
        assert abs(slope - argument.grad.view(-1)[0]) < 1e-4, key


def test_rotation_vectors_turn_about_themselves():
    vectors = torch.randn(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x, y, z = vectors.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).unflatten(1, (3, 3))
    near(rotation_from_vector(vectors), torch.linalg.matrix_exp(cross), 1e-10)
    near(rotation_from_vector(torch.zeros(1, 3)), torch.eye(3)[None], 0)


def test_rotation_turns_the_whole_head_rigidly(flame):
    """A rotation vector along y turns the nose, at +z, to the picture's right."""
    rest, turned = flame(), flame(rotation=torch.tensor([[0.0, 0.5, 0.0]]))
    root = flame.regressor[0] @ rest[0]
    near(turned, (rest - root) @ rotation_from_vector(torch.tensor([0.0, 0.5, 0.0])).T + root, 1e-6)


@pytest.mark.parametrize(("side", "joint"), [(0, 3), (1, 4)])
def test_gaze_turns_an_eye_left_first(arrays, side, joint):
    """With each vertex on one joint, what hangs on an eye turns rigidly, and the rest stays."""
    weights = np.zeros((80, 5))
    weights[:40, 0] = weights[40:, joint] = 1
    flame = Flame(arrays | {"weights": weights, "posedirs": np.zeros((80, 3, 36))})
    gaze = torch.zeros(1, 2, 2)
    gaze[0, side] = torch.tensor([0.3, 0.2])
    rest, moved = flame()[0], flame(gaze=gaze)[0]
    near(moved[:40], rest[:40], 1e-6)
    ahead, centre = torch.tensor([0.0, 0.0, 1.0]), flame.regressor[joint] @ rest
    turn = torch.linalg.lstsq(rest[40:] - centre, moved[40:] - centre).solution  # for rows
    near(ahead @ turn, torch.tensor([np.sin(0.3) * np.cos(0.2), np.sin(0.2), np.cos(0.3) * np.cos(0.2)]).float(), 1e-4)
    other = torch.zeros(1, 2, 2)
    other[0, 1 - side] = 0.3
    near(flame(gaze=other)[0], rest, 1e-6)


@pytest.mark.parametrize(
    ("degrees", "row"), [(0, 0), (7.4, 7), (39, 39), (80, 39), (-1, 40), (-39, 78), (-80, 78), (-0.2, 0)]
)
def test_the_jaw_line_follows_the_yaw(flame, embedding, degrees, row):
    vertices = torch.randn(1, 80, 3, generator=torch.Generator().manual_seed(0))
    yaw = torch.tensor([[0.0, np.deg2rad(degrees), 0.0]]).float()
    corners = flame.triangles[torch.from_numpy(embedding["dynamic_lmk_faces_idx"][row])]
    weights = torch.from_numpy(embedding["dynamic_lmk_bary_coords"][row]).float()
    expected = (vertices[0, corners] * weights[..., None]).sum(1)
    found = flame.landmarks2d(vertices, yaw)[0]
    near(found[:17], expected, 1e-6)
    near(flame.landmarks2d(vertices, neck=yaw)[0], found, 1e-6)
    assert found.shape == (68, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"identity": torch.zeros(1, 300)}, ShapeError, "identity"),
        ({"expression": torch.zeros(50)}, ShapeError, "expression"),
        ({"jaw": torch.zeros(1, 1)}, ShapeError, "jaw"),
        ({"gaze": torch.zeros(1, 4)}, ShapeError, "gaze"),
        ({"rotation": torch.tensor(1.0)}, ShapeError, "rotation"),
        ({"identity": torch.zeros(2, 100), "neck": torch.zeros(3, 3)}, ShapeError, "identity"),
        ({"jaw": np.zeros((1, 3))}, InputError, "torch tensor"),
    ],
)
def test_arguments_are_checked(flame, arguments, error, message):
    with pytest.raises(error, match=message):
        flame(**arguments)


def test_vertices_are_checked(flame):
    for find in (flame.landmarks, flame.landmarks2d):
        with refused(ShapeError, name="vertices"):
            find(torch.zeros(1, 79, 3))


def test_what_was_not_given_is_said(arrays):
    flame = Flame(arrays)
    with pytest.raises(InputError, match=r"landmark_embedding\.npy"):
        flame.landmarks(flame())
    with pytest.raises(InputError, match=r"landmark_embedding\.npy"):
        flame.landmarks2d(flame())
    with pytest.raises(InputError, match=r"FLAME_texture\.npz"):
        flame.texture(torch.zeros(1, 50))


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("weights", lambda a: a[:79], r"weights .*\n.*expected: \(80, 5\)\n.*got: +\(79, 5\)"),
        ("shapedirs", lambda a: a[..., :150], r"expected: \(80, 3, 400\)"),
        ("posedirs", lambda a: a.reshape(-1, 36), r"expected: \(80, 3, 36\)"),
        ("J_regressor", lambda a: a.T, r"expected: \(5, 80\)"),
        ("f", lambda a: a + 1, r"\[0, 80\)"),
        ("v_template", lambda a: a * np.nan, "finite"),
        ("kintree_table", lambda a: a * 0 + 4, "parent"),
    ],
)
def test_arrays_that_do_not_fit_are_named(arrays, tmp_path, key, change, message):
    path = save(tmp_path / "model.npz", arrays | {key: change(arrays[key])})
    with pytest.raises(CheckpointError, match=message):
        Flame.from_file(path)


def test_missing_arrays_and_files_are_named(arrays, tmp_path):
    few = {key: value for key, value in arrays.items() if key not in ("posedirs", "f")}
    with pytest.raises(CheckpointError, match="f, posedirs"):
        Flame.from_file(save(tmp_path / "model.npz", few))
    with pytest.raises(CheckpointError, match="f, posedirs"):
        Flame(few)
    with pytest.raises(MissingCheckpointError, match=r"flame\.is\.tue\.mpg\.de"):
        Flame.from_file(tmp_path / "generic_model.pkl")
    for option in ("landmarks", "texture", "template", "masks"):
        with pytest.raises(MissingCheckpointError):
            Flame.from_file(MODEL, **{option: tmp_path / "absent"})


def test_landmarks_of_another_mesh_are_refused(embedding, tmp_path):
    wrong = embedding | {"static_lmk_faces_idx": embedding["static_lmk_faces_idx"] + 100}
    with pytest.raises(CheckpointError, match="static_lmk_faces_idx"):
        Flame.from_file(MODEL, landmarks=save(tmp_path / "wrong.npz", wrong))
    wrong = embedding | {"dynamic_lmk_faces_idx": embedding["dynamic_lmk_faces_idx"][:3]}
    with pytest.raises(CheckpointError, match=r"\(79, 17\)"):
        Flame.from_file(MODEL, landmarks=save(tmp_path / "wrong.npz", wrong))


@pytest.mark.parametrize(
    ("mean", "directions", "scale"), breadth([("mean", "tex_dir", 255), ("MU", "PC", 1)]), ids=["flame", "basel"]
)
def test_texture_is_decas(tmp_path, mean, directions, scale):
    """Mean and directions, shrunk to 256 by the nearest pixel, with the channels turned around."""
    random = np.random.default_rng(0)
    colour, basis = random.random((512, 512, 3), np.float32), random.random((512, 512, 3, 51), np.float32)
    basis = basis.astype(np.float16)  # half the disk
    path = save(tmp_path / "texture.npz", {mean: colour.reshape(-1) if scale == 1 else colour, directions: basis})
    flame = Flame.from_file(MODEL, texture=path)
    codes = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    whole = torch.from_numpy(colour).permute(2, 0, 1) + torch.einsum(
        "bn,hwcn->bchw", codes, torch.from_numpy(basis[..., :50]).float()
    )
    expected = torch.nn.functional.interpolate(whole, (256, 256)).flip(1) / scale
    near(flame.texture(codes), expected)
    with refused(ShapeError, name="codes"):
        flame.texture(torch.zeros(1, 51))


def tiny_texture(**more) -> dict[str, np.ndarray]:
    return {"mean": np.full((8, 8, 3), 127.5), "tex_dir": np.zeros((8, 8, 3, 50)), **more}


def test_texture_brings_its_coordinates(tmp_path):
    corners = np.arange(360).reshape(120, 3)
    uv = np.random.default_rng(0).random((360, 2))
    flame = Flame.from_file(MODEL, texture=save(tmp_path / "texture.npz", tiny_texture(vt=uv, ft=corners)))
    near(flame.uv, torch.from_numpy(uv).float(), 0)
    near(flame.uv_triangles, torch.from_numpy(corners), 0)
    near(flame.texture(torch.zeros(1, 50)), torch.full((1, 3, 256, 256), 0.5))
    with pytest.raises(CheckpointError, match="another mesh"):
        Flame.from_file(MODEL, texture=save(tmp_path / "texture.npz", tiny_texture(vt=uv, ft=corners[:7])))


@pytest.mark.parametrize(
    ("texture", "message"),
    [
        ({"mean": np.zeros((8, 8, 3))}, "MU and PC"),
        ({"mean": np.zeros((8, 7, 3)), "tex_dir": np.zeros((8, 7, 3, 50))}, "wrong shape"),
        ({"mean": np.zeros((8, 8, 3)), "tex_dir": np.zeros((8, 8, 3, 49))}, "at least 50"),
        ({"mean": np.zeros((8, 8, 3)), "tex_dir": np.zeros(())}, "wrong shape"),
        (tiny_texture(vt=np.zeros((3, 2)), ft=np.full((120, 3), 3)), r"ft.*\n.*\[0, 3\)"),
    ],
)
def test_textures_that_do_not_fit_are_refused(tmp_path, texture, message):
    with pytest.raises(CheckpointError, match=message):
        Flame.from_file(MODEL, texture=save(tmp_path / "texture.npz", texture))


def obj(triangles: np.ndarray, count: int) -> str:
    lines = [f"vt {i / count} {1 - i / count}" for i in range(count)]
    return "\n".join(
        ["# a head", "v 0 0 0", *lines, *("f " + " ".join(f"{v + 1}/{r + 1}" for v, r in t) for t in triangles)]
    )


def test_template_brings_coordinates_in_any_order(arrays, tmp_path):
    """The file's triangles are shuffled and start at other corners; each corner keeps its own coordinate."""
    triangles, random = arrays["f"].astype(int), np.random.default_rng(0)
    rows = np.arange(triangles.size).reshape(-1, 3)
    faces = [np.roll(np.stack([v, r], 1), random.integers(3), 0) for v, r in zip(triangles, rows)]
    random.shuffle(faces)
    (tmp_path / "head.obj").write_text(obj(np.array(faces), rows.size))
    flame = Flame.from_file(MODEL, template=tmp_path / "head.obj")
    assert np.array_equal(flame.uv_triangles.numpy(), rows)
    near(flame.uv[3], torch.tensor([3 / rows.size, 1 - 3 / rows.size]))


def test_templates_that_do_not_fit_are_refused(arrays, tmp_path):
    corners = np.stack([arrays["f"].astype(int)] * 2, 2)
    path = tmp_path / "head.obj"
    for text, code in (
        (obj(corners[1:], 80).encode(), "shape"),
        (obj(corners, 20).encode(), "values"),
        (obj(corners, 80).replace("/", " ").encode(), "unreadable"),
        (b"f 1/a 2/b 3/c", "unreadable"),
        (b"vt 0\nvt 0 1", "unreadable"),
        (b"vt \xff\xfe", "unreadable"),
        (b"", "shape"),
    ):
        path.write_bytes(text)
        with pytest.raises(CheckpointError) as caught:
            Flame.from_file(MODEL, template=path)
        assert caught.value.code == code


def test_masks_become_parts(arrays, tmp_path):
    groups = np.arange(80).reshape(8, 10)
    weights = np.zeros((80, 5))
    weights[:, 1] = 1
    weights[65:, 1:3] = 0, 1  # the jaw's
    regions = dict(zip(("face", "neck", "scalp", "right_eyeball", "left_ear", "nose", "lips"), groups))
    names = ("skin", "neck", "hair", "r_eye", "l_ear", "nose", "u_lip", "skin")
    expected = [PARTS.index(name) for name in np.repeat(names, 10)]
    expected[65:70] = [PARTS.index("l_lip")] * 5
    triangles = np.stack([np.arange(80), np.arange(80), (np.arange(80) + 40) % 80], 1)
    save(tmp_path / "model.npz", arrays | {"weights": weights, "f": triangles})
    (tmp_path / "masks.pkl").write_bytes(pickle.dumps(regions | {"lips": list(map(int, regions["lips"]))}, 2))
    flame = Flame.from_file(tmp_path / "model.npz", masks=tmp_path / "masks.pkl")
    assert flame.parts.tolist() == expected

    (tmp_path / "masks.pkl").write_bytes(pickle.dumps(regions | {"nose": np.array([80])}))
    with pytest.raises(CheckpointError, match="nose"):
        Flame.from_file(MODEL, masks=tmp_path / "masks.pkl")
    (tmp_path / "masks.pkl").write_bytes(pickle.dumps({"neck": groups[0]}))
    with pytest.raises(CheckpointError, match="face, lips"):
        Flame.from_file(MODEL, masks=tmp_path / "masks.pkl")


def test_a_head_moves_as_a_whole(flame):
    moved = Flame.from_file(MODEL, device="meta")
    assert {buffer.device.type for buffer in moved.buffers()} == {"meta"}
    assert moved(torch.zeros(2, 100, device="meta")).shape == (2, 80, 3)
    assert {buffer.device.type for buffer in flame.buffers()} == {"cpu"}

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from scipy.io import savemat

from common.core.errors import CheckpointError, InputError, MissingCheckpointError, MissingDependencyError, ShapeError
from common.core.face_labels import PARTS
from common.face3d.heads.bfm import METRES, Bfm, rotation, split_coefficients
from common.face3d.heads.head import Head

VERTICES = 70


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """A made-up model in the released file's form."""
    random = np.random.default_rng(0)
    return {
        "meanshape": random.standard_normal((1, 3 * VERTICES)),
        "idBase": random.standard_normal((3 * VERTICES, 80)),
        "exBase": random.standard_normal((3 * VERTICES, 64)),
        "meantex": random.uniform(0, 255, (1, 3 * VERTICES)),
        "texBase": random.standard_normal((3 * VERTICES, 80)),
        "tri": random.integers(1, VERTICES + 1, (90, 3)).astype(np.float64),
        "point_buf": random.integers(1, 92, (VERTICES, 8)).astype(np.float64),
        "keypoints": np.arange(VERTICES, VERTICES - 68, -1)[None].astype(np.uint16),
    }


@pytest.fixture(scope="module")
def path(arrays, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bfm") / "BFM_model_front.mat"
    savemat(path, arrays)
    return path


@pytest.fixture(scope="module")
def bfm(path) -> Bfm:
    return Bfm.from_file(path)


def codes(batch: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, size, generator=torch.Generator().manual_seed(seed))


def near(a, b, tolerance=1e-5):
    assert a.shape == b.shape
    assert (a - b).abs().max() <= tolerance


def test_vertices_are_the_sum_recentred_in_metres(bfm, arrays):
    identity, expression = codes(2, 80), codes(2, 64, 1)
    base = arrays["meanshape"].reshape(-1, 3)
    flat = (
        (base - base.mean(0)).reshape(1, -1)
        + identity.numpy() @ arrays["idBase"].T
        + expression.numpy() @ arrays["exBase"].T
    )
    near(bfm(identity, expression), torch.from_numpy(0.1 * flat.reshape(2, -1, 3)).float())
    assert METRES == 0.1
    near(bfm().mean(1), torch.zeros(1, 3), 1e-6)


def test_it_is_a_head(bfm, arrays):
    assert isinstance(bfm, Head)
    assert (bfm.identity_size, bfm.expression_shape) == (80, (64,))
    assert np.array_equal(bfm.triangles.numpy() + 1, arrays["tri"])
    assert bfm.triangles.dtype == bfm.uv_triangles.dtype == bfm.parts.dtype == torch.int64
    assert 0 <= bfm.uv.min() <= bfm.uv.max() <= 1
    assert bfm.uv.shape == (VERTICES, 2)
    assert bfm.parts.tolist() == [PARTS.index("skin")] * 90


def test_landmarks_are_vertices_counted_from_one(bfm):
    vertices = bfm(codes(2, 80))
    near(bfm.landmarks(vertices), vertices[:, list(range(VERTICES - 1, VERTICES - 69, -1))], 0)
    with refused(ShapeError, name="vertices"):
        bfm.landmarks(vertices[:, :9])


def test_albedo_is_in_units_of_white(bfm, arrays):
    texture = codes(2, 80)
    near(bfm.albedo(), torch.from_numpy(arrays["meantex"].reshape(1, -1, 3) / 255).float(), 1e-6)
    expected = (arrays["meantex"] + texture.numpy() @ arrays["texBase"].T).reshape(2, -1, 3) / 255
    near(bfm.albedo(texture), torch.from_numpy(expected).float())
    with refused(ShapeError, name="texture"):
        bfm.albedo(torch.zeros(1, 50))


def test_a_batch_of_two_is_two_of_one_and_gradients_flow(bfm):
    identity, expression = codes(2, 80).requires_grad_(), codes(1, 64).requires_grad_()
    both = bfm(identity, expression)
    near(both, torch.cat([bfm(identity[i : i + 1], expression) for i in range(2)]))
    (both.square().sum() + bfm.albedo(identity).sum()).backward()
    assert identity.grad is not None
    assert expression.grad is not None
    assert identity.grad.abs().min() > 0
    assert expression.grad.abs().min() > 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"jaw": torch.zeros(1, 3)}, InputError, "no jaw"),
        ({"gaze": torch.zeros(1, 2, 2)}, InputError, "no jaw and no eyeballs"),
        ({"identity": torch.zeros(1, 100)}, ShapeError, "identity"),
        ({"identity": torch.zeros(2, 80), "expression": torch.zeros(3, 64)}, ShapeError, "identity"),
        ({"expression": [0.0] * 64}, InputError, "torch tensor"),
    ],
)
def test_arguments_are_checked(bfm, arguments, error, message):
    with pytest.raises(error, match=message):
        bfm(**arguments)


def test_coefficients_are_split_in_order():
    vector = torch.arange(261.0)[None]
    parts = split_coefficients(vector)
    assert [len(part[0]) for part in parts if part is not None] == [80, 64, 80, 3, 27, 3, 4]
    near(torch.cat([part for part in parts if part is not None], 1), vector, 0)
    assert parts.angles[0].tolist() == [224, 225, 226]
    assert parts.gaze is not None
    shorter = split_coefficients(vector[:, :257])
    assert shorter.gaze is None
    near(shorter.translation, parts.translation, 0)
    for wrong in (torch.zeros(257), torch.zeros(1, 256), torch.zeros(1, 64)):
        with pytest.raises(ShapeError, match="257"):
            split_coefficients(wrong)


def test_rotation_is_about_x_then_y_then_z():
    def about(axis: int, angle: float) -> torch.Tensor:
        generator = torch.zeros(3, 3, dtype=torch.float64)
        after, last = (axis + 1) % 3, (axis + 2) % 3
        generator[last, after], generator[after, last] = angle, -angle
        return torch.linalg.matrix_exp(generator)

    x, y, z = 0.3, -0.5, 0.7
    near(
        rotation(torch.tensor([[x, y, z]], dtype=torch.float64)),
        (about(2, z) @ about(1, y) @ about(0, x)).T[None],
        1e-6,
    )
    with pytest.raises(ShapeError, match="about x, y, z"):
        rotation(torch.zeros(3))


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("idBase", lambda a: a[:, :79], r"idBase .*\n.*expected: \(210, 80\)\n.*got: +\(210, 79\)"),
        ("exBase", lambda a: a[:-3], r"expected: \(210, 64\)"),
        ("meanshape", lambda a: a.T, r"meanshape .*\n.*expected: \(1, "),
        ("tri", lambda a: a - 1, r"tri .*\n.*\[0, 70\)"),
        ("keypoints", lambda a: a + 1, r"keypoints .*\n.*\[0, 70\)"),
        ("tri", lambda a: a + 0.5, "integers"),
        ("meantex", lambda a: a * np.inf, "finite"),
        ("meantex", lambda a: np.array([[{"a": 1}]], object), "meantex of "),
        ("keypoints", lambda a: "text", "keypoints of "),
    ],
)
def test_arrays_that_do_not_fit_are_named(arrays, tmp_path, key, change, message):
    savemat(tmp_path / "model.mat", arrays | {key: change(arrays[key])})
    with pytest.raises(CheckpointError, match=message):
        Bfm.from_file(tmp_path / "model.mat")


def test_vertices_have_three_numbers(arrays):
    odd = {key: value[:, :-1] if len(value) == 1 and value.size > 68 else value for key, value in arrays.items()}
    odd |= {key: arrays[key][:-1] for key in ("idBase", "exBase", "texBase")}
    with pytest.raises(CheckpointError, match="209 numbers"):
        Bfm(odd)


def test_missing_arrays_are_named(arrays, tmp_path):
    savemat(tmp_path / "model.mat", {key: value for key, value in arrays.items() if key != "exBase"})
    with pytest.raises(CheckpointError, match="exBase"):
        Bfm.from_file(str(tmp_path / "model.mat"))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(MissingCheckpointError, match="BFM_model_front"):
        Bfm.from_file(tmp_path / "absent.mat")
    with pytest.raises(CheckpointError, match="folder"):
        Bfm.from_file(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"<html>rate limited</html>" * 20, b"\x00" * 300, b"MATLAB 5.0" * 60]
)
def test_damaged_files_are_checkpoint_errors(tmp_path, content):
    (tmp_path / "model.mat").write_bytes(content)
    with pytest.raises(CheckpointError):
        Bfm.from_file(tmp_path / "model.mat")


def test_cut_files_are_checkpoint_errors(path, tmp_path):
    content = path.read_bytes()
    for end in (60, 128, 140, 1000, len(content) - 50):
        (tmp_path / "model.mat").write_bytes(content[:end])
        with pytest.raises(CheckpointError):
            Bfm.from_file(tmp_path / "model.mat")


def test_files_of_version_7_3_are_named(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + (0x0200).to_bytes(2, "little") + b"IM"
    (tmp_path / "model.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" * 40)
    with pytest.raises(CheckpointError, match=r"7\.3"):
        Bfm.from_file(tmp_path / "model.mat")


def test_without_scipy_it_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(MissingDependencyError, match="pip install scipy"):
        Bfm.from_file(path)

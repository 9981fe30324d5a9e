"""The insightface adapter on a pack of tiny networks whose answers are known."""

import shutil

import numpy as np
import pytest

from common.core.errors import CheckpointError, InputError, MissingCheckpointError, ShapeError
from common.faces import detectors as registry
from common.faces import get_detector
from common.faces.insightface import PACKS, InsightFaceDetector

onnx = pytest.importorskip("onnx", reason="the tiny networks are written with onnx")
pytest.importorskip("insightface", reason="the adapter under test")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

EYES_NOSE_MOUTH = np.array([(-0.5, -0.25), (0.5, -0.25), (0, 0), (-0.25, 0.5), (0.25, 0.5)], np.float32)  # strides
LANDMARKS = np.random.default_rng(2).uniform(-0.5, 0.5, (68, 3)).astype(np.float32)  # half sides of the crop


def save(path, nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def save_detector(path):
    """SCRFD with nine outputs: a face wherever a cell of 32 pixels is red, reaching a cell's side from its corner."""
    counts = {8: 12800, 16: 3200, 32: 800}  # two anchors per cell at 640 pixels
    constants = {"second": np.zeros((400, 1), np.float32), "red": np.array([0]), "both": np.array([800, 1])}
    constants |= {"cells": np.array([400, 1]), "zero": np.zeros(1, np.float32)}
    nodes = [
        helper.make_node("Gather", ["image", "red"], ["redness"], axis=1),
        helper.make_node("AveragePool", ["redness"], ["pooled"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Reshape", ["pooled", "cells"], ["first"]),
        helper.make_node("Concat", ["first", "second"], ["pairs"], axis=1),
        helper.make_node("Reshape", ["pairs", "both"], ["score32"]),
    ]
    outputs = {}
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride, count in counts.items():
            name = f"{kind}{stride}"
            outputs[name] = [count, width]
            if name == "score32":
                continue
            row = {"score": [0.0], "box": [1.0] * 4, "points": EYES_NOSE_MOUTH.ravel()}[kind]
            constants[f"c_{name}"] = np.tile(np.array(row, np.float32), (count, 1))
            nodes.append(helper.make_node("Add", [f"c_{name}", "zero"], [name]))
    save(path, nodes, {"image": [1, 3, "height", "width"]}, outputs, constants)


def save_landmarks(path):
    """1k3d68: 1103 points of three coordinates, the last 68 of which count."""
    answer = np.zeros((1, 1103, 3), np.float32)
    answer[0, -68:] = LANDMARKS
    constants = {"answer": answer.reshape(1, 3309), "nothing": np.zeros(1, np.float32)}
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["level"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["level", "nothing"], ["silence"], name="silenced"),
        helper.make_node("Add", ["answer", "silence"], ["points"]),
    ]
    save(path, nodes, {"image": [1, 3, 192, 192]}, {"points": [1, 3309]}, constants)


def save_recognition(path):
    """ArcFace: the mean colour, in the network's own channel order, in the first three of 512 numbers."""
    spread = np.zeros((3, 512), np.float32)
    spread[range(3), range(3)] = 5.0
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["colour"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["colour", "spread"], ["embedding"]),
    ]
    save(path, nodes, {"image": [1, 3, 112, 112]}, {"embedding": [1, 512]}, {"spread": spread})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    for file, write in zip(PACKS["antelopev2"], (save_detector, save_landmarks, save_recognition), strict=True):
        write(folder / file)
    return folder


def install(tiny, root, pack="antelopev2", nested=False):
    folder = root / "models" / pack / (pack if nested else "")
    folder.mkdir(parents=True)
    for source, name in zip(PACKS["antelopev2"], PACKS[pack], strict=True):
        shutil.copy(tiny / source, folder / name)
    return root


@pytest.fixture
def photo():
    """Red squares of 32 pixels at the columns 448 and 96 on black, and a blue one which is no face."""
    picture = np.zeros((640, 640, 3), np.uint8)
    picture[320:352, 448:480, 0] = picture[128:160, 96:128, 0] = 255
    picture[320:352, 256:288, 2] = 255
    return picture


@pytest.mark.parametrize("nested", [False, True])
def test_reads_the_pack(tiny, tmp_path, photo, nested):
    detector = InsightFaceDetector(root=install(tiny, tmp_path, nested=nested))
    faces = detector.find(photo)
    assert detector.name == "insightface/antelopev2"
    assert len(faces) == 2  # the blue square, seen red if the channels were swapped, is not among them
    for face, (x, y) in zip(faces, ((96, 128), (448, 320)), strict=True):
        np.testing.assert_allclose(face.box, [x - 32, y - 32, x + 32, y + 32], atol=1e-3)
        np.testing.assert_allclose(face.points, [x, y] + 32 * EYES_NOSE_MOUTH, atol=1e-3)
        # insightface cuts a square of 1.5 boxes, and the network answers in half sides of it.
        np.testing.assert_allclose(face.landmarks, [x, y] + 48 * LANDMARKS[:, :2], atol=0.01)
        assert face.backend == detector.name
        assert face.mesh is None
        assert face.score == pytest.approx(127.5 / 128, abs=1e-3)
        assert face.embedding is not None
        assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
        assert face.embedding[0] > face.embedding[2]  # the red square reached the network as red


def test_scale_of_the_photo(tiny, tmp_path, photo):
    detector = InsightFaceDetector(root=install(tiny, tmp_path))
    double = photo.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(detector.find(double)[0].box, [128, 192, 256, 320], atol=0.01)


def test_no_face(tiny, tmp_path):
    detector = InsightFaceDetector(root=install(tiny, tmp_path))
    for shape in ((640, 640, 3), (1, 1, 3), (50, 10000, 3), (12, 12000, 3)):
        assert detector.find(np.zeros(shape, np.uint8)) == []
    with pytest.raises(ShapeError):
        detector.find(np.zeros((5, 5), np.uint8))


def test_auto_prefers_insightface(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    registry._build.cache_clear()
    assert get_detector().name == "mediapipe"
    install(tiny, tmp_path / ".insightface", "buffalo_l")
    assert get_detector().name == "insightface/buffalo_l"
    install(tiny, tmp_path / ".insightface", nested=True)
    assert get_detector().name == get_detector("insightface").name == "insightface/antelopev2"
    registry._build.cache_clear()


def test_incomplete_pack_is_missing(tiny, tmp_path):
    root = install(tiny, tmp_path)
    (root / "models" / "antelopev2" / "glintr100.onnx").unlink()
    with pytest.raises(MissingCheckpointError, match=r"(?s)glintr100\.onnx.*non-commercial.*fetch=True"):
        InsightFaceDetector(root=root)


def test_fetch_repairs_the_nested_archive(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("common.faces.packs.reachable", lambda host: True)

    def download(kind, name, force, root):
        install(tiny, tmp_path / "root", nested=True)
        return str(tmp_path / "root" / kind / name)

    monkeypatch.setattr("insightface.utils.storage.download", download)
    detector = InsightFaceDetector(root=tmp_path / "root", fetch=True)
    assert detector.pack.folder == tmp_path / "root" / "models" / "antelopev2"


def test_unknown_pack():
    with pytest.raises(InputError, match="antelopev2, buffalo_l"):
        InsightFaceDetector("buffalo_xs")


def test_unreadable_pack(tiny, tmp_path):
    root = install(tiny, tmp_path)
    (root / "models" / "antelopev2" / "glintr100.onnx").write_bytes(b"half a download")
    with pytest.raises(CheckpointError, match=r"(?s)insightface/antelopev2 cannot read.*models.antelopev2.*fetch=True"):
        InsightFaceDetector(root=root).find(np.zeros((64, 64, 3), np.uint8))

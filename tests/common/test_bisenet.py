from pathlib import Path

import numpy as np
import pytest
import torch
from folders import GOLDEN
from preparation_networks import shapes, weights
from refusals import refused
from safetensors.torch import load_file, save_file

from common.core.errors import CheckpointError, InputError, MissingCheckpointError, ShapeError
from common.parsing.bisenet import BiSeNet, BiSeNetParser


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return weights("bisenet")


@pytest.fixture(scope="module")
def network(state) -> BiSeNet:
    network = BiSeNet()
    network.load_state_dict(state)
    return network.eval()


@pytest.fixture(scope="module")
def checkpoint(state, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bisenet") / "79999_iter.pth"
    # The published file is older than torch's zip format.
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


def test_keys_and_shapes_are_the_published_ones():
    assert {key: list(value.shape) for key, value in BiSeNet().state_dict().items()} == shapes("bisenet")


@pytest.mark.golden
def test_logits_equal_the_released_network(network):
    golden = load_file(GOLDEN / "preparation" / "bisenet.safetensors")
    with torch.no_grad():
        logits = network(golden["bisenet_input"])
    torch.testing.assert_close(logits, golden["bisenet_logits"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [(33, 47), (64, 40), (101, 32)])
def test_any_size_gives_logits_of_that_size(network, size):
    with torch.no_grad():
        assert network(torch.zeros(1, 3, *size)).shape == (1, 19, *size)


def test_batch_of_two_equals_two_of_one(network):
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        both, apart = network(images), torch.cat([network(images[:1]), network(images[1:])])
    torch.testing.assert_close(both, apart, rtol=1e-4, atol=1e-5)


def test_auxiliary_heads_are_loaded_but_not_run(network, monkeypatch):
    def fail(*_):
        raise AssertionError("an auxiliary head was run")

    monkeypatch.setattr(network.conv_out16, "forward", fail)
    monkeypatch.setattr(network.conv_out32, "forward", fail)
    with torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))


def test_parser_labels_a_crop_as_the_network_does(checkpoint, network):
    crop = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    images = torch.from_numpy(((crop / 255 - mean) / std).astype(np.float32)).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = network(images)[0].argmax(0).numpy()
    labels = BiSeNetParser(checkpoint).parse(crop, outline=np.zeros((0, 2)), landmarks=np.zeros((68, 2)))
    assert labels.dtype == np.uint8
    # Two classes may be equally likely up to rounding.
    assert (labels == expected).mean() > 0.9999


def test_safetensors_hold_the_same_network_and_crops_may_have_any_size(checkpoint, state, tmp_path):
    save_file(state, tmp_path / "bisenet.safetensors")
    crop = np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)
    labels = BiSeNetParser(tmp_path / "bisenet.safetensors").parse(crop)
    assert labels.shape == (200, 300)
    assert np.array_equal(labels, BiSeNetParser(str(checkpoint)).parse(crop))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "ffm.conv1.weight"}, r"ffm\.conv1\.weight"),
        (lambda s: s | {"fc.weight": torch.zeros(2)}, r"fc\.weight"),
        (lambda s: s | {"ffm.conv1.weight": torch.zeros(2)}, r"ffm\.conv1\.weight"),
    ],
)
def test_keys_that_do_not_fit_are_named(state, tmp_path, change, name):
    torch.save(change(state), tmp_path / "bisenet.pth")
    with pytest.raises(CheckpointError, match=name) as caught:
        BiSeNetParser(tmp_path / "bisenet.pth")
    assert caught.value.code == "keys"


def test_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(MissingCheckpointError, match="mengtingwei/magicface"):
        BiSeNetParser(tmp_path / "79999_iter.pth")


@pytest.mark.parametrize("name", ["damaged.pth", "damaged.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"<html>rate limited</html>"])
def test_damaged_file_is_a_checkpoint_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with refused(CheckpointError, "unreadable"):
        BiSeNetParser(tmp_path / name)


def test_file_of_something_else_is_a_checkpoint_error(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with refused(CheckpointError, "keys"):
        BiSeNetParser(tmp_path / "list.pth")


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    torch.save({"weight": Path("elsewhere")}, tmp_path / "code.pth")
    with refused(CheckpointError, "refused"):
        BiSeNetParser(tmp_path / "code.pth")


def test_crop_is_checked(checkpoint):
    parser = BiSeNetParser(checkpoint)
    with refused(InputError, "type"):
        parser.parse(np.zeros((8, 8, 3), np.float32))
    with refused(ShapeError, name="crop"):
        parser.parse(np.zeros((8, 8), np.uint8))

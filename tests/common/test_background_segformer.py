import json

import numpy as np
import pytest
import torch
from refusals import refused
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from common.core.errors import CheckpointError, MissingCheckpointError
from common.parsing import PARTS, get_parser
from common.parsing.hub import on_disk
from common.parsing.segformer import SegFormerParser

SHUFFLED = [PARTS[i] for i in np.random.default_rng(0).permutation(len(PARTS))]


def save_model(folder, names=SHUFFLED, preprocessor=None):
    torch.manual_seed(0)
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 8],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=16,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
    )
    network = SegformerForSemanticSegmentation(config).eval()
    network.save_pretrained(folder)
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return network


@pytest.fixture
def crop():
    return np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8)


def test_classes_are_mapped_by_name(tmp_path, crop):
    network = save_model(tmp_path)
    # One class wins everywhere, so its name must be what comes out.
    for name in ("l_brow", "hat", "background"):
        bias = network.get_parameter("decode_head.classifier.bias")
        with torch.no_grad():
            bias.zero_()[SHUFFLED.index(name)] = 1e3
        network.save_pretrained(tmp_path)
        labels = SegFormerParser(tmp_path).parse(crop)
        assert labels.dtype == np.uint8
        assert labels.shape == (96, 128)
        assert np.unique(labels).tolist() == [PARTS.index(name)]


@pytest.mark.parametrize(
    ("preprocessor", "size", "mean", "std", "scale"),
    [
        (None, 512, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 255),
        ({"size": 64, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}, 64, 0.5, 0.25, 1 / 255),
        (
            {"size": {"height": 96, "width": 96}, "do_normalize": False, "rescale_factor": 1 / 127.5},
            96,
            0,
            1,
            1 / 127.5,
        ),
        ({"size": {"shortest_edge": 32}, "do_rescale": False, "do_normalize": False}, 32, 0, 1, 1),
    ],
)
def test_preprocessing_is_the_models_own(tmp_path, preprocessor, size, mean, std, scale):
    network = save_model(tmp_path, preprocessor=preprocessor)
    crop = np.random.default_rng(2).integers(0, 256, (size, size, 3), np.uint8)
    images = torch.from_numpy(((crop * scale - np.array(mean)) / np.array(std)).astype(np.float32))
    with torch.no_grad():
        logits = network(images.permute(2, 0, 1)[None]).logits
    own = torch.nn.functional.interpolate(logits, (size, size), mode="bilinear")[0].argmax(0).numpy()
    expected = np.array([PARTS.index(name) for name in SHUFFLED])[own]
    assert (SegFormerParser(tmp_path).parse(crop) == expected).mean() > 0.999


def test_unknown_class_is_named(tmp_path):
    save_model(tmp_path, names=["background", "skin", "bicycle"])
    with refused(CheckpointError, "unknown", actual=["bicycle"]):
        SegFormerParser(tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path, monkeypatch):
    network = save_model(tmp_path)
    state = {key: value for key, value in network.state_dict().items() if "classifier" not in key}
    network.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(CheckpointError, match=r"classifier\.weight"):
        SegFormerParser(tmp_path)


@pytest.mark.parametrize("model", ["no/such-model", "/no/such/folder/at/all"])
def test_absent_model_says_how_to_fetch_it(model, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert not on_disk(model)
    with refused(MissingCheckpointError):
        SegFormerParser(model)


def test_auto_takes_a_model_on_disk(tmp_path):
    assert not on_disk(tmp_path)
    save_model(tmp_path)
    assert on_disk(tmp_path)
    assert get_parser(segformer=tmp_path).name == "segformer"


def test_fetching_offline_is_noticed_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with refused(MissingCheckpointError, "connection"):
        SegFormerParser("no/such-model", fetch=True)

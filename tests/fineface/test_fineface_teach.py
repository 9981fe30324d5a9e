"""A text encoder that is taught before a whole model is trained, and then stays as it is."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file
from small_fineface import CAPTIONS, EXACT_VAE, SIZE, TEXT, UNET, start

from common.core.errors import MissingCheckpointError
from common.weights.vae import AutoencoderDC
from fineface import teach
from fineface.editor import FineFace
from fineface.teach import Reader, fit, main
from fineface.text_to_face import taught, text_networks
from fineface.train import FineFaceConfig

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def reader():
    torch.manual_seed(0)
    options = {"variant": "whole", "lora_rank": 0, "size": SIZE, "unet": UNET, "text_encoder": TEXT, "vae": "-"}
    tokenizer, encoder = text_networks(FineFaceConfig(output="-", folder="-", **options), CAPTIONS)
    return tokenizer, Reader(encoder, 3)


def tokens_of(tokenizer, captions):
    options = {"padding": "max_length", "max_length": tokenizer.model_max_length, "return_tensors": "pt"}
    return tokenizer(captions, **options).input_ids


def test_what_follows_the_end_is_not_read(reader):
    tokenizer, network = reader
    tokens = tokens_of(tokenizer, CAPTIONS[:2])
    end = int((tokens == tokenizer.eos_token_id).int().argmax(1).max())
    other = tokens.clone()
    other[:, end + 1 :] = 7
    assert (other != tokens).any()
    torch.testing.assert_close(network(other), network(tokens))
    alone = torch.cat([network(row[None]) for row in tokens])
    torch.testing.assert_close(alone, network(tokens), rtol=1e-4, atol=1e-5)


def test_captions_explain_what_follows_from_them_and_nothing_else(reader, monkeypatch):
    tokenizer, network = reader
    monkeypatch.setattr(teach, "BATCH", 16)
    g = torch.Generator().manual_seed(0)
    kinds = torch.randint(3, (300,), generator=g)
    tokens = tokens_of(tokenizer, CAPTIONS)[kinds]
    told = torch.nn.functional.one_hot(kinds, 3).float()
    told = (told - told.mean(0)) / told.std(0)
    assert fit(network, tokens, told, 60, seed=1) > 0.9
    assert fit(network, tokens, torch.randn(300, 3, generator=g), 20, seed=1) < 0.2


def test_the_command_and_the_training_with_what_it_taught(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(teach, "BATCH", 4)
    AutoencoderDC(**EXACT_VAE).save_pretrained(tmp_path / "vae")
    whole.write_text(whole.read_text().split("[autoencoder]")[0])
    options = [f"vae={tmp_path / 'vae'}", f"text={tmp_path / 'text'}", "text_steps=3", "cache_latents=memory"]
    assert start(whole, *options, "steps=1") == 3  # not taught yet
    assert "fineface.teach" in capsys.readouterr().err
    assert main([str(whole), *(part for text in options for part in ("--set", text))]) == 0
    assert " % of " in capsys.readouterr().out
    report = json.loads((tmp_path / "text" / teach.REPORT).read_text())
    assert report.keys() == {"explained", "steps", "samples"}
    tokenizer, encoder = taught(tmp_path / "text")
    assert tokenizer.model_max_length == TEXT["max_position_embeddings"]
    assert start(whole, *options, "steps=3", "learning_rate=1e-2") == 0
    model = whole.parent / "out" / "model"
    published = load_file(model / "text_encoder" / "model.safetensors")
    own = encoder.state_dict()
    assert all(torch.equal(own[name], value) for name, value in published.items() if name in own)
    editor = FineFace.from_pretrained(model, device="cpu")
    assert editor.pipeline.tokenizer(CAPTIONS[0]).input_ids == tokenizer(CAPTIONS[0]).input_ids
    with pytest.raises(MissingCheckpointError, match="text_encoder"):
        taught(tmp_path)

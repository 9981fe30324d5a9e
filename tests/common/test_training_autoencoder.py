"""The small autoencoder: its loss by hand, a training that goes on as if it had not stopped, a network that loads."""

from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path

import pytest
import torch

from common.autoencoders import load_vae
from common.synthetic import dataset
from common.training.autoencoder import AutoencoderConfig, main, reconstruction_loss
from common.training.config import documentation
from common.training.records import read_log

sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))
import stand_in

CONFIG = """
output = "{folder}/out"
size = 32
synthetic_count = 4
synthetic_people = 2
steps = 4
batch_size = 4
workers = 0
warmup = 0
checkpoint_every = 2
validation_count = 2
[autoencoder]
latent_channels = 4
encoder_block_out_channels = [8, 16]
decoder_block_out_channels = [8, 16]
encoder_layers_per_block = [1, 1]
decoder_layers_per_block = [1, 1]
encoder_qkv_multiscales = [[], []]
decoder_qkv_multiscales = [[], []]
"""


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(dataset, "picture", types.SimpleNamespace(make=stand_in.make))
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    return tmp_path / "config.toml"


def start(config: Path, *overrides: str) -> int:
    return main([str(config), *(part for text in overrides for part in ("--set", text))])


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in read_log(folder / "log.csv")]


def test_trained_autoencoder_loads(config):
    assert start(config) == 0
    out = config.parent / "out"
    vae = load_vae(out / "vae")
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latents = vae.encode(2 * pictures - 1).latent
    assert latents.shape == (2, 4, 16, 16)
    assert [row["step"] for row in read_log(out / "validation.csv")] == [2, 4]
    assert (out / "validation.png").is_file()
    assert len(losses(out)) == 4


def test_a_training_that_stopped_goes_on_as_if_it_had_not(config, monkeypatch):
    """Stopped after the checkpoint of step 2, in the middle of step 3."""
    start(config)
    with monkeypatch.context() as patch:
        calls = []

        def stopping(*args):
            calls.append(args)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return reconstruction_loss(*args)

        patch.setattr("common.training.autoencoder.reconstruction_loss", stopping)
        assert start(config, f"output={config.parent / 'stopped'}") == 130
    assert losses(config.parent / "stopped") == losses(config.parent / "out")[:2]
    start(config, f"output={config.parent / 'stopped'}")
    assert losses(config.parent / "stopped") == losses(config.parent / "out")
    one, other = (load_vae(config.parent / name / "vae").state_dict() for name in ("out", "stopped"))
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=0)


@pytest.fixture
def lossy():
    """An encoder and a decoder that halve and shift: what they lose is known."""
    return (lambda x: x[:, :, ::2, ::2] / 2), (lambda z: z.repeat_interleave(2, 2).repeat_interleave(2, 3))


def picture_and_face() -> tuple[torch.Tensor, torch.Tensor]:
    face = torch.zeros(2, 1, 16, 16)
    face[:, :, :8] = 1
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1, face


def test_loss_by_hand(lossy):
    """Without noise, edges and spread: the weighted mean of what is lost."""
    encoder, decoder = lossy
    pictures, face = picture_and_face()
    plain = AutoencoderConfig(output="out", edge_weight=0.0, spread_weight=0.0, face_weight=3.0)
    found = reconstruction_loss(encoder, decoder, pictures, face, torch.zeros(2, 3, 8, 8), plain)
    lost = (decoder(encoder(pictures)) - pictures).abs()
    torch.testing.assert_close(found, (3 * lost[:, :, :8].mean() + lost[:, :, 8:].mean()) / 4, rtol=1e-5, atol=1e-6)


def test_spread_and_noise(lossy):
    """The spread is zero for latents of mean 0 and deviation 1; the noise reaches the decoder by its weight."""
    encoder, decoder = lossy
    pictures, face = picture_and_face()
    latents = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    latents = (latents - latents.mean((0, 2, 3), keepdim=True)) / latents.std((0, 2, 3), keepdim=True)
    found = []
    for shift, weight in ((0.0, 0.0), (0.0, 1.0), (2.0, 0.0), (2.0, 1.0)):
        config = AutoencoderConfig(output="out", spread_weight=weight, latent_noise=0.0)
        shifted = latents + shift
        found.append(reconstruction_loss(lambda x, z=shifted: z, decoder, pictures, face, latents, config))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(found[3] - found[2], torch.tensor(4.0), rtol=1e-4, atol=1e-4)
    seen = []
    config = AutoencoderConfig(output="out", latent_noise=0.5)
    reconstruction_loss(encoder, lambda z: seen.append(z) or decoder(z), pictures, face, latents, config)
    torch.testing.assert_close(seen[0], encoder(pictures) + 0.5 * latents)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["autoencoder.latent_channel=1"], "'latent_channels'"),
        (["edge_wait=1.0"], "'edge_weight'"),
        (["batch_size=3"], "even; got 3"),
        (["steps=0"], "steps must be at least 1"),
        (["learning_rate=fast"], "a number"),
    ],
)
def test_wrong_configs_are_told(config, capsys, overrides, words):
    assert start(config, *overrides) == 2
    assert words in capsys.readouterr().err


def test_every_field_is_documented():
    texts = documentation(AutoencoderConfig)
    assert all(texts[field.name] for field in dataclasses.fields(AutoencoderConfig))

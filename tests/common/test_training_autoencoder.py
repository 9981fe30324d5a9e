"""The small autoencoder: its loss by hand, a training that goes on as if it had not stopped, a network that loads."""

from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path

import pytest
import torch

from common.synthetic.data import dataset
from common.synthetic.data.dataset import SyntheticFaces
from common.training.autoencoder import AutoencoderConfig, FacePictures, cut_closer, main, reconstruction_loss
from common.training.command import documentation
from common.training.logs import read_log
from common.weights.vae import encode, load_vae

sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))
import stand_in
import toy_training as toy

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
validate_every = 2
validation_count = 2
tensorboard = false
[autoencoder]
latent_channels = 4
encoder_block_out_channels = [8, 8, 16]
decoder_block_out_channels = [8, 8, 16]
encoder_layers_per_block = [0, 1, 1]
decoder_layers_per_block = [0, 1, 1]
encoder_qkv_multiscales = [[], [], []]
decoder_qkv_multiscales = [[], [], []]
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
    vae = load_vae(out / "model")
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latents, _ = encode(vae, 2 * pictures - 1)
    assert latents.shape == (2, 4, 8, 8)
    assert [row["step"] for row in read_log(out / "validation.csv")] == [2, 4]
    assert (out / "validation" / "step-00000004.png").is_file()
    assert "| psnr |" in (out / "model" / "README.md").read_text()
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
    one, other = (load_vae(config.parent / name / "model").state_dict() for name in ("out", "stopped"))
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=0)


def test_what_a_resumed_training_is_told_anew_holds(config, capsys):
    start(config)
    assert start(config, "steps=6", "learning_rate=1e-5") == 0
    rates = [row["learning_rate"] for row in read_log(config.parent / "out" / "log.csv")]
    assert 0 < rates[4] <= 1e-5
    assert start(config, "steps=8", "autoencoder.latent_channels=2") == 1
    assert "does not fit the config" in capsys.readouterr().err


def test_weights_that_are_no_numbers_are_not_kept(config, monkeypatch, capsys):
    start(config, "steps=2")
    monkeypatch.setattr(
        "common.training.autoencoder.reconstruction_loss", lambda *args: reconstruction_loss(*args) * float("nan")
    )
    assert start(config) == 1
    assert "NaN or infinite by step 4" in capsys.readouterr().err
    assert [path.name for path in (config.parent / "out" / "checkpoints").iterdir()] == ["step-00000002"]


def test_loss_by_hand():
    """Without noise, edges or spread: the weighted mean of what is lost."""
    vae = toy.exact_vae()
    pictures = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    face = torch.zeros(2, 1, 16, 16)
    face[:, :, :8] = 1
    plain = AutoencoderConfig(output="out", edge_weight=0.0, spread_weight=0.0, latent_noise=0.0, face_weight=3.0)
    with torch.no_grad():
        found = reconstruction_loss(vae.encoder, vae.decoder, pictures, face, torch.randn(2, 4, 4, 4), plain)
        lost = (vae.decode(vae.encode(pictures).latent).sample - pictures).abs()
    torch.testing.assert_close(found, (3 * lost[:, :, :8].mean() + lost[:, :, 8:].mean()) / 4, rtol=1e-5, atol=1e-6)


def test_spread_is_nothing_for_standard_latents():
    """What does not lose anything and spreads as it should costs nothing; twice as wide costs log(2)^2 a channel."""
    pictures = torch.randn(16, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    pictures = (pictures - pictures.mean((0, 2, 3), keepdim=True)) / pictures.std((0, 2, 3), keepdim=True)
    plain = AutoencoderConfig(output="out", spread_weight=1.0, latent_noise=0.0)
    face, noise = torch.zeros(16, 1, 8, 8), torch.randn_like(pictures)
    assert reconstruction_loss(lambda x: x, lambda z: z, pictures, face, noise, plain) < 1e-6
    wide = reconstruction_loss(lambda x: 2 * x, lambda z: z / 2, pictures, face, noise, plain)
    torch.testing.assert_close(wide, torch.tensor(0.4805), rtol=1e-3, atol=1e-4)


def test_scale_by_hand():
    """A decoder that doubles sides by repeating pixels, and an encoder that halves them: what it makes of a quarter."""
    g = torch.Generator().manual_seed(3)
    pictures, noise = torch.randn(2, 3, 16, 16, generator=g), torch.randn(2, 3, 8, 8, generator=g)
    face, slope = torch.zeros(2, 1, 16, 16), 0.9

    def decode(z: torch.Tensor) -> torch.Tensor:
        return slope * z.repeat_interleave(2, 2).repeat_interleave(2, 3)

    def loss(weight: float) -> torch.Tensor:
        config = AutoencoderConfig(output="out", scale_weight=weight)
        return reconstruction_loss(lambda x: x[..., ::2, ::2], decode, pictures, face, noise, config)

    quarter = pictures[..., ::2, ::2].unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))  # (2, 3, 4, 4)
    half = pictures.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))  # (2, 3, 8, 8)
    expected = (slope * torch.kron(quarter, torch.ones(2, 2)) - half).abs().mean()
    torch.testing.assert_close(loss(0.25) - loss(0.0), 0.25 * expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(loss(0.0), loss(0))


def test_a_weight_of_none_decodes_no_half():
    calls = []

    def decode(z: torch.Tensor) -> torch.Tensor:
        calls.append(z.shape)
        return z

    pictures, face = torch.randn(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    for weight, count in ((0.0, 1), (1.0, 3)):
        config = AutoencoderConfig(output="out", scale_weight=weight)
        reconstruction_loss(lambda x: x, decode, pictures, face, torch.zeros_like(pictures), config)
        assert len(calls) == count


def test_it_begins_with_what_fits(config):
    """With fewer latents than the start has: the weights at the latents stay random, the others are the start's."""
    first, then, fresh = (config.parent / name for name in ("out", "then", "fresh"))
    start(config, "steps=1")
    more = ["steps=1", "autoencoder.latent_channels=2", "learning_rate=1e-12"]
    assert start(config, *more, f"start={first / 'model'}", f"output={then}") == 0
    assert start(config, *more, f"output={fresh}") == 0
    begun, other, new = (load_vae(folder / "model").state_dict() for folder in (then, first, fresh))
    fitting = {name for name, value in begun.items() if value.shape == other[name].shape}
    assert 0 < len(begun) - len(fitting) < len(fitting)
    assert any(not torch.equal(begun[name], new[name]) for name in fitting)
    for name, value in begun.items():
        torch.testing.assert_close(value, (other if name in fitting else new)[name], rtol=0, atol=1e-6)


def test_closer_pictures_show_the_face_larger():
    """A square at the landmarks has four times the pixels when it is twice as close, and its centre stays."""
    pictures = torch.zeros(2, 4, 32, 32)
    pictures[:, :, 10:14, 18:22] = 1
    landmarks = torch.tensor([[18.0, 10], [21, 13]]).repeat(34, 1)
    near = cut_closer(pictures, landmarks, 2.0)
    torch.testing.assert_close(near.sum((2, 3)), torch.full((2, 4), 64.0), rtol=0.02, atol=0.1)
    assert (near[:, :, 11:13, 19:21] > 0.99).all()
    assert torch.equal(cut_closer(pictures, landmarks, 1.0), pictures)


def test_every_other_pair_is_cut_closer(config):
    """Both pictures of a pair alike, and each time."""
    faces = SyntheticFaces(4, size=32, pairs="expression", people=2)
    plain, mixed = FacePictures(faces), FacePictures(faces, 4.0)
    assert len(plain) == len(mixed) == 8
    for index, role in enumerate(("source", "target")):
        assert torch.equal(mixed[index]["picture"], plain[index]["picture"])
        torch.testing.assert_close(plain[index]["picture"], 2 * faces[0][role]["image"] - 1)
        assert not torch.equal(mixed[2 + index]["picture"], plain[2 + index]["picture"])
        assert torch.equal(mixed[2 + index]["picture"], mixed[2 + index]["picture"])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["autoencoder.latent_channel=1"], "'latent_channels'"),
        (["spread_wait=1.0"], "'spread_weight'"),
        (["batch_size=3", "accumulation=2"], "batch_size"),
        (["size=33"], "33"),
        (["size=36", "scale_weight=1"], "a multiple of 8"),
        (["scale_weight=-1"], "scale_weight"),
        (["closer=0.5"], "closer"),
        (["learning_rate=-1"], "learning_rate"),
        (["steps=0"], "steps"),
        (["learning_rate=fast"], "a number"),
    ],
)
def test_wrong_configs_are_told(config, capsys, overrides, words):
    assert start(config, *overrides) == 2
    assert words in capsys.readouterr().err


def test_every_field_is_documented():
    texts = documentation(AutoencoderConfig)
    assert all(texts[field.name] for field in dataclasses.fields(AutoencoderConfig))

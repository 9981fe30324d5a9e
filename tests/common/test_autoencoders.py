"""Both kinds of autoencoder are loaded and used alike."""

from __future__ import annotations

import json

import diffusers
import pytest
import torch
import toy_training as toy
from refusals import refused

from common.core.errors import CheckpointError
from common.weights.vae import encode, load_vae, scale_factor


@pytest.mark.parametrize(("make", "factor"), [(toy.vae, 2), (toy.exact_vae, 4)])
def test_latents_are_as_small_as_the_factor_says(make, factor, tmp_path):
    make().save_pretrained(tmp_path)
    vae = load_vae(tmp_path)
    assert isinstance(vae, type(make()))
    with torch.no_grad():
        mean, deviation = encode(vae, torch.rand(2, 3, 16, 24) * 2 - 1)
    assert scale_factor(vae) == factor
    assert mean.shape == deviation.shape == (2, 4, 16 // factor, 24 // factor)
    assert bool((deviation > 0).all()) == (make is toy.vae)


def test_deviation_is_the_distribution_s():
    vae, pixels = toy.vae(), torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        found, (mean, deviation) = vae.encode(pixels).latent_dist, encode(vae, pixels)
    assert torch.equal(mean, found.mean)
    assert torch.equal(deviation, found.std)


def test_other_kinds_are_told(tmp_path):
    toy.exact_vae().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"_class_name": "AutoencoderTiny"}))
    with refused(CheckpointError, "refused", actual="AutoencoderTiny"):
        load_vae(tmp_path)


def test_exact_latents_are_diffusers_own(tmp_path):
    """Bit for bit, with what pipelines ask for besides: levels, `latents`, and a generator that has nothing to draw."""
    toy.exact_vae().save_pretrained(tmp_path)
    ours, theirs = load_vae(tmp_path), diffusers.AutoencoderDC.from_pretrained(tmp_path, local_files_only=True).eval()
    pixels = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = theirs.encode(pixels).latent
        found = ours.encode(pixels)
        assert torch.equal(found.latents, expected)
        assert torch.equal(found.latent, expected)
        assert torch.equal(ours.encode(pixels, return_dict=False)[0], expected)
        decoded = ours.decode(expected, return_dict=False, generator=torch.Generator())[0]
        assert torch.equal(decoded, theirs.decode(expected).sample)


def test_levels_are_there_and_are_not_saved(tmp_path):
    toy.exact_vae().save_pretrained(tmp_path / "theirs")
    vae = load_vae(tmp_path / "theirs")
    assert vae.config.block_out_channels == vae.config["block_out_channels"] == [8, 8, 16]
    vae.save_pretrained(tmp_path / "ours")
    kept, first = (json.loads((tmp_path / name / "config.json").read_text()) for name in ("ours", "theirs"))
    assert kept["_class_name"] == "AutoencoderDC"
    assert {name: kept.get(name) for name in first} == first
    assert "block_out_channels" not in kept
    again = load_vae(tmp_path / "ours")
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in vae.state_dict().items())

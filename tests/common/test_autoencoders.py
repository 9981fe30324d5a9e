"""Both kinds of autoencoder are loaded and used alike."""

from __future__ import annotations

import json

import pytest
import torch
import toy_training as toy

from common.autoencoders import encode, load_vae, scale_factor
from common.errors import CheckpointError


@pytest.mark.parametrize(("make", "factor"), [(toy.vae, 2), (toy.exact_vae, 4)])
def test_latents_are_as_small_as_the_factor_says(make, factor, tmp_path):
    make().save_pretrained(tmp_path)
    vae = load_vae(tmp_path)
    assert type(vae) is type(make())
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
    with pytest.raises(CheckpointError, match="AutoencoderTiny"):
        load_vae(tmp_path)

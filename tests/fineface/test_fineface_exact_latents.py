"""Stable Diffusion's own pipelines run with a deep compression autoencoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from small_fineface import CAPTIONS, EXACT_VAE, SIZE, UNET, WIDTH

from common.weights.vae import AutoencoderDC, load_vae

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def stock(base, tmp_path_factory) -> StableDiffusionPipeline:
    """The tiny base with an autoencoder whose latents are a quarter as wide as pictures."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("exact")
    AutoencoderDC(**EXACT_VAE).save_pretrained(folder)
    unet = UNet2DConditionModel(in_channels=4, out_channels=4, sample_size=SIZE // 4, cross_attention_dim=WIDTH, **UNET)
    pipeline = StableDiffusionPipeline.from_pretrained(
        base, vae=load_vae(folder), unet=unet, local_files_only=True, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline, **options) -> np.ndarray:
    options = {"num_inference_steps": 1, "output_type": "np", **options}
    return pipeline(CAPTIONS[0], generator=torch.Generator().manual_seed(1), **options).images[0]


def test_text_to_image(stock):
    """A picture is its latents, decoded: so large as the autoencoder's levels say."""
    assert stock.vae_scale_factor == 4
    picture, latents = draw(stock), draw(stock, output_type="latent")
    assert picture.shape == (SIZE, SIZE, 3)
    with torch.no_grad():
        decoded = stock.vae.decode(latents[None] / stock.vae.config.scaling_factor).sample[0]
    np.testing.assert_allclose(picture, (decoded / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy(), atol=1e-5)


def test_inpainting_depends_on_the_photo(stock):
    pipeline = StableDiffusionInpaintPipeline(**stock.components, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    mask = Image.new("L", (SIZE, SIZE))
    mask.paste(255, (16, 16, 48, 48))
    options = {"mask_image": mask, "height": SIZE, "width": SIZE, "strength": 1.0}
    dark, bright = (draw(pipeline, image=Image.new("RGB", (SIZE, SIZE), (v,) * 3), **options) for v in (20, 230))
    assert dark.shape == (SIZE, SIZE, 3)
    assert np.isfinite(dark).all()
    assert np.abs(dark - bright).max() > 0.01

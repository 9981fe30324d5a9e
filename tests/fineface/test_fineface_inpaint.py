"""Inpainting with latents of any number of channels: the photo outside the mask, something new inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline
from PIL import Image

from common.imaging.tensors import to_tensor
from common.weights.vae import encode
from fineface import FineFace
from fineface.inpaint import MaskedImg2Img, inpainting

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def editor():
    return FineFace.from_pretrained(model="embedded", device="cpu")


@pytest.fixture(scope="module")
def photo(astronaut) -> Image.Image:
    return Image.fromarray(astronaut).resize((128, 128))


def made(editor, photo, mask, **options):
    """A picture (128, 128, 3) in [0, 1]."""
    embeds = torch.zeros(1, 77, editor.pipeline.text_encoder.config.hidden_size)
    pipeline = inpainting(editor.pipeline)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        image=[photo], mask_image=[Image.fromarray(mask)], generator=[torch.Generator().manual_seed(0)], width=128,
        height=128, prompt_embeds=embeds, guidance_scale=1.0, num_inference_steps=4, output_type="np",
        **{"strength": 1.0, **options},
    ).images[0]  # fmt: skip


def through_vae(editor, photo):
    vae = editor.pipeline.vae
    with torch.no_grad():
        latents = encode(vae, 2 * to_tensor(np.asarray(photo))[None] - 1)[0]
        return (vae.decode(latents).sample[0] / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()


def test_each_number_of_channels_has_its_pipeline(editor, sd21_folder):
    assert type(inpainting(editor.pipeline)) is MaskedImg2Img
    four = FineFace.from_pretrained(sd21_folder, base=sd21_folder, variant="sd21", device="cpu").pipeline
    assert type(inpainting(four)) is StableDiffusionInpaintPipeline


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_without_a_mask_it_is_the_photo_through_the_autoencoder(editor, photo, strength):
    picture = made(editor, photo, np.zeros((128, 128), np.uint8), strength=strength)
    np.testing.assert_allclose(picture, through_vae(editor, photo), atol=1e-4)


def test_outside_the_mask_it_is_the_photo_and_inside_something_new(editor, photo):
    mask = np.zeros((128, 128), np.uint8)
    mask[:, :64] = 255
    difference = np.abs(made(editor, photo, mask) - through_vae(editor, photo)).mean(2)
    assert difference[:, :56].mean() > 0.05
    assert difference[:, 96:].mean() < 0.02  # the autoencoder carries a little over the border
    assert not np.allclose(made(editor, photo, mask), made(editor, photo, mask, strength=0.5))

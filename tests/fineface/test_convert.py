"""One file in diffusers' IP-Adapter form gives plain diffusers users the same pictures."""

from __future__ import annotations

import json

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file

from common.facs.action_units import AUIntensity
from common.weights.unet import load_unet
from fineface.checkpoints import load, load_pipeline
from fineface.convert import convert, image_projection
from fineface.variants import SD15_FACEID, SD21

NAME = "fineface.safetensors"


@pytest.fixture(params=[("golden_sd21", SD21), ("golden_faceid", SD15_FACEID)], ids=["sd21", "sd15-faceid"])
def model(request):
    name, variant = request.param
    return request.getfixturevalue(name), variant


def test_the_stock_pipeline_loads_it_and_gives_the_golden_picture(model, tmp_path):
    folder, variant = model
    convert(folder, variant, tmp_path / NAME)
    call, own = load_file(folder / "pipeline_call.safetensors"), json.loads((folder / "call.json").read_text())
    pipe: StableDiffusionPipeline = load_pipeline(folder, load_unet(folder / "unet"), torch.float32)
    pipe.set_progress_bar_config(disable=True)
    files = [(str(tmp_path), NAME)] + [(str(folder), variant.faceid)] * bool(variant.faceid)
    pipe.load_ip_adapter(
        [place for place, _ in files], subfolder=[""] * len(files), weight_name=[name for _, name in files],
        image_encoder_folder=None, local_files_only=True,
    )  # fmt: skip
    pipe.set_ip_adapter_scale([own["pipeline"]["au_scale"], own["ip_scale"]][: len(files)])
    aus = torch.tensor([[[0.0] * 12], [list(AUIntensity.parse(own["pipeline"]["aus"]))]])  # (2, 1, 12)
    embeds = [aus]
    if variant.faceid:
        embeds.append(torch.cat([torch.zeros_like(call["faceid_embeds"]), call["faceid_embeds"]]))  # (2, n, 512)
    image = pipe(
        prompt_embeds=call["prompt_embeds"], negative_prompt_embeds=call["negative_prompt_embeds"],
        latents=call["latents"], num_inference_steps=own["pipeline"]["steps"], guidance_scale=7.5,
        ip_adapter_image_embeds=embeds, output_type="pt",
    ).images  # fmt: skip
    assert (image - call["image"]).abs().max() <= 2e-5


def test_keys_travel_as_published(model, tmp_path):
    folder, variant = model
    state = load_file(convert(folder, variant, tmp_path / NAME))
    adapter = load(folder, folder, variant, device="cpu").adapter
    for j, to_k in enumerate(adapter.to_k):
        assert torch.equal(state[f"ip_adapter.{2 * j + 1}.to_k_ip.weight"], to_k.weight)


@pytest.mark.parametrize("width", [48, 768, 1024])
def test_the_norm_divides_by_a_constant(width):
    """Tokens [aus | 1 | 0], four times, at the published widths."""
    from diffusers.models.embeddings import ImageProjection

    state = {key.replace("proj", "image_embeds"): value for key, value in image_projection(width).items()}
    host = ImageProjection(12, width, 4)
    host.load_state_dict(state)
    aus = torch.tensor([[0.0] * 12, [5.0] * 12, [-3.0, 10, *[2.5] * 10]])
    tokens = host(aus)
    expected = torch.cat([aus, torch.ones(3, 1), torch.zeros(3, width - 13)], 1)
    torch.testing.assert_close(tokens, expected[:, None].expand(-1, 4, -1), atol=2e-4, rtol=2e-5)


def test_the_base_is_unchanged_at_scale_zero(golden_sd21, tmp_path):
    convert(golden_sd21, SD21, tmp_path / NAME)
    plain: UNet2DConditionModel = load_unet(golden_sd21 / "unet")
    pipe = load_pipeline(golden_sd21, load_unet(golden_sd21 / "unet"), torch.float32)
    pipe.load_ip_adapter(
        str(tmp_path), subfolder="", weight_name=NAME, image_encoder_folder=None, local_files_only=True
    )
    pipe.set_ip_adapter_scale(0.0)
    pipe.unload_lora_weights()
    call = torch.randn(1, 4, 8, 8), 500, torch.randn(1, 77, 96)
    with torch.no_grad():
        actual = pipe.unet(*call, added_cond_kwargs={"image_embeds": [torch.ones(1, 1, 12)]}).sample
        assert torch.equal(actual, plain(*call).sample)

"""Equality with the released networks, on every golden folder at hand; tolerances as in tests/test_golden.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from folders import golden_folders
from safetensors.torch import load_file

from common.facs.action_units import AUIntensity
from fineface.checkpoints import load
from fineface.variants import SD15_FACEID, SD21, missing_files

pytestmark = pytest.mark.golden

STORED = ["golden_sd21", "golden_faceid"]


def has_form(folder: Path) -> bool:
    return any(not missing_files(folder, variant) for variant in (SD21, SD15_FACEID))


@pytest.fixture(
    params=[*STORED, *filter(has_form, golden_folders())], ids=lambda p: p if isinstance(p, str) else p.name
)
def folder(request) -> Path:
    return request.getfixturevalue(request.param) if isinstance(request.param, str) else request.param


@pytest.fixture
def golden(folder):
    variant = SD15_FACEID if missing_files(folder, SD21) else SD21
    networks = load(folder, folder, variant, dtype=torch.float32, device="cpu")
    networks.pipeline.set_progress_bar_config(disable=True)
    return networks, json.loads((folder / "call.json").read_text())


def vectors(requests) -> torch.Tensor:
    return torch.tensor([AUIntensity.parse(request).values for request in requests])


def faces(networks, call, embeddings) -> torch.Tensor:
    """(2 B, n, 16, D), the unconditional half first."""
    halves = torch.cat([torch.zeros_like(embeddings), embeddings])
    return networks.face_projection(halves.flatten(0, 1)).unflatten(0, halves.shape[:2])


def test_tokens_are_equal(folder, golden):
    networks, settings = golden
    call = load_file(folder / "denoiser_call.safetensors")
    aus = vectors(settings["aus"])
    tokens = networks.adapter.projection(torch.cat([torch.zeros_like(aus), aus]))
    assert torch.equal(tokens, call["au_embedding"])
    if "faceid_embeds" in call:
        expected = call["image_embedding"]
        actual = faces(networks, call, call["faceid_embeds"]).flatten(1, 2)
        assert (actual - expected).abs().max() <= 2e-6 * expected.abs().max()


def test_denoiser_call(folder, golden):
    networks, settings = golden
    call, unet = load_file(folder / "denoiser_call.safetensors"), networks.pipeline.unet
    added = {}
    with torch.no_grad():
        if "faceid_embeds" in call:
            networks.pipeline.set_ip_adapter_scale(settings["ip_scale"])
            added = {"added_cond_kwargs": {"image_embeds": [faces(networks, call, call["faceid_embeds"])]}}
        branch = networks.adapter(unet, settings["au_scale"] * call["au_embedding"])
        noise_pred = unet(
            call["sample"], call["timestep"], call["encoder_hidden_states"],
            cross_attention_kwargs={"action_units": branch}, **added,
        ).sample  # fmt: skip
    error = (noise_pred - call["noise_pred"]).abs().max() / call["noise_pred"].abs().max()
    assert error <= 2e-6


def test_whole_run(folder, golden):
    networks, settings = golden
    call, own = load_file(folder / "pipeline_call.safetensors"), settings["pipeline"]
    added = {}
    with torch.no_grad():
        aus = vectors([{}, own["aus"]])
        branch = networks.adapter(networks.pipeline.unet, own["au_scale"] * networks.adapter.projection(aus))
        if "faceid_embeds" in call:
            networks.pipeline.set_ip_adapter_scale(own.get("ip_scale", settings["ip_scale"]))
            added = {"ip_adapter_image_embeds": [faces(networks, call, call["faceid_embeds"])]}
        image = networks.pipeline(
            prompt_embeds=call["prompt_embeds"], negative_prompt_embeds=call["negative_prompt_embeds"],
            latents=call["latents"], num_inference_steps=own["steps"], guidance_scale=own["guidance_scale"],
            cross_attention_kwargs={"action_units": branch}, output_type="pt", **added,
        ).images  # fmt: skip
    assert (image - call["image"]).abs().max() <= 1e-5

"""Equality with the released networks, on every golden folder at hand.

Tolerances are absolute for what lies in [0, 1], else relative to the answer's range: on numbers of size 2, two correct
float32 runs on different processors differ by 2e-6, and either by as much from float64.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from folders import GOLDEN, golden_folders, picture
from safetensors.torch import load_file

from common.diffusion import loading
from common.diffusion.conditioning import Rig
from common.diffusion.identity import encode_tokens, project_identity
from common.weights import unet

EPS = torch.finfo(torch.float32).eps  # one rounding: processors take roots differently

pytestmark = pytest.mark.golden

NEEDED = ("denoiser_call.safetensors", "pipeline_call.safetensors", "source.png", "background.png")


def has_form(folder: Path) -> bool:
    """Whether a folder is a golden checkpoint of this family, with weights in files."""
    return not loading.missing_files(folder) and all((folder / name).is_file() for name in NEEDED)


STORED = {"magicface": "golden_checkpoint", "rigface": "golden_rigface"}


@pytest.fixture(params=[*STORED, *filter(has_form, golden_folders())], ids=lambda p: getattr(p, "name", p))
def folder(request) -> Path:
    return request.param if isinstance(request.param, Path) else request.getfixturevalue(STORED[request.param])


@pytest.fixture
def golden(folder):
    return loading.load(folder, dtype=torch.float32, device="cpu")


def assert_near(actual, expected, tolerance, what):
    scale = max(1.0, expected.abs().max().item())
    error = (actual - expected).abs().max().item() / scale
    assert actual.shape == expected.shape
    assert error <= tolerance, f"{what}: {error:.2e} of the range {scale:.3g}, allowed {tolerance:.0e}"


def test_denoiser_call(folder, golden):
    call = load_file(folder / "denoiser_call.safetensors")
    with torch.no_grad():
        tokens = encode_tokens(golden.id_encoder, call["source_latents"], call["encoder_hidden_states"])
        features = [call[key] for key in sorted(call) if key.startswith("id_features.")]
        assert len(tokens) == len(features)
        for (name, token), feature in zip(tokens.items(), features):
            assert_near(token, feature, 2e-6, name)
        noise_pred = golden.unet(
            torch.cat([call["sample"], call["spatial_latents"]], 1),
            call["timestep"],
            call["encoder_hidden_states"],
            class_labels=call["attributes"],
            cross_attention_kwargs={"identity": project_identity(golden.unet, tokens)},
        ).sample
    assert_near(noise_pred, call["noise_pred"], 2e-6, "noise_pred")


def test_whole_run(folder, golden):
    call = load_file(folder / "pipeline_call.safetensors")
    conditioning_images = tuple(
        picture(folder / f"{name}.png") for name in ("background", "render") if (folder / f"{name}.png").exists()
    )
    latents = []
    golden.set_progress_bar_config(disable=True)
    identity = golden.encode_identity(picture(folder / "source.png"), call["prompt_embeds"])
    image = golden(
        identity,
        Rig(call["attributes"], conditioning_images),
        num_inference_steps=len(call["timesteps"]),
        guidance_scale=guidance_of(folder),
        latents=call["latents"],
        prompt_embeds=call["prompt_embeds"],
        output_type="pt",
        callback_on_step_end=lambda pipe, i, t, values: latents.append(values["latents"].clone()),
    ).images
    golden.scheduler.set_timesteps(len(call["timesteps"]))
    torch.testing.assert_close(golden.scheduler.timesteps, call["timesteps"], rtol=0, atol=0)
    torch.testing.assert_close(golden.scheduler.sigmas, call["sigmas"], rtol=EPS, atol=0)
    steps = torch.stack(latents)
    assert steps.shape == call["latents_after_each_step"].shape
    assert (steps - call["latents_after_each_step"]).abs().max() <= 1e-4
    assert (image - call["image"]).abs().max() <= 5e-6


def guidance_of(folder: Path) -> float:
    """What call.json says; else 1.5 for MagicFace, and none for RigFace, whose guidance halves are equal."""
    if (folder / "call.json").is_file():
        settings = json.loads((folder / "call.json").read_text())
        settings |= settings.get("pipeline", {})
        for key in ("image_guidance_scale", "guidance", "guidance_scale"):
            if settings.get(key) is not None:
                return float(settings[key])
    return 1.0 if (folder / "render.png").exists() else 1.5


@pytest.mark.parametrize(("release", "size"), [(loading.MAGICFACE, 12), (loading.RIGFACE, 64)])
def test_published_size_on_the_meta_device(release, size):
    """Our two networks at SD 1.5 size have the published keys and shapes, after the rename."""
    published = json.loads((GOLDEN / release.name / "sd15_state_dict_shapes.json").read_text())
    for network, vector_size in (("id_encoder", None), ("denoiser", size)):
        config = {
            "in_channels": published[network]["conv_in.weight"][1],
            "cross_attention_dim": 768,
            "sample_size": 64,
        }
        ours = unet.unet_from_config(config, vector_size).state_dict()
        shapes = {key: list(value.shape) for key, value in ours.items()}
        renamed = {
            key.replace(release.vector_key, "class_embedding."): shape for key, shape in published[network].items()
        }
        assert shapes == renamed

"""RigFace from end to end: the released networks' numbers, and the authors' own prepared pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from folders import golden_folders, picture
from safetensors.torch import load_file

from common.diffusion import loading, pipeline
from rigface import RigEdit, RigFace


def has_form(folder):
    return (folder / "render.png").is_file() and not loading.missing_files(folder)


@pytest.fixture(params=["stored", *filter(has_form, golden_folders())], ids=lambda p: getattr(p, "name", p))
def folder(request):
    return request.getfixturevalue("golden_rigface") if request.param == "stored" else request.param


@pytest.mark.golden
def test_the_whole_run_with_one_pass_a_step(folder, monkeypatch):
    call = load_file(folder / "pipeline_call.safetensors")
    networks = loading.load(folder, dtype=torch.float32, device="cpu")
    networks.prompt_embeds = call["prompt_embeds"]
    editor = RigFace(networks, size=call["image"].shape[-1], detector="mediapipe", parser="grabcut")
    subject = editor.encode(
        folder / "source.png", background=folder / "background.png", render=folder / "render.png",
        coefficients=call["attributes"],
    )  # fmt: skip
    passes, images = [], []
    networks.unet.register_forward_hook(lambda module, args, out: passes.append(len(args[0])))
    monkeypatch.setattr("common.editing.editor.randn_tensor", lambda *args: call["latents"])
    decode = pipeline.decode

    def kept(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
        pixels = decode(vae, latents)
        images.append(networks.image_processor.postprocess(pixels, output_type="np"))
        return pixels

    monkeypatch.setattr(pipeline, "decode", kept)
    steps = len(call["timesteps"])
    result = editor.edit(subject, RigEdit(), steps=steps, progress=False)
    assert passes == [1] * steps
    expected = call["image"][0].permute(1, 2, 0).numpy()
    assert np.abs(images[0][0] - expected).max() <= 5e-6
    assert np.abs(np.array(result, float) - 255 * expected).max() <= 0.5 + 1e-2


@pytest.mark.parametrize("render", ["render_exp+pose", "render_exp"])
def test_the_authors_prepared_pictures_enter_as_they_are(portraits, rig_folder, render):
    """Expression and pose; and expression alone, whose background they do not publish: the other's stands in."""
    folder = portraits / "rigface" / "id1"
    numbers = np.load(folder / "exp_pose+exp.npy")
    editor = RigFace.from_pretrained(rig_folder, device="cpu", size=512, detector="mediapipe", parser="grabcut")
    subject = editor.encode(
        folder / "sor.png", background=folder / "bg_pose+exp.png", render=folder / f"{render}.png",
        coefficients=folder / "exp_pose+exp.npy",
    )  # fmt: skip
    seen, network = {}, editor.pipeline.unet
    network.conv_in.register_forward_pre_hook(lambda module, args: seen.update(conditioning_images=args[0][:, 4:]))
    network.class_embedding.register_forward_pre_hook(lambda module, args: seen.update(vector=args[0]))
    image = editor.edit(subject, steps=1, progress=False)
    latents = [editor.pipeline.encode_image(picture(folder / f"{name}.png")) for name in ("bg_pose+exp", render)]
    torch.testing.assert_close(seen["conditioning_images"], torch.cat(latents, 1), rtol=0, atol=0)
    assert (seen["vector"].numpy() == numbers).all()
    assert image.size == (512, 512)

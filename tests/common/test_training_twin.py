"""Laws of the module that is trained."""

from __future__ import annotations

import copy

import pytest
import torch
import toy_training as toy

from common.diffusion.conditioning import Rig
from common.diffusion.identity import encode_tokens, project_identity
from common.training.networks import merged
from common.training.twin_unet import TwinUNet


def backward(twin) -> dict[str, torch.Tensor | None]:
    twin.zero_grad()
    twin(*toy.conditions()).square().mean().backward()
    return {name: None if p.grad is None else p.grad.clone() for name, p in twin.named_parameters()}


def test_equals_the_pipelines_own_call(pipeline):
    """With the released layout's networks: what `FaceEditPipeline` gives to its denoiser gives the same here."""
    g = torch.Generator().manual_seed(1)
    source, conditioning_image = torch.rand(2, 1, 3, 64, 64, generator=g)
    noise, vector = torch.randn(1, 4, 8, 8, generator=g), torch.randn(1, 12, generator=g)
    calls = []
    handle = pipeline.unet.register_forward_hook(
        lambda _, args, kwargs, out: calls.append((args, out[0])), with_kwargs=True
    )
    identity = pipeline.encode_identity(source)

    pipeline(
        identity,
        Rig(vector, (conditioning_image,)),
        num_inference_steps=1,
        guidance_scale=1,
        latents=noise,
        output_type="latent",
    )
    handle.remove()
    (x, t), eps = calls[0]
    twin = TwinUNet(pipeline.unet, pipeline.id_encoder)
    conditioning_images, who = pipeline.encode_image(conditioning_image), pipeline.encode_image(source)
    with torch.no_grad():
        found = twin(x[:, :4], t[None], vector, conditioning_images, who, pipeline.prompt_embeds)
    torch.testing.assert_close(found, eps, rtol=0, atol=1e-6)


def test_just_the_parameters_with_gradients_are_trained():
    twin = toy.twin()
    trained = {name for name, p in twin.named_parameters() if p.requires_grad}
    assert {name for name, gradient in backward(twin).items() if gradient is not None} == trained
    frozen = {name for name, _ in twin.named_parameters()} - trained
    assert frozen
    assert all(name.startswith("id_encoder.") for name in frozen)
    assert "id_encoder.conv_out.weight" in frozen
    assert "id_encoder.conv_in.weight" in trained
    for parameter in twin.parameters():  # and no other would get one
        parameter.requires_grad_(True)
    assert {name for name, gradient in backward(twin).items() if gradient is None} == frozen


def test_released_layout_freezes_what_follows_the_last_token(pipeline):
    twin = TwinUNet(pipeline.unet, pipeline.id_encoder)
    frozen = {name.removeprefix("id_encoder.") for name, p in twin.named_parameters() if not p.requires_grad}
    assert len(frozen) == 26
    assert {name.split(".")[0] for name in frozen} == {"up_blocks", "conv_norm_out", "conv_out"}


def test_id_encoder_can_stay_as_it_is():
    twin = toy.twin(train_id_encoder=False)
    assert not any(p.requires_grad for p in twin.id_encoder.parameters())
    assert all(p.requires_grad for p in twin.unet.parameters())


def test_checkpointed_gradients_are_equal():
    twin = toy.twin().train()
    plain = backward(twin)
    twin.enable_gradient_checkpointing()
    for name, gradient in backward(twin).items():
        torch.testing.assert_close(gradient, plain[name], rtol=0, atol=0)


def test_rows_of_a_batch_do_not_mix():
    twin = toy.twin().eval()
    *rows, prompt = toy.conditions(3)
    with torch.no_grad():
        both = twin(*rows, prompt)
        for i in range(3):
            torch.testing.assert_close(twin(*(row[i : i + 1] for row in rows), prompt)[0], both[i], rtol=0, atol=1e-5)


def test_identity_is_that_of_inference():
    twin = toy.twin().eval()
    *_, source, prompt = toy.conditions()
    with torch.no_grad():
        identity = project_identity(twin.unet, encode_tokens(twin.id_encoder, source, prompt))
    assert all(len(key) == 2 for key, _ in identity.values())


def test_lora_leaves_base_weights_and_merges():
    pytest.importorskip("peft")
    twin = toy.twin()
    before = copy.deepcopy(twin.state_dict())
    with torch.no_grad():
        first = twin(*toy.conditions())
    twin.add_lora(rank=2, alpha=4.0, targets=("to_q", "to_k", "to_v", "to_out.0"))
    with torch.no_grad():
        torch.testing.assert_close(twin(*toy.conditions()), first, rtol=0, atol=1e-6)
    trained = {name for name, p in twin.named_parameters() if p.requires_grad}
    assert all(".lora_" in name or ".class_embedding." in name for name in trained)
    assert {name for name, gradient in backward(twin).items() if gradient is not None} == trained
    optimizer = torch.optim.AdamW([p for p in twin.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        backward(twin)
        optimizer.step()
    after = twin.state_dict()
    for name, value in before.items():
        if "class_embedding" not in name:
            layer, _, kind = name.rpartition(".")
            torch.testing.assert_close(after.get(name, after.get(f"{layer}.base_layer.{kind}")), value, rtol=0, atol=0)
    plain = merged(after, scale=2.0)
    assert plain.keys() == before.keys()
    assert any(".lora_" in name for name in after)
    fresh = toy.twin()
    fresh.load_state_dict(plain)
    with torch.no_grad():
        torch.testing.assert_close(fresh(*toy.conditions()), twin(*toy.conditions()), rtol=0, atol=1e-5)

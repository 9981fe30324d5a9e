"""Laws of the mechanism: identity through keys and values of a vanilla UNet."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch._dynamo.testing import CompileCounter

from common.diffusion.attention import IdentityAttnProcessor, attend_to_identity, record_tokens, transformer_blocks
from common.diffusion.identity import encode_tokens, join, project_identity, select_rows


@pytest.fixture
def call(pipeline):
    """One call's inputs for the tiny networks: a batch of two."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    return {
        "sample": draw(2, 8, 16, 16),
        "source": draw(1, 4, 16, 16),
        "prompt": draw(1, 77, 24),
        "vector": draw(2, 12),
    }


def predict(unet, call, identity, rows=slice(None)):
    sample, vector = call["sample"][rows], call["vector"][rows]
    return unet(
        sample,
        500,
        call["prompt"].expand(len(sample), -1, -1),
        class_labels=vector,
        cross_attention_kwargs={"identity": identity},
    ).sample


@pytest.fixture
def identity(pipeline, call):
    with torch.no_grad():
        return project_identity(pipeline.unet, encode_tokens(pipeline.id_encoder, call["source"], call["prompt"]))


def test_blocks_are_named_alike_and_in_order_of_execution(pipeline, call):
    names = list(transformer_blocks(pipeline.unet))
    assert names == list(transformer_blocks(pipeline.id_encoder))
    with torch.no_grad():
        executed = list(encode_tokens(pipeline.id_encoder, call["source"], call["prompt"]))
    assert executed == names


@torch.no_grad()
def test_identity_equals_longer_context(pipeline, call):
    """Oracle: plain self-attention whose context is [x; norm1(r)]."""
    tokens = encode_tokens(pipeline.id_encoder, call["source"], call["prompt"])
    identity = project_identity(pipeline.unet, tokens)
    for name, block in transformer_blocks(pipeline.unet).items():
        x, attn = torch.randn(tokens[name].shape), block.attn1
        longer = AttnProcessor2_0()(attn, x, torch.cat([x, block.norm1(tokens[name])], 1))
        ours = IdentityAttnProcessor(name)(attn, x, identity=identity)
        torch.testing.assert_close(ours, longer, rtol=0, atol=1e-5)


@torch.no_grad()
def test_identity_matters_and_without_it_the_unet_is_vanilla(pipeline, call, identity):
    unet = pipeline.unet
    with_identity, without = predict(unet, call, identity), predict(unet, call, None)
    unet.set_attn_processor(AttnProcessor2_0())
    prompt = call["prompt"].expand(2, -1, -1)
    vanilla = unet(call["sample"], 500, prompt, class_labels=call["vector"]).sample
    torch.testing.assert_close(without, vanilla, rtol=0, atol=1e-5)
    assert (with_identity - vanilla).abs().max() > 1e-2


@torch.no_grad()
def test_install_and_uninstall_restores_the_processors(pipeline, call, identity):
    unet = pipeline.id_encoder
    before, description = dict(unet.attn_processors), repr(unet)
    attend_to_identity(unet)
    installed = repr(unet.attn_processors)
    unet.set_attn_processor(dict(before))
    assert unet.attn_processors == before
    assert repr(unet) == description
    attend_to_identity(unet)
    assert repr(unet.attn_processors).split(" at ")[0] == installed.split(" at ")[0]


@torch.no_grad()
def test_recording_leaves_no_hook_and_encodes_the_same_twice(pipeline, call):
    first = encode_tokens(pipeline.id_encoder, call["source"], call["prompt"])
    second = encode_tokens(pipeline.id_encoder, call["source"], call["prompt"])
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(block.norm1._forward_pre_hooks for block in transformer_blocks(pipeline.id_encoder).values())
    with pytest.raises(RuntimeError, match="stop"), record_tokens(pipeline.id_encoder):
        raise RuntimeError("stop")
    assert not any(block.norm1._forward_pre_hooks for block in transformer_blocks(pipeline.id_encoder).values())


@torch.no_grad()
def test_batch_of_two_equals_two_of_one(pipeline, call, identity):
    both = predict(pipeline.unet, call, identity)
    for row in range(2):
        alone = predict(pipeline.unet, call, identity, rows=slice(row, row + 1))
        torch.testing.assert_close(both[row : row + 1], alone, rtol=0, atol=1e-5)


@torch.no_grad()
def test_joined_identities_serve_their_own_rows(pipeline, call, identity):
    other = {name: (k.flip(2) * 0.5, v * -1) for name, (k, v) in identity.items()}
    both = predict(pipeline.unet, call, select_rows(join([identity, other]), torch.tensor([1, 0])))
    for row, own in enumerate((other, identity)):
        alone = predict(pipeline.unet, call, own, rows=slice(row, row + 1))
        torch.testing.assert_close(both[row : row + 1], alone, rtol=0, atol=1e-5)


def test_gradient_checkpointing_gives_the_same_gradients(pipeline, call):
    """Identity is a value of the call, so that recomputation in the backward pass still has it."""

    def gradients(checkpointing):
        unet, encoder = pipeline.unet.train(), pipeline.id_encoder.train()
        for network in (unet, encoder):
            network.zero_grad()
            network.enable_gradient_checkpointing() if checkpointing else network.disable_gradient_checkpointing()
        identity = project_identity(unet, encode_tokens(encoder, call["source"], call["prompt"]))
        predict(unet, call, identity).square().mean().backward()
        both = [*unet.named_parameters(), *((f"id.{name}", p) for name, p in encoder.named_parameters())]
        return {name: p.grad.clone() for name, p in both if p.grad is not None}

    plain, checkpointed = gradients(False), gradients(True)
    assert plain.keys() == checkpointed.keys()
    assert any(name.startswith("id.down_blocks") for name in plain)
    for name, gradient in plain.items():
        torch.testing.assert_close(checkpointed[name], gradient, rtol=0, atol=0)


@torch.no_grad()
def test_a_block_compiles_to_one_graph(pipeline, call, identity):
    """fullgraph: no break; two identities: no recompilation."""
    torch._dynamo.reset()
    counted = CompileCounter()
    block = next(iter(transformer_blocks(pipeline.unet).values()))
    compiled = torch.compile(block, fullgraph=True, backend=counted)
    x, prompt = torch.randn(2, 64, block.norm1.normalized_shape[0]), call["prompt"].expand(2, -1, -1)
    other = {name: (k * 0.5, v * 2) for name, (k, v) in identity.items()}
    for own in (identity, other):
        conditions = {"encoder_hidden_states": prompt, "cross_attention_kwargs": {"identity": own}}
        torch.testing.assert_close(compiled(x, **conditions), block(x, **conditions), rtol=0, atol=1e-5)
    assert counted.frame_count == 1


@pytest.mark.slow
@torch.no_grad()
def test_compiles_to_one_graph(pipeline, call, identity):
    """fullgraph: no break; two identities and three timesteps: no recompilation."""
    torch._dynamo.reset()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    prompt = call["prompt"].expand(2, -1, -1)
    compiled = torch.compile(pipeline.unet, fullgraph=True, backend=backend)
    other = {name: (k * 0.5, v * 2) for name, (k, v) in identity.items()}
    for own in (identity, other):
        for t in (900, 500, 1):
            t = torch.tensor(t)
            conditions = {"class_labels": call["vector"], "cross_attention_kwargs": {"identity": own}}
            actual = compiled(call["sample"], t, prompt, **conditions).sample
            expected = pipeline.unet(call["sample"], t, prompt, **conditions).sample
            torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
    assert len(graphs) == 1
    assert list(transformer_blocks(compiled)) == list(transformer_blocks(pipeline.unet))

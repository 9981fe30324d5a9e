"""Laws of the AU branch: it is diffusers' IP-Adapter with one token, for next to nothing."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0, IPAdapterAttnProcessor2_0
from diffusers.models.embeddings import MultiIPAdapterImageProjection
from refusals import refused
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from common.core.errors import CheckpointError, ShapeError
from common.weights.unet import load_unet, unet_from_config
from fineface.adapter import AUAdapter, AUProjection, attend_to_action_units, cross_attentions
from fineface.checkpoints import in_order, load, merge_lora, read_adapter, save_adapter
from fineface.variants import SD15_FACEID, SD21, family


@pytest.fixture
def unet(golden_sd21):
    return load_unet(golden_sd21 / "unet")


@pytest.fixture
def adapter(golden_sd21):
    return read_adapter(golden_sd21, SD21)


@pytest.fixture
def call(unet):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 4, 8, 8, generator=generator), 500, torch.randn(2, 77, 96, generator=generator)


AUS = torch.tensor([[0.0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 1.5, 0], [0.0] * 12])


@torch.no_grad()
def test_it_is_the_hosts_ip_adapter_with_one_token(unet, adapter, call):
    """With the published keys, which the host computes with, and ours leaves out."""
    tokens = 0.7 * adapter.projection(AUS)
    stock = load_unet_like(unet)
    processors = dict(stock.attn_processors)
    for name, to_k, to_v in zip(adapter.widths, adapter.to_k, adapter.to_v):
        processor = IPAdapterAttnProcessor2_0(to_v.out_features, to_v.in_features, num_tokens=(1,), scale=0.7)
        processor.load_state_dict({"to_k_ip.0.weight": to_k.weight, "to_v_ip.0.weight": to_v.weight})
        processors[f"{name}.processor"] = processor
    stock.set_attn_processor(processors)
    stock.encoder_hid_proj = MultiIPAdapterImageProjection([nn.Identity()])
    stock.config.encoder_hid_dim_type = "ip_image_proj"
    expected = stock(*call, added_cond_kwargs={"image_embeds": [tokens[:, None] / 0.7]}).sample
    attend_to_action_units(unet)
    actual = unet(*call, cross_attention_kwargs={"action_units": adapter(unet, tokens)}).sample
    assert (actual - expected).abs().max() <= 2e-6 * expected.abs().max()
    assert (actual - unet(*call).sample).abs().max() > 0.01  # it does something


def load_unet_like(unet):
    copy = unet_from_config(dict(unet.config)).to_empty(device="cpu")
    copy.load_state_dict(unet.state_dict())
    return copy.eval()


@torch.no_grad()
def test_without_a_branch_or_at_scale_zero_it_is_the_plain_base_exactly(unet, adapter, call, golden_sd21):
    expected = unet(*call).sample
    attend_to_action_units(unet)
    assert torch.equal(unet(*call).sample, expected)
    branch = adapter(unet, 0.0 * adapter.projection(AUS))
    assert torch.equal(unet(*call, cross_attention_kwargs={"action_units": branch}).sample, expected)
    networks = load(golden_sd21, golden_sd21, SD21, lora_scale=0.0, device="cpu")
    assert torch.equal(networks.pipeline.unet(*call).sample, expected)
    with_lora = load(golden_sd21, golden_sd21, SD21, device="cpu").pipeline.unet(*call).sample
    assert (with_lora - expected).abs().max() > 0.01


@torch.no_grad()
def test_a_stronger_branch_is_a_larger_scale(unet, adapter):
    tokens = adapter.projection(AUS)
    before = adapter(unet, 1.8 * tokens)
    adapter.strengthen(1.8)
    after = adapter(unet, tokens)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value)


def test_keys_are_kept_and_never_computed(unet, adapter, call, monkeypatch, golden_sd21, tmp_path):
    for to_k in adapter.to_k:
        monkeypatch.setattr(to_k, "forward", lambda x: pytest.fail("a key was computed"))
    adapter(unet, adapter.projection(AUS))
    save_adapter(adapter, tmp_path, SD21)
    again = read_adapter(tmp_path, SD21)
    for key, value in adapter.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


def test_gradients_reach_encoder_and_values(unet, call):
    adapter = AUAdapter.from_unet(unet.requires_grad_(False), 64)
    attend_to_action_units(unet)
    unet.train()
    unet.enable_gradient_checkpointing()
    sample = call[0].requires_grad_()
    branch = adapter(unet, adapter.projection(AUS))
    unet(sample, *call[1:], cross_attention_kwargs={"action_units": branch}).sample.square().mean().backward()
    assert all(parameter.grad is not None for parameter in adapter.projection.parameters())
    assert all(to_v.weight.grad.abs().max() > 0 for to_v in adapter.to_v)


def test_training_starts_from_the_texts_keys_and_values(unet):
    adapter = AUAdapter.from_unet(unet, 64)
    for name, to_k, to_v in zip(adapter.widths, adapter.to_k, adapter.to_v):
        attention = unet.get_submodule(name)
        assert torch.equal(to_k.weight, attention.to_k.weight)
        assert torch.equal(to_v.weight, attention.to_v.weight)


def test_it_can_be_undone(unet, call):
    before = dict(unet.attn_processors)
    attend_to_action_units(unet)
    unet.set_attn_processor(before)
    assert all(type(processor) is AttnProcessor2_0 for processor in unet.attn_processors.values())


def test_layers_are_ordered_as_the_host_orders_them(unet):
    config = {"cross_attention_dim": 768, "sample_size": 64, "layers_per_block": 11}  # numbers of two digits
    for network in (unet, unet_from_config(config)):
        names = list(cross_attentions(network))
        assert in_order(dict.fromkeys(sorted(names))) == names
    with refused(CheckpointError, "keys"):
        in_order({"blocks.0.attn2": 1})


def test_the_branch_costs_no_matrix_product_in_a_step():
    """At SD 1.5 size, on the meta device: what a call adds once is far below 1 % of a single step."""
    unet = unet_from_config({"cross_attention_dim": 768, "sample_size": 64}).eval()
    with torch.device("meta"):
        adapter = AUAdapter(cross_attentions(unet), 756, 768)
        call = torch.empty(2, 4, 64, 64), torch.tensor(500), torch.empty(2, 77, 768)
        aus = torch.empty(2, 12)

    def flops(step) -> int:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            step()
        return counter.get_total_flops()

    plain = flops(lambda: unet(*call))
    attend_to_action_units(unet)
    branch = adapter(unet, adapter.projection(aus))
    assert flops(lambda: unet(*call, cross_attention_kwargs={"action_units": branch})) == plain
    assert flops(lambda: adapter(unet, adapter.projection(aus))) < 2e-4 * plain


def test_tokens_wider_than_the_text_are_refused():
    assert AUProjection(756, 768)(torch.zeros(3, 12)).shape == (3, 1, 768)
    with refused(ShapeError, name="AU token", actual=(769,)):
        AUProjection(757, 768)


def test_an_adapter_for_another_base_says_which_it_fits(golden_sd21, golden_faceid, tmp_path):
    with refused(CheckpointError, "shape", expected=family(96), actual=family(48)):
        load(golden_sd21, golden_faceid, SD21, device="cpu")
    with torch.device("meta"):
        released = AUAdapter({"down_blocks.0.attentions.0.transformer_blocks.0.attn2": 320}, 756, 768)
    save_adapter(released.to_empty(device="cpu"), tmp_path, SD15_FACEID)
    with refused(CheckpointError, "shape", expected=family(768), actual=family(96)):
        load(tmp_path, golden_sd21, SD15_FACEID, device="cpu")


def test_a_lora_for_other_layers_is_refused(unet, tmp_path):
    down, up = torch.ones(2, 16), torch.ones(16, 2)
    with refused(CheckpointError, "keys", actual=(16, 16)):
        merge_lora(unet, {"unet.a.lora_A.weight": down, "unet.a.lora_B.weight": up}, 1.0, tmp_path)
    with refused(CheckpointError, "keys", actual="text_encoder.a"):
        merge_lora(unet, {"text_encoder.a.lora_A.weight": down, "text_encoder.a.lora_B.weight": up}, 1.0, tmp_path)
    with refused(CheckpointError, "keys", actual="unet.a"):
        merge_lora(unet, {"unet.a.lora_A.weight": down}, 1.0, tmp_path)


def test_no_pickle_is_executed(golden_sd21, tmp_path):
    class Harm:
        def __reduce__(self):
            return (tmp_path / "harm").touch, ()

    torch.save({"au_encoder.weight": Harm()}, tmp_path / "au_encoder.ckpt")
    (tmp_path / "attn_processors.ckpt").write_bytes((golden_sd21 / "attn_processors.ckpt").read_bytes())
    with pytest.raises(CheckpointError, match="au_encoder"):
        read_adapter(tmp_path, SD21)
    assert not (tmp_path / "harm").exists()

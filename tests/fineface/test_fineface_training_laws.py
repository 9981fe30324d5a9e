"""Laws of what FineFace's training minimises."""

from __future__ import annotations

import pytest
import torch
from small_fineface import CAPTIONS
from transformers import CLIPTokenizer

from common.training.loss import noise_schedule
from common.training.sampler import draw
from fineface.checkpoints import load_pipeline
from fineface.task import SampleEncoder, conditions, text_to_face_loss
from fineface.text_to_face import initial_networks, tokenizer_of
from fineface.train import FineFaceConfig

BETAS = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def told(**options) -> FineFaceConfig:
    none = {"vector_dropout": 0.0, "caption_dropout": 0.0, "both_dropout": 0.0, "rounded": 0.0}
    return FineFaceConfig(output="-", folder="-", lora_rank=2, precision="no", **{**none, **options})


@pytest.fixture
def beginning(base):
    pytest.importorskip("peft")
    return initial_networks(told(base=str(base)), 64, ())


def inputs(batch: int = 2):
    g = torch.Generator().manual_seed(5)
    noisy, text = torch.randn(batch, 4, 8, 8, generator=g), torch.randn(batch, 24, 32, generator=g)
    return noisy, torch.tensor([10, 900]), 5 * torch.rand(batch, 12, generator=g), text


# --- conditions ------------------------------------------------------------------------------------------------------


def test_jitter_is_normal_and_clipped():
    units = torch.full((3000, 12), 2.5)
    found = conditions(units, torch.arange(3000), told())[0] - units
    assert abs(found.mean()) < 0.005
    assert abs(found.std() - 0.2) < 0.005
    low = conditions(torch.zeros(500, 12), torch.arange(500), told())[0]
    assert low.min() == 0
    assert 0.45 < (low == 0).float().mean() < 0.55
    assert conditions(torch.full((500, 12), 5.0), torch.arange(500), told())[0].max() == 5
    assert torch.equal(conditions(units, torch.arange(3000), told(jitter=0.0))[0], units)


def test_a_fifth_of_the_steps_is_rounded_as_a_whole():
    config = told(rounded=0.2, batch_size=12)
    units = conditions(torch.full((12 * 600, 12), 2.2), torch.arange(12 * 600), config)[0].view(600, -1)
    rounded = (units == units.round()).all(1)
    assert torch.equal(rounded, (units == units.round()).any(1))
    assert 0.15 < rounded.float().mean() < 0.25


def test_shares_that_are_dropped():
    config = told(vector_dropout=0.1, caption_dropout=0.2, both_dropout=0.3)
    found, captioned = conditions(torch.full((4000, 12), 2.5), torch.arange(4000), config)
    silent, blank = ~captioned, (found == 0).all(1)
    for which, share in ((blank & ~silent, 0.1), (silent & ~blank, 0.2), (silent & blank, 0.3)):
        assert abs(which.float().mean() - share) < 0.03


def test_conditions_follow_from_the_number_alone():
    config = told(vector_dropout=0.3, rounded=0.5, batch_size=4)
    units = torch.rand(8, 12) * 5
    together, captioned = conditions(units, torch.arange(8), config)
    for i in range(8):
        alone, own = conditions(units[i : i + 1], torch.tensor([i]), config)
        assert torch.equal(alone[0], together[i])
        assert own[0] == captioned[i]


# --- the module ------------------------------------------------------------------------------------------------------


def test_first_prediction_without_units_is_the_bases(beginning, base):
    from common.weights.unet import load_unet

    noisy, t, units, text = inputs()
    unet = load_unet(base / "unet")
    with torch.no_grad():
        expected = unet(noisy, t, text).sample
        module = beginning.module.eval()
        torch.testing.assert_close(module(noisy, t, None, text), expected, rtol=0, atol=0)
        assert (module(noisy, t, units, text) - expected).abs().max() > 1e-3


def test_just_the_parameters_with_gradients_are_trained(beginning):
    module = beginning.module.train()
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    module(*inputs()).square().mean().backward()
    assert {name for name, parameter in module.named_parameters() if parameter.grad is not None} == trained
    assert all(".lora_" in name or name.startswith(("adapter.projection.", "adapter.to_v.")) for name in trained)
    assert any(".lora_" in name for name in trained)


def test_checkpointed_gradients_are_equal(beginning):
    def gradients():
        module.zero_grad()
        module(*inputs()).square().mean().backward()
        return {name: p.grad.clone() for name, p in module.named_parameters() if p.requires_grad}

    module = beginning.module.train()
    plain = gradients()
    module.enable_gradient_checkpointing()
    for name, gradient in gradients().items():
        torch.testing.assert_close(gradient, plain[name], rtol=0, atol=1e-6)


def test_loss_by_hand(beginning):
    """Noise prediction under jittered units, and an empty caption in place of a dropped one."""
    config = told(caption_dropout=0.5)
    encoder = SampleEncoder(beginning.vae, beginning.tokenizer, beginning.frozen_text)
    module = beginning.module.eval()
    nothing = encoder.texts([""])
    batch = {"image": torch.rand(4, 3, 64, 64), "units": torch.rand(4, 12) * 5, "caption": (CAPTIONS * 2)[:4]}
    tensors = {**encoder(batch), "number": torch.tensor([0, 1, 2, 3])}
    draws, schedule = draw(0, tensors["number"], (4, 8, 8), timesteps=1000, dropout=0.0), None
    schedule = noise_schedule(BETAS, "epsilon", False)
    units, captioned = conditions(tensors["units"], tensors["number"], config)
    assert 0 < captioned.sum() < 4
    with torch.no_grad():
        found = text_to_face_loss(module, tensors, draws, schedule, config, nothing)
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
        a = (1 - betas).cumprod(0)[draws.timesteps][:, None, None, None].float()
        x = tensors["mean"] + tensors["std"] * draws.posterior
        noisy = a.sqrt() * x + (1 - a).sqrt() * draws.noise
        text = torch.cat([tensors["text"][i : i + 1] if keep else nothing for i, keep in enumerate(captioned)])
        expected = (module(noisy, draws.timesteps, units, text.float()) - draws.noise).square().mean()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_texts_are_the_pipelines_own(beginning, base):
    from common.weights.unet import load_unet

    pipeline = load_pipeline(base, load_unet(base / "unet"), torch.float32)
    expected, nothing = pipeline.encode_prompt(CAPTIONS[0], torch.device("cpu"), 1, True)
    encoder = SampleEncoder(beginning.vae, beginning.tokenizer, beginning.frozen_text)
    found = encoder.texts([CAPTIONS[0], ""]).float()
    torch.testing.assert_close(found, torch.cat([expected, nothing]), rtol=0, atol=2e-3)


# --- words -----------------------------------------------------------------------------------------------------------


def test_every_word_of_the_captions_is_a_token():
    words = ["hair", "air", "chair", "abab", "ababab", "a", "é", "red-haired", "portrait", "it's"]
    text = "A " + " ".join(words)
    tokenizer = tokenizer_of([text, *CAPTIONS], 2000)
    for word in ("hair", "air", "chair", "abab", "ababab", "a", "é", "haired", "portrait", "beard"):
        assert len(tokenizer(word).input_ids) == 3, word
    assert tokenizer.decode(tokenizer("a chair of hair").input_ids, skip_special_tokens=True) == "a chair of hair"
    unknown = tokenizer("zebra").input_ids
    assert len(unknown) > 4
    assert tokenizer.decode(unknown, skip_special_tokens=True) == "zebra"


def test_frequent_words_come_first_where_room_is_short():
    captions = ["curly hair"] * 3 + ["striped"]
    room = 514 + 4 + 3
    tokenizer = tokenizer_of(captions, room)
    assert len(tokenizer) <= room
    assert len(tokenizer("curly hair").input_ids) == 4
    assert len(tokenizer("striped").input_ids) > 3


def test_tokenizer_is_read_back_as_written(tmp_path):
    tokenizer = tokenizer_of(CAPTIONS, 700)
    tokenizer.model_max_length = 24
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for text in (*CAPTIONS, "zebra, étude 12"):
        options = {"padding": "max_length", "truncation": True}
        assert again(text, **options).input_ids == tokenizer(text, **options).input_ids

"""Close-ups of synthetic faces, with where the face is, and a loss that counts it more."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from small_fineface import CAPTIONS

from common.core.errors import InputError
from common.parsing import foreground
from common.synthetic.data import dataset
from common.synthetic.data.dataset import SyntheticFaces
from common.synthetic.data.simplified import before_wall, close_up, repainted
from common.training.loss import noise_schedule
from common.training.sampler import draw
from fineface.data.synthetic import SyntheticSamples, shortened
from fineface.task import SampleEncoder, text_to_face_loss
from fineface.train import FineFaceConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))
import stand_in

BETAS = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


@pytest.fixture
def faces(monkeypatch):
    """Six pairs of noise."""
    monkeypatch.setattr(dataset, "picture", types.SimpleNamespace(make=stand_in.make))
    return SyntheticFaces(6, size=32, pairs="expression")


# --- samples ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height", [0.0, 0.6])
def test_the_face_is_cut_as_the_picture_is(faces, height):
    data = SyntheticSamples(faces, face_height=height, mark_face=True)
    for i in range(len(data)):
        sample, role = data[i], ("source", "target")[i % 2]
        shown, scene = faces[i // 2][role], faces.plan.scenes(i // 2)[role]
        mask = torch.from_numpy(foreground(shown["parts"].numpy(), "face")).float()[None]
        if height:
            expected = [close_up(planes, scene.shot, height) for planes in (shown["image"], mask)]
        else:
            expected = [shown["image"], mask]
        assert sample["face"].shape == (1, 32, 32)
        assert sample["face"].dtype == torch.float32
        assert 0 <= sample["face"].min() < sample["face"].max() <= 1
        torch.testing.assert_close(sample["image"], expected[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(sample["face"], expected[1], rtol=0, atol=1e-6)
        assert torch.equal(sample["units"], shown["units"])


def test_the_face_is_there_where_it_was_asked_for(faces):
    assert "face" not in SyntheticSamples(faces)[0]
    assert "face" not in SyntheticSamples(faces, face_height=0.6)[0]


def test_both_of_a_pair_stand_before_the_wall_of_which_captions_speak(faces):
    plain = SyntheticSamples(faces, plain_ground=True)
    for number, (one, other) in enumerate(zip(plain.captions()[::2], plain.captions()[1::2])):
        assert re.search(r"in front of an? \w+ wall$", one)
        assert one.rpartition(", ")[2] == other.rpartition(", ")[2]
        scene = before_wall(faces.plan.scenes(number)["source"], number)
        shown = faces[number]["source"]
        expected = repainted(shown["image"], shown["background"], shown["mask"], scene)
        assert torch.equal(plain[2 * number]["image"], expected)
    assert plain.fingerprint != SyntheticSamples(faces).fingerprint


def test_short_captions_say_nothing_new(faces):
    """Every second one lacks some of the phrases; none has others, and none is empty."""
    whole, short = SyntheticSamples(faces).captions(), SyntheticSamples(faces, short_captions=True).captions()
    assert short[::2] == whole[::2]
    for one, other in zip(whole[1::2], short[1::2]):
        phrases, kept = one.split(", "), other.split(", ")
        assert kept[0] == phrases[0]
        assert kept == [phrase for phrase in phrases if phrase in kept]
    assert any(len(other) < len(one) for one, other in zip(whole, short))
    assert {shortened("a, b, c", number) for number in range(100)} == {"a", "a, b", "a, c", "a, b, c"}


def test_captions_speak_of_close_ups(faces):
    close, plain = SyntheticSamples(faces, face_height=0.6), SyntheticSamples(faces)
    assert any("portrait" in text for text in plain.captions())
    for i, text in enumerate(close.captions()):
        assert text.startswith("a close-up of ")
        assert close[i]["caption"] == text
    far = SyntheticSamples(faces, face_height=0.01)  # none is lower
    assert far.captions() == plain.captions()


def test_fingerprints_tell_samples_apart(faces):
    options = [{}, {"face_height": 0.48}, {"face_height": 0.5}, {"mark_face": True}]
    options.append({"face_height": 0.48, "mark_face": True})
    assert len({SyntheticSamples(faces, **each).fingerprint for each in options}) == len(options)


# --- training --------------------------------------------------------------------------------------------------------


def told(**options) -> FineFaceConfig:
    none = {"vector_dropout": 0.0, "caption_dropout": 0.0, "both_dropout": 0.0, "rounded": 0.0, "jitter": 0.0}
    return FineFaceConfig(output="-", lora_rank=2, precision="no", **{**none, "synthetic_count": 1, **options})


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"folder": "x"}, "face_weight"),
        ({"disfa": "x", "disfa_cache": "y"}, "face_weight"),
        ({"affectnet": "x", "affectnet_units": "y"}, "face_weight"),
        ({"face_weight": 0.0}, "face_weight"),
        ({"synthetic_face_height": 1.5}, "synthetic_face_height"),
        ({"defaults": {"step": 3}}, "steps"),
        ({"defaults": {"guidance": 0.5}}, "guidance"),
    ],
)
def test_what_no_training_can_take_is_reported(data, name):
    told(face_weight=3.0, synthetic_face_height=0.48, defaults={"steps": 20, "guidance": 3.0})
    with pytest.raises(InputError, match=name):
        told(**{"face_weight": 3.0, **data})


class Guess(torch.nn.Module):
    """Says the same whatever it is shown, but for where."""

    def forward(self, noisy, timesteps, units, text):
        return torch.linspace(-1, 1, noisy[0].numel()).view_as(noisy[0]).expand_as(noisy)


def weighed(weight: float, region: torch.Tensor | None) -> torch.Tensor:
    g = torch.Generator().manual_seed(3)
    tensors = {
        "mean": torch.randn(2, 4, 8, 8, generator=g), "std": torch.zeros(2, 4, 8, 8), "units": torch.rand(2, 12),
        "text": torch.zeros(2, 5, 8), "number": torch.tensor([4, 7]),
    }  # fmt: skip
    if region is not None:
        tensors["region"] = region
    draws = draw(0, tensors["number"], (4, 8, 8), timesteps=1000, dropout=0.0)
    schedule, nothing = noise_schedule(BETAS, "epsilon", False), torch.zeros(1, 5, 8)
    return text_to_face_loss(Guess(), tensors, draws, schedule, told(face_weight=weight), nothing), draws.noise


def test_the_face_counts_as_often_as_it_is_told():
    """A left half of one sample and a corner of the other: in each the weights have the mean 1."""
    region = torch.zeros(2, 1, 8, 8)
    region[0, :, :, :4], region[1, :, :2, :2] = 1, 1
    found, noise = weighed(3.0, region)
    error = (Guess()(noise, None, None, None) - noise).square()
    weights = torch.ones(2, 8, 8)
    weights[0, :, :4], weights[1, :2, :2] = 3, 3
    expected = [(error[i] * weights[i] / weights[i].mean()).mean() for i in range(2)]
    torch.testing.assert_close(found, sum(expected) / 2, rtol=1e-5, atol=1e-6)
    assert abs(found - error.mean()) > 1e-3


def test_a_weight_of_one_or_a_face_everywhere_changes_nothing():
    plain = weighed(1.0, None)[0]
    region = (torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(4)) > 0.5).float()
    assert torch.equal(weighed(3.0, None)[0], plain)
    torch.testing.assert_close(weighed(1.0, region)[0], plain, rtol=1e-6, atol=0)
    torch.testing.assert_close(weighed(3.0, torch.ones(2, 1, 8, 8))[0], plain, rtol=1e-6, atol=0)


def test_the_encoder_says_where_the_face_is(base):
    """As large as the latents, each place the mean of its 8 x 8 pixels."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

    parts = ((AutoencoderKL, "vae"), (CLIPTokenizer, "tokenizer"), (CLIPTextModel, "text_encoder"))
    encoder = SampleEncoder(*(kind.from_pretrained(base / name, local_files_only=True) for kind, name in parts))
    batch = {"image": torch.rand(2, 3, 64, 64), "units": torch.rand(2, 12), "caption": CAPTIONS[:2]}
    assert "region" not in encoder(batch)
    face = torch.rand(2, 1, 64, 64)
    found = encoder(batch | {"face": face})
    assert found["region"].shape == (2, 1, 8, 8)
    expected = face.numpy().reshape(2, 1, 8, 8, 8, 8).mean((3, 5))
    np.testing.assert_allclose(found["region"], expected, rtol=1e-5)

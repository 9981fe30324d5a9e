"""The loss is the equation, and its random numbers follow from a sample's number."""

from __future__ import annotations

import pytest
import torch
import toy_training as toy
from refusals import refused

from common.core.errors import InputError
from common.training.latents import Latents, changed_region, encode
from common.training.loss import denoising_loss, min_snr_weights, noise_schedule, region_weights
from common.training.sampler import Draws, Group, Numbered, Turns, draw

BETAS = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


@pytest.fixture
def latents():
    g = torch.Generator().manual_seed(3)
    mean, std, source, conditioning_images = torch.randn(4, 3, 4, 8, 8, generator=g)
    return Latents(mean, std.abs(), source, conditioning_images, torch.rand(3, 1, 8, 8, generator=g))


@pytest.fixture
def draws():
    return draw(0, torch.arange(3), (4, 8, 8), timesteps=1000, dropout=0.0)


def alpha_bar(t):
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0)[t][:, None, None, None].float()


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_loss_by_hand(latents, draws, prediction):
    twin, vector, prompt = toy.twin().eval(), torch.randn(3, 12), torch.randn(1, 3, 8)
    schedule = noise_schedule(BETAS, prediction, False)
    with torch.no_grad():
        loss = denoising_loss(twin, latents, vector, prompt, draws, schedule)
        a, x = alpha_bar(draws.timesteps), latents.mean + latents.std * draws.posterior
        noisy = a.sqrt() * x + (1 - a).sqrt() * draws.noise
        v = a.sqrt() * draws.noise - (1 - a).sqrt() * x
        found = twin(noisy, draws.timesteps, vector, latents.conditioning_images, latents.source, prompt)
        expected = ((found - (draws.noise if prediction == "epsilon" else v)) ** 2).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)


def test_dropped_vectors_are_zero(latents, draws):
    seen = []

    def twin(noisy, t, vector, *rest):
        seen.append(vector)
        return noisy

    kept = torch.tensor([True, False, True])
    some = Draws(draws.timesteps, draws.noise, draws.posterior, kept)
    denoising_loss(
        twin, latents, torch.ones(3, 12), torch.zeros(1, 1, 8), some, noise_schedule(BETAS, "epsilon", False)
    )
    assert seen[0].any(1).tolist() == kept.tolist()


def test_unchanged_samples_have_the_source_as_target(latents, draws):
    """A network that knows the scaled source predicts the noise of the samples without a request, and of no other."""
    kept, schedule = torch.tensor([True, False, True]), noise_schedule(BETAS, "epsilon", False)
    some = Draws(draws.timesteps.clamp(min=500), draws.noise, draws.posterior, kept)
    a = alpha_bar(some.timesteps)

    def twin(noisy, t, vector, conditioning_images, source, prompt):
        noise = (noisy - a.sqrt() * 0.5 * source) / (1 - a).sqrt()
        return torch.where(kept[:, None, None, None], some.noise, noise)

    arguments = (twin, latents, torch.ones(3, 12), torch.zeros(1, 1, 8), some, schedule)
    assert denoising_loss(*arguments, source_scale=0.5) < 1e-9
    assert denoising_loss(*arguments, source_scale=0.6) > 1e-4
    assert denoising_loss(*arguments) > 1e-2


def test_dropout_rate_and_spread_of_timesteps():
    many = draw(0, torch.arange(4000), (1,), timesteps=1000, dropout=0.1)
    assert abs((~many.kept).float().mean() - 0.1) < 0.02
    assert abs(many.timesteps.float().mean() - 499.5) < 15
    assert abs(many.noise.mean()) < 0.05
    assert abs(many.noise.std() - 1) < 0.05
    assert abs(torch.corrcoef(torch.stack([many.noise[:-1, 0], many.noise[1:, 0]]))[0, 1]) < 0.05
    assert draw(0, torch.arange(50), (1,), timesteps=10, dropout=0.0).kept.all()
    assert not draw(0, torch.arange(50), (1,), timesteps=10, dropout=1.0).kept.any()


def test_shifted_timesteps_follow_their_equation():
    """Esser et al. 2024, eq. 23: of the share u below, s u / (1 + (s - 1) u) lies below."""
    plain, shifted = (
        draw(0, torch.arange(2000), (1,), timesteps=1000, dropout=0.0, shift=shift).timesteps for shift in (1.0, 4.0)
    )
    share = (plain + 0.5) / 1000
    assert (shifted - 1000 * 4 * share / (1 + 3 * share)).abs().max() <= 1
    assert shifted.max() <= 999
    assert abs(shifted.float().median() - 800) < 15
    assert draw(0, torch.arange(500), (1,), timesteps=1000, dropout=0.0, shift=1e6).timesteps.max() == 999


def test_draws_follow_from_the_number_alone():
    together = draw(7, torch.tensor([4, 9]), (2, 3), timesteps=1000, dropout=0.5)
    alone = draw(7, torch.tensor([9]), (2, 3), timesteps=1000, dropout=0.5)
    other = draw(8, torch.tensor([9]), (2, 3), timesteps=1000, dropout=0.5)
    assert torch.equal(together.noise[1], alone.noise[0])
    assert not torch.equal(other.noise, alone.noise)


def test_min_snr_weights():
    t = torch.tensor([0, 500, 999])
    a = alpha_bar(t).flatten()
    snr = a / (1 - a)
    weights = min_snr_weights(noise_schedule(BETAS, "epsilon", False), t, 5.0)
    torch.testing.assert_close(weights, snr.clamp(max=5) / snr, rtol=1e-4, atol=1e-6)
    weights = min_snr_weights(noise_schedule(BETAS, "v_prediction", False), t, 5.0)
    torch.testing.assert_close(weights, snr.clamp(max=5) / (snr + 1), rtol=1e-4, atol=1e-6)
    assert min_snr_weights(noise_schedule(BETAS, "epsilon", False), t, 0.0).tolist() == [1, 1, 1]


def test_zero_terminal_snr_ends_in_noise():
    assert float(noise_schedule(BETAS, "v_prediction", True).alphas_cumprod[-1]) < 1e-6


def test_region_weights_have_mean_one():
    region = torch.zeros(2, 1, 4, 4)
    region[0, :, :2] = 1
    weights = region_weights(region, 3.0)
    torch.testing.assert_close(weights.mean((1, 2, 3)), torch.ones(2))
    assert float(weights[0, 0, 0, 0] / weights[0, 0, 3, 0]) == pytest.approx(3)
    assert torch.equal(region_weights(region, 1.0), torch.ones(2, 1, 4, 4))


def test_changed_region_and_latents():
    items = toy.pictures(2)
    batch = {name: torch.stack([item[name] for item in items]) for name in items[0]}
    region = changed_region(batch["source"], batch["target"])
    assert region[:, :, 5:11, 5:11].all()
    assert not region[:, :, :2].any()
    vae = toy.vae()
    found = encode(vae, batch)
    with torch.no_grad():
        source = vae.encode(2 * batch["source"] - 1).latent_dist.mode()
        target = vae.encode(2 * batch["target"] - 1).latent_dist
    torch.testing.assert_close(found.source, source)
    torch.testing.assert_close(found.mean, vae.config["scaling_factor"] * target.mean)
    torch.testing.assert_close(found.std, vae.config["scaling_factor"] * target.std)


def test_each_pass_has_every_item_once():
    data = Numbered(toy.pictures(5), seed=1)  # type: ignore[arg-type]
    passes = [[data.index(5 * epoch + i) for i in range(5)] for epoch in range(4)]
    assert all(sorted(p) == [0, 1, 2, 3, 4] for p in passes)
    assert len({tuple(p) for p in passes}) > 1
    assert data[7]["number"] == 7


def test_processes_share_the_samples_of_a_step():
    one = list(Turns(2, 4, 8))
    assert one == [list(range(16, 24)), list(range(24, 32))]
    shares = [list(Turns(2, 4, 8, 2, Group(process, 2))) for process in (0, 1)]
    assert sorted(n for share in shares for turn in share[:2] for n in turn) == one[0]
    with refused(InputError, "range", actual=7):
        Turns(0, 1, 7, 2)

"""Laws of the one sampling loop."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from breadth import breadth
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    UniPCMultistepScheduler,
)
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.diffusion.conditioning import Rig
from common.diffusion.identity import join
from common.diffusion.pipeline import FaceEditPipeline


@pytest.fixture
def source():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def identity(pipeline, source):
    return pipeline.encode_identity(source[:1])


def rig(*levels, conditioning_images=None):
    """One row for each AU12 level, before a grey background."""
    vector = torch.zeros(len(levels), 12)
    vector[:, 6] = torch.tensor(levels)
    return Rig(vector, (torch.full((1, 3, 64, 64), 0.5) if conditioning_images is None else conditioning_images,))


def run(pipeline, identity, rig, **options):
    options = {"num_inference_steps": 3, "output_type": "pt"} | options
    options.setdefault("latents", torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3)))
    return pipeline(identity, rig, **options).images


def test_zero_request_makes_guidance_irrelevant(pipeline, identity):
    for scale in (0.0, 1.5, 9.0):
        torch.testing.assert_close(
            run(pipeline, identity, rig(0.0), guidance_scale=scale),
            run(pipeline, identity, rig(0.0), guidance_scale=1.0),
            rtol=0, atol=0,
        )  # fmt: skip


def test_guidance_extrapolates_from_the_zero_request(pipeline, identity):
    """One step: eps, and so the latents, are affine in the scale."""
    at = {s: run(pipeline, identity, rig(4.0), guidance_scale=s, num_inference_steps=1, output_type="latent")
          for s in (0.0, 1.0, 3.0)}  # fmt: skip
    neutral = run(pipeline, identity, rig(0.0), num_inference_steps=1, output_type="latent")
    torch.testing.assert_close(at[0.0], neutral, rtol=0, atol=1e-4)
    torch.testing.assert_close(at[3.0], neutral + 3 * (at[1.0] - neutral), rtol=0, atol=1e-3)
    assert (at[1.0] - neutral).abs().max() > 1e-2


def test_a_zero_row_costs_no_second_pass(pipeline, identity):
    batches = []
    pipeline.unet.register_forward_pre_hook(lambda module, args: batches.append(len(args[0])))
    run(pipeline, identity, rig(3.0, 0.0, -2.0), num_inference_steps=1)
    run(pipeline, identity, rig(3.0, 0.0, -2.0), num_inference_steps=1, guidance_scale=1.0)
    assert batches == [5, 3]


def test_batch_of_requests_equals_one_by_one(pipeline, identity):
    together = run(pipeline, identity, rig(3.0, 0.0, -2.0))
    for row, level in enumerate((3.0, 0.0, -2.0)):
        torch.testing.assert_close(together[row : row + 1], run(pipeline, identity, rig(level)), rtol=0, atol=1e-5)


def test_several_subjects_at_once_equal_one_by_one(pipeline, source):
    identities = [pipeline.encode_identity(source[i : i + 1]) for i in range(2)]
    conditioning_images = torch.stack([torch.zeros(3, 64, 64), torch.ones(3, 64, 64)])
    both_at_once = pipeline.encode_identity(source)
    for joined in (join(identities), both_at_once):
        together = run(pipeline, joined, rig(3.0, 2.0, conditioning_images=conditioning_images))
        for row, level in enumerate((3.0, 2.0)):
            alone = run(pipeline, identities[row], rig(level, conditioning_images=conditioning_images[row : row + 1]))
            torch.testing.assert_close(together[row : row + 1], alone, rtol=0, atol=1e-5)


def test_guides_may_come_encoded(pipeline, identity):
    image = torch.rand(1, 3, 64, 64)
    encoded = pipeline.encode_image(image)
    assert torch.equal(
        run(pipeline, identity, rig(2.0, conditioning_images=image)),
        run(pipeline, identity, rig(2.0, conditioning_images=encoded)),
    )


def test_conditions_are_the_mode_unscaled(pipeline, source):
    expected = pipeline.vae.encode(2 * source - 1).latent_dist.mode()
    assert torch.equal(pipeline.encode_image(source), expected)


def test_same_generator_same_picture(pipeline, identity):
    def draw(seed, batch):
        generator = torch.Generator().manual_seed(seed)
        return run(pipeline, identity, rig(*[2.0] * batch), generator=generator, latents=None)

    assert torch.equal(draw(1, 2), draw(1, 2))
    assert not torch.equal(draw(1, 1), draw(2, 1))


def test_two_calls_at_once_do_not_disturb_each_other(pipeline, identity):
    """One call starts and finishes inside a step of another, as two users of one demo would."""
    expected = run(pipeline, identity, rig(3.0), num_inference_steps=4)
    inner = []

    def callback(pipe, step, timestep, values):
        if step == 1:
            inner.append(run(pipe, identity, rig(3.0), num_inference_steps=4))
        return {}

    outer = run(pipeline, identity, rig(3.0), num_inference_steps=4, callback_on_step_end=callback)
    assert torch.equal(outer, expected)
    assert torch.equal(inner[0], expected)


@pytest.mark.parametrize(
    "scheduler",
    [DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler],
)
def test_any_scheduler(pipeline, identity, scheduler):
    pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
    generator = torch.Generator().manual_seed(0)
    image = run(pipeline, identity, rig(2.0), generator=generator)
    assert image.shape == (1, 3, 64, 64)
    assert image.isfinite().all()


@pytest.mark.parametrize(
    "scheduler",
    breadth(
        [
            *(EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler, DDIMScheduler, EulerDiscreteScheduler),
            UniPCMultistepScheduler,
        ],
        2,
    ),
)
def test_any_scheduler_begins_with_a_picture(pipeline, identity, source, scheduler):
    """The fewer of the steps are run, the more of the picture is left."""
    pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
    begun = pipeline.encode_image(source[1:]) * pipeline.vae.config.scaling_factor
    far = []
    for strength in (0.1, 0.5):
        generator = torch.Generator().manual_seed(0)
        options = {"num_inference_steps": 10, "output_type": "latent", "generator": generator}
        made = run(pipeline, identity, rig(2.0), start=source[1:], strength=strength, **options)
        far.append(float((made - begun).square().mean()))
    assert far[0] < far[1]


def test_a_start_that_is_not_used_changes_nothing(pipeline, identity, source):
    plain = run(pipeline, identity, rig(2.0))
    assert torch.equal(run(pipeline, identity, rig(2.0), start=source[1:], strength=1.0), plain)
    with refused(InputError, "range", actual=0):
        run(pipeline, identity, rig(2.0), start=source[1:], strength=0)


def test_few_steps_begin_with_what_is_asked_for(pipeline, identity, source):
    """Of two steps at a strength of 0.1, the last tenth is run, in one step."""
    seen = []

    def note(pipe, step, timestep, values):
        seen.append(int(timestep))
        return {}

    run(pipeline, identity, rig(2.0), start=source[1:], strength=0.1, num_inference_steps=2, callback_on_step_end=note)
    assert len(seen) == 1
    assert seen[0] < 150


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_near(pipeline, identity, source, dtype):
    full = run(pipeline, identity, rig(2.0))
    pipeline.to(dtype)
    half = run(pipeline, pipeline.encode_identity(source[:1]), rig(2.0))
    assert (half - full).abs().mean() < 0.05


def test_callback_sees_and_replaces_latents(pipeline, identity):
    seen = []

    def callback(pipe, step, timestep, values):
        seen.append((pipe, step, int(timestep)))
        return {"latents": values["latents"] * 0}

    latents = run(pipeline, identity, rig(2.0), callback_on_step_end=callback, output_type="latent")
    assert [step for _, step, _ in seen] == [0, 1, 2]
    assert all(pipe is pipeline for pipe, _, _ in seen)
    assert not latents.any()


@pytest.mark.parametrize(("kind", "check"), [
    ("pil", lambda images: images[0].size == (64, 64)),
    ("np", lambda images: images.shape == (1, 64, 64, 3)),
    ("pt", lambda images: images.shape == (1, 3, 64, 64)),
    ("latent", lambda images: images.shape == (1, 4, 8, 8)),
])  # fmt: skip
def test_output_types(pipeline, identity, kind, check):
    assert check(run(pipeline, identity, rig(1.0), output_type=kind))


def test_save_and_load(pipeline, identity, tmp_path):
    pipeline.save_pretrained(tmp_path / "saved")
    again = FaceEditPipeline.from_pretrained(tmp_path / "saved")
    again.set_progress_bar_config(disable=True)
    assert torch.equal(again.prompt_embeds, pipeline.prompt_embeds)
    assert again.scheduler.config.final_sigmas_type == "sigma_min"
    # Not to the last bit: weights that were read lie elsewhere in memory, and are summed in another order.
    torch.testing.assert_close(run(again, identity, rig(2.0)), run(pipeline, identity, rig(2.0)), rtol=0, atol=1e-5)


def test_model_offload_gives_the_same_picture(pipeline, source, monkeypatch):
    accelerate_hooks = pytest.importorskip("accelerate.hooks")
    expected = run(pipeline, pipeline.encode_identity(source[:1]), rig(2.0))
    moved = []
    original = accelerate_hooks.CpuOffload.pre_forward

    def record(self, module, *args, **kwargs):
        moved.append(type(module).__name__)
        return original(self, module, *args, **kwargs)

    monkeypatch.setattr(accelerate_hooks.CpuOffload, "pre_forward", record)
    pipeline.enable_model_cpu_offload(device="cpu")
    actual = run(pipeline, pipeline.encode_identity(source[:1]), rig(2.0))
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
    assert {"UNet2DConditionModel", "AutoencoderKL"} <= set(moved)


def test_released_id_encoder(pipeline, identity, source):
    pipeline.register_modules(id_encoder=None)
    assert run(pipeline, identity, rig(2.0)).isfinite().all()
    with refused(InputError, "missing"):
        pipeline.encode_identity(source)


def test_wrong_shapes_are_named(pipeline, identity, source):
    with refused(ShapeError, name="Rig.vector", expected="(B, 12)"):
        run(pipeline, identity, Rig(torch.zeros(1, 64), rig(0.0).conditioning_images))
    with refused(ShapeError, name="Rig.conditioning_images", actual=(8,)):
        run(pipeline, identity, Rig(torch.zeros(1, 12), rig(0.0).conditioning_images * 2))
    with refused(ShapeError, name="latents"):
        run(pipeline, identity, rig(1.0), latents=torch.zeros(1, 4, 9, 8))
    with refused(ShapeError, name="image", actual=(1, 3, 60, 64)):
        pipeline.encode_image(torch.zeros(1, 3, 60, 64))
    with refused(ShapeError, name="identity"):
        run(pipeline, join([identity, identity]), rig(1.0, 2.0, 3.0))
    with refused(ShapeError, name="Rig.conditioning_images", actual=(2, 3, 64, 64)):
        Rig(torch.zeros(3, 12), (torch.zeros(2, 3, 64, 64),))
    with refused(InputError, "unknown", actual="jpeg"):
        run(pipeline, identity, rig(1.0), output_type="jpeg")
    pipeline.prompt_embeds = None
    with refused(InputError, "missing"):
        pipeline.encode_identity(source)


def test_offloading_does_not_keep_a_released_id_encoder(pipeline, source):
    pipeline.enable_model_cpu_offload(device="cpu")
    pipeline.encode_identity(source)
    encoder = weakref.ref(pipeline.id_encoder)
    pipeline.register_modules(id_encoder=None)
    pipeline.maybe_free_model_hooks()
    gc.collect()
    assert encoder() is None

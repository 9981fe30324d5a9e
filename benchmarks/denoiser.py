"""Speed of one guided denoising step at SD 1.5 size, ours against the released attention pattern, side by side.

    python benchmarks/denoiser.py --size 512 --repeats 3

Both run on the same UNet with random weights. The released pattern concatenates the identity's tokens, queries all 2N of
them in every step and throws half of the answer away; ours attends to keys and values that were computed once. Times are
medians over interleaved repeats; read the ratios, not the seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import AttnProcessor2_0
from torch.utils.flop_counter import FlopCounterMode

from common.checkpoints import unet_from_config
from common.hooks import TextAttnProcessor, attend_to_identity, transformer_blocks
from common.identity import encode_tokens, project_identity

SD15 = {"in_channels": 8, "cross_attention_dim": 768, "sample_size": 64}


class ReleasedAttnProcessor(AttnProcessor2_0):
    """Self-attention as the release computes it: [h; r] through norm and attention, the first N outputs kept."""

    def __init__(self, block: BasicTransformerBlock, tokens: torch.Tensor) -> None:
        self.block, self.tokens = block, tokens
        super().__init__()

    def __call__(self, attn, hidden_states, *args, **kwargs):
        """All 2N tokens are queried; the identity's share of the answer is dropped."""
        r = self.block.norm1(self.tokens).expand(len(hidden_states), -1, -1)
        both = torch.cat([hidden_states, r], 1)  # (B, 2N, C)
        return super().__call__(attn, both)[:, : hidden_states.shape[1]]


def random_unet(config: dict, vector_size: int | None, dtype: torch.dtype) -> torch.nn.Module:
    """A UNet of SD 1.5 size with small random weights."""
    unet = unet_from_config(config, vector_size).to_empty(device="cpu").to(dtype).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in unet.named_parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
        if parameter.ndim == 1 and name.endswith("weight"):
            parameter.add_(1)
    return unet


def two_ways(
    size: int, dtype: torch.dtype, seed: int = 0
) -> tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]:
    """One guided step (batch 2) in the released pattern and in ours, on the same weights and inputs."""
    unet = random_unet(SD15, 12, dtype)
    side, generator = size // 8, torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    sample, prompt, vector = draw(2, 8, side, side), draw(1, 77, 768).expand(2, -1, -1), draw(2, 12)
    id_encoder = random_unet(SD15 | {"in_channels": 4}, None, dtype)
    tokens = encode_tokens(id_encoder, draw(1, 4, side, side), prompt[:1])
    del id_encoder
    blocks = transformer_blocks(unet)
    attend_to_identity(unet)
    ours_processors = dict(unet.attn_processors)
    released_processors = {
        key: TextAttnProcessor() if ".attn2." in key else ReleasedAttnProcessor(blocks[name], tokens[name])
        for key in ours_processors
        for name in [key.split(".attn")[0]]
    }
    identity = project_identity(unet, tokens)

    def released() -> torch.Tensor:
        unet.set_attn_processor(released_processors.copy())
        return unet(sample, 500, prompt, class_labels=vector).sample

    def ours() -> torch.Tensor:
        unet.set_attn_processor(ours_processors.copy())
        return unet(sample, 500, prompt, class_labels=vector, cross_attention_kwargs={"identity": identity}).sample

    return released, ours


@torch.inference_mode()
def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side in pixels (default: 512)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each way (default: 3)")
    args = parser.parse_args()

    ways: dict[str, Callable[[], torch.Tensor]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        ways[f"released {name}"], ways[f"ours {name}"] = two_ways(args.size, dtype)
    flops, answers = {}, {}
    for name, step in ways.items():  # also the warm-up
        with FlopCounterMode(display=False) as counter:
            answers[name] = step()
        flops[name] = counter.get_total_flops() / 2  # the field counts a multiply-add as one
    seconds = {name: [] for name in ways}
    for _ in range(args.repeats):
        for name, step in ways.items():
            started = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - started)
    reference = seconds["released float32"]
    print(f"one guided step, {args.size} px, {torch.get_num_threads()} threads, median of {args.repeats}")
    print(f"{'way':<20}{'T mult-adds':>12}{'seconds':>9}{'x released, same dtype':>24}{'x released float32':>20}")
    for name, times in seconds.items():
        same = seconds[f"released {name.split()[1]}"]
        print(
            f"{name:<20}{flops[name] / 1e12:>12.2f}{statistics.median(times):>9.2f}"
            f"{statistics.median(a / b for a, b in zip(same, times)):>24.2f}"
            f"{statistics.median(a / b for a, b in zip(reference, times)):>20.2f}"
        )
    for dtype in ("float32", "bfloat16"):
        a, b = answers[f"released {dtype}"], answers[f"ours {dtype}"]
        print(
            f"largest difference of the answers in {dtype}: {(a - b).abs().max().item():.2e} of {b.abs().max().item():.2f}"
        )


if __name__ == "__main__":
    main()

"""Speed of one denoising step at SD 1.5 size, ours against the released pattern, side by side.

    python benchmarks/denoiser.py --size 512 --repeats 3
    python benchmarks/denoiser.py --editor rigface

MagicFace's step is guided: a request beside a request of zero. RigFace's release runs two halves that are the same;
ours runs one. Both ways run on the same UNet with random weights. The released pattern concatenates the identity's
tokens, queries all 2N of them in every step and throws half of the answer away; ours attends to keys and values that
were computed once. float32 is laid out as the release has it, bfloat16 channels-last as `common.diffusion.loading`
loads it. The ways take turns, and ratios are medians of the ratios within a turn: read them, not the seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import AttnProcessor2_0
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from common.diffusion.attention import attend_to_identity, transformer_blocks
from common.diffusion.identity import encode_tokens, project_identity
from common.weights.unet import unet_from_config

SD15 = {"in_channels": 8, "cross_attention_dim": 768, "sample_size": 64}
EDITORS = {"magicface": (8, 12, 2), "rigface": (12, 64, 1)}
"""Editor -> channels that its denoiser takes, numbers of its vector, rows that a step of ours has."""


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


def random_unet(config: dict, vector_size: int | None, dtype: torch.dtype, device: str) -> UNet2DConditionModel:
    """A UNet of SD 1.5 size with weights that keep the signal's size; on "meta", shapes only."""
    unet = unet_from_config(config, vector_size).eval().requires_grad_(False)
    if device == "meta":
        return unet
    unet = unet.to_empty(device=device)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in unet.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
        else:
            parameter.copy_(0.1 * noise + name.endswith("weight"))
    if dtype == torch.float32:
        return unet
    half: Any = torch.nn.Module.to(unet, dtype)  # without the warning of diffusers' own
    return half.to(memory_format=torch.channels_last)


def two_ways(
    size: int, dtype: torch.dtype, device: str = "cpu", editor: str = "magicface"
) -> dict[str, Callable[[], torch.Tensor]]:
    """One step in the released pattern (batch 2) and in ours, on the same weights and inputs."""
    channels, numbers, rows = EDITORS[editor]
    unet = random_unet(SD15 | {"in_channels": channels}, numbers, dtype, device)
    id_encoder = random_unet(SD15 | {"in_channels": 4}, None, dtype, device)
    side, generator = size // 8, torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(device, unet.dtype)

    sample, prompt, vector = draw(rows, channels, side, side), draw(1, 77, 768), draw(rows, numbers)
    both, twice = (torch.cat([part] * (2 // rows)) for part in (sample, vector))  # rows are 1 or 2
    tokens = encode_tokens(id_encoder, draw(1, 4, side, side), prompt)
    attend_to_identity(unet)
    blocks, ours_processors = transformer_blocks(unet), dict(unet.attn_processors)
    released_processors = {
        key: AttnProcessor2_0() if ".attn2." in key else ReleasedAttnProcessor(blocks[name], tokens[name])
        for key in ours_processors
        for name in [key.split(".attn")[0]]
    }
    identity = project_identity(unet, tokens)

    def released() -> torch.Tensor:
        unet.set_attn_processor(released_processors.copy())
        return unet(both, 500, prompt.expand(2, -1, -1), class_labels=twice).sample

    def ours() -> torch.Tensor:
        unet.set_attn_processor(ours_processors.copy())
        return unet(
            sample, 500, prompt.expand(rows, -1, -1), class_labels=vector, cross_attention_kwargs={"identity": identity}
        ).sample

    return {"released": released, "ours": ours}


def count(step: Callable[[], torch.Tensor]) -> int:
    """FLOPs (a multiply-add counts as two), attention spelled out as matrix products so that it counts."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


@torch.inference_mode()
def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--editor", choices=EDITORS, default="magicface", help="(default: magicface)")
    parser.add_argument("--size", type=int, default=512, help="side in pixels (default: 512)")
    parser.add_argument("--repeats", type=int, default=3, help="turns (default: 3)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    args = parser.parse_args()

    flops = {way: count(step) for way, step in two_ways(args.size, torch.float32, "meta", args.editor).items()}
    ways: dict[tuple[str, str], Callable[[], torch.Tensor]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        for way, step in two_ways(args.size, dtype, args.device, args.editor).items():
            ways[way, str(dtype).removeprefix("torch.")] = step
    answers = {key: step() for key, step in ways.items()}  # the warm-up too
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in ways}
    for _ in range(args.repeats):
        for key, step in ways.items():
            seconds[key].append(timed(step, args.device))

    def ratio(key: tuple[str, str], other: tuple[str, str]) -> float:
        return statistics.median(a / b for a, b in zip(seconds[other], seconds[key]))

    print(
        f"one step of {args.editor}, {args.size} px, {args.device}, {torch.get_num_threads()} threads, "
        f"{args.repeats} turns"
    )
    print(f"{'way':<10}{'dtype':<10}{'TFLOP':>7}{'seconds':>9}{'speed-up':>10}{'over released float32':>23}")
    for (way, dtype), times in seconds.items():
        print(
            f"{way:<10}{dtype:<10}{flops[way] / 1e12:>7.2f}{statistics.median(times):>9.2f}"
            f"{ratio((way, dtype), ('released', dtype)):>10.2f}{ratio((way, dtype), ('released', 'float32')):>23.2f}"
        )
    for dtype in ("float32", "bfloat16"):
        released, ours = answers["released", dtype], answers["ours", dtype]
        error, range_ = (released - ours).abs().max().item(), released.abs().max().item()
        print(f"the two answers in {dtype} differ by {error:.1e} on a range of {range_:.2f}")


def timed(step: Callable[[], torch.Tensor], device: str) -> float:
    """Seconds of one run, the device's queue included."""
    started = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

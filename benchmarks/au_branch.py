"""Cost of the AU branch: one guided step at SD 1.5 size with it and without it, side by side.

    python benchmarks/au_branch.py --size 512 --repeats 5

All run on the same UNet with random weights, batch of two. "additions" is what the branch adds to a step, alone: on a
busy machine, where two runs of the same step differ by more than 1 %, it is the number to trust. "once" is what a call
computes before its first step: the token, its values, their output projections. "ip-adapter" is diffusers' own
processor with the same weights, which computes keys and an attention over the one token. The ways take turns, and
ratios are medians of the ratios within a turn: read them, not the seconds.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import torch
from denoiser import SD15, count, random_unet, timed
from diffusers.models.attention_processor import AttnProcessor2_0, IPAdapterAttnProcessor2_0
from diffusers.models.embeddings import MultiIPAdapterImageProjection
from torch import nn

from fineface.adapter import AUAdapter, attend_to_action_units

HIDDEN = 756


def ways(size: int, device: str = "cpu") -> dict[str, Callable[[], object]]:
    """One guided step without the branch, with it, and through the host's IP-Adapter; and what a call computes once."""
    unet: Any = random_unet(SD15 | {"in_channels": 4}, None, torch.float32, device)
    adapter = AUAdapter.from_unet(unet, HIDDEN) if device != "meta" else _on_meta(unet)
    adapter.to(device).requires_grad_(False)
    generator, side = torch.Generator().manual_seed(0), size // 8

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(device)

    call, aus = (draw(2, 4, side, side), torch.tensor(500), draw(2, 77, 768)), draw(2, 12)
    plain = dict(unet.attn_processors)
    attend_to_action_units(unet)
    ours = dict(unet.attn_processors)
    stock = {name: AttnProcessor2_0() for name in plain}
    for name, to_k, to_v in zip(adapter.widths, adapter.to_k, adapter.to_v):
        stock[f"{name}.processor"] = host = IPAdapterAttnProcessor2_0(adapter.widths[name], 768, num_tokens=(1,))  # type: ignore[assignment]
        host.to_k_ip, host.to_v_ip = nn.ModuleList([to_k]), nn.ModuleList([to_v])
    tokens = adapter.projection(aus)
    branch = adapter(unet, tokens)

    def without() -> torch.Tensor:
        unet.set_attn_processor(plain.copy())
        return unet(*call).sample

    def with_branch() -> torch.Tensor:
        unet.set_attn_processor(ours.copy())
        return unet(*call, cross_attention_kwargs={"action_units": branch}).sample

    def ip_adapter() -> torch.Tensor:
        unet.set_attn_processor(stock.copy())  # type: ignore[arg-type]
        unet.encoder_hid_proj = MultiIPAdapterImageProjection([nn.Identity()])
        unet.config.encoder_hid_dim_type = "ip_image_proj"  # as load_ip_adapter sets it
        answer = unet(*call, added_cond_kwargs={"image_embeds": [tokens[:, None]]}).sample
        unet.encoder_hid_proj = unet.config.encoder_hid_dim_type = None
        return answer

    outputs: dict[str, torch.Tensor] = {}
    hooks = [
        unet.get_submodule(name).register_forward_hook(lambda m, args, out, name=name: outputs.update({name: out}))
        for name in branch
    ]
    without()
    for hook in hooks:
        hook.remove()

    return {
        "additions": lambda: [outputs[name] + branch[name] for name in branch],
        "without": without,
        "with": with_branch,
        "ip-adapter": ip_adapter,
        "once": lambda: adapter(unet, adapter.projection(aus)),
    }


def _on_meta(unet) -> AUAdapter:
    with torch.device("meta"):
        return AUAdapter.from_unet(unet, HIDDEN)


@torch.inference_mode()
def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side in pixels (default: 512)")
    parser.add_argument("--repeats", type=int, default=5, help="turns (default: 5)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    args = parser.parse_args()

    flops = {way: count(step) for way, step in ways(args.size, "meta").items()}  # type: ignore[arg-type]
    steps = ways(args.size, args.device)
    answers = {way: step() for way, step in steps.items()}  # the warm-up too
    seconds: dict[str, list[float]] = {way: [] for way in steps}
    for turn in range(args.repeats):
        for way in list(steps)[:: 1 if turn % 2 else -1]:  # a drift of the machine falls on all alike
            seconds[way].append(timed(steps[way], args.device))  # type: ignore[arg-type]

    print(f"one guided step, {args.size} px, {args.device}, {torch.get_num_threads()} threads, {args.repeats} turns")
    print(f"{'way':<12}{'TFLOP':>9}{'seconds':>9}{'over without':>14}")
    for way, times in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(times, seconds["without"]))
        print(f"{way:<12}{flops[way] / 1e12:>9.4f}{statistics.median(times):>9.3f}{ratio:>14.4f}")
    ours, host = answers["with"], answers["ip-adapter"]
    assert isinstance(ours, torch.Tensor)
    assert isinstance(host, torch.Tensor)
    print(f"ours and the ip-adapter differ by {(ours - host).abs().max():.1e} on a range of {ours.abs().max():.2f}")


if __name__ == "__main__":
    main()

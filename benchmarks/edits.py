"""Memory of a run, and the price of twenty AU variations against one, at SD 1.5 size with random weights.

    python benchmarks/edits.py --size 256 --steps 2

Writes a random checkpoint in the published layout (bfloat16, 3.6 GB) into a temporary folder, loads it as a user would,
and edits the astronaut. Each part runs in a process of its own, so that peaks do not mix. Read the ratios.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from skimage import data

from common.diffusion.loading import MAGICFACE
from common.weights.text_encoder import PROMPT_FILE
from common.weights.unet import WEIGHTS, unet_from_config
from magicface import MagicFace

SD15 = {"in_channels": 4, "cross_attention_dim": 768, "sample_size": 64}
SD15_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}


def write_random_checkpoint(folder: Path) -> None:
    """ID_enc/, denoising_unet/, vae/ and a prompt embedding, as published."""
    with torch.device("meta"):
        vae = AutoencoderKL(**SD15_VAE)
    networks: dict[str, UNet2DConditionModel | AutoencoderKL] = {
        "ID_enc": unet_from_config(SD15),
        "denoising_unet": unet_from_config(SD15 | {"in_channels": 8}, vector_size=12),
        "vae": vae,
    }
    for name, network in networks.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(network.to_json_string())
        state = {}
        for key, value in network.state_dict().items():
            scale = 0.1 if value.ndim == 1 else value[0].numel() ** -0.5
            tensor = torch.randn(value.shape) * scale + (value.ndim == 1 and key.endswith("weight"))
            state[key.replace("class_embedding.", MAGICFACE.vector_key)] = tensor.bfloat16()
        save_file(state, folder / name / WEIGHTS)
    save_file({"prompt_embeds": torch.randn(1, 77, 768)}, folder / PROMPT_FILE)


def size_of(network: torch.nn.Module) -> float:
    """The weights of a network, GiB."""
    return sum(p.numel() * p.element_size() for p in network.parameters()) / 2**30


def memory() -> tuple[float, float]:
    """Resident memory of this process now and at its peak, GiB."""
    now = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return now / 2**30, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def part(task: str, folder: Path, size: int, steps: int) -> dict[str, float]:
    """One measurement in this process."""
    before = memory()[0]
    editor = MagicFace.from_pretrained(folder, dtype=torch.bfloat16, device="cpu", size=size, detector="mediapipe")
    sizes = {name: size_of(getattr(editor.pipeline, name)) for name in ("unet", "id_encoder", "vae")}
    photo, requests = data.astronaut(), [{"AU12": 0.25 * (i + 1)} for i in range(20)]
    result = {
        "weights": sum(sizes.values()),
        "id_encoder": sizes["id_encoder"],
        "before": before,
        "loaded": memory()[0],
    }
    started = time.perf_counter()
    subject = editor.encode(photo)
    if task == "released":
        result["before_release"] = memory()[0]
        editor.release_id_encoder()
        result["after_release"] = memory()[0]
    editor.edit(subject, requests if task == "twenty" else requests[:1], steps=steps, progress=False)
    return result | {"seconds": time.perf_counter() - started, "peak": memory()[1]}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="side of the crop in pixels (default: 256)")
    parser.add_argument("--steps", type=int, default=2, help="denoising steps (default: 2)")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(part(args.part, args.folder, args.size, args.steps)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_random_checkpoint(Path(folder) / "model")
        results = {}
        for task in ("one", "twenty", "released"):
            command = [sys.executable, __file__, "--part", task, "--folder", f"{folder}/model"]
            command += ["--size", str(args.size), "--steps", str(args.steps)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            results[task] = json.loads(output.splitlines()[-1])
    one, twenty, released = results["one"], results["twenty"], results["released"]
    print(f"SD 1.5 size, bfloat16, {args.size} px, {args.steps} steps, cpu")
    print(f"one copy of each network      {one['weights']:6.2f} GiB")
    print(f"resident before loading       {one['before']:6.2f} GiB")
    print(f"resident after loading        {one['loaded']:6.2f} GiB")
    print(f"peak of one edit              {one['peak']:6.2f} GiB")
    print(f"peak of twenty edits          {twenty['peak']:6.2f} GiB")
    print(f"resident after encode         {released['before_release']:6.2f} GiB")
    print(f"after release_id_encoder()    {released['after_release']:6.2f} GiB (it has {one['id_encoder']:.2f})")
    print(f"one edit                      {one['seconds']:6.1f} s")
    ratio = twenty["seconds"] / one["seconds"]
    print(f"twenty variations             {twenty['seconds']:6.1f} s = {ratio:.1f} x one edit")


if __name__ == "__main__":
    main()

"""Writes a FineFace golden folder's weights by formula (see README.md): python fineface_weights.py NAME FOLDER."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from weights import HERE, filled

from common.weights.unet import WEIGHTS, unet_from_config
from fineface.adapter import AUAdapter, cross_attentions
from fineface.checkpoints import published_state
from fineface.variants import SD15_FACEID, SD21, Variant

# variant and outputs of the AU encoder
FOLDERS = {"fineface_sd21": (SD21, 64), "fineface_sd15ip": (SD15_FACEID, 36)}
LORA_RANK, FACE_TOKENS = 4, 16


def write(name: str, target: Path) -> Path:
    """Copies the golden folder `name` to `target` and adds the weights; returns `target`."""
    shutil.copytree(HERE / name, target, dirs_exist_ok=True)
    variant, hidden = FOLDERS[name]
    unet = unet_from_config(json.loads((target / "unet" / "config.json").read_text()))
    save_file(filled(shapes(unet), 1000), target / "unet" / WEIGHTS)
    with torch.device("meta"):
        adapter = AUAdapter(cross_attentions(unet), hidden, unet.config["cross_attention_dim"])
        vae = AutoencoderKL.from_config(json.loads((target / "vae" / "config.json").read_text()))
    save_file(filled(shapes(vae), 7000), target / "vae" / WEIGHTS)
    for stem, state, base in zip((variant.processors, variant.encoder), published_state(adapter), (2000, 3000)):
        torch.save(filled({key: value.shape for key, value in state.items()}, base), target / f"{stem}.ckpt")
    write_extra(variant, unet, target)
    return target


def write_extra(variant: Variant, unet: UNet2DConditionModel, target: Path) -> None:
    """The LoRA of one variant, FaceID of the other."""
    if variant.lora:
        lora = {}
        for key in unet.attn_processors:
            for projection in ("to_q", "to_k", "to_v", "to_out.0"):
                layer = f"{key.removesuffix('.processor')}.{projection}"
                out, into = unet.get_submodule(layer).weight.shape
                lora[f"unet.{layer}.lora_A.weight"] = torch.Size((LORA_RANK, into))
                lora[f"unet.{layer}.lora_B.weight"] = torch.Size((out, LORA_RANK))
        save_file(filled(lora, 4000, 0.3), target / variant.lora)
    if variant.faceid:
        width = unet.config["cross_attention_dim"]
        adapter, projection = {}, {
            "proj.0.weight": (1024, 512), "proj.0.bias": (1024,), "norm.weight": (width,), "norm.bias": (width,),
            "proj.2.weight": (FACE_TOKENS * width, 1024), "proj.2.bias": (FACE_TOKENS * width,),
        }  # fmt: skip
        for j, channels in enumerate(cross_attentions(unet).values()):
            adapter |= {f"{2 * j + 1}.to_{kind}_ip.weight": (channels, width) for kind in "kv"}
        states = {"ip_adapter": (adapter, 5000), "image_proj": (projection, 6000)}
        torch.save(
            {
                name: filled({key: torch.Size(shape) for key, shape in state.items()}, base)
                for name, (state, base) in states.items()
            },
            target / variant.faceid,
        )


def complete(golden: Path, target: Path) -> Path:
    """A copy of a golden folder with a tiny text encoder, and a tokenizer that spells."""
    import transformers

    shutil.copytree(golden, target)
    width = json.loads((target / "unet" / "config.json").read_text())["cross_attention_dim"]
    letters = "abcdefghijklmnopqrstuvwxyz,.!?'0123456789"
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (target / "tokenizer").mkdir()
    (target / "tokenizer" / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (target / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    (target / "tokenizer" / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": "<|endoftext|>"})
    )
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokens), hidden_size=width, intermediate_size=width, num_hidden_layers=1, num_attention_heads=4,
        max_position_embeddings=77, bos_token_id=len(tokens) - 2, eos_token_id=len(tokens) - 1, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.CLIPTextModel(config).save_pretrained(target / "text_encoder")
    return target


def shapes(network: torch.nn.Module) -> dict[str, torch.Size]:
    """Key -> shape of a network's tensors."""
    return {key: value.shape for key, value in network.state_dict().items()}


if __name__ == "__main__":
    print(write(sys.argv[1], Path(sys.argv[2])))

"""What is fuzzed with values: arrays, tensors, requests and configs, and whole folders of a model with a damaged
file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from byte_targets import each
from hypothesis import strategies as st

from common.core.errors import FaceEditError
from common.diffusion import loading
from common.editing.defaults import Defaults
from common.facs.action_units import ACTION_UNITS, to_vector
from common.facs.expressions import EXPRESSIONS
from common.imaging import images
from common.training.command import from_values
from common.training.config import EditConfig
from rigface.attributes import Light, Pose
from rigface.conditioning import read_coefficients
from rigface.request import RigEdit, make_requests

NUMBERS = st.one_of(
    st.floats(), st.integers(-(2**70), 2**70), st.sampled_from([10**400, -(10**400), 0.0, -0.0, 5e-324, 1e308, True])
)
SCALARS = st.one_of(
    NUMBERS, st.none(), st.text(max_size=6), st.sampled_from([*ACTION_UNITS, *EXPRESSIONS, "\ud800", "\0"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(NUMBERS, min_size=12, max_size=12),
        st.lists(NUMBERS, min_size=27, max_size=27),
        st.dictionaries(
            st.sampled_from([*ACTION_UNITS, "light", "pose", "expression", "yaw", "azimuth", "coefficients"]), inner
        ),
    ),
    max_leaves=8,
)
DTYPES = ["u1", "u2", "u4", "i1", "i4", "i8", "f2", "f4", "f8", "?", "c8", "O", "U3", "S2", "M8[s]"]
ARRAYS = st.tuples(
    st.lists(st.integers(0, 5), max_size=5), st.sampled_from(DTYPES), NUMBERS, st.integers(0, 2**32 - 1), st.booleans()
)
FIELDS = ["output", "steps", "betas", "seed", "lora_targets", "learning_rate", "prediction", "resume", "ema", "unknown"]


def arrays(drawn: tuple, folder: Path) -> None:
    shape, dtype, fill, seed, vast = drawn
    with np.errstate(all="ignore"):
        try:
            array = np.asarray(np.random.default_rng(seed).normal(size=shape) * 100).astype(dtype)
            if array.size and dtype[0] in "iufc":
                array.flat[0] = fill if isinstance(fill, float) else abs(int(fill)) % 100
        except (ValueError, TypeError, OverflowError, IndexError):
            return  # numpy makes no such array
    if vast and array.size:
        array = np.broadcast_to(array.reshape(-1)[:1], (10**6, 10**6, 3)[: max(array.ndim, 1)])
    found: list[Any] = [array]
    with suppress(TypeError, ValueError):
        if not vast:
            found.append(torch.from_numpy(array))
            found += [found[-1].to("meta"), *([] if array.dtype.kind == "c" else [found[-1].to(torch.bfloat16)])]
    for image in found:
        with suppress(FaceEditError):
            assert images.read_image(image).mode in ("RGB", "RGBA")
    if not vast:
        each(*[lambda image=image: read_coefficients(image) for image in found])


def request(value: Any, folder: Path) -> None:
    each(lambda: to_vector(value), lambda: str(RigEdit.parse(value)), lambda: Light.of(value), lambda: Pose.of(value))
    each(lambda: make_requests(light=value), lambda: make_requests(copy=value, target="~nobody/x.png"))
    each(lambda: make_requests(expression=value, pose=value), lambda: read_coefficients(value))


def config(values: dict[str, Any], folder: Path) -> None:
    each(lambda: from_values(EditConfig, values), lambda: Defaults.of(values))


SETTINGS = st.dictionaries(
    st.sampled_from([*FIELDS, "guidance", "zoom", "region", "paste_back", "strength", "start"]), VALUES
)
KEYS = [
    "sample_size", "in_channels", "block_out_channels", "layers_per_block", "down_block_types", "cross_attention_dim",
    "attention_head_dim", "norm_num_groups", "act_fn", "_class_name", "auto_map", "quantization_config", "dropout",
    "scaling_factor", "latent_channels", "num_train_timesteps", "beta_start", "trained_betas", "latents_mean",
    "transformer_layers_per_block", "steps", "guidance", "vae", "unet", "_name_or_path", "num_class_embeds",
]  # fmt: skip
FILES = [
    *(f"{part}/config.json" for part in ("ID_enc", "denoising_unet", "vae")),
    *(f"{part}/{loading.WEIGHTS}" for part in ("ID_enc", "denoising_unet", "vae")),
    "scheduler/scheduler_config.json", "prompt_embeds.safetensors", "model_index.json", "editor.json",
]  # fmt: skip
CHANGES = st.tuples(
    st.sampled_from(FILES), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3), st.binary(max_size=40)
)


class Folder:
    """A model, of which one file is damaged.

    Args:
        model: complete; it is left as it is.
    """

    def __init__(self, model: Path) -> None:
        self.model = model

    def __call__(self, change: tuple[str, dict[str, Any], bytes], folder: Path) -> None:
        name, values, damage = change
        copy = shutil.copytree(
            self.model, folder / "model", ignore=shutil.ignore_patterns("*.png", "*_call.safetensors")
        )
        path = copy / name
        if path.suffix == ".json":
            path.write_text(_json(path, values), encoding="utf-8", errors="surrogatepass")
        else:
            content = bytearray(path.read_bytes())
            place = sum(damage) * 37 % min(len(content), 4000)
            content[place : place + len(damage)] = damage
            path.write_bytes(content)
        with suppress(FaceEditError):
            loading.load(copy, device="cpu")


def _json(path: Path, values: dict[str, Any]) -> str:
    import json

    return json.dumps((json.loads(path.read_text()) if path.is_file() else {}) | values)


TARGETS: dict[str, tuple[st.SearchStrategy, Callable[[Any, Path], None]]] = {
    "arrays": (ARRAYS, arrays), "requests": (VALUES, request), "configs": (SETTINGS, config),
}  # fmt: skip

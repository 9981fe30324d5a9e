"""Options of a training: frozen dataclasses, read from TOML by `command`. Nothing here loads torch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..core.errors import InputError
from ..core.files import EMBEDDED, model_folder
from ..core.numbers import check_fields
from ..editing.defaults import Defaults, read_defaults
from ..face3d.heads.head_units import AU_SCALE

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger(__name__)

Precision = Literal["", "no", "fp16", "bf16"]
Schedule = Literal["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial"]


@dataclass(frozen=True)
class TrainConfig:
    """Options of every training. Raises InputError: a number out of its range, or options that exclude each other."""

    output: str
    """Folder of everything that the training writes; relative to where the command runs."""
    seed: int = 0
    """Random seed of the order of samples, noise, timesteps and dropout."""
    steps: int = 10_000
    """Optimiser steps."""
    batch_size: int = 8
    """Samples of one optimiser step, over all processes and accumulated passes together: the same config trains the
    same network on any number of devices."""
    accumulation: int = 1
    """Passes whose gradients are summed into one step; more need less memory."""
    workers: int = 2
    """Processes that load pictures, for each training process."""
    precision: Precision = ""
    """Mixed precision; empty leaves it to `accelerate launch`. Weights stay in float32."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: a quarter slower, far less memory."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    """AdamW, which without `weight_decay` is Adam; or stochastic gradient descent with momentum."""
    learning_rate: float = 1e-5
    """Learning rate at the schedule's peak."""
    schedule: Schedule = "constant_with_warmup"
    """Schedule of the learning rate, from `diffusers.optimization.get_scheduler`."""
    warmup: int = 500
    """Steps in which the learning rate rises from zero."""
    betas: tuple[float, ...] = (0.9, 0.999)
    """AdamW's two decay rates; the first is the momentum of "sgd"."""
    weight_decay: float = 0.01
    """Weight decay: AdamW's is decoupled from the gradient; that of "sgd" is part of it."""
    adam_epsilon: float = 1e-8
    """AdamW's epsilon."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 switches clipping off."""
    ema: float = 0.0
    """Decay of the moving average of the weights, which then is what is validated and published; 0 switches it off."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; the last step always makes one."""
    keep: int = 2
    """Newest checkpoints that are kept; 0 keeps all."""
    resume: bool = True
    """Resume from the newest complete checkpoint in `output`, if there is one; false refuses such a folder."""
    quiet: bool = False
    """Show no progress and no messages: for many small trainings at once."""
    log_every: int = 10
    """Steps between writing the log; it has a row for every step."""
    tensorboard: bool = True
    """Log to TensorBoard too, if it is installed."""
    validate_every: int = 1000
    """Steps between validations; 0 validates at the end only."""
    validation_count: int = 8
    """Held-out samples that are validated on; 0 switches validation off."""

    def __post_init__(self) -> None:
        check_fields(self, "steps", "batch_size", "accumulation", "checkpoint_every", "log_every", low=1)
        check_fields(self, "seed", "workers", "warmup", "keep", "clip", "weight_decay", low=0)
        check_fields(self, "validate_every", "validation_count", low=0)
        check_fields(self, "ema", low=0, high=1)
        check_fields(self, "learning_rate", "adam_epsilon", above=0)
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError("betas must be two numbers in [0, 1).", code="range", actual=list(self.betas))
        if not self.output:
            raise InputError("output must name a folder.", code="missing")


@dataclass(frozen=True)
class DiffusionConfig(TrainConfig):
    """Options of every training of a diffusion model. Raises InputError: a number out of its range, or options that
    exclude each other.
    """

    embedded: ClassVar[Path | None] = None
    """Where the package has its small model."""

    model: str = ""
    """Fine-tune this: a folder, a hub repository that has been fetched ("owner/name"), or "embedded", the small network
    inside the package; its prediction and zero_terminal_snr then stand in place of the config's."""
    base: str = ""
    """Start as the paper does: a folder of Stable Diffusion 1.5. Beside `model`: for what its folder lacks."""
    unet: dict[str, Any] = field(default_factory=dict)
    """Start from random weights: a table of UNet2DConditionModel's options."""
    start: str = ""
    """With `unet`: start from the weights of this model's folder, those that fit; inputs that they lack start at
    zero."""
    vae: str = ""
    """With `unet`: the folder of a trained autoencoder."""
    autoencoder: dict[str, Any] = field(default_factory=dict)
    """With `unet`, in place of `vae`: a table of AutoencoderKL's options. It stays untrained; for trials."""

    size: int = 0
    """Side of the pictures in pixels; 0 is what the networks were made for."""
    held_out: float = 0.1
    """Fraction of the people of a list that are held out, by its column `person` (or subject, identity), else of its
    source photos, where no other list is named to validate on. 0 trains on all."""
    estimator: str = ""
    """Who or what measured the action units or coefficients of a list, with version, for the model card."""
    synthetic_count: int = 0
    """Number of synthetic pairs, or pictures, to train on."""
    synthetic_seed: int = 0
    """Random seed of the synthetic data; the held-out ones have the next."""
    synthetic_people: int = 0
    """How many people take turns in the synthetic data; 0 gives each about four pairs."""
    synthetic_cache: str = ""
    """Folder where synthetic pictures are cached; empty draws them each time, which takes far longer than a step."""
    half: bool = False
    """Publish the networks in float16, in half the space; training and its state stay in float32."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """How the model is to be used (steps, guidance, region, paste_back, conditioning_image, zoom, au_scale), for its
    `editor.json`; what is not named is as in `model`, else as published. `au_scale` is the head's own after synthetic
    data."""

    prediction: Literal["epsilon", "v_prediction"] = "epsilon"
    """What the denoiser predicts: the noise, or v (Salimans & Ho 2022)."""
    zero_terminal_snr: bool = False
    """Rescale the betas so that the last step is pure noise (Lin et al. 2023); needs v_prediction."""
    vector_dropout: float = 0.1
    """Fraction of the samples whose vector is zero, for guidance: away from any face that may follow."""
    min_snr_gamma: float = 0.0
    """Gamma of the min-SNR weighting (Hang et al. 2023), 5 in the paper; 0 switches it off."""
    timestep_shift: float = 1.0
    """How much more often the noisy timesteps are drawn (Esser et al. 2024, eq. 23); 1 draws all alike. A model that
    samples in few steps decides everything there."""

    lora_rank: int = 0
    """Rank of low-rank adapters trained in place of the attention weights (needs peft); 0 trains all weights."""
    lora_alpha: float = 0.0
    """Alpha of the adapters, whose scale is alpha / rank; 0 stands for alpha = rank."""
    lora_targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Names of the layers that get adapters. The vector's projection is always trained as it is."""

    cache_latents: str = ""
    """Encode every picture once: "memory", or a folder that caches the latents; empty encodes them in each step."""

    validation_steps: int = 20
    """Denoising steps of the validation pictures."""
    validation_guidance: float = 1.5
    """Guidance scale of the validation pictures."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, "validation_steps", low=1)
        check_fields(self, "lora_rank", "lora_alpha", "min_snr_gamma", "validation_guidance", low=0)
        check_fields(self, "size", "synthetic_count", "synthetic_seed", "synthetic_people", low=0)
        check_fields(self, "vector_dropout", "held_out", low=0, high=1)
        Defaults.of(self.defaults)
        check_fields(self, "timestep_shift", above=0)
        if self.zero_terminal_snr and self.prediction != "v_prediction":
            raise InputError('zero_terminal_snr needs prediction = "v_prediction".', code="conflict")
        if self.zero_terminal_snr and self.min_snr_gamma:
            raise InputError("min_snr_gamma and zero_terminal_snr exclude each other.", code="conflict")

    def place(self, model: str) -> Path:
        """Where a model lies that the config names: "embedded" is the one inside the package. Raises InputError:
        neither a folder nor of the form "owner/name".
        """
        return self.embedded if model == EMBEDDED and self.embedded else model_folder(model)

    @property
    def measured_by(self) -> str:
        """Who measured a list, for the model card."""
        return self.estimator or "not stated (set estimator in the config)"

    @property
    def alpha(self) -> float:
        """Alpha of the low-rank adapters."""
        return self.lora_alpha or self.lora_rank

    def check_learned(self, scheduler: Mapping[str, Any], model: str) -> None:
        """Raises an InputError where a model that is trained on learned another prediction, by its scheduler."""
        learned = _learned(scheduler)
        own = {name: getattr(self, name) for name in learned}
        if own != learned:
            expected, got = (
                f'prediction = "{each["prediction"]}" and zero_terminal_snr = {str(each["zero_terminal_snr"]).lower()}'
                for each in (learned, own)
            )
            message = f"{model} learned another prediction than the config says."
            raise InputError(message, code="conflict", expected=expected, actual=got)

    def as_learned(self, folder: Path) -> Self:
        """The config with the prediction that the model in a folder learned."""
        from ..core.jsonio import read_config

        learned = _learned(read_config(folder / "scheduler" / "scheduler_config.json"))
        if any(getattr(self, name) != value for name, value in learned.items()):
            log.info("%s was trained with %s; the training continues with that", folder, learned)
        return replace(self, **learned)


@dataclass(frozen=True)
class EditConfig(DiffusionConfig):
    """Networks and data of a training of an editor's UNets, denoiser and ID encoder. Raises InputError: a number out of
    its range, or options that exclude each other.
    """

    unchanged: float = 0.0
    """Fraction of the samples whose vector is zero and whose target is the source: the null edit then reconstructs the
    face, and guidance moves away from that. In place of `vector_dropout`."""
    region_weight: float = 1.0
    """Loss weight of the latent pixels where source and target differ; 1 weighs all alike."""
    train_id_encoder: bool = True
    """Train the ID encoder too, as the papers do."""

    start_conditioning_image: int = 0
    """With `start`: which conditioning image takes the place of the one that those networks know, where it is not the
    first. It shows the edit already: what those networks made of a vector is reset to zero."""
    manifest: str = ""
    """List of the pairs to train on (.csv, .jsonl, or a Hugging Face data set's folder); see the package's `data`."""
    validation_manifest: str = ""
    """List of held-out pairs; empty holds out some people of `manifest`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, "unchanged", low=0, high=1)
        check_fields(self, "region_weight", above=0)
        check_fields(self, "start_conditioning_image", low=0)
        if self.unchanged and self.vector_dropout:
            raise InputError("unchanged and vector_dropout exclude each other; set one of them to 0.", code="conflict")
        if bool(self.unet) + bool(self.model or self.base) != 1:
            raise InputError("Name what to start from: model, or base, or a table [unet].", code="count")
        if bool(self.vae) + bool(self.autoencoder) != bool(self.unet):
            raise InputError("[unet] goes with vae or [autoencoder], other models with neither.", code="conflict")
        if self.start and not self.unet:
            raise InputError("start goes with [unet]; other trainings start from model.", code="conflict")
        if self.unet and not self.size:
            raise InputError("[unet] needs a size.", code="missing")
        if bool(self.manifest) + bool(self.synthetic_count) != 1:
            raise InputError("Name the data: manifest, or synthetic_count.", code="count")

    def of_model(self) -> Self:
        """The config with what the embedded model learned to predict; others must be configured as they learned."""
        return self.as_learned(self.place(EMBEDDED)) if self.model == EMBEDDED else self

    @property
    def origin(self) -> str:
        """What the training starts from, as text."""
        given = self.model or self.start or self.base
        if given == EMBEDDED:
            return "the small network inside the package, which saw synthetic people alone"
        return f"`{given}`, whose licence continues to apply" if given else "random weights"

    def use(self, published: Defaults | None = None) -> Defaults:
        """How the trained model is to be used; `published` is what the released scripts of its kind take."""
        base = read_defaults(self.place(self.model), published) if self.model else published or Defaults()
        if self.synthetic_count:
            base = replace(base, au_scale=AU_SCALE)
        return Defaults.of(self.defaults, base)


def _learned(scheduler: Mapping[str, Any]) -> dict[str, Any]:
    """What the config of a model's scheduler says of its training, under the names of `DiffusionConfig`."""
    return {
        "prediction": scheduler.get("prediction_type", "epsilon"),
        "zero_terminal_snr": bool(scheduler.get("rescale_betas_zero_snr")),
    }

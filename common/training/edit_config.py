"""EditConfig: what a training of an editor's twin UNets is told besides; the packages add what only they have."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..defaults import Defaults, read_defaults
from ..errors import InputError
from ..files import EMBEDDED, model_folder
from ..jsonio import read_config
from .config import at_least, share
from .pairs import TwinConfig

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EditConfig(TwinConfig):
    """Networks and data of a training: all that editors share.

    Raises:
        InputError: options that do not go together.
    """

    embedded: ClassVar[Path | None] = None
    """Where the package has its small model."""

    model: str = ""
    """Fine-tune this: a folder, a hub repository that has been fetched ("owner/name"), or "embedded", the small network
    inside the package; its prediction and zero_terminal_snr then stand in place of the config's."""
    base: str = ""
    """Begin as the paper does: a folder of Stable Diffusion 1.5. Beside `model`: for what its folder lacks."""
    unet: dict[str, Any] = field(default_factory=dict)
    """Begin from nothing: a table of UNet2DConditionModel's options, both networks' alike."""
    start: str = ""
    """With `unet`: begin with the weights of this folder's networks, those that fit; inputs that they lack begin at
    zero."""
    start_guide: int = 0
    """With `start`: which guide begins in the place of the one that those networks know, where it is not the first. It
    shows the wish already: what those networks made of a vector is forgotten."""
    vae: str = ""
    """With `unet`: the folder of a trained autoencoder."""
    autoencoder: dict[str, Any] = field(default_factory=dict)
    """With `unet`, in place of `vae`: a table of AutoencoderKL's options. It stays untrained; for trials."""

    manifest: str = ""
    """List of the pairs to train on (.csv, .jsonl, or a Hugging Face data set's folder); see the package's `data`."""
    validation_manifest: str = ""
    """List of held-out pairs; empty holds out some people of `manifest`."""
    held_out: float = 0.1
    """Without `validation_manifest`: share of the manifest's people that are held out, by its column `person` (or
    subject, identity), else of its source photos. 0 trains on all."""
    measurer: str = ""
    """Who or what measured the manifest's action units or coefficients, with version, for the model card."""
    synthetic_count: int = 0
    """Train on so many synthetic pairs, in place of a manifest."""
    synthetic_seed: int = 0
    """Of the synthetic pairs; the held-out ones have the next."""
    synthetic_people: int = 0
    """How many people take turns in the synthetic pairs; 0 gives each about four."""
    synthetic_cache: str = ""
    """Folder where synthetic pictures are kept; empty draws them anew each time, which takes far longer than a step."""
    size: int = 0
    """Side of the pictures in pixels; 0 is what the networks were made for."""
    half: bool = False
    """Publish the networks in float16, in half the space; training and its state stay in float32."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """How the model is to be used (steps, guidance, extent, paste_back, guide, zoom), for its `editor.json`; what is
    not named is as in `model`, else as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        Defaults.of(self.defaults)
        share("held_out", self.held_out)
        if bool(self.unet) + bool(self.model or self.base) != 1:
            raise InputError("Name what to begin with: model, or base, or a table [unet].")
        if bool(self.vae) + bool(self.autoencoder) != bool(self.unet):
            raise InputError("vae or [autoencoder] goes with [unet], one of them; other models bring their own.")
        if self.start and not self.unet:
            raise InputError("start goes with [unet]; model is what other trainings begin with.")
        for name in ("start_guide", "size", "synthetic_count", "synthetic_seed", "synthetic_people"):
            at_least(name, getattr(self, name), 0)
        if self.unet and not self.size:
            raise InputError("[unet] needs a size.")
        if bool(self.manifest) + bool(self.synthetic_count) != 1:
            raise InputError("Name the data: manifest, or synthetic_count.")

    def folder(self, model: str) -> Path:
        """Where a model lies that the config names: "embedded" is the one inside the package.

        Raises:
            InputError: neither a folder nor of the form "owner/name".
        """
        return self.embedded if model == EMBEDDED and self.embedded else model_folder(model)

    def of_model(self) -> Self:
        """The config with what the embedded model learned to predict; others must be configured as they learned."""
        if self.model != EMBEDDED:
            return self
        own = read_config(self.folder(EMBEDDED) / "scheduler" / "scheduler_config.json")
        learned = {
            "prediction": own.get("prediction_type", "epsilon"),
            "zero_terminal_snr": bool(own.get("rescale_betas_zero_snr")),
        }
        if any(getattr(self, name) != value for name, value in learned.items()):
            log.info("the embedded model was trained with %s, and goes on with it", learned)
        return replace(self, **learned)

    @property
    def origin(self) -> str:
        """What the training begins with, in words."""
        given = self.model or self.start or self.base
        if given == EMBEDDED:
            return "the small network inside the package, which saw synthetic people alone"
        return f"`{given}`, whose licence goes on to hold" if given else "random weights"

    def use(self, published: Defaults | None = None) -> Defaults:
        """How the trained model is to be used; `published` is what the released scripts of its kind take."""
        base = read_defaults(self.folder(self.model), published) if self.model else published
        return Defaults.of(self.defaults, base)

"""FineFaceConfig: what a training of FineFace is told; the defaults are the paper's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from common.defaults import Defaults
from common.errors import InputError
from common.files import EMBEDDED, model_folder
from common.jsonio import read_config
from common.prompt import PROMPT
from common.training.config import above_zero, at_least, share
from common.training.diffusion import DiffusionConfig

from ..options import PUBLISHED, Options
from ..variants import EMBEDDED_FOLDER, VARIANTS, check_complete


@dataclass(frozen=True)
class FineFaceConfig(DiffusionConfig):
    """What a training of FineFace is told: networks, data, and all of `DiffusionConfig`.

    Raises:
        InputError: a number out of its range, or options that exclude each other.
    """

    variant: Literal["sd21", "sd15-faceid", "whole"] = "sd21"
    """Which kind of model: an adapter and a LoRA for Stable Diffusion 2.1-base, an adapter for 1.5 (FaceID is left off
    while it is trained), or a whole model of its own, of which all is trained."""
    base: str = ""
    """Folder of the base model, or a hub repository that has been fetched; empty takes the variant's own."""
    adapter: str = ""
    """Go on from the AU adapter and the LoRA in this folder, or in a hub repository that has been fetched; empty makes
    new ones."""
    model: str = ""
    """With variant "whole": train on from this whole model, its sizes and tokenizer included: a folder, or "embedded",
    the small one inside the package; its prediction and zero_terminal_snr then stand in place of the config's."""
    hidden: int = 0
    """Outputs of a new AU encoder's linear layer; 0 is 64 where the text is 1024 wide, as released, else all that there
    is room for."""
    unet: dict[str, Any] = field(default_factory=dict)
    """With variant "whole": a table of UNet2DConditionModel's options."""
    text_encoder: dict[str, Any] = field(default_factory=dict)
    """With `unet`: a table of CLIPTextConfig's options. Its tokenizer is made of the captions' words, at most
    `vocab_size` of them. Without `text` it is trained too."""
    text: str = ""
    """With `unet`: folder of a text encoder that `python -m fineface.training.teach` made; it then stays as it is."""
    text_steps: int = 2000
    """Optimiser steps of that teaching, each of 64 captions."""
    start: str = ""
    """With `unet`: folder of another whole model whose weights it begins with, wherever they have the same shape."""
    vae: str = ""
    """With `unet`: the folder of a trained autoencoder."""
    autoencoder: dict[str, Any] = field(default_factory=dict)
    """With `unet`, in place of `vae`: a table of AutoencoderKL's options. It stays untrained; for trials."""

    folder: str = ""
    """Train on an image folder; see `fineface.data.folder`. All data that are named are taken together."""
    validation_folder: str = ""
    """Image folder of held-out samples; empty holds out some people of `folder`."""
    held_out: float = 0.1
    """Without `validation_folder`: share of the people in `folder` that are held out, by its column `person` (or
    subject, identity), else of its pictures. 0 trains on all."""
    measurer: str = ""
    """Who or what measured the action units of `folder`, with version, for the model card."""
    disfa: str = ""
    """Train on DISFA: its folder; see `fineface.data.disfa`."""
    disfa_cache: str = ""
    """With `disfa`: folder where the cut-out faces are kept."""
    disfa_frames: str = ""
    """With `disfa`: folder of extracted frames, in place of the videos."""
    disfa_camera: Literal["left", "right"] = "left"
    """With `disfa`: whose video."""
    disfa_neutral: int = 8305
    """With `disfa`: how many frames without any action unit are taken; the paper's number."""
    disfa_held_out: tuple[str, ...] = ()
    """With `disfa`: subjects to validate on, such as "SN030"."""
    affectnet: str = ""
    """Train on AffectNet: its folder; see `fineface.data.affectnet`."""
    affectnet_units: str = ""
    """With `affectnet`: the file of predicted action units."""
    affectnet_top: float = 5.0
    """With `affectnet`: the value in that file that stands for the strongest intensity."""
    affectnet_validation_units: str = ""
    """With `affectnet`: the same of its validation list, to validate on that."""
    synthetic_count: int = 0
    """Train on so many synthetic pictures."""
    synthetic_seed: int = 0
    """Of the synthetic pictures; the held-out ones have the next."""
    synthetic_people: int = 0
    """How many people take turns in the synthetic pictures; 0 gives each about four."""
    synthetic_pairs: bool = False
    """Draw pairs, as for MagicFace, and take both pictures of each; `synthetic_count` then counts pairs."""
    synthetic_cache: str = ""
    """Folder where synthetic pictures are kept; empty draws them anew each time."""
    synthetic_expression_words: bool = False
    """Let captions say what a synthetic face does; without, the action units alone say it."""
    synthetic_plain_ground: bool = False
    """Put synthetic people in front of an even wall of some colour: less to learn than a world."""
    synthetic_short_captions: bool = False
    """Leave phrases out of every second synthetic caption, so that short prompts are understood too."""
    synthetic_face_height: float = 0.0
    """Cut synthetic pictures out closer until the face, chin to brows, is this share of their height; 0 leaves them."""
    face_weight: float = 1.0
    """How much more the inner face counts, of which action units move little; needs data that are synthetic alone."""
    caption: str = PROMPT
    """Of pictures whose data have none."""
    size: int = 0
    """Side of the pictures in pixels; 0 is what the base was made for."""

    jitter: float = 0.2
    """Deviation of the noise on the intensities, which are clipped to [0, 5] after it; the paper's."""
    rounded: float = 0.2
    """Share of the steps whose intensities are whole numbers; the paper's."""
    vector_dropout: float = 0.05
    """Share of the samples whose action units alone are dropped, for guidance."""
    caption_dropout: float = 0.05
    """Share of the samples whose caption alone is dropped."""
    both_dropout: float = 0.05
    """Share of the samples that drop both. All three are those of IP-Adapter's training (Ye et al. 2023)."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """Table of what the editor takes where nothing is asked for: steps, guidance, extent, zoom (`common.defaults`)."""
    au_gain: float = 1.0
    """Publish the AU branch so many times as strong as it was trained, as `au_scale` would: for a model that heeds
    action units too little."""
    half: bool = False
    """Publish in float16, in half the space; training and its state stay in float32."""

    steps: int = 20_000
    """Optimiser steps; the paper's."""
    batch_size: int = 12
    """Samples of one optimiser step, over all processes and accumulated passes together; the paper's 4 x 3."""
    accumulation: int = 3
    """Passes whose gradients are summed into one step; more need less memory."""
    precision: Literal["", "no", "fp16", "bf16"] = "fp16"
    """Of the networks' arithmetic; empty leaves it to `accelerate launch`. Weights stay in float32."""
    learning_rate: float = 1e-4
    """Of AdamW, at the schedule's peak."""
    schedule: Literal["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial"] = (
        "constant"
    )
    """Of the learning rate, from `diffusers.optimization.get_scheduler`."""
    warmup: int = 0
    """Steps in which the learning rate rises from zero."""
    lora_rank: int = 32
    """Rank of the LoRA; 0 for variants that have none."""
    lora_alpha: float = 8.0
    """The LoRA's scale is alpha / rank; 0 stands for alpha = rank. 8 is the release's."""
    lora_targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Names of the UNet's layers that get a LoRA."""
    validation_guidance: float = 7.5
    """Guidance of the validation pictures."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above_zero("au_gain", self.au_gain)
        at_least("text_steps", self.text_steps, 1)
        for name in (
            "hidden",
            "disfa_neutral",
            "synthetic_count",
            "synthetic_seed",
            "synthetic_people",
            "size",
            "jitter",
            "synthetic_face_height",
        ):
            at_least(name, getattr(self, name), 0)
        for name in ("rounded", "caption_dropout", "both_dropout"):
            share(name, getattr(self, name))
        share("vector_dropout + caption_dropout + both_dropout", self.dropped)
        if unused := sorted({*self.defaults} & {"paste_back", "guide"}):
            raise InputError(f"[defaults] has {', '.join(unused)}, of which FineFace has none; drop it.")
        own = Defaults.of(self.defaults, PUBLISHED)
        Options(own.steps, own.guidance)  # which asks for more than defaults in general
        above_zero("affectnet_top", self.affectnet_top)
        above_zero("face_weight", self.face_weight)
        share("synthetic_face_height", self.synthetic_face_height)
        share("held_out", self.held_out)
        at_least("validation_guidance", self.validation_guidance, 1)
        self._check_networks()
        if not (self.folder or self.disfa or self.affectnet or self.synthetic_count):
            raise InputError("Name the data: folder, disfa, affectnet or synthetic_count, or several of them.")
        if self.face_weight != 1 and (self.folder or self.disfa or self.affectnet):
            raise InputError("face_weight needs to know where the face is, which only synthetic pictures say.")
        if bool(self.disfa) != bool(self.disfa_cache):
            raise InputError(
                "disfa needs disfa_cache, where the faces that are cut out of it are kept, and the reverse."
            )
        if bool(self.affectnet) != bool(self.affectnet_units):
            raise InputError("affectnet needs affectnet_units, a file of predicted action units, and the reverse.")

    def _check_networks(self) -> None:
        whole = self.variant == "whole"
        if self.model:
            if not whole or self.unet or self.text_encoder or self.vae or self.autoencoder or self.start or self.text:
                raise InputError(
                    'model goes with variant = "whole" and without [unet], vae, start and text: it has all.'
                )
            if self.base or self.adapter or self.lora_rank:
                raise InputError("model has no base, adapter or LoRA to go on from: leave them out, lora_rank = 0.")
            return
        if not whole == bool(self.unet) == bool(self.text_encoder):
            raise InputError('variant "whole" goes with the tables [unet] and [text_encoder], all three or none.')
        if bool(self.vae) + bool(self.autoencoder) != whole:
            raise InputError('vae or [autoencoder] goes with variant "whole", one of them; bases bring their own.')
        if whole and (self.base or self.adapter or not self.size):
            raise InputError('variant "whole" has no base and no adapter to go on from, and needs a size.')
        if (self.start or self.text) and not whole:
            raise InputError('start and text go with variant "whole"; an adapter goes on from: adapter')
        if bool(self.lora_rank) != bool(VARIANTS[self.variant].lora):
            wanted = "a LoRA: set lora_rank = 32" if VARIANTS[self.variant].lora else "no LoRA: set lora_rank = 0"
            raise InputError(f'The variant "{self.variant}" has {wanted}; got {self.lora_rank}.')

    @property
    def place(self) -> Path:
        """Folder of `model`."""
        return EMBEDDED_FOLDER if self.model == EMBEDDED else model_folder(self.model)

    def of_model(self) -> FineFaceConfig:
        """The config with what its model learned to predict.

        Raises:
            MissingCheckpointError: the model is not complete.
        """
        if not self.model:
            return self
        check_complete(self.place, self.place, VARIANTS["whole"])
        own = read_config(self.place / "scheduler" / "scheduler_config.json")
        return replace(
            self,
            prediction=own.get("prediction_type", "epsilon"),
            zero_terminal_snr=bool(own.get("rescale_betas_zero_snr")),
        )

    @property
    def dropped(self) -> float:
        """Share of the samples that drop anything."""
        return self.vector_dropout + self.caption_dropout + self.both_dropout

    @property
    def alpha(self) -> float:
        """The LoRA's."""
        return self.lora_alpha or self.lora_rank

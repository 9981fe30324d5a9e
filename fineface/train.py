"""Trains FineFace: `accelerate launch -m fineface.train config.toml`, or `python -m fineface.train config.toml`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from common.core.errors import InputError
from common.core.numbers import check_fields
from common.editing.defaults import Defaults
from common.training.command import command, training
from common.training.config import DiffusionConfig, Precision, Schedule
from common.weights.text_encoder import PROMPT

from .request import PUBLISHED, FineFaceOptions
from .variants import EMBEDDED_FOLDER, VARIANTS, check_complete

ABOUT = """Trains FineFace.

    accelerate launch -m fineface.train config.toml
    python -m fineface.train examples/train_fineface.toml --set folder=faces --set output=out/mine

Re-run the command to resume a training that was stopped, from its last checkpoint.
"""


@dataclass(frozen=True)
class FineFaceConfig(DiffusionConfig):
    """Options of a training of FineFace; the defaults are the paper's. Raises InputError: unusable options."""

    embedded = EMBEDDED_FOLDER

    variant: Literal["sd21", "sd15-faceid", "whole"] = "sd21"
    """Which kind of model: an adapter and a LoRA for Stable Diffusion 2.1-base, an adapter for 1.5 (FaceID is left off
    while it is trained), or a whole model of its own, of which all is trained."""
    base: str = ""
    """Folder of the base model, or a hub repository that has been fetched; empty takes the variant's own."""
    adapter: str = ""
    """Continue from the AU adapter and the LoRA in this folder, or in a hub repository that has been fetched; empty
    makes new ones."""
    model: str = ""
    """With variant "whole": train on from this whole model, its sizes and tokenizer included: a folder, or "embedded",
    the small one inside the package; its prediction and zero_terminal_snr then replace the config's."""
    hidden: int = 0
    """Outputs of a new AU encoder's linear layer; 0 is 64 where the text is 1024 wide, as released, else all that there
    is room for."""
    text_encoder: dict[str, Any] = field(default_factory=dict)
    """With `unet`: a table of CLIPTextConfig's options. Its tokenizer is made of the captions' words, at most
    `vocab_size` of them. Without `text` it is trained too."""
    text: str = ""
    """With `unet`: folder of a text encoder that `python -m fineface.teach` made; it then stays as it is."""
    text_steps: int = 2000
    """Optimiser steps of that teaching, each of 64 captions."""

    folder: str = ""
    """Train on an image folder; see `fineface.data.samples`. All data that are named are taken together."""
    validation_folder: str = ""
    """Image folder of held-out samples; empty holds out some people of `folder`."""
    disfa: str = ""
    """Train on DISFA: its folder; see `fineface.data.disfa`."""
    disfa_cache: str = ""
    """With `disfa`: folder where the cut-out faces are cached."""
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
    synthetic_pairs: bool = False
    """Draw pairs, as for MagicFace, and take both pictures of each; `synthetic_count` then counts pairs."""
    synthetic_expression_words: bool = False
    """Let captions say what a synthetic face does; without, the action units alone say it."""
    synthetic_plain_ground: bool = False
    """Put synthetic people in front of an even wall of some colour: less to learn than a world."""
    synthetic_short_captions: bool = False
    """Leave phrases out of every second synthetic caption, so that short prompts are understood too."""
    synthetic_face_height: float = 0.0
    """Cut synthetic pictures out closer until the face, chin to brows, is this fraction of their height; 0 does not."""
    face_weight: float = 1.0
    """Loss weight of the inner face, of which action units move little; needs data that are synthetic alone."""
    caption: str = PROMPT
    """Caption of pictures whose data have none."""

    jitter: float = 0.2
    """Deviation of the noise on the intensities, which are clipped to [0, 5] after it; the paper's."""
    rounded: float = 0.2
    """Fraction of the steps whose intensities are whole numbers; the paper's."""
    vector_dropout: float = 0.05
    """Fraction of the samples whose action units alone are dropped, for guidance."""
    caption_dropout: float = 0.05
    """Fraction of the samples whose caption alone is dropped."""
    both_dropout: float = 0.05
    """Fraction of the samples that drop both. All three are those of IP-Adapter's training (Ye et al. 2023)."""
    au_gain: float = 1.0
    """Factor by which the published AU branch is stronger than it was trained, as `au_scale` would make it: for a model
    that follows action units too little."""

    steps: int = 20_000
    batch_size: int = 12
    accumulation: int = 3
    precision: Precision = "fp16"
    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    warmup: int = 0
    lora_rank: int = 32
    """Rank of the LoRA; 0 for variants that have none."""
    lora_alpha: float = 8.0
    """Alpha of the LoRA, whose scale is alpha / rank; 0 stands for alpha = rank. 8 is the release's."""
    validation_guidance: float = 7.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, "au_gain", "affectnet_top", "face_weight", above=0)
        check_fields(self, "text_steps", "validation_guidance", low=1)
        check_fields(self, "hidden", "disfa_neutral", "jitter", low=0)
        check_fields(self, "rounded", "caption_dropout", "both_dropout", "synthetic_face_height", low=0, high=1)
        if not 0 <= self.dropped <= 1:
            names = "vector_dropout + caption_dropout + both_dropout"
            raise InputError(f"{names} is out of range.", code="range", expected="0 to 1", actual=self.dropped)
        if unused := sorted({*self.defaults} & {"paste_back", "conditioning_image"}):
            raise InputError(f"[defaults] has {', '.join(unused)}, without effect here.", code="unsupported")
        own = Defaults.of(self.defaults, PUBLISHED)
        FineFaceOptions(steps=own.steps, guidance=own.guidance)  # which asks for more than defaults in general
        self._check_networks()
        if not (self.folder or self.disfa or self.affectnet or self.synthetic_count):
            raise InputError("Name the data: folder, disfa, affectnet or synthetic_count.", code="missing")
        if self.face_weight != 1 and (self.folder or self.disfa or self.affectnet):
            raise InputError("face_weight goes with synthetic pictures alone.", code="conflict")
        if bool(self.disfa) != bool(self.disfa_cache):
            raise InputError("disfa goes with disfa_cache, the folder of its faces.", code="conflict")
        if bool(self.affectnet) != bool(self.affectnet_units):
            raise InputError("affectnet goes with affectnet_units, a file of predictions.", code="conflict")

    def _check_networks(self) -> None:
        whole = self.variant == "whole"
        if self.model:
            tables = self.unet or self.text_encoder or self.vae or self.autoencoder or self.start or self.text
            if not whole or tables or self.base or self.adapter or self.lora_rank:
                raise InputError(
                    'model goes with variant = "whole" and lora_rank = 0, and without unet, text_encoder, vae, '
                    "autoencoder, start, text, base and adapter: it has its own.",
                    code="conflict",
                )
            return
        if not whole == bool(self.unet) == bool(self.text_encoder):
            raise InputError('variant = "whole" goes with [unet] and [text_encoder].', code="conflict")
        if bool(self.vae) + bool(self.autoencoder) != whole:
            raise InputError('variant = "whole" goes with one of them: vae, [autoencoder].', code="conflict")
        if whole and (self.base or self.adapter or not self.size):
            raise InputError('variant = "whole" has no base and no adapter, and needs a size.', code="conflict")
        if (self.start or self.text) and not whole:
            hint = "an adapter continues from: adapter"
            raise InputError('start and text go with variant = "whole".', code="conflict", hint=hint)
        if bool(self.lora_rank) != bool(VARIANTS[self.variant].lora):
            hint = "set lora_rank = 32" if VARIANTS[self.variant].lora else "set lora_rank = 0"
            raise InputError("The variant has another LoRA.", code="conflict", actual=self.lora_rank, hint=hint)

    def of_model(self) -> FineFaceConfig:
        """The config with what its model predicts. Raises MissingCheckpointError: the model is not complete."""
        if not self.model:
            return self
        folder = self.place(self.model)
        check_complete(folder, folder, VARIANTS["whole"])
        return self.as_learned(folder)

    @property
    def dropped(self) -> float:
        """Fraction of the samples that drop anything."""
        return self.vector_dropout + self.caption_dropout + self.both_dropout


run = training("fineface.task:FineFaceTask")
main = partial(command, "fineface.train", ABOUT, FineFaceConfig, run)


if __name__ == "__main__":
    sys.exit(main())

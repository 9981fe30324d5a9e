"""FineFace: prompts and action-unit intensities to pictures, and photos whose faces get these intensities."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from common.core.errors import InputError
from common.core.numbers import whole_number
from common.diffusion.conditioning import Rig
from common.diffusion.loading import Release
from common.diffusion.pipeline import FaceEditPipeline
from common.editing.compositing import paste, paste_mask
from common.editing.defaults import Defaults
from common.editing.editor import Editor, StepCallback
from common.editing.models import EMBEDDED_NOTE, NoNetworks, missing_networks
from common.editing.options import EditOptions, ModelOptions, ResolvedOptions, check_keywords, documented
from common.editing.prepare import Prepared
from common.editing.recording import place
from common.editing.subject import Subject
from common.face3d.heads.au_scale import to_scale
from common.facs.action_units import AUIntensity, AULike
from common.imaging.images import on_white, rgb, to_uint8
from common.provenance.picture import Picture, carry
from common.provenance.recipe import GENERATION, Recipe

from .checkpoints import Networks, load
from .conditioning import Conditioning
from .faceid import embed_people, with_embedding
from .inpaint import inpainting
from .request import PUBLISHED, FineFaceModel, FineFaceOptions, FineFaceResolved, drawn_seed, pair_texts
from .variants import EMBEDDED_FOLDER, RELEASE, STEPS_IN, check_complete, keeper, locate, warps

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .request import EditorKeywords, People, SamplingKeywords

log = logging.getLogger(__name__)


class FineFace(Editor[AUIntensity]):
    """Makes pictures of faces with exact action units, and gives the faces of photos these action units.

        editor = FineFace.from_pretrained()
        row = editor.generate("a close-up of a woman with red hair", [{"AU12": i} for i in range(6)], seed=1)

    After: Varanka et al., "Towards Localized Fine-Grained Control for Facial Expression Generation", arXiv 2407.20175.

    Args:
        networks: see `fineface.checkpoints.load`; their pipeline is a stock `StableDiffusionPipeline`.
        text_only: the networks draw pictures from text; photos are warped.
        options: of `Editor`.
    """

    release = Release("fineface", RELEASE, (), ("unet",))
    request = AUIntensity
    embedded = EMBEDDED_FOLDER
    published: ClassVar[Defaults] = PUBLISHED
    adds: ClassVar[bool] = False
    edit_options: ClassVar[type[EditOptions]] = FineFaceOptions
    model_options: ClassVar[type[ModelOptions]] = FineFaceModel

    pipeline: StableDiffusionPipeline  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, networks: Networks | NoNetworks, *, text_only: bool = False, **options: Any) -> None:
        super().__init__(cast(FaceEditPipeline, networks), **options)
        self.text_only = text_only
        self._networks = networks
        if isinstance(networks, Networks):
            self.pipeline = networks.pipeline

    @classmethod
    def model_for_photos(cls, model: ModelOptions) -> ModelOptions:
        """The options with the variant that keeps the person of a photo, where none was given."""
        assert isinstance(model, FineFaceModel)
        return replace(model, variant=keeper(model.model, model.base)) if model.variant is None else model

    @classmethod
    @documented(FineFaceModel)
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, model: str | Path | None = None, **options: Unpack[EditorKeywords]
    ) -> Self:
        """As `Editor.from_pretrained`; where no model is named and the published one was never fetched, small networks
        inside the package draw pictures from text, and photos are warped, which is logged in one line.

        Args:
            model: see the options.
            {options}
        """
        check_keywords("from_pretrained", options, FineFaceModel)
        asked = FineFaceModel.of({"model": model, **options})  # what is wrong should not cost the loading of a model
        asked.check_device()
        text_only, folder = cls.warps(**asked.networks), cls.locate(**asked.networks)
        return cls(cls.load_pipeline(**asked.networks), text_only=text_only, folder=folder, **asked.surroundings)

    @classmethod
    def locate(cls, model: str | Path | None = None, **networks: Any) -> Path:
        """The folder of a model's adapter, see `fineface.variants.locate`."""
        return cls.folders(model, **networks)[0]

    @classmethod
    def folders(cls, model: str | Path | None = None, base: str | Path | None = None, **networks: Any) -> list[Path]:
        """The folders of a model: the adapter's, and its base's where that is another."""
        return list(dict.fromkeys(locate(model, base, networks.get("variant"))[:2]))

    @classmethod
    def warps(cls, model: str | Path | None = None, base: str | Path | None = None, **networks: Any) -> bool:
        """Whether photos are edited without networks, see `fineface.variants.warps`."""
        return warps(model, base, networks.get("variant"))

    @classmethod
    def load_pipeline(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        model: str | Path | None = None,
        base: str | Path | None = None,
        variant: str | None = None,
        **options: Any,
    ) -> Networks:
        """The networks of a model, see `fineface.checkpoints.load`; checks first that all files are there."""
        folder, base_folder, kind = locate(model, base, variant)
        check_complete(folder, base_folder, kind)
        if folder == cls.embedded:
            log.warning(STEPS_IN if warps(model, base, variant) else EMBEDDED_NOTE)
        return load(folder, base_folder, kind, **options)

    @property
    def networks(self) -> Networks:
        """What draws pictures. Raises MissingCheckpointError: this editor has no networks."""
        if not isinstance(self._networks, Networks):
            raise missing_networks(self.release.name)
        return self._networks

    @property
    def has_networks(self) -> bool:
        """Whether photos can be edited by networks."""
        return super().has_networks and not self.text_only

    @property
    def places(self) -> tuple[Path, ...]:
        """Folders that the networks came from."""
        return self.networks.places

    def settings(self) -> dict[str, Any]:
        """See `Editor.settings`; and which variant it was."""
        return {**super().settings(), "variant": self.networks.variant, "lora_scale": self.networks.lora_scale}

    def generate(
        self,
        prompt: str | list[str],
        aus: AULike | Sequence[AULike],
        *,
        identity: People | None = None,
        seed: int | None = None,
        size: int | tuple[int, int] | None = None,
        progress: bool = True,
        callback_on_step_end: StepCallback | None = None,
        **options: Unpack[SamplingKeywords],
    ) -> Picture | list[Picture]:
        """As `fineface.generate`; `callback_on_step_end` is called after each denoising step, and may raise."""
        pairs, single = pair_texts(prompt, aus)
        made = self.draw(
            pairs,
            FineFaceOptions(seed=drawn_seed(seed), **options),
            identity=identity,
            size=size,
            progress=progress,
            callback_on_step_end=callback_on_step_end,
        )
        return made[0] if single else made

    def draw(
        self,
        pairs: Sequence[tuple[str, AUIntensity]],
        options: FineFaceOptions,
        *,
        identity: People | None = None,
        size: int | tuple[int, int] | None = None,
        progress: bool = True,
        callback_on_step_end: StepCallback | None = None,
    ) -> list[Picture]:
        """As `generate`, of prompts, requests and options that have been checked."""
        how = options.resolve(self.defaults)
        width, height = check_size(size, self.networks)
        person = None if identity is None else self._person(identity)
        if not pairs:
            return []
        prompts = [text for text, _ in pairs]
        intensities = self._intensities([request for _, request in pairs]).tolist()
        people = [person] * len(pairs)
        conditioning = Conditioning(self.networks, prompts, intensities, people, how, callback_on_step_end)
        scale = self.networks.vae_scale_factor
        shape = (1, self.pipeline.unet.config["in_channels"], height // scale, width // scale)

        def inputs(rows: slice) -> dict[str, Any]:
            generators = self._generators(how.seed, rows)
            # drawn in float32 whatever the networks' dtype: one seed, one picture
            noise = torch.cat([randn_tensor(shape, each, each.device, torch.float32) for each in generators])
            latents = noise.to(self.pipeline.unet.dtype)
            return {"latents": latents, "generator": generators, "width": width, "height": height}

        settings = {**how.sampling(), "size": [width, height], "identity": identity is not None, **self.settings()}
        pictures: list[Picture] = []
        for number, pixels in enumerate(self._run(self.pipeline, inputs, conditioning, progress)):
            own = {**settings, "prompt": prompts[number], **place(number, len(pairs), how.batch_size)}
            recipe = Recipe(self.release.name, GENERATION, pairs[number][1].to_json(), own)
            pictures.append(carry(Image.fromarray(to_uint8(pixels)), recipe, self.places))
        return pictures

    def conditions(self, subjects: Sequence[Subject], requests: Sequence[AUIntensity]) -> Rig:
        """The intensities as the vector (B, 12); nothing beyond the subjects' own regions is repainted."""
        return Rig(self._intensities(requests))

    def _intensities(self, requests: Sequence[AUIntensity]) -> torch.Tensor:
        """(B, 12) on the networks' scale."""
        return to_scale(torch.tensor([request.values for request in requests]), self.defaults.au_scale)

    def warp(self, subject: Subject, request: AUIntensity) -> np.ndarray:
        """The photo with the face moved by its own fitted head, from what it shows to these intensities."""
        photo = self.fitted(subject)
        return photo(photo.change(request))

    def subject_of(self, photo: Image.Image, made: Prepared, record: Mapping[str, object], started: float) -> Subject:
        """A prepared photo, with the person's embedding as `subject.face.embedding` where FaceID takes it."""
        if self._takes_people and made.face is not None:
            made = replace(made, face=with_embedding(rgb(photo), made.face))
        record = {**record, "seconds": {"prepare": round(time.perf_counter() - started, 3)}}
        return Subject(photo=photo, **vars(made), identity={}, conditioning_images=(), record=record)

    def sampled(
        self,
        pairs: Sequence[tuple[Subject, AUIntensity]],
        how: ResolvedOptions,
        progress: bool,
        callback_on_step_end: StepCallback | None,
    ) -> list[Image.Image]:
        """The pictures of pairs: the region is inpainted, and kept elsewhere."""
        assert isinstance(how, FineFaceResolved)
        if not pairs:
            return []
        subjects = [subject for subject, _ in pairs]
        embeddings = {id(subject): self._embedding(subject) for subject in subjects}
        people = [embeddings[id(subject)] for subject in subjects]
        intensities = self._intensities([request for _, request in pairs]).tolist()
        prompts = [how.prompt] * len(pairs)
        conditioning = Conditioning(self.networks, prompts, intensities, people, how, callback_on_step_end)

        def inputs(rows: slice) -> dict[str, Any]:
            photo = how.start == "photo"
            starting = [
                subject.source if photo else subject.crop.apply(on_white(self.warp(subject, request)))
                for subject, request in pairs[rows]
            ]
            return {
                "image": [Image.fromarray(crop) for crop in starting],
                "mask_image": [Image.fromarray(subject.mask.astype(np.uint8) * 255) for subject in subjects[rows]],
                "generator": self._generators(how.seed, rows),
                "strength": how.strength,
                "width": self.size,
                "height": self.size,
            }

        crops = self._run(self._inpaint, inputs, conditioning, progress)
        return [
            paste(subject.photo, subject.crop, crop, paste_mask(subject.mask))
            if how.paste_back and subject.face is not None
            else Image.fromarray(to_uint8(crop))
            for subject, crop in zip(subjects, crops)
        ]

    def keeps(self, subject: Subject) -> bool:
        """Whether an edit by the networks keeps the person by an embedding of the face."""
        return self.has_networks and self._embedding(subject) is not None

    def release_id_encoder(self) -> None:
        """Does nothing: FineFace has no ID encoder."""

    @cached_property
    def _inpaint(self) -> Any:
        """The pipeline that keeps what lies outside a mask, over the same networks."""
        return inpainting(self.pipeline)

    @property
    def _takes_people(self) -> bool:
        return isinstance(self._networks, Networks) and self._networks.face_projection is not None

    def _person(self, identity: People) -> torch.Tensor:
        if not self._takes_people:
            hint = 'load it: variant="sd15-faceid" (or --variant sd15-faceid)'
            raise InputError("identity needs FaceID.", code="conflict", hint=hint)
        return embed_people(identity)

    def _embedding(self, subject: Subject) -> torch.Tensor | None:
        known = subject.face.embedding if self._takes_people and subject.face is not None else None
        return None if known is None else embed_people(known)

    def _generators(self, seed: int, rows: slice) -> list[torch.Generator]:
        """A generator for each row, all of them alike: a sweep starts from one noise, however it is split."""
        device = self.pipeline._execution_device
        return [torch.Generator(device).manual_seed(seed) for _ in range(rows.stop - rows.start)]

    def _run(
        self, pipeline: Any, inputs: Callable[[slice], dict[str, Any]], conditioning: Conditioning, progress: bool
    ) -> list[np.ndarray]:
        """Pictures (H, W, 3) in [0, 1], a batch at a time; calls of several threads take turns."""
        images: list[np.ndarray] = []
        with self.networks.lock, torch.no_grad():
            pipeline = copy(pipeline)  # over the same networks: the bars of others stay as they are
            pipeline.set_progress_bar_config(disable=not progress)
            for rows in conditioning.batches():
                if self.networks.face_projection is not None:
                    pipeline.set_ip_adapter_scale(conditioning.face_scale(rows))
                images += conditioning.finite(pipeline(**inputs(rows), **conditioning.call(rows)).images)
        return images


def check_size(size: int | tuple[int, int] | None, networks: Networks) -> tuple[int, int]:
    """Width and height in pixels of a `size`: a number for a square, (width, height), or None for the denoiser's own.

    Raises InputError: another form, or a side that the networks cannot take.
    """
    step = networks.vae_scale_factor
    whole = networks.sample_size if size is None else size
    sides = whole if isinstance(whole, (tuple, list)) else (whole, whole)
    if len(sides) != 2:
        raise InputError("size has another form.", code="format", expected="pixels, or (width, height)", actual=size)
    for side in sides:
        if whole_number("size", side, 64, 4096) % step:
            raise InputError(f"size must divide by {step}.", code="range", actual=side)
    return int(sides[0]), int(sides[1])

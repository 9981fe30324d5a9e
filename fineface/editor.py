"""FineFace: prompts and action units to pictures, and photos whose faces are made anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from common import background as backgrounds
from common.action_units import AUWish, as_list, to_vector
from common.advice import heed
from common.defaults import Defaults
from common.devices import choose_device
from common.draft.draft import Draft
from common.edit_options import Engine, whole_number
from common.errors import InputError
from common.faces import FaceFinder, get_finder
from common.images import ImageLike, read_image, rgb
from common.models import EMBEDDED_NOTE, WARP_SIZE, missing_networks
from common.prepare import prepare
from common.prompt import PROMPT
from common.provenance.edits import name_of
from common.subject import Subject, SubjectCache, check_subject, fit_head

from .checkpoints import Networks, load_networks
from .conditions import Conditions
from .faces import embed_faces, with_embedding
from .finish import begin, draft_alone, finish, to_image
from .inpaint import inpainting
from .noise import same_noise
from .options import HIGH, LOW, PUBLISHED, Options, check_engine, check_size, pair_up
from .recipes import edited, generated
from .text import check_prompt
from .variants import EMBEDDED_FOLDER, STEPS_IN, locate, warps

log = logging.getLogger(__name__)


class FineFace:
    """Makes pictures of faces with exact action units, and makes the faces of photos anew.

        editor = FineFace.from_pretrained()
        row = editor.generate("a close-up of a woman with red hair", [{"AU12": i} for i in range(6)], seed=1)

    After: Varanka et al., "Towards Localized Fine-Grained Control for Facial Expression Generation", arXiv 2407.20175.

    Args:
        networks: of `fineface.checkpoints.load`; its pipeline is a stock `StableDiffusionPipeline`. None: photos can be
            warped, and nothing else.
        size: side of a photo's crop in pixels; default: what the UNet was made for.
        finder: of faces in photos to edit, see `common.faces.get_finder`; loaded at first use.
        parser: of faces in photos to edit, see `common.background.get_parser`; loaded at first use.
        defaults: what is taken where nothing is asked for, see `common.defaults`; None is what was published.
        warps: the networks are for pictures from text alone; photos are warped.

    Raises:
        InputError: a size that the networks cannot take, or an unknown parser.
    """

    def __init__(
        self,
        networks: Networks | None,
        *,
        size: int | None = None,
        finder: str | FaceFinder = "auto",
        parser: str = "auto",
        defaults: Defaults | None = None,
        warps: bool = False,
    ) -> None:
        self._networks = networks
        self.warps = warps or networks is None
        if networks is None:
            self.size = whole_number("size", WARP_SIZE if size is None else size, 64, 4096)
        else:
            self.size = check_size(size, networks.pipeline)[0]
        backgrounds.check_name(parser)
        self.fitted = SubjectCache(self._fit)
        self._finder, self._parser, self.defaults = finder, parser, defaults or PUBLISHED

    @classmethod
    def from_pretrained(
        cls,
        base: str | Path | None = None,
        adapter: str | Path | None = None,
        variant: str | None = None,
        *,
        lora_scale: float = 1.0,
        dtype: torch.dtype | str | None = None,
        device: str | None = None,
        size: int | None = None,
        finder: str | FaceFinder = "auto",
        parser: str = "auto",
    ) -> FineFace:
        """An editor with weights from this machine; the network is never touched (`fineface download` fetches them).

        Where the published weights were never fetched and none are named, small networks inside the package draw
        pictures from text, and photos are warped; one line in the log says so.

        Args:
            base: see `fineface.generate`, as the next two.
            adapter: which weights.
            variant: which kind of model.
            lora_scale: of the variant's LoRA; 0 leaves the base's weights as they are.
            dtype: default: float16 on CUDA and MPS, else float32.
            device: default: CUDA, then MPS, then the CPU.
            size: see `FineFace`.
            finder: see `FineFace`.
            parser: see `FineFace`.

        Raises:
            MissingCheckpointError: something is not there; the message says what, and the command that fetches it.
            CheckpointError: damaged weights, or an adapter for another base.
            InputError: an unknown variant or parser, or an option that cannot be used.
        """
        backgrounds.check_name(parser)  # what is wrong should not cost the loading of a model
        choose_device(device, dtype)
        folder, place, kind = locate(adapter, base, variant)
        networks, defaults = load_networks(folder, place, kind, lora_scale=lora_scale, dtype=dtype, device=device)
        alone = warps(adapter, base, variant)
        if alone:
            log.warning(STEPS_IN)
        elif folder == EMBEDDED_FOLDER:
            log.warning(EMBEDDED_NOTE)
        return cls(networks, size=size, finder=finder, parser=parser, defaults=defaults, warps=alone)

    @classmethod
    def drafting(cls, *, size: int | None = None, finder: str | FaceFinder = "auto", parser: str = "auto") -> FineFace:
        """An editor without networks, which loads at once: it warps photos, and can draw nothing from text."""
        return cls(None, size=size, finder=finder, parser=parser)

    @property
    def networks(self) -> Networks:
        """What draws pictures.

        Raises:
            MissingCheckpointError: this editor has none.
        """
        if self._networks is None:
            raise missing_networks("fineface", "adapter")
        return self._networks

    @property
    def pipeline(self) -> StableDiffusionPipeline:
        """Of the networks."""
        return self.networks.pipeline

    def engine_for(self, engine: Engine | None = None) -> Engine:
        """What edits a photo: the engine asked for, else the networks where this editor has any for photos.

        Raises:
            MissingCheckpointError: "diffusion" is asked for, and it has none.
        """
        if not self.warps:
            return engine or "diffusion"
        if engine == "diffusion":
            raise missing_networks("fineface", "adapter")
        return "draft"

    def generate(
        self,
        prompt: str | Sequence[str],
        aus: AUWish | Sequence[AUWish],
        *,
        face: Any = None,
        au_scale: float = 1.0,
        face_scale: float = 0.9,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str | None = None,
        seed: int | None = None,
        size: int | tuple[int, int] | None = None,
        batch_size: int = 4,
        progress: bool = True,
        callback_on_step_end: Callable[..., Any] | None = None,
    ) -> Any:
        """Pictures of a text; see `fineface.generate` for the arguments and what they raise.

        `callback_on_step_end` is called as diffusers' pipelines call it; what it raises ends the call.
        """
        own = self.defaults.asked(steps=steps, guidance=guidance)
        options = Options(
            own.steps, own.guidance, au_scale, face_scale, negative_prompt, seed, batch_size,
            callback_on_step_end=callback_on_step_end,
        )  # fmt: skip
        pairs, single = pair_up(prompt, aus, as_list, "prompts")
        vectors = [to_vector(wish, low=LOW, high=HIGH) for _, wish in pairs]
        prompts = [check_prompt("prompt", text) for text, _ in pairs]
        width, height = check_size(size, self.pipeline)
        faces = [None if face is None else self._faces(face)] * len(pairs)
        if not pairs:
            return []
        conditions = Conditions(self.networks, prompts, vectors, faces, options)
        first, generators = same_noise(options.seed, self.pipeline._execution_device)
        scale = self.pipeline.vae_scale_factor
        shape = (1, self.pipeline.unet.config["in_channels"], height // scale, width // scale)

        def inputs(rows: slice) -> dict[str, Any]:
            own = generators(rows)
            # drawn in float32 whatever the networks' dtype: one seed, one picture
            noise = torch.cat([randn_tensor(shape, g, g.device, torch.float32) for g in own])
            return {"latents": noise.to(self.pipeline.unet.dtype), "generator": own, "width": width, "height": height}

        images = [to_image(pixels) for pixels in self._run(self.pipeline, inputs, conditions, progress)]
        images = generated(self.networks, images, prompts, vectors, options, first, (width, height), face is not None)
        return images[0] if single else images

    def encode(
        self,
        image: ImageLike,
        *,
        face: str | int | tuple[float, float] = "largest",
        extent: backgrounds.Extent | None = None,
        strict: bool = False,
    ) -> Subject:
        """Everything about one photo that its edits share: face, crop, parts, and with FaceID the person's embedding.

        Args:
            image: the photo (`common.images.read_image`).
            face: "largest", an index counted from left to right, or a point (x, y) in the photo.
            extent: what is made anew: "face" (hair, ears, neck and clothes stay) or "head"; default: the model's own.
            strict: see `common.editor.Editor.encode`.

        Returns:
            A Subject whose `identity` and `guides` are empty; the embedding is `subject.face.embedding`.

        Raises:
            ImageError, ShapeError: not a picture.
            FaceNotFoundError: no such face, or the parser sees nobody there.
            InputError: an unknown extent, or a doubtful photo where `strict`.
        """
        started = time.perf_counter()
        photo = read_image(image)
        pixels, extent = rgb(photo), self.defaults.asked(extent=extent).extent
        made = prepare(
            pixels, self.finder, self.parser, size=self.size, face=face, extent=extent, guide="photo",
            zoom=self.defaults.zoom,
        )  # fmt: skip
        heed(made.advice, strict)
        found = with_embedding(pixels, made.face) if self._takes_faces else made.face
        seconds = {"prepare": round(time.perf_counter() - started, 3)}
        record = {"photo": name_of(image), "face": face, "extent": extent, "seconds": seconds}
        record |= {"finder": self.finder.name, "parser": self.parser.name}
        return Subject(
            photo, found, made.crop, made.source, made.labels, made.background, made.region, {}, (), made.advice,
            record,
        )  # fmt: skip

    def edit(
        self,
        subject: Subject | Sequence[Subject],
        aus: AUWish | Sequence[AUWish],
        prompt: str | None = None,
        *,
        au_scale: float = 1.0,
        face_scale: float = 0.9,
        engine: Engine | None = None,
        start: Literal["photo", "draft"] = "photo",
        strength: float | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str | None = None,
        seed: int | None = None,
        paste_back: bool | str = True,
        batch_size: int = 4,
        progress: bool = True,
        callback_on_step_end: Callable[..., Any] | None = None,
    ) -> Any:
        """Photos whose faces are made anew; `subject` is from `encode`. See `fineface.edit` for the other arguments,
        `generate` for the callback.

        Raises:
            InputError, ActionUnitError, ShapeError: an argument cannot be used.
        """
        own = self.defaults.asked(steps=steps, guidance=guidance)
        options = Options(
            own.steps, own.guidance, au_scale, face_scale, negative_prompt, seed, batch_size, strength, paste_back,
            start, callback_on_step_end,
        )  # fmt: skip
        engine = self.engine_for(check_engine(engine, start if start == "draft" else None, strength))
        pairs, single = pair_up(subject, aus, as_list)
        vectors = [to_vector(wish, low=LOW, high=HIGH) for _, wish in pairs]
        subjects = [check_subject(subject, self.size) for subject, _ in pairs]
        text = check_prompt("prompt", PROMPT if prompt is None else prompt)
        if not pairs or engine == "draft":
            drafts = [draft_alone(s, self.fitted(s), v, options.pastes) for s, v in zip(subjects, vectors)]
            drafts = edited(None, drafts, subjects, vectors, text, options, 0, self.size)
            return drafts[0] if single else drafts
        people = {id(subject): self._own_face(subject) for subject in subjects}
        faces = [people[id(subject)] for subject in subjects]
        conditions = Conditions(self.networks, [text] * len(pairs), vectors, faces, options)
        first, generators = same_noise(options.seed, self.pipeline._execution_device)

        def inputs(rows: slice) -> dict[str, Any]:
            begun = [
                subject.source if start == "photo" else begin(subject, self.fitted(subject), vector)
                for subject, vector in zip(subjects[rows], vectors[rows])
            ]
            masks = [Image.fromarray(subject.region.astype(np.uint8) * 255) for subject in subjects[rows]]
            return {
                "image": [Image.fromarray(crop) for crop in begun], "mask_image": masks, "generator": generators(rows),
                "strength": float(options.share), "width": self.size, "height": self.size,
            }  # fmt: skip

        crops = self._run(self._inpaint, inputs, conditions, progress)
        results = [finish(subject, crop, options.pastes) for subject, crop in zip(subjects, crops)]
        results = edited(self.networks, results, subjects, vectors, text, options, first, self.size)
        return results[0] if single else results

    def compile(self, **options: Any) -> None:
        """Compiles the whole denoiser into one graph (`torch.compile`); the next picture then takes a minute longer."""
        self.pipeline.unet.compile(fullgraph=True, **options)

    @cached_property
    def finder(self) -> FaceFinder:
        """What finds the faces of photos."""
        return get_finder(self._finder) if isinstance(self._finder, str) else self._finder

    @cached_property
    def parser(self) -> backgrounds.Parser:
        """What labels the parts of a face."""
        device = "cpu" if self._networks is None else str(self.pipeline.device)
        return backgrounds.get_parser(self._parser, device=device)

    @property
    def _takes_faces(self) -> bool:
        """Whether the networks keep a person by an embedding of the face."""
        return self._networks is not None and self._networks.face_projection is not None

    @cached_property
    def _inpaint(self) -> Any:
        """The pipeline that keeps what lies outside a mask, over the same networks."""
        return inpainting(self.pipeline)

    def _faces(self, face: Any) -> torch.Tensor:
        if self.networks.face_projection is None:
            raise InputError('face= needs FaceID.\n  load it: variant="sd15-faceid" (or --variant sd15-faceid)')
        return embed_faces(face)

    def _fit(self, subject: Subject) -> Draft:
        return fit_head(subject, self.parser)

    def keeps(self, subject: Subject) -> bool:
        """Whether an edit by the networks keeps the person by an embedding of the face."""
        return self._own_face(subject) is not None

    def _own_face(self, subject: Subject) -> torch.Tensor | None:
        known = subject.face.embedding if self._takes_faces and subject.face is not None else None
        return None if known is None else embed_faces(known)

    def _run(
        self, pipeline: Any, inputs: Callable[[slice], dict[str, Any]], conditions: Conditions, progress: bool
    ) -> list[np.ndarray]:
        """Pictures (H, W, 3) in [0, 1], a batch at a time; calls of several threads take turns."""
        images: list[np.ndarray] = []
        with self.networks.lock, torch.no_grad():
            pipeline = copy(pipeline)  # over the same networks: the bars of others stay as they are
            pipeline.set_progress_bar_config(disable=not progress)
            for rows in conditions.batches():
                if self.networks.face_projection is not None:
                    pipeline.set_ip_adapter_scale(conditions.face_scale(rows))
                images += conditions.finite(pipeline(**inputs(rows), **conditions.call(rows)).images)
        return images

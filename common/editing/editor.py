"""Editor: a photo in, a Subject; a Subject and requests in, photos. The composition of all the other rooms."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast, overload

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor  # pyright: ignore[reportUnknownVariableType] - untyped
from PIL import Image

from .. import parsing as backgrounds
from ..core.errors import MissingCheckpointError
from ..core.files import EMBEDDED, model_folder
from ..core.numbers import check_multiple, whole_number
from ..diffusion import loading
from ..diffusion.conditioning import Rig
from ..diffusion.identity import join
from ..diffusion.loading import Release
from ..diffusion.pipeline import FaceEditPipeline, StepCallback
from ..faces import FaceDetector, get_detector
from ..faces.detectors import check_detector
from ..imaging.images import ImageLike, on_white, read_image, rgb, to_uint8
from ..imaging.tensors import to_tensor
from ..provenance.picture import Picture
from ..warp.warp import Warp
from .compositing import paste, paste_mask, placed
from .defaults import Defaults, read_defaults
from .models import EMBEDDED_NOTE, WARP_NOTE, NoNetworks, load_complete, missing_networks
from .options import EditKeywords, EditOptions, FaceOptions, ModelOptions, ResolvedOptions, check_keywords, documented
from .photo_checks import heed
from .prepare import Prepared, made_before, prepare
from .recording import edited, machine, name_of
from .request import NULL, AnyRequest, check_granted, null_edit, pair_up
from .subject import Subject, SubjectCache, check_subject, fit_head

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .options import EditorKeywords, FaceChoice, FaceKeywords
    from .request import OneRequest, RequestLike, Requests

log = logging.getLogger(__name__)


class CallKeywords(EditKeywords, total=False):
    """The keywords of `Editor.edit`."""

    progress: bool
    callback_on_step_end: StepCallback | None


class Editor(Generic[AnyRequest]):
    """A pipeline with what surrounds it: a face detector and a face parser before, the paste-back behind.

    An editor of the family is a subclass that names its published `release` and what is asked of it (`request`), and
    says what networks see of a request (`conditions`) and how a photo is moved without any (`warp`). Where its package
    has them, it names the folder of its `embedded` small networks. What a background looks like (`fill`, `hint`, see
    `common.parsing.masked_background`) and which defaults were `published` are the release's.

    An edit that `adds` changes what is there, so that of several in a row each can be added to the ones before
    (`common.editing.chain`); another repaints its region.

    Args:
        pipeline: the networks.
        size: side of the crop in pixels; default: what the denoiser was made for.
        detector: "auto", "insightface", "face-alignment", "mediapipe" (`common.faces.get_detector`), or a detector
            itself.
        parser: "auto", "bisenet", "segformer", "embedded", "grabcut" (`common.parsing.get_parser`).
        folder: the checkpoint's folder, where its own defaults and the parser's weights may lie.

    Attributes:
        defaults: what `encode` and `edit` take where nothing is asked for, see `common.editing.defaults`.
        fitted: the head that is fitted to a subject's photo (`common.warp`), computed when it is first asked for.

    Raises:
        InputError: a size that the networks cannot take, or an unknown detector or parser.
        CheckpointError: the model's defaults cannot be used.
    """

    release: ClassVar[Release]
    request: type[AnyRequest]
    embedded: ClassVar[Path | None] = None
    published: ClassVar[Defaults] = Defaults()
    fill: ClassVar[int] = 0
    hint: ClassVar[bool] = True
    adds: ClassVar[bool] = True
    edit_options: ClassVar[type[EditOptions]] = EditOptions
    face_options: ClassVar[type[FaceOptions]] = FaceOptions
    model_options: ClassVar[type[ModelOptions]] = ModelOptions

    def __init__(
        self,
        pipeline: FaceEditPipeline,
        *,
        size: int | None = None,
        detector: str | FaceDetector = "auto",
        parser: str = "auto",
        folder: str | Path | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.defaults = read_defaults(folder, self.published) if folder else self.published
        self.size = whole_number("size", pipeline.sample_size if size is None else size, 64, 4096)
        check_multiple("size", self.size, pipeline.vae_scale_factor)
        backgrounds.check_name(parser)
        if isinstance(detector, str):
            check_detector(detector)
        self._detector = detector
        self._parser = parser
        self._bisenet = loading.auxiliary(folder, loading.PARSER_FILE) if folder else None
        self.fitted: SubjectCache[Warp] = SubjectCache(self._fit)

    @classmethod
    @documented(ModelOptions)
    def from_pretrained(cls, model: str | Path | None = None, **options: Unpack[EditorKeywords]) -> Self:
        """An editor with the weights of a folder, or of a hub repository that has been fetched.

        Args:
            model: see the options.
            {options}

        Where no model is named and the published release was never fetched, the editor has no networks (`warping`),
        which is logged in one line.

        Raises:
            MissingCheckpointError: something is not there; the message says what, and the command that fetches it.
            CheckpointError: weights that do not fit.
            InputError: an option that cannot be used.
        """
        # what is wrong should not cost the loading of a model
        asked = cls.model_options.of({"model": model, **options})
        check_keywords("from_pretrained", options, cls.model_options)
        asked.check_device()
        around: dict[str, Any] = {**asked.surroundings, "detector": get_detector(asked.detector)}
        if cls.warps(**asked.networks):
            log.warning(WARP_NOTE, cls.release.name)
            return cls.warping(**around)
        return cls(cls.load_pipeline(**asked.networks), **around, folder=cls.locate(**asked.networks))

    @classmethod
    def warping(cls, **options: Any) -> Self:
        """An editor without networks, which warps photos and refuses `engine="diffusion"`; options as of `Editor`."""
        return cls(cast(FaceEditPipeline, NoNetworks()), **options)

    @classmethod
    def locate(cls, model: str | Path | None = None, **networks: Any) -> Path:
        """The folder of a model, which need not exist; the published release where none is named.

        Raises InputError: neither a folder nor "owner/name"; MissingCheckpointError: no embedded model is installed.
        """
        if model != EMBEDDED:
            return model_folder(model or cls.release.repo)
        if cls.embedded is None or loading.missing_files(cls.embedded, release=cls.release):
            hint = "install it again, or name the folder of another: --model FOLDER (from Python: model=FOLDER)"
            raise MissingCheckpointError(f"{cls.release.name} has no embedded model here.", hint=hint)
        return cls.embedded

    @classmethod
    def folders(cls, model: str | Path | None = None, base: str | Path | None = None, **networks: Any) -> list[Path]:
        """The folders of a model: its own, and its base's where it has one; as `locate`."""
        return [cls.locate(model), *([Path(base).expanduser()] if base else [])]

    @classmethod
    def warps(cls, model: str | Path | None = None, base: str | Path | None = None, **networks: Any) -> bool:
        """Whether photos are edited without networks: no model is named, and the published one was never fetched."""
        return model is None and base is None and not model_folder(cls.release.repo).is_dir()

    @classmethod
    def model_for_photos(cls, model: ModelOptions) -> ModelOptions:
        """The options with what a photo's edit needs and was not given."""
        return model

    @classmethod
    def load_pipeline(cls, model: str | Path | None = None, **options: Any) -> FaceEditPipeline:
        """The networks of a model, see `common.editing.models.load_complete`."""
        if model == EMBEDDED:
            log.warning(EMBEDDED_NOTE)
        return load_complete(cls.locate(model), cls.release, **options)

    def conditions(self, subjects: Sequence[Subject], requests: Sequence[AnyRequest]) -> Rig:
        """What the networks see of requests, a row for each subject and its request."""
        raise NotImplementedError

    def warp(self, subject: Subject, request: AnyRequest) -> np.ndarray:
        """The whole photo (H, W, 3 or 4) uint8, moved by its fitted head without any network.

        Raises InputError: an aligned crop, or a request that no warp can grant.
        """
        raise NotImplementedError

    def null(self, subject: Subject, request: AnyRequest) -> AnyRequest:
        """The request's null edit; the same object where it is the same for all requests."""
        return null_edit(self.request)

    def ready(self, requests: Sequence[AnyRequest]) -> list[AnyRequest]:
        """Requests with all that can be done of them before there is a subject; here nothing."""
        return list(requests)

    @documented(FaceOptions)
    def encode(self, image: ImageLike, **options: Unpack[FaceKeywords]) -> Subject:
        """Everything about one photo that its edits share: face, crop, parts, background, identity.

        Args:
            image: the photo (`common.imaging.images.read_image`).
            {options}

        Raises:
            ImageError, ShapeError: not a picture.
            FaceNotFoundError: no such face, or the parser finds no person there.
            InputError: an unknown region, a released ID encoder, or a photo with warnings where `strict`.
        """
        started = time.perf_counter()
        asked = FaceOptions(**options)
        photo = read_image(image)
        record: dict[str, object] = {"photo": name_of(image)}
        if asked.background is not None:
            made = made_before(rgb(photo), rgb(read_image(asked.background)), self.size)
            return self.subject_of(photo, made, {**record, "background": name_of(asked.background)}, started)
        region = asked.region or self.defaults.region
        made = self.prepare(rgb(photo), asked.face, region)
        heed(made.warnings, asked.strict)
        record |= {"face": asked.face, "detector": self.detector.name, "parser": self.parser.name, "region": region}
        return self.subject_of(photo, made, record, started)

    @overload
    def edit(self, subject: Subject, request: OneRequest = ..., **options: Unpack[CallKeywords]) -> Picture: ...

    @overload
    def edit(
        self, subject: Sequence[Subject], request: Requests = ..., **options: Unpack[CallKeywords]
    ) -> list[Picture]: ...

    @overload
    def edit(
        self, subject: Subject, request: Sequence[RequestLike], **options: Unpack[CallKeywords]
    ) -> list[Picture]: ...

    @overload
    def edit(
        self, subject: Subject, request: RequestLike, **options: Unpack[CallKeywords]
    ) -> Picture | list[Picture]: ...

    @documented(EditOptions)
    def edit(
        self,
        subject: Subject | Sequence[Subject],
        request: Requests = NULL,
        *,
        progress: bool = True,
        callback_on_step_end: StepCallback | None = None,
        **options: Unpack[EditKeywords],
    ) -> Picture | list[Picture]:
        """The edited photo, or a list of them for a list of requests or subjects.

        All pictures of a call start from the same noise, so that a row of intensities does not flicker.

        Args:
            subject: from `encode`; one for all requests, or one for each.
            request: what to change, in any form that the editor's `request.parse` reads; one for all subjects, or one
                for each. Without one, the null edit.
            progress: show a progress bar.
            callback_on_step_end: called after each denoising step, see `FaceEditPipeline.__call__`.
            {options}

        Returns:
            A PIL image, or a list of them where `subject` or `request` is a list. An aligned crop has no photo around
            it and is returned as generated.

        Raises:
            InputError, ActionUnitError, ShapeError: an argument cannot be used.
            MissingCheckpointError: networks are asked for, and this editor has none.
        """
        asked = self.edit_options(**options)
        pairs, single = pair_up(subject, request, self.request)
        made = self.run(pairs, asked, progress=progress, callback_on_step_end=callback_on_step_end)
        return made[0] if single else made

    def run(
        self,
        pairs: Sequence[tuple[Subject, AnyRequest]],
        options: EditOptions,
        *,
        progress: bool = True,
        callback_on_step_end: StepCallback | None = None,
    ) -> list[Picture]:
        """As `edit`, of pairs and options that have been checked."""
        how = self.resolve(options)
        for caution in dict.fromkeys(caution for _, request in pairs for caution in request.cautions()):
            log.warning(caution)
        ready = self.ready([request for _, request in pairs])
        pairs = [(check_subject(subject, self.size), request) for (subject, _), request in zip(pairs, ready)]
        if how.engine == "warp":
            made = [placed(subject, self.warp(subject, request), how.paste_back) for subject, request in pairs]
        else:
            check_granted((request for _, request in pairs), warped=how.start == "warp")
            made = self.sampled(pairs, how, progress, callback_on_step_end)
        return edited(self, pairs, made, how)

    def sampled(
        self,
        pairs: Sequence[tuple[Subject, AnyRequest]],
        how: ResolvedOptions,
        progress: bool,
        callback_on_step_end: StepCallback | None,
    ) -> list[Image.Image]:
        """The pictures of pairs by the networks; all rows of a batch share the noise of the seed."""
        made: list[Image.Image] = []
        for first in range(0, len(pairs), how.batch_size):
            batch = pairs[first : first + how.batch_size]
            made += self._batch(batch, how, progress=progress, callback_on_step_end=callback_on_step_end)
        return made

    def _batch(
        self, pairs: Sequence[tuple[Subject, AnyRequest]], how: ResolvedOptions, **options: Any
    ) -> list[Image.Image]:
        """One batch by the networks; where the photo's detail stays, null edits are further rows of the batch."""
        pipeline = self.pipeline
        count = len(pairs)
        subjects = [subject for subject, _ in pairs]
        one = all(subject is subjects[0] for subject in subjects)
        # an aligned crop is not pasted
        with_null = how.paste_back == "detail" and any(subject.face is not None for subject in subjects)
        nulls = [self.null(*pair) for pair in pairs] if with_null else []
        shared = one and all(null is nulls[0] for null in nulls)
        rows = [*pairs, *zip(subjects, nulls[:1] if shared else nulls)]
        rig = self.conditions([subject for subject, _ in rows], [request for _, request in rows])
        identity = subjects[0].identity if one else join([subject.identity for subject, _ in rows])
        device = pipeline._execution_device  # pyright: ignore[reportPrivateUsage] - the host's only name for it
        side = subjects[0].crop.size // pipeline.vae_scale_factor
        # A generator for each row: a scheduler that draws noise of its own gives every row the same.
        generators = [torch.Generator(device).manual_seed(how.seed) for _ in rows]
        shape = (1, pipeline.unet.config.out_channels, side, side)
        noise = torch.cat([randn_tensor(shape, generator, torch.device(device)) for generator in generators])
        if how.start == "warp":
            latents: list[torch.Tensor] = []
            for row, (subject, request) in enumerate(rows):  # one at a time saves memory
                moved = rig.warp(row)
                crop = subject.crop.apply(on_white(self.warp(subject, request) if moved is None else moved))
                latents.append(pipeline.encode_image(to_tensor(crop)[None]))
            options |= {"start": torch.cat(latents), "strength": how.strength}
        crops: Any = pipeline(
            identity,
            rig,
            num_inference_steps=how.steps,
            guidance_scale=how.guidance,
            generator=generators,
            latents=noise,
            output_type="np",
            return_dict=False,
            **options,
        )[0]
        made: list[Image.Image] = []
        for row, subject in enumerate(subjects):
            neutral = crops[count if shared else count + row] if with_null else None
            if how.paste_back and subject.face is not None:
                weight = paste_mask(rig.mask(row, subject.mask))
                made.append(paste(subject.photo, subject.crop, crops[row], weight, neutral, rig.warp(row)))
            else:
                made.append(Image.fromarray(to_uint8(crops[row])))
        return made

    def resolve(self, options: EditOptions) -> ResolvedOptions:
        """Options with this model's own in the place of what was not given; see `EditOptions.resolve`.

        Raises MissingCheckpointError: the networks are asked for, and this editor has none.
        """
        how = options.resolve(self.defaults, networks=self.has_networks)
        if how.engine == "diffusion" and not self.has_networks:
            raise missing_networks(self.release.name)
        return how

    @property
    def has_networks(self) -> bool:
        """Whether photos can be edited by networks."""
        return not isinstance(self.pipeline, NoNetworks)

    @property
    def places(self) -> tuple[Path, ...]:
        """Folders that the networks came from."""
        return tuple(self.pipeline.places)

    def settings(self) -> dict[str, Any]:
        """What provenance records say of the networks: what computed, and how exactly."""
        return machine(self.pipeline)

    def with_defaults(self, **options: Any) -> Self:
        """A copy over the same networks, whose defaults are the options that are not None."""
        other = copy(self)
        other.defaults = self.defaults.asked(**options)
        return other

    @cached_property
    def detector(self) -> FaceDetector:
        """The face detector, loaded at first use."""
        return get_detector(self._detector)

    @cached_property
    def parser(self) -> backgrounds.Parser:
        """The face parser, loaded at first use."""
        return backgrounds.get_parser(self._parser, bisenet=self._bisenet, device=str(self.pipeline.device))

    def prepare(self, pixels: np.ndarray, face: FaceChoice, region: backgrounds.Region) -> Prepared:
        """A photo (H, W, 3) uint8 as this editor's networks see it, see `common.editing.prepare.prepare`."""
        return prepare(
            pixels,
            self.detector,
            self.parser,
            size=self.size,
            face=face,
            region=region,
            zoom=self.defaults.zoom,
            conditioning_image=self.defaults.conditioning_image,
            fill=self.fill,
            hint=self.hint,
        )

    def subject_of(self, photo: Image.Image, made: Prepared, record: Mapping[str, object], started: float) -> Subject:
        """A prepared photo, encoded; the record gets the seconds since `started`."""
        prepared = time.perf_counter()
        identity = self.pipeline.encode_identity(to_tensor(made.source)[None])
        conditioning_images = (self.pipeline.encode_image(to_tensor(made.background)[None]),)
        encoded = time.perf_counter()
        seconds = {"prepare": round(prepared - started, 3), "encode": round(encoded - prepared, 3)}
        record = {**record, "seconds": seconds}
        return Subject(
            photo=photo, **vars(made), identity=identity, conditioning_images=conditioning_images, record=record
        )

    def release_id_encoder(self) -> None:
        """Frees the ID encoder's memory, almost half of the model, once every photo is encoded."""
        self.pipeline.register_modules(id_encoder=None)
        self.pipeline.maybe_free_model_hooks()  # under model offload its hook would keep it

    def compile(self, **options: Any) -> None:
        """Compiles the denoiser (`torch.compile`): a minute at the next edit, and at each new number of requests."""
        self.pipeline.unet.compile(fullgraph=True, **options)

    def _fit(self, subject: Subject) -> Warp:
        return fit_head(subject, self.parser)

"""Editor: a photo in, a Subject; a Subject and wishes in, photos. The composition of all the other rooms."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import torch
from PIL import Image

from . import background as backgrounds
from . import checkpoints, models
from .advice import heed
from .arguments import SEED, Engine, Start, check_engine, check_options, pair_up, whole_number
from .checkpoints import Release
from .defaults import Defaults, read_defaults
from .errors import InputError
from .faces import FaceFinder, get_finder
from .finish import draft, finish
from .images import ImageLike, read_image, rgb
from .networkless import NoNetworks
from .pipeline import FaceEditPipeline
from .prepare import Prepared, made_before, prepare
from .provenance.edits import edited, name_of
from .rig import Rigger
from .sampling import sample
from .subject import Subject, check_subject
from .tensors import to_tensor

if TYPE_CHECKING:
    from typing_extensions import Self

Wish = TypeVar("Wish")

log = logging.getLogger(__name__)

WARP_NOTE = (
    "no published weights on this machine: photos are warped with a fitted 3D head; for the authors' networks: "
    "%s download"
)


class Editor(Generic[Wish]):
    """A pipeline with what surrounds it: a face finder and a face parser before, the paste-back behind.

    An editor of the family is a subclass that names its published `release` and its `rigger`, and where its package
    has them, the folder of its `embedded` small networks. What a background looks like (`fill`, `hint`, see
    `common.background.masked_background`) and which defaults were `published` are the release's.

    Args:
        pipeline: the networks.
        size: side of the crop in pixels; default: what the denoiser was made for.
        finder: "auto", "insightface", "face-alignment", "mediapipe" (`common.faces.get_finder`), or a finder itself.
        parser: "auto", "bisenet", "segformer", "embedded", "grabcut" (`common.background.get_parser`).
        folder: the checkpoint's folder, where its own defaults and the parser's weights may lie.

    Attributes:
        defaults: what `encode` and `edit` take where nothing is asked for, see `common.defaults`.

    Raises:
        InputError: a size that the networks cannot take, or an unknown finder or parser.
        CheckpointError: the model's defaults cannot be used.
    """

    release: ClassVar[Release]
    embedded: ClassVar[Path | None] = None
    published: ClassVar[Defaults] = Defaults()
    fill: ClassVar[int] = 0
    hint: ClassVar[bool] = True
    rigger: Rigger[Wish]

    def __init__(
        self,
        pipeline: FaceEditPipeline,
        *,
        size: int | None = None,
        finder: str | FaceFinder = "auto",
        parser: str = "auto",
        folder: str | Path | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.defaults = read_defaults(folder, self.published) if folder else self.published
        self.size = whole_number("size", pipeline.sample_size if size is None else size, 64, 4096)
        if self.size % pipeline.vae_scale_factor:
            raise InputError(f"size must divide by {pipeline.vae_scale_factor}; got {self.size}.")
        self.finder = get_finder(finder) if isinstance(finder, str) else finder
        bisenet = checkpoints.auxiliary(folder, checkpoints.PARSER_FILE) if folder else None
        self.parser = backgrounds.get_parser(parser, bisenet=bisenet, device=str(pipeline.device))

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        *,
        base: str | Path | None = None,
        dtype: torch.dtype | str | None = None,
        device: str | None = None,
        size: int | None = None,
        finder: str | FaceFinder = "auto",
        parser: str = "auto",
    ) -> Self:
        """An editor with the weights of a folder, or of a hub repository that has been fetched.

        Args:
            model: a folder, "owner/name" as the download command fetched it, or "embedded" for the small networks
                inside the package, trained on synthetic faces. Default: the published release; where it was never
                fetched, an editor without networks (`drafting`), which is logged in one line.
            base: a folder of Stable Diffusion 1.5, for what the model's folder lacks.
            dtype: default: float16 on CUDA and MPS, else float32.
            device: default: CUDA, then MPS, then the CPU.
            size: see `Editor`.
            finder: see `Editor`.
            parser: see `Editor`.

        Raises:
            MissingCheckpointError: something is not there; the message says what, and the command that fetches it.
            CheckpointError: weights that do not fit.
        """
        backgrounds.check_name(parser)  # what is wrong should not cost the loading of a model
        found = get_finder(finder) if isinstance(finder, str) else finder
        around: dict[str, Any] = {"size": size, "finder": found, "parser": parser}
        if cls.warps(model, base):
            log.warning(WARP_NOTE, cls.release.name)
            return cls.drafting(**around)
        pipeline = cls.load_pipeline(model, base=base, dtype=dtype, device=device)
        return cls(pipeline, **around, folder=cls.locate(model))

    @classmethod
    def drafting(
        cls, *, size: int | None = None, finder: str | FaceFinder = "auto", parser: str = "auto", **options: Any
    ) -> Self:
        """An editor without networks, which loads at once: it warps photos, and refuses `engine="diffusion"`."""
        backgrounds.check_name(parser)
        return cls(cast(FaceEditPipeline, NoNetworks()), size=size, finder=finder, parser=parser, **options)

    @classmethod
    def locate(cls, model: str | Path | None = None) -> Path:
        """The folder of a model, see `common.models.locate`."""
        return models.locate(model, cls.release, cls.embedded)

    @classmethod
    def warps(cls, model: str | Path | None = None, base: str | Path | None = None) -> bool:
        """Whether photos are edited without networks, see `common.models.warps`."""
        return models.warps(model, base, cls.release)

    @classmethod
    def load_pipeline(cls, model: str | Path | None = None, **options: Any) -> FaceEditPipeline:
        """The networks of a model, see `common.models.load`."""
        return models.load(model, cls.release, cls.embedded, **options)

    def encode(
        self,
        image: ImageLike,
        *,
        face: str | int | tuple[float, float] = "largest",
        extent: backgrounds.Extent | None = None,
        background: ImageLike | None = None,
        strict: bool = False,
    ) -> Subject:
        """Everything about one photo that its edits share: face, crop, parts, background, identity.

        Args:
            image: the photo (`common.images.read_image`).
            face: "largest", an index counted from left to right, or a point (x, y) in the photo.
            extent: what the network makes anew: "head" (hair, neck and clothes too, as in the authors' examples) or
                "face" (the tighter mask that they advise when the face fills the picture). Default: the model's own.
            background: a background made before; `image` is then the prepared square crop itself.
            strict: what is doubtful (`common.advice`) is an error; else it is logged.

        Raises:
            ImageError, ShapeError: not a picture.
            FaceNotFoundError: no such face, or the parser sees nobody there.
            InputError: an unknown extent, a released ID encoder, or a doubtful photo where `strict`.
        """
        started, extent = time.perf_counter(), self.defaults.asked(extent=extent).extent
        photo, record = read_image(image), {"photo": name_of(image)}
        if background is not None:
            made, behind = made_before(rgb(photo), rgb(read_image(background)), self.size), name_of(background)
            return self.subject_of(photo, made, {**record, "extent": "prepared", "background": behind}, started)
        made = self.prepare(rgb(photo), face, extent)
        heed(made.advice, strict)
        record |= {"picked": face, "finder": self.finder.name, "parser": self.parser.name, "extent": extent}
        return self.subject_of(photo, made, record, started)

    def edit(
        self,
        subject: Subject | Sequence[Subject],
        wish: Wish | Sequence[Wish],
        *,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int = SEED,
        paste_back: bool | str | None = None,
        engine: Engine | None = None,
        start: Start | None = None,
        strength: float | None = None,
        batch_size: int = 4,
        progress: bool = True,
        callback_on_step_end: Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]] | None = None,
    ) -> Any:
        """The edited photo, or a list of them for a list of wishes or subjects.

        All pictures of a call start from the same noise, so that a row of intensities does not flicker. Where steps,
        guidance, paste_back, start or strength is None, the model's own is taken (`defaults`).

        Args:
            subject: from `encode`; one for all wishes, or one for each.
            wish: what to change, in this editor's form; one for all subjects, or one for each.
            steps: denoising steps.
            guidance: how strongly the wish pulls; see `FaceEditPipeline.__call__`.
            seed: of the noise, drawn on the device that runs the networks, as the release does.
            paste_back: True or "replace": the crop as generated, back in its photo. "detail": the change, so that the
                photo keeps its own sharpness where nothing moved. False: the crop alone. A prepared crop has no
                photo around it and is always returned as generated.
            engine: "diffusion" for the networks; "draft" for the photo moved by its fitted head, without any
                (`common.draft`), in a fraction of a second. None: networks where this editor has them (`engine_for`).
            start: "draft" for networks that begin with the draft, noised, and run only the last of the steps; "noise".
            strength: share of the steps that are run from a draft; 0 is the draft itself, 1 the edit without it.
            batch_size: wishes that run through the networks at once; smaller needs less memory.
            progress: show a progress bar.
            callback_on_step_end: see `FaceEditPipeline.__call__`.

        Returns:
            A PIL image, or a list of them where `subject` or `wish` is a list.

        Raises:
            InputError, ActionUnitError, ShapeError: an argument cannot be used.
        """
        asked = {"steps": steps, "guidance": guidance, "paste_back": paste_back, "start": start, "strength": strength}
        own = self.defaults.asked(**asked)
        way = check_options(own.steps, batch_size, own.guidance, seed, own.paste_back)
        engine = check_engine(engine, start, strength)
        strength = float(own.strength) if own.start == "draft" else None
        self.pipeline.set_progress_bar_config(disable=not progress)
        pairs, single = pair_up(subject, wish, self.rigger.as_list)
        for each, _ in pairs:
            check_subject(each, self.size)
        engine = "draft" if strength == 0 else self.engine_for(engine)
        results = [draft(s, self.rigger, w, way) if engine == "draft" else None for s, w in pairs]
        left = [row for row, done in enumerate(results) if done is None]
        asked = {"steps": int(own.steps), "guidance": float(own.guidance), "seed": int(seed), "start": own.start}
        asked |= {"paste_back": way or False} | ({} if strength is None else {"strength": strength})
        for first in range(0, len(left), batch_size):
            rows = left[first : first + batch_size]
            batch = [pairs[row] for row in rows]
            crops, neutral, rig = sample(
                self.pipeline, self.rigger, batch, seed=int(seed), strength=strength,
                # a prepared crop is not pasted
                with_neutral=way == "detail" and any(s.face is not None for s, _ in batch),
                num_inference_steps=int(own.steps), guidance_scale=float(own.guidance),
                callback_on_step_end=callback_on_step_end,
            )  # fmt: skip
            for number, row in enumerate(rows):
                results[row] = finish(pairs[row][0], rig, number, crops[number], neutral[number], way)
        made = edited(self, pairs, results, asked, left, batch_size)
        return made[0] if single else made

    def engine_for(self, engine: Engine | None = None) -> Engine:
        """What edits a photo: the engine asked for, else the networks where this editor has them. No photo decides.

        Raises:
            MissingCheckpointError: "diffusion" is asked for, and this editor has no networks.
        """
        if not isinstance(self.pipeline, NoNetworks):
            return engine or "diffusion"
        if engine == "diffusion":
            raise models.missing_networks(self.release.name)
        return "draft"

    def prepare(
        self, pixels: np.ndarray, face: str | int | tuple[float, float], extent: backgrounds.Extent
    ) -> Prepared:
        """A photo (H, W, 3) uint8 as this editor's networks see it, without running them, see `common.prepare`."""
        return prepare(
            pixels, self.finder, self.parser, size=self.size, face=face, extent=extent, zoom=self.defaults.zoom,
            guide=self.defaults.guide, fill=self.fill, hint=self.hint,
        )  # fmt: skip

    def subject_of(self, photo: Image.Image, made: Prepared, record: dict[str, Any], started: float) -> Subject:
        """A prepared photo, encoded; the record gets the seconds since `started`."""
        prepared = time.perf_counter()
        identity = self.pipeline.encode_identity(to_tensor(made.source)[None])
        guides = (self.pipeline.encode_image(to_tensor(made.background)[None]),)
        encoded = time.perf_counter()
        seconds = {"prepare": round(prepared - started, 3), "encode": round(encoded - prepared, 3)}
        record = {**record, "seconds": seconds}
        return Subject(photo=photo, **vars(made), identity=identity, guides=guides, record=record, parser=self.parser)

    def ready(self, wish: Any) -> Any:
        """A wish, or a list of them, with all that can be done of it before there is a subject; here nothing."""
        return wish

    def release_id_encoder(self) -> None:
        """Frees the ID encoder's memory, almost half of the model, once every photo is encoded."""
        self.pipeline.register_modules(id_encoder=None)
        self.pipeline.maybe_free_model_hooks()  # under model offload its hook would keep it

    def compile(self, **options: Any) -> None:
        """Compiles the whole denoiser into one graph (`torch.compile`); the next edit then takes a minute longer, and
        so does the first one with another number of wishes at once.
        """
        self.pipeline.unet.compile(fullgraph=True, **options)

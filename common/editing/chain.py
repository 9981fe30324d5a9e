"""Several editors on one photo, one after the other: the next sees what the first made, and all is pasted back once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..core.errors import InputError
from ..faces import choose_face
from ..faces.affine import invert
from ..imaging.images import ImageLike, read_image, to_uint8
from ..provenance.picture import Picture, knowing
from ..provenance.recipe import following
from .compositing import paste, paste_mask
from .editor import Editor
from .models import missing_networks
from .options import EditOptions, FaceOptions, Paste, check_keywords, documented
from .prepare import prepare_crop
from .subject import Subject

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .options import Keywords
    from .request import RequestLike


@documented(FaceOptions, EditOptions)
def chain(
    image: ImageLike,
    edits: Sequence[tuple[Editor[Any], RequestLike]],
    *,
    progress: bool = True,
    **options: Unpack[Keywords],
) -> Image.Image:
    """The photo after several edits.

        chain("photo.jpg", [(RigFace.from_pretrained(), RigEdit(light="azimuth=60", pose="yaw=15")),
                            (MagicFace.from_pretrained(), {"AU12": 3})])

    Networks cut the photo out once, for the first editor; the next ones work on that crop as it was left. The editor
    that needs the face in 3D, `RigFace`, comes first. Editors without networks warp the photo one after the other. What
    is not asked for is each model's own; mask and paste-back are the first one's.

    Args:
        image: the photo (`common.imaging.images.read_image`).
        edits: editors of one crop size, each with its request.
        progress: show progress bars.
        {options}

    Raises:
        InputError: no edit, editors of different sizes, or one that cannot follow.
        MissingCheckpointError: some editors have networks, and others have none.
        ImageError, FaceNotFoundError: see `Editor.encode`.
    """
    check_keywords("chain", options, FaceOptions, EditOptions)
    face = FaceOptions.of(options)
    asked = EditOptions.of(options)
    if not edits:
        raise InputError("chain() needs edits.", code="empty", expected="chain(photo, [(editor, request)])")
    if face.background is not None:
        raise InputError("A chain starts from a photo, not from an aligned crop.", code="conflict")
    sizes = [editor.size for editor, _ in edits]
    if len(set(sizes)) > 1:
        raise InputError("Editors in a chain work at different sizes (pixels).", code="size", actual=sizes)
    first = edits[0][0]
    own = [editor.edit_options.of(vars(asked)) for editor, _ in edits]
    hows = [each.resolve(editor.defaults, networks=editor.has_networks) for each, (editor, _) in zip(own, edits)]
    engines = {how.engine for how in hows}
    for editor, _ in edits:
        if not editor.has_networks and "diffusion" in engines:
            raise missing_networks(editor.release.name)
    ready = [(editor, editor.ready([editor.request.parse(request)])[0]) for editor, request in edits]
    way = hows[0].paste_back
    if engines == {"warp"}:
        return _warped(read_image(image), ready, face, way)

    subject = first.encode(image, **vars(face))
    mask = subject.mask
    total: np.ndarray | None = None
    plain: np.ndarray | None = None
    warp: np.ndarray | None = None
    passes: list[Picture] = []
    for each, (editor, request) in zip(own, ready):
        if total is not None:
            subject = follow(editor, subject, to_uint8(total))
        pairs = [(subject, request), *([(subject, editor.null(subject, request))] if editor.adds else [])]
        crops = editor.run(pairs, replace(each, paste_back=False), progress=progress)
        passes.append(crops[0])
        made, neutral = (np.asarray(crop, np.float32) / 255 for crop in (crops[0], crops[-1]))
        rig = editor.conditions([subject], [request])
        mask = mask | rig.mask(0, subject.mask)
        if total is None:
            plain = neutral
            warp = rig.warp(0)
        if total is None:
            total = made
        elif editor.adds:  # so that only the first one's blur is in the picture
            total = total + made - neutral
        else:
            total = total + paste_mask(subject.mask)[..., None] * (made - total)
    assert total is not None
    if not way:
        done = Image.fromarray(to_uint8(total))
    else:
        detail = plain if way == "detail" else None
        done = paste(subject.photo, subject.crop, total, paste_mask(mask), detail, warp)
    return knowing(done, following(passes))


def _warped(photo: Image.Image, edits: Sequence[tuple[Editor[Any], Any]], face: FaceOptions, way: Paste) -> Image.Image:
    """The photo after several warps; each finds the face where the one before has left it."""
    passes: list[Picture] = []
    for number, (editor, request) in enumerate(edits, 1):
        subject = editor.encode(photo, **vars(face))
        options = editor.edit_options(paste_back="replace" if number < len(edits) else way)
        photo = editor.run([(subject, request)], options)[0]
        passes.append(photo)
        assert subject.face is not None  # a photo's subject has one
        face = replace(face, face=(float(subject.face.centre[0]), float(subject.face.centre[1])))
    return knowing(photo, following(passes))


def follow(editor: Editor[Any], subject: Subject, crop: np.ndarray) -> Subject:
    """The subject of the next edit, by `editor`: the edited crop (S, S, 3) uint8 where it was cut out of its photo.

    Raises InputError: the subject is an aligned crop; FaceNotFoundError: the parser finds no person there.
    """
    if subject.face is None:
        raise InputError("An aligned crop has no photo to go back to; encode the photo itself.", code="conflict")
    started = time.perf_counter()
    faces = editor.detector.find(crop)
    # Where an edit left no face that the detector sees, it is where it was.
    found = choose_face(faces).mapped(invert(subject.crop.matrix)) if faces else subject.face
    own = editor.defaults
    made = prepare_crop(
        crop,
        found,
        subject.crop,
        editor.parser,
        region=own.region,
        conditioning_image=own.conditioning_image,
        fill=editor.fill,
        hint=editor.hint,
    )
    record = {"detector": editor.detector.name, "parser": editor.parser.name, "region": own.region, "follows": True}
    whole = replace(made, mask=made.mask | subject.mask)
    return editor.subject_of(subject.photo, whole, record, started)

"""Several editors on one photo, one after the other: the next sees what the first made, and all is pasted back once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from .arguments import SEED, check_options
from .editor import Editor
from .errors import InputError
from .faces import choose_face
from .faces.warp import invert
from .images import ImageLike, read_image, to_uint8
from .models import missing_networks
from .paste import paste, paste_mask
from .prepare import prepare_crop
from .provenance.picture import knowing
from .provenance.recipe import following
from .subject import Subject


def chain(
    image: ImageLike,
    edits: Sequence[tuple[Editor[Any], Any]],
    *,
    face: str | int | tuple[float, float] = "largest",
    steps: int | None = None,
    seed: int = SEED,
    paste_back: bool | str | None = None,
    progress: bool = True,
) -> Image.Image:
    """The photo after several edits.

        chain("photo.jpg", [(RigFace.from_pretrained(), RigWish(light="azimuth=60", pose="yaw=15")),
                            (MagicFace.from_pretrained(), {"AU12": 3})])

    Networks cut the photo out once, for the first editor; the next ones work on that crop as it was left. The editor
    that needs the face in 3D, `RigFace`, comes first. Editors without networks warp the photo one after the other.

    Args:
        image: the photo (`common.images.read_image`).
        edits: editors of one crop size, each with its wish.
        face: see `Editor.encode`.
        steps: of each; None takes each model's own.
        seed: see `Editor.edit`.
        paste_back: see `Editor.edit`; None takes the first model's own.
        progress: show progress bars.

    Raises:
        InputError: no edit, editors of different sizes, or one that cannot follow.
        MissingCheckpointError: some editors have networks, and others have none.
        ImageError, FaceNotFoundError: see `Editor.encode`.
    """
    if not edits:
        raise InputError("chain() needs one edit at least: chain(photo, [(editor, wish)]).")
    sizes = [editor.size for editor, _ in edits]
    if len(set(sizes)) > 1:
        raise InputError(f"Editors in a chain must work at one size; got {', '.join(map(str, sizes))} pixels.")
    own = edits[0][0].defaults.asked(steps=steps, paste_back=paste_back)
    way = check_options(own.steps, 1, own.guidance, seed, own.paste_back)
    engines = {editor.engine_for() for editor, _ in edits}
    if engines == {"draft"}:
        return _warped(read_image(image), edits, face, way is not None)
    if "draft" in engines:
        alone = next(editor for editor, _ in edits if editor.engine_for() == "draft")
        raise missing_networks(alone.release.name)
    options = {"steps": steps, "seed": seed, "paste_back": False, "progress": progress, "engine": "diffusion"}

    subject = edits[0][0].encode(image, face=face)
    region, total, plain, draft, passes = subject.region, None, None, None, []
    for number, (editor, wish) in enumerate(edits):
        if number:
            assert total is not None
            subject = follow(editor, subject, to_uint8(total))
        ready = editor.ready(wish)
        crops = editor.edit(subject, [ready, editor.rigger.twin(subject, ready)], **options)
        passes.append(crops[0])
        made, neutral = (np.asarray(crop, np.float32) / 255 for crop in crops)
        rig = editor.rigger([subject], [ready])
        region = region | rig.region(0, subject)
        if not number:
            plain, draft = neutral, rig.draft(0)
        # What later editors change is added, so that only the first one's blur is in the picture.
        total = made if total is None else total + made - neutral
    assert total is not None
    if way is None:
        done = Image.fromarray(to_uint8(total))
    else:
        mask, guide = paste_mask(region), plain if way == "detail" else None
        done = paste(subject.photo, subject.crop, total, mask, guide, draft)
    return knowing(done, following(passes))


def _warped(
    photo: Image.Image, edits: Sequence[tuple[Editor[Any], Any]], face: str | int | tuple[float, float], pastes: bool
) -> Image.Image:
    """The photo after several warps; each finds the face where the one before has left it."""
    passes = []
    for number, (editor, wish) in enumerate(edits, 1):
        subject = editor.encode(photo, face=face)
        whole = pastes or number < len(edits)
        photo = editor.edit(subject, editor.ready(wish), paste_back=whole)
        passes.append(photo)
        assert subject.face is not None  # a photo's subject has one
        face = (float(subject.face.centre[0]), float(subject.face.centre[1]))
    return knowing(photo, following(passes))


def follow(editor: Editor[Any], subject: Subject, crop: np.ndarray) -> Subject:
    """The subject of the next edit: a crop as another editor left it, where it was cut out of its photo.

    Args:
        editor: which goes on.
        subject: which was edited; a photo's, not a prepared crop.
        crop: (S, S, 3) uint8, the edit without paste-back.

    Raises:
        InputError: the subject is a prepared crop.
        FaceNotFoundError: the parser sees nobody there.
    """
    if subject.face is None:
        raise InputError("A prepared crop has no photo to go back to; encode the photo itself.")
    started = time.perf_counter()
    faces = editor.finder.find(crop)
    # Where an edit left no face that the finder sees, it is where it was.
    found = choose_face(faces).mapped(invert(subject.crop.matrix)) if faces else subject.face
    own = editor.defaults
    made = prepare_crop(
        crop, found, subject.crop, editor.parser, extent=own.extent, guide=own.guide, fill=editor.fill, hint=editor.hint
    )
    record = {"finder": editor.finder.name, "parser": editor.parser.name, "extent": own.extent, "follows": True}
    whole = replace(made, region=made.region | subject.region)
    return editor.subject_of(subject.photo, whole, record, started)

"""All faces of a photo, edited one after the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PIL import Image

from ..core.errors import FaceNotFoundError, InputError
from ..faces.face import left_to_right
from ..imaging.images import ImageLike, read_image, rgb
from ..provenance.picture import Picture, knowing
from ..provenance.recipe import following
from .editor import Editor
from .options import EditOptions, FaceOptions

log = logging.getLogger(__name__)


def edit_everyone(
    editor: Editor[Any],
    image: ImageLike,
    requests: Sequence[Any],
    options: EditOptions,
    face: FaceOptions,
    *,
    progress: bool = True,
) -> Image.Image:
    """The photo with all of its faces edited, from left to right.

    Args:
        editor: who edits.
        image: the photo (`common.imaging.images.read_image`).
        requests: parsed; one for all faces, or one for each from left to right.
        options: see there.
        face: see there; its `face` does not count.
        progress: show progress bars.

    Raises:
        FaceNotFoundError: there is no face.
        InputError: another number of requests than of faces, an aligned crop, or no paste-back.
    """
    if face.background is not None:
        raise InputError("All faces are those of a photo, not of an aligned crop.", code="conflict")
    if options.paste_back is False:
        raise InputError('Without paste-back there is one crop for each face; face="all" pastes.', code="conflict")
    photo = read_image(image)
    faces = left_to_right(editor.detector.find(rgb(photo)))
    if not faces:
        raise FaceNotFoundError("No face was found in the photo.")
    if len(requests) not in (1, len(faces)):
        raise InputError(
            "A photo whose faces are all edited takes one request, or one for each face from left to right.",
            code="count",
            expected=len(faces),
            actual=len(requests),
        )
    passes: list[Picture] = []
    for number, found in enumerate(faces):
        middle = float(found.centre[0]), float(found.centre[1])
        subject = editor.encode(photo, **vars(replace(face, face=middle)))
        request = requests[number if len(requests) > 1 else 0]
        photo = editor.run([(subject, request)], options, progress=progress)[0]
        passes.append(photo)
    log.info("%d faces were edited", len(passes))
    return knowing(photo, following(passes))

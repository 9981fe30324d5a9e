"""Who is in the picture: photos, or embeddings made before -> what FaceID takes."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from common.errors import FaceEditError, FaceNotFoundError, InputError, MissingDependencyError, ShapeError
from common.faces import Face, FaceFinder, choose_face, get_finder
from common.images import as_list, read_image, rgb

log = logging.getLogger(__name__)

# FaceID was trained on embeddings of this pack's network; antelopev2's are as wide, and mean nothing to it.
FINDER = "insightface/buffalo_l"
WIDTH = 512


def embed_faces(face: Any) -> torch.Tensor:
    """Embeddings (n, 512) float32 of length 1, a row for each face.

    Several rows are one person seen several times: their tokens stand side by side.

    Args:
        face: a photo (`common.images.read_image`; its largest face counts), a list of photos, or embeddings: a numpy
            array or torch tensor (n, 512) or (512,), of any length.

    Raises:
        ShapeError: embeddings of another width.
        InputError: none at all, or values that are not finite.
        FaceNotFoundError: a photo shows no face; the message says which.
        MissingDependencyError: photos, and insightface is not installed.
        MissingCheckpointError: photos, and insightface's pack is not on this machine.
    """
    if isinstance(face, (np.ndarray, torch.Tensor)) and face.ndim in (1, 2) and as_list(face) is None:
        return _checked(torch.as_tensor(face).detach().cpu())
    photos = as_list(face)
    photos = [face] if photos is None else photos
    if not photos:
        raise InputError("face names nobody: the list is empty.")
    finder = _finder()
    rows = []
    for i, photo in enumerate(photos):
        try:
            rows.append(choose_face(finder.find(rgb(read_image(photo)))).embedding)
        except FaceNotFoundError as error:
            which = f"photo {i} of face" if len(photos) > 1 else "the photo given as face"
            raise FaceNotFoundError(f"In {which}: {error}") from error
    return _checked(torch.from_numpy(np.stack(rows)))


def with_embedding(photo: np.ndarray, face: Face) -> Face:
    """The face of a photo (H, W, 3) with the embedding that FaceID takes; without any where insightface is not at hand.

    That is no error: the picture is made without FaceID, which is logged.
    """
    if face.backend == FINDER:
        return face
    try:
        found = choose_face(_finder().find(photo), tuple(face.centre.tolist()))
    except FaceEditError as error:
        log.warning("the person is not kept: %s", str(error).splitlines()[0])
        return replace(face, embedding=None)
    return replace(face, embedding=found.embedding)


def _finder() -> FaceFinder:
    if importlib.util.find_spec("insightface") is None:
        raise MissingDependencyError("insightface", "Reading a person from a photo", 'pip install "face-rig[faces]"')
    return get_finder(FINDER)


def _checked(embeddings: torch.Tensor) -> torch.Tensor:
    rows = torch.atleast_2d(embeddings.float())
    if rows.shape[1] != WIDTH or not len(rows):
        expected = f"(n, {WIDTH}), embeddings by insightface's buffalo_l"
        raise ShapeError("face", expected, tuple(embeddings.shape), "or give a photo: (H, W, 3)")
    lengths = rows.norm(dim=1, keepdim=True)
    if not torch.isfinite(lengths).all() or (lengths == 0).any():
        raise InputError("face has embeddings that are zero, or not finite.")
    return rows / lengths

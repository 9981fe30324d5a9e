"""RigFaceTask: the training of RigFace, on synthetic pairs or the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.utils.data import Dataset

from common.diffusion.loading import RIGFACE
from common.facs.action_units import ACTION_UNITS, to_text
from common.training.diffusion import synthetic_faces
from common.training.edit import EditTask
from common.training.manifest import Pair
from common.warp.delta import TURN_SCALE, VECTOR_SIZE

from .conditioning import CONDITIONING_IMAGES
from .data import ManifestRigs, SyntheticRigs
from .editor import RigFace

if TYPE_CHECKING:
    from .train import RigFaceConfig


class RigFaceTask(EditTask["RigFaceConfig"]):
    """Faces change in light, pose and expression, by a render and coefficients."""

    name = "RigFace"
    about = (
        "Changes light, pose and expression of a face (after Wei et al., arXiv 2502.02465).\n\n"
        "    rigface photo.jpg --light azimuth=60 --pose yaw=15 AU12=3 --model FOLDER"
    )
    about_synthetic = (
        " What the network reads is our own: the photo, its warp, and the change in 24 numbers (`rigface.rendered`)."
    )
    release = RIGFACE
    conditioning_images = len(CONDITIONING_IMAGES)

    def __init__(self, config: RigFaceConfig) -> None:
        size = len(ManifestRigs(config.manifest, 8).vectors[0]) if config.manifest else VECTOR_SIZE
        super().__init__(config, size, RigFace.published)

    def listed(self, path: str) -> ManifestRigs:
        """The user's pairs."""
        return ManifestRigs(path, self.size)

    def synthetic(self, count: int, seed: int) -> Dataset[Pair]:
        """Pairs of people who do not exist."""
        names = ("image", "angles", "light")
        faces = synthetic_faces(self.config, count, self.size, seed, pairs="mixed", names=names)
        return SyntheticRigs(faces, zoom=self.defaults.zoom)

    @staticmethod
    def named(vector: list[float]) -> str:
        """A change as text, such as "AU12=2.5 yaw=10 light"; of vectors that are not ours, their length."""
        if len(vector) != VECTOR_SIZE:
            return f"{len(vector)} coefficients"
        count = len(ACTION_UNITS)
        units = vector[:count]
        words = [to_text([round(value, 1) for value in units])] if any(abs(value) > 0.05 for value in units) else []
        for name, turn in zip(("yaw", "pitch", "roll"), vector[count:]):
            if abs(TURN_SCALE * turn) > 0.5:
                words.append(f"{name}={TURN_SCALE * turn:.0f}")
        if any(abs(value) > 0.01 for value in vector[count + 3 :]):
            words.append("light")
        return " ".join(words) or "nothing"

"""MagicFaceTask: the training of MagicFace, on synthetic pairs or the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.utils.data import Dataset

from common.diffusion.loading import MAGICFACE
from common.facs.action_units import ACTION_UNITS, to_text
from common.training.diffusion import synthetic_faces
from common.training.edit import EditTask
from common.training.manifest import Pair

from .data import ManifestPairs, SyntheticPairs

if TYPE_CHECKING:
    from .train import MagicFaceConfig


class MagicFaceTask(EditTask["MagicFaceConfig"]):
    """Faces change by the differences of their action units."""

    name = "MagicFace"
    about = (
        "Changes a face's expression by action-unit variations (after Wei et al., arXiv 2501.02260).\n\n"
        "    magicface photo.jpg AU12=3 --model FOLDER"
    )
    release = MAGICFACE
    conditioning_images = 1

    def __init__(self, config: MagicFaceConfig) -> None:
        super().__init__(config, len(ACTION_UNITS))

    def listed(self, path: str) -> ManifestPairs:
        """The user's pairs."""
        return ManifestPairs(path, self.size, photo=self.defaults.conditioning_image == "photo")

    def synthetic(self, count: int, seed: int) -> Dataset[Pair]:
        """Pairs of people who do not exist; those held out show the true target alone."""
        config = self.config
        faces = synthetic_faces(config, count, self.size, seed, pairs="expression")
        return SyntheticPairs(
            faces,
            conditioning_image=config.conditioning_image,
            region=config.region,
            found=config.found,
            zoom=self.defaults.zoom,
            warp_every=config.warp_every if seed == config.synthetic_seed else 0,
        )

    @staticmethod
    def named(vector: list[float]) -> str:
        """The changes of the action units, such as "AU12=2.5"."""
        return to_text([round(value, 1) for value in vector])

"""A look at the inputs of a batch, before any network is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from ..advice import advise
from ..errors import FaceEditError
from ..faces import FaceFinder, choose_face
from ..images import read_image, rgb
from .jobs import Fault
from .run import Item


@dataclass(frozen=True)
class Inspection:
    """What would be done.

    Attributes:
        edits: how many.
        photos: how many can be used.
        faults: inputs that cannot be used.
        doubts: photos that can, with what is doubtful about them.
    """

    edits: int
    photos: int
    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...]

    def __str__(self) -> str:
        lines = [f"{self.edits} edits of {self.photos} photos"]
        for title, rows in (("cannot be used", self.faults), ("doubtful", self.doubts)):
            if rows:
                lines += ["", f"{title}: {len(rows)}"]
                lines += [f"  {row.where}: {row.why}".replace("\n", "\n    ") for row in rows]
        return "\n".join(lines)


def inspect(items: Sequence[Item], faults: Sequence[Fault], finder: FaceFinder, *, progress: bool = True) -> Inspection:
    """Read every photo and look for its face.

    Args:
        items: of `common.batch.run.plan`.
        faults: that are known already.
        finder: of faces.
        progress: show a bar.
    """
    jobs = {item.job.name: item.job for item in items}
    bad, doubts, found = {}, [], list(faults)
    for job in tqdm(jobs.values(), unit="photo", disable=not progress):
        try:
            pixels = rgb(read_image(job.photo))
            if job.background is not None:
                read_image(job.background)
                continue
            faces = finder.find(pixels)
            face = choose_face(faces, job.face)
        except FaceEditError as error:
            bad[job.name] = error
            found.append(Fault(str(job.photo), str(error)))
            continue
        told = advise(pixels, faces, face, chosen=job.face != "largest")
        doubts += [Fault(str(job.photo), line) for line in told]
    edits = sum(item.job.name not in bad for item in items)
    return Inspection(edits, len(jobs) - len(bad), tuple(found), tuple(doubts))

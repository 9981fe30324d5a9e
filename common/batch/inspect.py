"""A look at the inputs of a batch, before any network is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from ..core.errors import FaceEditError
from ..editing.photo_checks import photo_warnings
from ..faces import FaceDetector, choose_face
from ..imaging.images import read_image, rgb
from .plan import Fault, Item, Job


@dataclass(frozen=True)
class Inspection:
    """Counts of edits, photos and prompts that can be made, unusable inputs, and photo warnings."""

    edits: int
    photos: int
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    prompts: int = 0

    def __str__(self) -> str:
        lines = [f"{self.edits} edits of {self.photos} photos" + (f", {self.prompts} prompts" if self.prompts else "")]
        for title, rows in (("cannot be used", self.faults), ("photo warnings", self.warnings)):
            if rows:
                lines += ["", f"{title}: {len(rows)}"]
                lines += [f"  {row.where}: {row.why}".replace("\n", "\n    ") for row in rows]
        return "\n".join(lines).encode(errors="backslashreplace").decode()  # names of files need not be Unicode


def inspect(
    items: Sequence[Item], faults: Sequence[Fault], detector: FaceDetector, *, progress: bool = True
) -> Inspection:
    """Reads every photo and detects its face; for prompts, the faces in the photos of their people.

    The result starts with the `faults` that are known already.
    """
    jobs = {item.job.name: item.job for item in items}
    bad, warnings, found = set(), [], list(faults)
    for job in tqdm(jobs.values(), unit="photo", disable=not progress):
        try:
            warnings += [Fault(str(job.photo), line) for line in _warnings_of(job, detector)]
        except FaceEditError as error:
            bad.add(job.name)
            found.append(Fault.of(job.photo or job.prompt, error))
    edits = sum(item.job.name not in bad for item in items)
    usable = [job for name, job in jobs.items() if name not in bad]
    photos = sum(job.photo is not None for job in usable)
    return Inspection(edits, photos, tuple(found), tuple(warnings), len(usable) - photos)


def _warnings_of(job: Job, detector: FaceDetector) -> list[str]:
    """Warnings about a photo; raises what an edit of it would."""
    for path in job.people:
        choose_face(detector.find(rgb(read_image(path))))
    if job.photo is None:
        return []
    pixels = rgb(read_image(job.photo))
    if job.background is not None:
        read_image(job.background)
        return []
    faces = detector.find(pixels)
    return photo_warnings(pixels, faces, choose_face(faces, job.face), detector, chosen=job.face != "largest")

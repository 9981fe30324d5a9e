"""What every editor does with a photo: edit, sweep, grid, animate, neutralize, transfer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from ..core.errors import FaceNotFoundError, InputError
from ..core.numbers import fraction as checked_fraction
from ..core.numbers import number
from ..faces import choose_face, get_detector
from ..facs.action_units import AUIntensity
from ..imaging.animation import Animation, Keyframes, between
from ..imaging.contact_sheet import SIDE, Box, CropTo, Row, check_crop, check_side, close_up, contact_sheet, fitted
from ..imaging.images import as_list, check_exists, flat, read_image, rgb
from ..measure import get_estimator
from ..measure.estimators import described
from ..warp.reference import difference, settled
from ..warp.warp import fit_to
from .cache import EditorCache, Kind
from .everyone import edit_everyone
from .options import ALL, EditOptions, FaceOptions, ModelOptions, check_keywords
from .prepare import face_box
from .request import Sweepable, pair_up, parse_all

if TYPE_CHECKING:
    from PIL import Image

    from ..faces import FaceDetector
    from ..imaging.images import ImageLike
    from .options import FaceChoice
    from .request import Requests
    from .subject import Subject

log = logging.getLogger(__name__)

FAINT = 0.5
"""Change of intensity below which a measured expression counts as absent."""
_MOST = 400  # pictures of a grid
_FARTHEST = 2.0  # times the way to another expression


@dataclass(frozen=True, eq=False)
class Sweep:
    """Edits of one photo in rows.

    Attributes:
        pictures: rows of pictures.
        requests: the request of each.
        labels: a text above each.
        titles: of the rows; none for a single one.
        face: (x0, y0, x1, y1), where the edited face lies in the pictures; None where it is not known.
    """

    pictures: Sequence[Sequence[Image.Image]] = field(repr=False)
    requests: Sequence[Sequence[Sweepable]]
    labels: Sequence[Sequence[str]]
    titles: Sequence[str] = ()
    face: Box | None = None

    def sheet(self, side: int | None = SIDE, crop: CropTo | None = None) -> Image.Image:
        """A labelled contact sheet, on which pictures keep their aspect ratio.

        Args:
            side: longer side of each picture in pixels; None keeps their own sizes.
            crop: "face" shows the face with some margin around it; None shows whole pictures.

        Raises:
            InputError: a side that cannot be used, another crop, or `crop="face"` where the face's place is not known.
        """
        check_crop(crop)
        shown = [[each if crop is None else _cropped(each, self.face) for each in row] for row in self.pictures]
        titles = self.titles or [""] * len(shown)
        return contact_sheet([Row(*row) for row in zip(shown, self.labels, titles)], side)


class Verbs(Generic[Kind]):
    """The functions of one editor's package, by the editor's class. Options are those of the package's `edit`."""

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
        self.editors: EditorCache[Kind] = EditorCache(kind)

    def edit(
        self,
        img: ImageLike | Sequence[ImageLike],
        request: Requests,
        *,
        progress: bool = True,
        **options: object,
    ) -> Image.Image | list[Image.Image]:
        """The edited photo; a list of them where photos or requests are a list. See the package's own `edit`."""
        # what is wrong should not cost the loading of a model
        asked, face, model = self.options("edit", options)
        model.check_device()
        if face.face == ALL:
            return self._everyone(img, request, asked, face, model, progress)
        pairs, single = pair_up(img, request, self.kind.request)
        if face.background is not None and as_list(img) is not None:
            raise InputError("background goes with one aligned crop, not with a list of pictures.", code="conflict")
        for image, _ in pairs:
            check_exists(image)
        results = self.editors.run(pairs, asked, face, self.kind.model_for_photos(model), progress=progress)
        return results[0] if single else list(results)

    def sweep(self, img: ImageLike, axis: str, levels: Sequence[float] | None = None, **options: object) -> Sweep:
        """One photo with one attribute at several levels: `sweep("me.jpg", "AU12").sheet().save("smiles.png")`.

        Args:
            img: a photo, see `edit`.
            axis: name of the attribute: an action unit such as "AU12"; of rigface also yaw, pitch, roll, azimuth and
                elevation in degrees.
            levels: its values; None for the attribute's own.
            options: of `edit`.

        Raises as `edit`, and InputError: an unknown attribute, or no levels.
        """
        requests = self._levels(axis, levels)
        return self._swept(img, [[request for _, request in requests]], [[label for label, _ in requests]], (), options)

    def grid(
        self,
        img: ImageLike,
        rows: str,
        columns: str,
        levels: Sequence[float] = (0.0, 1.5, 3.0),
        column_levels: Sequence[float] | None = None,
        **options: object,
    ) -> Sweep:
        """One photo with two attributes, each at several levels: `grid("me.jpg", "AU4", "AU12")`.

        Args:
            img: a photo, see `edit`.
            rows: name of the attribute that changes from row to row, see `sweep`.
            columns: name of the attribute that changes along a row.
            levels: values of both.
            column_levels: values of the second alone.
            options: of `edit`.

        Raises as `edit`, and InputError: no levels, the same attribute twice, or more than 400 pictures.
        """
        first = self._levels(rows, levels)
        second = self._levels(columns, levels if column_levels is None else column_levels)
        down, along = (self._sweepable.axis(name) for name in (rows, columns))
        if down == along:
            raise InputError("A grid needs two attributes; use sweep() for one.", code="duplicate", actual=down)
        if len(first) * len(second) > _MOST:
            count = len(first) * len(second)
            raise InputError("A grid has too many pictures.", code="count", expected=f"at most {_MOST}", actual=count)
        requests = [[one.plus(other) for _, other in second] for _, one in first]
        labels = [[f"{one}, {other}" for other, _ in second] for one, _ in first]
        return self._swept(img, requests, labels, [label for label, _ in first], options)

    def animate(
        self,
        img: ImageLike,
        keyframes: Keyframes,
        *,
        fps: float = 12.0,
        side: int | None = None,
        crop: CropTo | None = None,
        **options: object,
    ) -> Animation:
        """A photo that moves: `animate("me.jpg", rise_and_fall({"AU12": 3})).save("smile.gif")`.

        All frames start from the same noise, so that nothing flickers but what the requests move; equal frames are made
        once.

        Args:
            img: a photo, see `edit`.
            keyframes: (seconds, request) in order, the first at 0, see `common.imaging.animation.rise_and_fall`.
            fps: frames a second.
            side: longer side of the frames in pixels; None keeps the photo's size.
            crop: "face" shows the face with some margin around it; None shows the whole photo.
            options: of `edit`.

        Raises as `edit`, and InputError: keyframes that make no animation, a side that cannot be used, or another crop.
        """
        check_crop(crop)
        check_side(side)
        parsed = [(second, self._sweepable.parse(request)) for second, request in keyframes]
        requests = between(parsed, fps)
        different = list(dict.fromkeys(requests))
        photo = read_image(img)
        made = self._edits(photo, different, options)
        if crop is not None:
            face = self._face(photo, made[0], options)
            made = [_cropped(each, face) for each in made]
        if side is not None:
            made = [fitted(each, side) for each in made]
        frame = dict(zip(different, map(flat, made)))
        return Animation([frame[request] for request in requests], requests, fps)

    def neutralize(
        self, img: ImageLike, *, fraction: float = 1.0, estimator: str = "auto", **options: object
    ) -> Image.Image:
        """A photo whose measured action units are brought to zero: `neutralize("smile.jpg")`.

        Args:
            img: a photo, see `edit`.
            fraction: of the expression that goes, 0 to 1.
            estimator: AU estimator that reads the photo, see `common.measure.get_estimator`.
            options: of `edit`; face and detector count for what is measured too.

        Returns:
            The edited photo; the photo itself where no expression is measured.

        Raises as `edit`.
        """
        checked_fraction("fraction", fraction)
        return self._moved(img, AUIntensity(), fraction, estimator, options)

    def transfer(
        self,
        img: ImageLike,
        reference: ImageLike,
        *,
        fraction: float = 1.0,
        reference_face: FaceChoice = "largest",
        estimator: str = "auto",
        motion: bool | None = None,
        **options: object,
    ) -> Image.Image:
        """A photo with the expression of another one: `transfer("me.jpg", "actor.jpg")`.

        Warps take all facial actions of both sides and the gaze, as the head is fitted to both photos, and carry along
        how landmarks move beyond these. Networks take the twelve action units that are measured.

        Args:
            img: a photo, see `edit`.
            reference: photo that shows the expression; of this one nothing else is taken.
            fraction: of the way between the two expressions, 0 to 2; above 1 exaggerates.
            reference_face: face in the reference photo (same form as `face`).
            estimator: AU estimator that reads both, see `common.measure.get_estimator`; where one is named, the action
                units that it measures are taken, by warps too.
            motion: carry along how landmarks move beyond the facial actions; None where both photos seem to show one
                person.
            options: as of `neutralize`.

        Returns:
            The edited photo; the photo itself where both show the same.

        Raises as `edit`.
        """
        number("fraction", fraction, 0.0, _FARTHEST)
        asked, face, model = self.options("transfer", options)
        if estimator == "auto":
            editor = self.editors.editor(model, asked.wanted)
            if editor.resolve(asked).engine == "warp":
                log.warning("expressions are read by %s", described("fit"))
                subject = editor.encode(img, **vars(face))
                request = self._carried(editor, subject, reference, reference_face, fraction, motion)
                return editor.run([(subject, request)], asked, progress=False)[0]
        if motion is not None:
            raise InputError(
                "Landmarks' motion is carried by warps, with the estimator auto.",
                code="conflict",
                actual={"motion": motion, "estimator": estimator},
                hint='engine="warp"',
            )
        wanted = units_of(reference, reference_face, estimator, model.detector)
        return self._moved(img, wanted, fraction, estimator, options)

    def options(self, function: str, given: Mapping[str, object]) -> tuple[EditOptions, FaceOptions, ModelOptions]:
        """The editor's options among keywords. Raises TypeError: unknown keyword; InputError: unusable value."""
        kinds = self.kind.edit_options, self.kind.face_options, self.kind.model_options
        check_keywords(function, {name: value for name, value in given.items() if name != "progress"}, *kinds)
        return kinds[0].of(given), kinds[1].of(given), kinds[2].of(given)

    @property
    def _sweepable(self) -> type[Sweepable]:
        return self.kind.request  # pyright: ignore[reportReturnType] - every editor's request is, by duck typing

    def _levels(self, axis: str, levels: Sequence[float] | None) -> list[tuple[str, Any]]:
        """Labels and requests of an attribute's levels."""
        name = self._sweepable.axis(axis)
        values = self._sweepable.levels(name) if levels is None else levels
        if not len(values):
            raise InputError("A sweep needs levels.", code="empty", expected="such as (0, 1, 2, 3)")
        return [(f"{name}={value:g}", self._sweepable().with_level(name, float(value))) for value in values]

    def _edits(self, photo: Image.Image, requests: Sequence[Any], options: Mapping[str, Any]) -> list[Image.Image]:
        made = self.edit(photo, list(requests), **options)
        assert isinstance(made, list)  # of a list of requests
        return made

    def _swept(
        self,
        img: ImageLike,
        requests: list[list[Any]],
        labels: list[list[str]],
        titles: Sequence[str],
        options: Mapping[str, Any],
    ) -> Sweep:
        photo = read_image(img)
        edits = self._edits(photo, [request for row in requests for request in row], options)
        left = iter(edits)
        pictures = [[next(left) for _ in row] for row in requests]
        return Sweep(pictures, requests, labels, titles, self._face(photo, edits[0], options))

    def _face(self, photo: Image.Image, made: Image.Image, options: Mapping[str, Any]) -> Box | None:
        """Where the edited face lies in what was made of a photo."""
        if made.size != photo.size:  # the crop alone was asked for, and the face fills it
            return 0.0, 0.0, float(made.width), float(made.height)
        _, face, model = self.options("edit", options)
        try:
            return face_box(photo, face.face, model.detector)
        except FaceNotFoundError:  # an aligned crop, in which the editor looks for no face
            return None

    def _everyone(
        self,
        img: ImageLike | Sequence[ImageLike],
        request: Requests,
        asked: EditOptions,
        face: FaceOptions,
        model: ModelOptions,
        progress: bool,
    ) -> Image.Image:
        """One photo, all of whose faces are edited."""
        if as_list(img) is not None:
            raise InputError('face="all" goes with one photo; call edit() for each.', code="conflict")
        requests, _ = parse_all(request, self.kind.request)
        editor = self.editors.editor(self.kind.model_for_photos(model), asked.wanted)
        return edit_everyone(editor, img, editor.ready(requests), asked, face, progress=progress)  # pyright: ignore[reportArgumentType] - one photo

    def _carried(
        self,
        editor: Kind,
        subject: Subject,
        reference: ImageLike,
        reference_face: FaceChoice,
        fraction: float,
        motion: bool | None,
    ) -> Sweepable:
        """The request that gives a subject the expression of a face of the reference, as the head is fitted to both."""
        pixels = rgb(read_image(reference))
        other = fit_to(pixels, choose_face(editor.detector.find(pixels), reference_face))
        own = editor.fitted(subject)
        delta = difference(own.fit, other, motion=motion).scaled(fraction)
        delta = settled(own, delta, other, editor.detector.find, fraction)
        return self._sweepable.shifted(own.shown(), delta)

    def _moved(
        self, img: ImageLike, wanted: AUIntensity, fraction: float, estimator: str, options: Mapping[str, Any]
    ) -> Image.Image:
        """The photo with its measured expression moved towards another one."""
        _, face, model = self.options("edit", options)
        photo = read_image(img)
        log.warning("expressions are read by %s", described(get_estimator(estimator).name))
        present = units_of(photo, face.face, estimator, model.detector)
        steps = (fraction * (goal - now) for goal, now in zip(wanted, present))
        # what is fainter than the estimator can tell stays
        changes = [round(step, 2) if abs(step) >= FAINT else 0.0 for step in steps]
        if not any(changes):
            return photo.copy()
        goal = AUIntensity(tuple(now + change for now, change in zip(present, changes)))
        made = self.edit(photo, self._sweepable.toward(present, goal), **options)
        assert not isinstance(made, list)  # of one photo and one request
        return made


def units_of(
    img: ImageLike, face: FaceChoice = "largest", estimator: str = "auto", detector: str | FaceDetector = "auto"
) -> AUIntensity:
    """The measured action units of one face of a photo, 0 to 5.

    Args:
        img: the photo.
        face: which of the faces that the detector sees.
        estimator: AU estimator, see `common.measure.get_estimator`.
        detector: face detector, by which a face has its index.

    Raises:
        FaceNotFoundError: no such face.
        InputError: there is no such estimator, or it reads the largest face only and another one is asked for.
    """
    reader = get_estimator(estimator)
    pixels = rgb(read_image(img))
    many = getattr(reader, "many", None)
    if many is not None:
        units = many([pixels], faces=[choose_face(get_detector(detector).find(pixels), face)])[0].units
    elif face != "largest":
        raise InputError(f"The estimator {reader.name!r} reads the largest face only.", code="conflict", actual=face)
    else:
        units = reader(pixels).units
    return AUIntensity(tuple(float(value) for value in np.asarray(units).clip(0, 5)))


def _cropped(picture: Image.Image, face: Box | None) -> Image.Image:
    if face is None:
        raise InputError('crop="face" needs a face, and none was found in the picture; leave crop out.', code="missing")
    return close_up(picture, face)

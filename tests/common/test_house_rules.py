"""Editors are values: looked at, copied, pickled and configured without side effects, and what is kept is bounded."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from PIL import Image
from refusals import refused

import common.editing.verbs as verbs
import fineface._api as fineface_api
import magicface
from common.core.errors import FaceEditError, InputError
from common.editing.cache import KEPT, EditorCache
from common.editing.defaults import Defaults
from common.editing.models import NoNetworks, NoNetworksError
from common.editing.options import EditOptions, ModelOptions
from common.provenance.picture import Picture, carry
from common.provenance.recipe import KEY, Recipe, carried
from magicface import MagicFace


@pytest.fixture(scope="module")
def warping():
    return MagicFace.warping(detector="mediapipe", parser="grabcut")


def test_a_warping_editor_can_be_asked_copied_and_pickled(warping):
    assert not hasattr(warping, "nothing_of_that_name")
    assert not hasattr(warping.pipeline, "unet")
    for other in (copy.copy(warping), copy.deepcopy(warping), pickle.loads(pickle.dumps(warping))):
        assert (other.size, other.defaults) == (warping.size, warping.defaults)
        assert isinstance(other.pipeline, NoNetworks)


def test_networks_that_are_not_there_are_told_as_such(warping):
    for ask in (lambda: warping.pipeline.unet, lambda: warping.pipeline(1), warping.compile):
        with refused(InputError, "no_networks"):
            ask()
    error = pickle.loads(pickle.dumps(NoNetworksError("unet")))
    assert isinstance(error, (FaceEditError, AttributeError))
    assert "(unet)" in str(error)
    with pytest.raises(AttributeError) as caught:
        warping.pipeline.__nothing__  # noqa: B018
    assert not isinstance(caught.value, FaceEditError)


def test_progress_of_one_call_leaves_the_pipeline_as_it_is(editor, subject, capsys):
    before = dict(editor.pipeline._progress_bar_config) if hasattr(editor.pipeline, "_progress_bar_config") else None
    for progress in (True, False):
        editor.edit(subject, {"AU12": 2}, steps=1, engine="diffusion", progress=progress)
        assert bool(capsys.readouterr().err) is progress
        after = getattr(editor.pipeline, "_progress_bar_config", None)
        assert (None if after is None else dict(after)) == before


def test_progress_of_pictures_from_text_leaves_the_pipeline_as_it_is(text_editor, capsys):
    text_editor.pipeline.set_progress_bar_config(desc="mine")
    for progress in (True, False):
        text_editor.generate("a man", {"AU12": 2}, steps=1, seed=1, progress=progress)
        assert bool(capsys.readouterr().err) is progress
        assert text_editor.pipeline._progress_bar_config == {"desc": "mine"}


def test_other_defaults_are_those_of_a_copy(warping):
    other = warping.with_defaults(steps=3, start="warp", strength=0.0, guidance=None)
    assert (other.defaults.steps, other.defaults.start, other.defaults.strength) == (3, "warp", 0.0)
    assert warping.defaults == Defaults()
    assert other.pipeline is warping.pipeline


def test_a_picture_is_made_of_another_which_stays_what_it_is():
    for mode in ("RGB", "RGBA", "L", "P"):
        image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (7, 5, 3), dtype=np.uint8)).convert(mode)
        image.info["icc_profile"] = b"profile"
        made = carry(image, Recipe("magicface", "edit", {}, {}))
        assert type(image) is Image.Image
        assert KEY not in image.info
        assert isinstance(made, Picture)
        assert (made.mode, made.size, made.info["icc_profile"]) == (mode, image.size, b"profile")
        assert np.array_equal(made.convert("RGBA"), image.convert("RGBA"))
        for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
            assert isinstance(other, Picture)
            assert carried(other) == carried(made)


@pytest.mark.parametrize("how", ["neutralize", "transfer"])
def test_measuring_and_editing_see_faces_with_one_detector(how, monkeypatch):
    asked, edited = [], []

    class Detector:
        def find(self, pixels):
            return ["a face"]

    class Reader:
        name = "reader"

        def many(self, pictures, faces):
            return [type("Seen", (), {"units": np.full(12, float(len(asked)))})]

    monkeypatch.setattr(verbs, "get_detector", lambda name: asked.append(name) or Detector())
    monkeypatch.setattr(verbs, "get_estimator", lambda name: Reader())
    monkeypatch.setattr(verbs, "choose_face", lambda faces, face: faces[0])

    def edit(self, photo, request, **options):
        edited.append(options)
        return photo

    monkeypatch.setattr(verbs.Verbs, "edit", edit)
    photo = Image.new("RGB", (32, 32))
    pictures = [photo] * (1 + (how == "transfer"))
    getattr(magicface, how)(*pictures, estimator="reader", detector="insightface", face=1)
    assert asked == ["insightface"] * (1 + (how == "transfer"))
    assert [(each["detector"], each["face"]) for each in edited] == [("insightface", 1)]


def test_long_lists_keep_no_more_subjects_than_a_batch(monkeypatch):
    alive: set[int] = set()
    most, seeds = [], []

    class Subject:
        def __init__(self):
            alive.add(id(self))

        def __del__(self):
            alive.discard(id(self))

    class Fake:
        def ready(self, requests):
            return list(requests)

        def encode(self, image, **options):
            return Subject()

        def run(self, pairs, options, progress):
            most.append(len(alive))
            seeds.append(options.seed)
            return [f"edit {request}" for _, request in pairs]

    monkeypatch.setattr(EditorCache, "editor", lambda *arguments: Fake())
    photos = [Image.new("RGB", (8, 8)) for _ in range(23)]
    made = fineface_api.edit(photos, [{"AU12": n % 5} for n in range(23)], batch_size=4, model="embedded")
    assert len(made) == 23
    assert max(most) <= 2 * 4 + 1
    assert len(set(seeds)) == 1, "all pictures of a call begin with one noise"


def test_a_front_keeps_a_bounded_number_of_editors(monkeypatch):
    class Kind(MagicFace):
        def __init__(self, pipeline, **options):
            self.options = options

        @classmethod
        def load_pipeline(cls, model=None, **options):
            return object()

    front = EditorCache(Kind)

    def of_size(size: int) -> Kind:
        return front.editor(ModelOptions(model="embedded", size=size, detector="mediapipe", parser="grabcut"))

    made = [of_size(64 + 8 * number) for number in range(KEPT + 5)]
    assert len(front._editors) == KEPT
    assert of_size(made[-1].options["size"]) is made[-1]


@pytest.mark.parametrize(
    ("engine", "start", "strength", "expected"),
    [
        (None, None, None, None),
        (None, "warp", None, "diffusion"),
        (None, "warp", 0, "warp"),
        (None, None, 0.5, "diffusion"),
        ("diffusion", "warp", 0.5, "diffusion"),
        ("warp", None, None, "warp"),
        ("warp", "warp", None, InputError),
        ("warp", None, 0.5, InputError),
        ("diffusion", "noise", 0.5, InputError),
        ("ray", None, None, InputError),
    ],
)
def test_engine_start_and_strength_go_together_or_are_refused(engine, start, strength, expected):
    if expected is InputError:
        with pytest.raises(InputError):
            EditOptions(engine=engine, start=start, strength=strength)
    else:
        assert EditOptions(engine=engine, start=start, strength=strength).wanted == expected


def test_a_strength_without_a_warp_to_begin_with_is_refused(editor, subject):
    with refused(InputError, "conflict"):
        editor.edit(subject, {"AU12": 2}, strength=0.5)

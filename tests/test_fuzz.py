"""Whatever comes in, the front door gives a picture or one of our errors, and no half-written file."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from common.core.errors import FaceEditError, FaceNotFoundError, ImageError
from magicface import edit
from magicface.__main__ import main


@pytest.fixture(scope="module")
def options(model_folder):
    return {
        "model": model_folder, "device": "cpu", "size": 64, "steps": 1, "progress": False,
        "detector": "mediapipe", "parser": "grabcut",
    }  # fmt: skip


def three_faces(astronaut):
    small = np.array(Image.fromarray(astronaut[:256, 96:352]).resize((200, 200)))
    return np.concatenate([small, small[:, ::-1], small], axis=1)


def at_the_border(astronaut):
    return astronaut[100:300, 215:420]


PHOTOS = {
    "1x1": lambda a: np.zeros((1, 1, 3), np.uint8),
    "10000x50": lambda a: np.tile(a[:50, :500], (1, 20, 1)),
    "50x10000": lambda a: np.tile(a[:500, :50], (20, 1, 1)),
    "no face": lambda a: np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8),
    "three faces": three_faces,
    "border": at_the_border,
    "CMYK": lambda a: Image.fromarray(a).convert("CMYK"),
    "palette": lambda a: Image.fromarray(a).convert("P"),
    "black and white": lambda a: Image.fromarray(a).convert("1"),
    "16 bit": lambda a: a.astype(np.uint16) * 257,
    "NaN": lambda a: np.where(a > 250, np.nan, a / 255),
    "upside down": lambda a: a[::-1],
    "large": lambda a: Image.fromarray(a).resize((4000, 4000)),
}
RESULTS = {"three faces", "CMYK", "palette", "16 bit", "large"}


@pytest.mark.parametrize("name", PHOTOS)
def test_photos(name, options, astronaut):
    photo = PHOTOS[name](astronaut)
    size = photo.size if isinstance(photo, Image.Image) else photo.shape[1::-1]
    if name in RESULTS:
        assert edit(photo, {"AU12": 3}, **options).size == size
        return
    with suppress(FaceNotFoundError, ImageError):
        assert edit(photo, {"AU12": 3}, **options).size == size


def test_each_of_three_faces_can_be_chosen(options, astronaut):
    photo = three_faces(astronaut)
    changed = []
    for face in (0, 1, 2, (300, 100)):
        result = np.array(edit(photo, {"AU12": 5}, face=face, **options)).astype(int)
        columns = np.abs(result - photo).max((0, 2)).nonzero()[0]
        changed.append(int(columns.mean()) // 200)
    assert changed == [0, 1, 2, 1]


REQUESTS = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.floats(), max_size=13),
    st.dictionaries(st.text(max_size=5), st.floats(), max_size=3),
    st.dictionaries(st.sampled_from(["AU12", "AU1", "12", "AU99"]), st.one_of(st.floats(), st.text(max_size=3))),
    st.lists(st.one_of(st.text(max_size=8), st.none()), max_size=3),
)
ODD = {
    "face": st.one_of(st.text(max_size=5), st.integers(-2, 4), st.tuples(st.floats(), st.floats()), st.none()),
    "region": st.one_of(st.sampled_from(["head", "face"]), st.text(max_size=5), st.none()),
    "paste_back": st.one_of(st.booleans(), st.sampled_from(["detail", "replace"]), st.text(max_size=5), st.none()),
    "batch_size": st.integers(-1, 2),
    "seed": st.one_of(st.integers(-(2**70), 2**70), st.none(), st.floats()),
    "guidance": st.floats(),
    "size": st.one_of(st.sampled_from([64, 72, 64.0, 10**9]), st.text(max_size=3), st.integers(-5, 70)),
    "device": st.one_of(st.sampled_from(["cpu", "gpu", "cuda"]), st.text(max_size=4), st.floats()),
    "dtype": st.one_of(st.sampled_from(["float32", "int8"]), st.text(max_size=4)),
    "steps": st.one_of(st.integers(-1, 2), st.floats(), st.booleans()),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=REQUESTS, odd=st.fixed_dictionaries({}, optional=ODD))
def test_requests_and_options(options, astronaut, asked, odd):
    with suppress(FaceEditError):
        result = edit(astronaut, asked, **options | odd)
        assert isinstance(result, (Image.Image, list))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.one_of(
            st.sampled_from(
                ["PHOTO", "AU12=3", "AU6=-2", "AU12", "=", "AU12==3", "-o", "--face", "--json", "--seed", "0"]
            ),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
        ),
        max_size=6,
    )
)
def test_command_line(words, model_folder, astronaut, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("line")
    monkeypatch.chdir(folder)
    Image.fromarray(astronaut).save("photo.png")
    words = ["photo.png" if word == "PHOTO" else word for word in words]
    with suppress(SystemExit):  # argparse's own usage errors
        code = main([*words, "--model", str(model_folder), "--size", "64", "--steps", "1", "-q"])
        assert code in (0, 1, 2, 3)
    for path in folder.rglob("*"):
        assert not path.name.startswith(".")
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()

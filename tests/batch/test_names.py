"""Names that people and file systems have, as names of a run's folders; no two inputs share one."""

from __future__ import annotations

import os
import unicodedata
from functools import partial

import pytest
from counting import REQUESTS, Painter
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from common.batch.names import MOST_BYTES, Names, check_name, escaped, original
from common.batch.plan import plan, read_jobs, read_requests
from common.batch.run import run

ODD = [
    "IMG (1)", "a b", " lead", "trail ", "trail.", "..", "a..b", "-dash", "=x", "con", "aux.part", "na\xefve",
    "\u5bb6\u65cf", "nai\u0308ve", "\u0939\u093f\u0928\u094d\u0926\u0940", "\U0001f600", "50%", "a%20b", "#1", "it's",
    'say "x"', "a&b;c", "x:y", "a\\b", "a\nb", "[1]", "?*", "\u202eback", "IMG", "img", "Img", "\xc9", "\xe9",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_safe_and_reversible(name):
    assert original(check_name(escaped(name))) == name


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1))
def test_every_text_has_a_name(name):
    assert len(check_name(escaped(name)).encode()) <= MOST_BYTES


@given(st.binary(min_size=1, max_size=20).map(os.fsdecode))
def test_every_name_that_a_file_system_takes_is_reversible(name):
    assert original(escaped(name)) == name


def test_half_a_pair_of_surrogates_has_a_name():
    """JSON may hold one, though no file on this system can be called so."""
    for name in ("\ud800", "a\udfffb", "\udcff\ud800"):
        assert check_name(escaped(name))


def test_plain_names_stay():
    for name in ("a", "IMG_0001", "photo 3", "more-a", "AU6=2,AU12=3", "\u00fcber.v2"):
        assert escaped(name) == name


def test_long_names_are_cut_and_stay_apart():
    one, other = escaped("\u5bb6" * 84 + "a"), escaped("\u5bb6" * 84 + "b")
    assert one != other
    assert max(len(each.encode()) for each in (one, other)) <= MOST_BYTES


def test_no_two_names_are_one_file_where_case_does_not_matter():
    names = Names()
    given = [names.free(escaped(name)) for name in ("IMG", "img", "\u00e9", "e\u0301", "img")]
    folded = {unicodedata.normalize("NFC", name).casefold() for name in given}
    assert len(folded) == len(given)


@pytest.mark.parametrize("listed", [False, True])
def test_files_of_any_name_are_edited(tmp_path, listed):
    photos, folder = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    names = [f"{name}.png" for name in ODD]
    names += ["x" * 250 + ".png", "\u5bb6" * 83 + ".png", "IMG.PNG", "IMG.jpg"]
    for name in names:
        Image.new("RGB", (16, 16), "grey").save(photos / name, "PNG")
    bytes_name = os.fsdecode(b"caf\xe9.png")  # Latin-1, as old archives have it
    Image.new("RGB", (16, 16), "grey").save(os.fspath(photos / bytes_name), "PNG")
    place = photos
    if listed:
        place = photos / "list.json"
        place.write_text(json_of([*names, bytes_name]))
    else:
        names = [name for name in names if not name.startswith(".")]
    jobs, faults = read_jobs(place)
    assert faults == []
    assert sorted(job.photo.name for job in jobs) == sorted([*names, bytes_name])
    assert len({unicodedata.normalize("NFC", job.name).casefold() for job in jobs}) == len(jobs)
    request = dict(list(REQUESTS.items())[:1])
    counts = run(plan(jobs, request), partial(Painter, folder), folder, {}, progress=False)
    assert counts == {"done": len(jobs), "failed": 0}
    again = [job.name for job in read_jobs(place)[0]]
    assert again == [job.name for job in jobs], "a run that goes on finds its edits"


def json_of(names: list[str]) -> str:
    import json

    return json.dumps([{"photo": name} for name in names])


def test_names_of_requests_are_escaped_too(tmp_path):
    (tmp_path / "w.json").write_text('{"smile (big)": "AU12=3", "what?": "AU4=2"}')
    assert list(read_requests(tmp_path / "w.json", str)) == ["smile %28big%29", "what%3F"]

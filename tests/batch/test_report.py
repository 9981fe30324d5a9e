"""The report of a batch: its numbers are those of the lines, nothing in it runs or leads out, and it stays small."""

from __future__ import annotations

import random
import re
import sys

import numpy as np
import pytest
from PIL import Image
from refusals import refused
from reported import REQUESTS, Page, made, save, write_run

from common.batch.report import thumbnails
from common.batch.report.doses import interval
from common.batch.report.page import report
from common.batch.report.summary import ROWS
from common.core.errors import InputError, MissingDependencyError
from common.core.files import alone
from common.facs.action_units import ACTION_UNITS, to_vector


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "run"
    rows = write_run(folder)
    return folder, rows


@pytest.fixture(scope="module")
def page(run):
    return made(run[0])


def unit_of(page: Page, name: str) -> dict:
    return next(dose for dose in result(page)["doses"] if dose["unit"] == name)


def result(page: Page, engine: str = "warp") -> dict:
    return next(each for each in page.numbers["results"] if each["engine"] == engine)


def doses_of(rows: list[dict], unit: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Wanted and measured change of all that request a unit or nothing, and how many that request it are not known."""
    place, wanted, measured, missing = list(ACTION_UNITS).index(unit), [], [], 0
    for row in rows:
        vector = to_vector(row["request"])
        if row["state"] != "done" or (not vector[place] and any(vector)):
            continue
        after, before = (row["score"].get(f"{unit}_{when}") for when in ("after", "before"))
        if after is None or before is None:
            missing += vector[place] != 0
        else:
            wanted.append(vector[place])
            measured.append(after - before)
    return np.array(wanted), np.array(measured), missing


def test_counts_are_those_of_the_lines(run, page):
    rows, n = run[1], page.numbers
    done = [row for row in rows if row["state"] == "done"]
    errors = [row for row in done if "error" in row["score"]]
    assert (n["edits"], n["done"], n["failed"]) == (len(rows), len(done), len(rows) - len(done))
    assert (n["measured"], n["not_measurable"], n["not_measured"]) == (len(done) - len(errors), len(errors), 0)
    seconds = result(page)["headlines"]["seconds"]
    assert (seconds["count"], seconds["of"]) == (len(done), len(done))
    assert seconds["median"] == np.median([row["seconds"] for row in done])
    assert n["engines"] == {"warp": len(done)}
    assert (n["texts"], n["photos"], n["requests"]) == (0, 6, len(REQUESTS))
    assert re.search(rf"\b{len(rows)} edits\b.*\b6 photos, {len(REQUESTS)} requests\b.*\b{len(done)}\b", page.prose)
    assert {row["why"]: row["count"] for row in n["reasons"]} == {
        "No face was found in PHOTO.": len(rows) - len(done), "No face.": len(errors),
    }  # fmt: skip


@pytest.mark.parametrize("unit", ["AU4", "AU6", "AU12"])
def test_slopes_are_those_of_the_scores_and_what_was_not_measured_is_no_zero(run, page, unit):
    wanted, measured, missing = doses_of(run[1], unit)
    found = unit_of(page, unit)
    assert missing > 0
    assert found["missing"] == missing
    assert found["requested"] == np.count_nonzero(wanted) + missing
    assert np.isclose(found["slope"], np.polyfit(wanted, measured, 1)[0])
    assert found["error"] == pytest.approx(np.abs(measured - wanted)[wanted != 0].mean())
    for level in found["levels"]:
        own = measured[np.isclose(wanted, level["wanted"])]
        assert (level["count"], level["mean"]) == (len(own), pytest.approx(own.mean()))
    shown = next(row for row in page.cells["dose-table"] if row[0].startswith(f"{unit} "))
    assert shown[1:3] == [str(found["requested"]), str(missing)]
    assert shown[3].split()[0] == f"{found['slope']:.2f}".replace("-", "\N{MINUS SIGN}")
    assert shown[4].split()[0] == f"{found['pearson']:.2f}".replace("-", "\N{MINUS SIGN}")


def test_units_that_were_left_alone_are_off_target(run, page):
    off = []
    for row in run[1]:
        vector = dict(zip(ACTION_UNITS, to_vector(row["request"])))
        if row["state"] == "done" and vector["AU4"] and row["score"].get("AU4_after") is not None:
            changes = {u: (row["score"][f"{u}_after"], row["score"][f"{u}_before"]) for u in vector if not vector[u]}
            off += [abs(after - before) for after, before in changes.values() if after is not None]
    assert unit_of(page, "AU4")["off"] == pytest.approx(np.mean(off))


def test_coverage_counts_the_edits_that_were_made(run, page):
    cover = result(page)["coverage"]
    for place, unit in enumerate(ACTION_UNITS):
        for level, count in zip(cover["levels"], cover["counts"][place]):
            requesting = [row for row in run[1] if to_vector(row["request"])[place] == level and row["state"] == "done"]
            assert count == len(requesting), (unit, level)
    shown = next(row for row in page.cells["covered"] if row[0] == "AU12")
    assert [int(cell or 0) for cell in shown[1:]] == cover["counts"][list(ACTION_UNITS).index("AU12")]


def test_absolute_requests_are_held_against_what_is_there_afterwards(run, tmp_path):
    found = unit_of(made(run[0], absolute=True, output=tmp_path / "page.html"), "AU12")
    done = [row for row in run[1] if row["state"] == "done" and to_vector(row["request"])[6]]
    pairs = [(to_vector(row["request"])[6], row["score"].get("AU12_after")) for row in done]
    assert found["error"] == pytest.approx(np.mean([abs(after - want) for want, after in pairs if after is not None]))


def test_pictures_made_from_text_have_no_photo(tmp_path):
    rows = write_run(tmp_path / "run", 2)
    for row in rows:
        row |= {"photo": None, "prompt": "a close-up of a <man>"}
        for name in [name for name in row.get("score", {}) if name.endswith("_before")]:
            del row["score"][name]
    save(tmp_path / "run", rows)
    page = made(tmp_path / "run", absolute=True)
    assert unit_of(page, "AU12")["slope"] is not None
    assert (page.numbers["texts"], page.numbers["edits"]) == (2, len(rows))
    assert "2 prompts" in page.prose
    assert page.cells["photos"][1][-1] == "a close-up of a <man>"
    assert not [image for image in page.all("img") if str(image["alt"]).startswith("photo")]
    assert unit_of(made(tmp_path / "run"), "AU12")["slope"] is None


def test_the_order_of_the_lines_does_not_matter_and_the_same_run_gives_the_same_page(tmp_path):
    rows, folder = write_run(tmp_path / "run"), tmp_path / "run"
    first = report(folder, to_vector, progress=False).read_bytes()
    assert report(folder, to_vector, progress=False).read_bytes() == first
    random.Random(0).shuffle(rows)
    save(folder, rows)
    texts = [re.sub(r"\b[0-9a-f]{64}\b", "", text) for text in (first.decode(), made(folder).text)]
    assert texts[0] == texts[1]


def test_two_estimators_do_not_mix(tmp_path):
    rows = write_run(tmp_path / "run")
    others = [row for row in rows if row["key"].startswith("p5/") and row["state"] == "done"]
    for row in others:
        row["score"] |= {"estimator": "fit", "AU12_after": 5}
    save(tmp_path / "run", rows)
    page = made(tmp_path / "run")
    assert page.numbers["not_measured"] == len(others)
    assert re.search(rf"{len(others)} edits\b[^.]*\bregressor\b", page.prose)
    kept = [row for row in rows if row not in others]
    assert unit_of(page, "AU12")["slope"] == pytest.approx(np.polyfit(*doses_of(kept, "AU12")[:2], 1)[0])


def test_more_edits_of_the_same_photos_make_no_number_surer():
    rng = np.random.default_rng(1)
    photos, terms = [f"p{place // 5}" for place in range(100)], np.stack([np.ones(100), rng.normal(3, 1, 100)], 1)

    def mean(sums: np.ndarray) -> np.ndarray:
        return sums[:, 1:] / sums[:, :1]

    (once,) = interval(photos, terms, mean)
    (twice,) = interval(photos * 2, np.concatenate([terms, terms]), mean)
    assert once == pytest.approx(twice)
    assert once[0] < terms[:, 1].mean() < once[1]
    expected = terms[:, 1].reshape(20, 5).mean(1).std() / np.sqrt(20)
    assert (once[1] - once[0]) / (2 * 1.96 * expected) == pytest.approx(1, abs=0.15)
    assert interval(photos[:20], terms[:20], mean) == [None], "four photos say too little"


def test_a_large_run_gives_a_small_page(tmp_path):
    folder = tmp_path / "run"
    write_run(folder, 1000, ("AU12=2", "neutral"))
    page = made(folder)
    assert len(page.all("img")) <= 200
    assert len(page.text) < 1_500_000
    assert len(page.cells["photos"]) == ROWS + 1
    assert re.search(rf"\b{ROWS} with the largest intensity errors", page.prose)
    shown = int(re.search(r"([\d,]+) of 1,847 edits are shown here", page.prose)[1])
    assert 10 < shown <= 8 * 8 + 3 * 8 + 24
    assert len(page.cells["failures"]) == 301


def test_without_scores_it_says_who_measures(tmp_path, capsys):
    from magicface import __main__ as command

    folder = tmp_path / "run"
    write_run(folder, scored=False)
    assert command.main(["report", str(folder), "-q"]) == 0
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert "magicface score run" in page.prose
    assert result(page)["doses"][0]["slope"] is None
    assert "dose-table" not in page.cells
    assert len(page.all("img")) > 20
    assert command.main(["report", str(tmp_path), "-q"]) == 2
    assert "There is no run" in capsys.readouterr().err
    assert command.main(["report", str(folder), "-q", "-o", str(folder / "page.png")]) == 2


@pytest.mark.parametrize("package", ["rigface", "fineface"])
def test_the_other_packages_have_the_command_too(package, tmp_path):
    from importlib import import_module

    write_run(tmp_path / "run", 2)
    assert import_module(f"{package}.__main__").main(["report", str(tmp_path / "run"), "-q"]) == 0
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert page.numbers["absolute"] == (package == "fineface")


def test_damaged_and_missing_pictures_are_told_and_none_from_elsewhere_is_shown(tmp_path):
    folder = tmp_path / "run"
    rows = write_run(folder, 2)
    Image.new("RGB", (16, 16), "red").save(tmp_path / "secret.png")
    (folder / "edits/p0/AU12=1.png").write_bytes(b"\x89PNG no picture")
    (folder / "edits/p0/AU12=2.png").unlink()
    (folder / "photos/p1.png").unlink()
    rows[3]["output"] = "../secret.png"
    rows[4] |= {"output": 7, "face": ["a", None], "seconds": "long", "warnings": "none"}
    save(folder, rows)
    page = made(folder)
    for named in ("p0/AU12=1 (", "p0/AU12=2 (", "p1 (photo) ("):
        assert named in page.prose
    assert thumbnails.thumbnail(tmp_path / "secret.png") not in page.text
    (folder / "run.json").write_text("{")
    assert "run.json" in made(folder).prose


def test_stopped_it_leaves_the_old_page(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    write_run(folder, 2)
    (folder / "report.html").write_text("old")

    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(thumbnails, "thumbnail", stop)
        with pytest.raises(KeyboardInterrupt):
            report(folder, to_vector, progress=False)
    assert (folder / "report.html").read_text() == "old"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    with alone(folder), pytest.raises(InputError, match=re.escape(str(folder))):
        report(folder, to_vector, progress=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with refused(MissingDependencyError, package="matplotlib"):
        report(folder, to_vector, progress=False)


@pytest.mark.parametrize("kind", ["upright", "turned", "png"])
def test_a_thumbnail_shows_the_face(kind, tmp_path):
    """A red face in a large blue photo, which a camera may have turned."""
    picture = Image.new("RGB", (1600, 1200), "blue")
    box = (1000.0, 300.0, 1200.0, 500.0)
    picture.paste("red", tuple(map(int, box)))
    exif = Image.Exif()
    if kind == "turned":
        exif[0x0112] = 6  # seen after a quarter turn clockwise
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    path = tmp_path / ("photo.png" if kind == "png" else "photo.jpg")
    picture.save(path, exif=exif, **({} if kind == "png" else {"quality": 95}))
    seen = decoded(thumbnails.thumbnail(path, box))
    whole = decoded(thumbnails.thumbnail(path))
    assert max(whole.shape) == max(seen.shape) == thumbnails.SIDE
    assert (seen[..., 0] > 128).mean() == pytest.approx(1 / (1 + 2 * thumbnails.MARGIN) ** 2, abs=0.05)
    assert (whole[..., 0] > 128).mean() == pytest.approx(200 * 200 / (1600 * 1200), abs=0.01)


def decoded(uri: str) -> np.ndarray:
    import base64
    import io

    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))

"""A report says on how much each number stands, what made and measured the edits, and how all of it is cited."""

from __future__ import annotations

import csv
import getpass
import json
import platform
import re

import pytest
from breadth import breadth
from reported import made, save, write_run
from runs import ROOT

from common.batch.folder import MADE, same_run
from common.core.environment import environment
from common.facs.action_units import ACTION_UNITS
from magicface import __main__ as command

FACES = ROOT / "examples" / "portraits"


def headline(page, name: str, engine: str = "warp") -> dict:
    return next(each for each in page.numbers["results"] if each["engine"] == engine)["headlines"][name]


def test_one_unit_of_eleven_is_no_median(tmp_path):
    """AU12 at two doses, ten units at one: of these there is no slope."""
    others = [unit for unit in ACTION_UNITS if unit != "AU12"][:10]
    write_run(tmp_path / "run", 3, ("AU12=1", "AU12=3", *(f"{unit}=2" for unit in others)))
    page = made(tmp_path / "run")
    found = headline(page, "slope")
    assert (found["count"], found["of"], found["units"]) == (1, 11, ["AU12"])
    assert set(found["not_measured"]) == set(others)
    assert "of one of 11 units; N/A for 10 (AU12)" in page.prose
    assert "median of 11 units" not in page.prose
    assert headline(page, "identity")["count"] < headline(page, "identity")["of"]


@pytest.mark.parametrize(("photos", "requests"), [(1, ("AU12=1",)), (2, ("AU12=1",)), (1, ("AU12=1", "AU12=3"))])
def test_the_words_say_what_there_is(tmp_path, photos, requests):
    write_run(tmp_path / "run", photos, requests)
    page, edits = made(tmp_path / "run"), photos * len(requests)
    words = "of one edit;" if edits == 1 else f"median of {edits} edits;"
    assert words in page.prose
    if len(requests) == 1:
        assert headline(page, "slope")["median"] is None
        assert "N/A for the one unit" in page.prose
    else:
        assert headline(page, "slope")["median"] is not None
        assert "of one unit" in page.prose
    if edits == 1:
        assert "median of 1 " not in page.prose


def test_engines_are_never_pooled(tmp_path):
    rows = write_run(tmp_path / "run", 4, ("AU12=1", "AU12=2", "AU12=3"))
    for place, row in enumerate(rows):
        if row["state"] == "done":
            row["engine"] = "diffusion" if place % 2 else "warp"
            if place % 2 and "AU12_before" in row["score"]:
                row["score"] |= {"AU12_after": row["score"]["AU12_before"], "identity": 0.9}
    save(tmp_path / "run", rows)
    page = made(tmp_path / "run")
    done = [row for row in rows if row["state"] == "done"]
    assert page.numbers["engines"] == {e: sum(r["engine"] == e for r in done) for e in ("diffusion", "warp")}
    assert headline(page, "slope", "diffusion")["median"] == pytest.approx(0, abs=1e-6)
    assert headline(page, "slope", "warp")["median"] > 0.4
    assert headline(page, "identity", "diffusion")["median"] == 0.9
    assert {"dose-table-1", "dose-table-2"} <= set(page.cells)
    assert "Engine diffusion" in page.prose
    assert {row[1] for row in page.cells["requests"][1:]} == {"diffusion", "warp"}
    assert not {"slope", "doses", "spread", "coverage"} & set(page.numbers), "nothing is counted over both"


def test_versions_of_an_estimator_do_not_mix(tmp_path):
    rows = write_run(tmp_path / "run")
    others = [row for row in rows if row["key"].startswith("p5/") and row["state"] == "done"]
    for row in others:
        row["score"] |= {"estimator_version": "another"}
    save(tmp_path / "run", rows)
    page = made(tmp_path / "run")
    assert page.numbers["not_measured"] == len(others)
    assert re.search(rf"{len(others)} edits\b[^.]*\bregressor\b", page.prose)


@pytest.mark.parametrize("package", breadth(["magicface", "rigface", "fineface"]))
def test_it_names_the_published_system_and_this_toolkit(tmp_path, package):
    from common.batch.report.page import SYSTEMS, citation

    entry = citation(package, [{"date": "2026-11-30", "versions": {"face-rig": "0.1.0"}}])
    assert SYSTEMS[package] in entry
    assert "version = {0.1.0}" in entry
    assert "year    = {2026}" in entry
    assert entry.count("{") == entry.count("}")
    assert citation("other", []).startswith("@software")
    write_run(tmp_path / "run", 1)
    page = made(tmp_path / "run")
    assert "@article{wei2025magicface" in page.prose
    assert "not reliable on photographs" in page.prose
    assert "2026-11-30" in page.prose
    assert "a processor" in page.prose
    assert " default " not in page.prose


def test_the_environment_names_nobody():
    text = json.dumps(environment())
    for name in (platform.node(), getpass.getuser()):
        assert not name or len(name) < 4 or name not in text.lower()
    assert {"date", "versions", "machine"} == set(environment())


def test_a_run_that_goes_on_elsewhere_says_so(tmp_path):
    here, there = environment(), {**environment(), "machine": {"cpu": "another"}}
    same_run(tmp_path, {"seed": 1, "nothing": None}, [here])
    same_run(tmp_path, {"seed": 1}, [{**here, "date": "another day"}])
    first = json.loads((tmp_path / "run.json").read_text())
    assert set(first) == {"seed", MADE}
    assert len(first[MADE]) == 1
    same_run(tmp_path, {"seed": 1}, [here, there, there])
    assert json.loads((tmp_path / "run.json").read_text())[MADE] == [here, there]


@pytest.mark.parametrize("way", breadth(["networks", "warp"]))
def test_a_run_says_what_made_it_and_its_scores_are_of_unmarked_pictures(tmp_path, way, monkeypatch):
    photos, folder = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    (photos / "calm.jpg").write_bytes((FACES / "calm.jpg").read_bytes())
    (tmp_path / "requests.txt").write_text("smile: AU12=4\n")
    options = ["--engine", "warp"] if way == "warp" else ["--model", "embedded"]
    asked = ["batch", str(photos), "--requests", str(tmp_path / "requests.txt"), "-q", "-o", str(folder), *options]
    assert command.main(asked) == 0
    told = json.loads((folder / "run.json").read_text())
    assert None not in told.values()
    assert told["engine"] == ("warp" if way == "warp" else "diffusion")
    assert {"detector", "parser", "region", "paste_back", "size", MADE} <= set(told)
    assert ("seed" in told) == (way == "networks")
    assert "auto" not in told.values()
    if way == "networks":
        assert (told["model"], told["steps"], told["dtype"], told["size"]) == ("embedded", 1, "float32", 128)
        assert {len(sha) for sha in told["weights"].values()} == {64}
    (row,) = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    assert row["engine"] == told["engine"]
    assert command.main(["score", str(folder), "-q"]) == 0
    (score,) = csv.DictReader((folder / "scores.csv").read_text().splitlines())
    assert float(score["background_psnr"]) == 100, "the edit leaves it alone; the watermark does not count"
    assert 40 < float(score["mark_psnr"]) < 50
    assert "real film" in score["validation"]
    assert "SHA-256" in score["estimator_version"]
    page = made(folder)
    result = page.numbers["results"][0]
    assert result["spread"]["background_psnr"]["median"] == 100
    assert "before the watermark, which by itself costs" in page.prose

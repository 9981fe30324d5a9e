"""The report as a page: nothing in it runs or leads out, whatever names a run has, and a browser shows it whole."""

from __future__ import annotations

import json
import re

import pytest
from breadth import breadth
from reported import REQUESTS, Page, made, save, write_run

from common.batch.names import escaped
from common.batch.report.page import report
from common.facs.action_units import to_vector

HOSTILE = "<script>window.hacked=1</script>"
QUOTED = 'x" onerror="window.hacked=1" y=\'</script><img src=https://example.com/x.png onerror=window.hacked=1>'


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "<b>run&amp;"
    rows = write_run(folder)
    for place, row in enumerate(rows):
        row["key"] = f"{HOSTILE}{place // len(REQUESTS)}/{QUOTED}{place % len(REQUESTS)}"
        row["warnings"] = [HOSTILE, QUOTED]
        if row["state"] == "failed":
            row["error"] = HOSTILE + QUOTED
        else:
            row["engine"] = QUOTED
            row["score"] |= {"key": row["key"], "estimator": HOSTILE, "identity_measure": f"{HOSTILE}$x_{{$"}
        if place % 5 == 0:
            row["request"] = {"</script>": [QUOTED, "\ud800"]}
    save(folder, rows)
    (folder / "run.json").write_text(json.dumps({HOSTILE: QUOTED, "program": HOSTILE}))
    report(folder, to_vector, progress=False)
    return folder


def test_names_and_requests_are_words_and_never_markup(hostile):
    page = Page((hostile / "report.html").read_text(encoding="utf-8"))
    assert HOSTILE in page.prose
    assert len(page.all("script")) == 2
    assert not [(tag, named) for tag, named in page.tags if any(name.startswith("on") for name in named)]
    assert not page.all("b&amp")
    assert page.numbers["estimator"] == HOSTILE
    assert "The requests of" in page.prose


def test_photos_and_requests_have_their_own_names_and_never_markup(tmp_path):
    """In the folder of a run they are escaped."""
    rows, photo, request = write_run(tmp_path / "run", 2), "IMG (1) <i>it's</i>", "smile & <b>100%</b>"
    for row in rows:
        if row["key"].startswith("p0/"):
            row["key"] = f"{escaped(photo)}/{escaped(request)}{row['key'][3:]}"
            row.get("score", {})["key"] = row["key"]
    save(tmp_path / "run", rows)
    page = made(tmp_path / "run")
    assert photo in [row[0] for row in page.cells["photos"]]
    assert any(row[0].startswith(request) for row in page.cells["requests"])
    assert f"photo {photo}" in [image["alt"] for image in page.all("img")]
    assert "%28" not in page.text
    assert not page.all("i") or not [named for named in page.all("i") if "style" not in named]


@pytest.mark.parametrize("which", ["page", "hostile"])
def test_nothing_leads_out_of_the_page(which, request):
    found = request.getfixturevalue(which)
    page = found if isinstance(found, Page) else Page((found / "report.html").read_text(encoding="utf-8"))
    links = [str(named[name]) for _, named in page.tags for name in ("src", "href", "xlink:href") if name in named]
    assert len(links) > 20
    assert not [link for link in links if not link.startswith(("#", "data:"))]
    assert not re.findall(r"url\((?!#)|@import", page.text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"iframe", "object", "embed", "form", "base"})
    if which == "page":
        assert "://" not in page.text
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert str(policy).startswith("default-src 'none'")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "run"
    rows = write_run(folder)
    return folder, rows


@pytest.fixture(scope="module")
def page(run):
    return made(run[0])


@pytest.mark.parametrize("which", ["run", "hostile"])
@pytest.mark.parametrize("width", breadth([390, 1280]))
def test_in_a_browser_it_fits_and_complains_of_nothing(browser, page, which, width, request):
    found = request.getfixturevalue(which)
    folder = found[0] if which == "run" else found
    said = []
    view = browser.new_page(viewport={"width": width, "height": 800})
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    view.goto((folder / "report.html").as_uri())
    view.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert view.evaluate("window.hacked") is None
    assert view.evaluate("[...document.images].every((each) => each.complete && each.naturalWidth)")
    repeated = "(all => all.length - new Set(all).size)([...document.querySelectorAll('[id]')].map(each => each.id))"
    assert view.evaluate(repeated) == 0
    assert said == []
    view.close()


def test_tables_are_searched_sorted_and_turned(browser, run, page):
    view = browser.new_page()
    view.goto((run[0] / "report.html").as_uri())
    view.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    table = view.locator("table[data-label=requests]")
    for sign in (1, -1):
        table.get_by_role("button", name="intensity error").click()
        cells = table.locator("tbody tr td:nth-child(5)").all_inner_texts()
        known = [sign * float(cell) for cell in cells if cell != "N/A"]
        assert known == sorted(known)
        assert len(known) == 6
        assert cells[-1] == "N/A", "what has no dose comes last"
    view.get_by_label("search requests").fill("au4")
    assert sorted(table.locator("tbody tr td:first-child").all_inner_texts()) == ["AU4=-1", "AU4=2"]
    view.close()

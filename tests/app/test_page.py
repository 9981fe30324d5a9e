"""The page as a visitor has it: in a browser, with photos, sliders and buttons."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from common.provenance.stamp import marked
from fineface import generate
from magicface import edit
from rigface import Light
from rigface import edit as rig_edit

FROWN, CALM = "examples/portraits/frown.jpg", "examples/portraits/calm.jpg"
WAIT = 120_000  # milliseconds


class Visitor:
    """Somebody with the page before them."""

    def __init__(self, browser, address: str, tab: str = "MagicFace", width: int = 1280) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.set_default_timeout(WAIT)
        self.page.goto(address)
        self.page.get_by_role("tab", name=tab).click()
        self.panel = self.page.locator("[role=tabpanel]:visible")
        self.panel.locator(".photo").wait_for()

    def upload(self, photo) -> None:
        self.panel.locator(".photo input[type=file]").set_input_files(photo)

    def drafted(self) -> Visitor:
        self.panel.locator(".draft img").wait_for()
        return self

    def press(self, name: str) -> None:
        self.panel.get_by_role("button", name=name, exact=True).click()

    def measured(self) -> str:
        found = self.panel.locator(".report", has_text="by regressor").first
        found.wait_for()
        return found.inner_text()

    def status(self) -> str:
        found = self.panel.locator(".status:visible").first
        found.wait_for()
        return found.inner_text()

    def pictures(self, kind: str = "compare") -> list[np.ndarray]:
        sources = self.panel.locator(f".{kind} img").evaluate_all("all => all.map(each => each.src)")
        found = []
        for source in sources:
            with Image.open(io.BytesIO(self.page.request.get(source).body())) as picture:
                found.append(np.asarray(picture.convert("RGB")).astype(int))
        return found

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error) -> None:
        self.page.close()


@pytest.fixture
def visitor(browser, address):
    made = []

    def come(*args, **options) -> Visitor:
        made.append(Visitor(browser, address, *args, **options))
        return made[-1]

    yield come
    for each in made:
        each.page.close()


def far(picture: np.ndarray, other: Image.Image) -> float:
    """Mean difference in bytes; the format in which a page shows pictures costs a little."""
    true = np.asarray(other.convert("RGB")).astype(int)
    return float(np.abs(picture - true).mean()) if picture.shape == true.shape else np.inf


def which(picture: np.ndarray, *others: Image.Image) -> int:
    """The nearest of several pictures; -1 where none is near."""
    found = [far(picture, other) for other in others]
    return int(np.argmin(found)) if min(found) < 3 else -1


def photo(path: str) -> Image.Image:
    with Image.open(path) as found:
        return found.convert("RGB")


def test_a_photo_a_slider_an_edit(visitor, tmp_path):
    guest = visitor()
    guest.upload(FROWN)
    guest.drafted()
    before = guest.pictures("draft")[0]
    box = guest.panel.locator(".AU12 input[type=number]")
    box.fill("3")
    box.press("Tab")
    guest.measured()
    shown = guest.pictures()
    true = edit(FROWN, {"AU12": 3}, model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in shown) == [0, 1]
    assert np.abs(guest.pictures("draft")[0] - before).max() > 20
    with guest.page.expect_download() as loading:
        guest.press("Download with settings")
    loading.value.save_as(tmp_path / "edit.zip")
    with zipfile.ZipFile(tmp_path / "edit.zip") as archive:
        settings = json.loads(archive.read("settings.json"))
        with archive.open("edited.png") as file, Image.open(file) as picture:
            assert np.array_equal(np.asarray(picture), np.asarray(marked(true)))
    assert settings["wish"] == "AU12=3"


def test_a_word_sets_the_sliders_and_edits(visitor):
    guest = visitor()
    guest.upload(CALM)
    guest.drafted()
    guest.press("happy")
    assert "AU12 lip corner puller" in guest.measured()
    assert float(guest.panel.locator(".AU6 input[type=number]").input_value()) == 3
    guest.press("reset")
    guest.page.wait_for_function("document.querySelector('.AU6 input[type=number]').value == 0")


def test_a_photo_without_a_face_gets_a_sentence(visitor, tmp_path):
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "nobody.png")
    guest = visitor()
    guest.upload(tmp_path / "nobody.png")
    assert "No face was found" in guest.status()
    guest.press("Edit")
    guest.panel.locator(".status", has_text="Give a photo first").first.wait_for()


def test_what_is_no_picture_gets_a_sentence(visitor, tmp_path):
    guest = visitor()
    (tmp_path / "text.png").write_text("no picture")
    guest.upload(tmp_path / "text.png")
    assert "Cannot read" in guest.status()
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    guest.upload(tmp_path / "bomb.png")
    guest.panel.locator(".status", has_text="too large").first.wait_for()


def test_of_several_faces_one_is_picked(visitor, tmp_path):
    both = Image.new("RGB", (512, 256))
    both.paste(photo(FROWN), (0, 0))
    both.paste(photo(CALM), (256, 0))
    both.save(tmp_path / "both.jpg", quality=90)
    guest = visitor()
    guest.upload(tmp_path / "both.jpg")
    guest.drafted()
    guest.panel.locator(".faces img").nth(1).click()
    guest.press("surprised")
    guest.measured()
    before, after = guest.pictures()
    change = np.abs(after - before).max(2)
    assert change[:, :256].max() < 40 < change[:, 256:].max(), "only the right one"


def test_stop_ends_an_edit(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.drafted()
    guest.panel.get_by_role("button", name="More").click()
    steps = guest.panel.locator(".steps input[type=number]")
    steps.fill("100")
    steps.press("Tab")
    guest.press("Edit")
    guest.page.wait_for_timeout(1500)
    guest.press("Stop")
    guest.page.wait_for_timeout(15_000)
    assert guest.pictures() == []
    steps.fill("1")
    steps.press("Tab")
    guest.press("Edit")
    guest.measured()


def test_uploads_are_limited(visitor, address, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (500, 500, 3), np.uint8)).save(tmp_path / "large.png")
    guest = visitor()
    guest.upload(tmp_path / "large.png")
    guest.page.get_by_text("choose a file of at most 0.3 MB").wait_for()
    content = (tmp_path / "large.png").read_bytes()
    told = {"files": {"name": "large.png", "mimeType": "image/png", "buffer": content}}
    assert guest.page.request.post(f"{address}gradio_api/upload", multipart=told).status == 413, "nor past the page"


def test_two_visitors_do_not_see_each_other(visitor):
    one, other = visitor(), visitor()
    one.upload(FROWN)
    other.upload(CALM)
    one.drafted()
    other.drafted()
    one.press("happy")
    other.press("happy")
    one.measured()
    other.measured()
    for guest, mine, others in ((one, FROWN, CALM), (other, CALM, FROWN)):
        shown = guest.pictures()
        assert len(shown) == 2
        made = edit(mine, "happy", model="embedded", progress=False)
        assert sorted(which(each, photo(mine), made, photo(others)) for each in shown) == [0, 1]


def test_light_is_changed_on_its_tab(visitor):
    guest = visitor("RigFace")
    guest.upload(FROWN)
    guest.drafted()
    guest.press("light from the left")
    guest.measured()
    true = rig_edit(FROWN, light=Light(azimuth=-60, elevation=10), model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]


def test_a_face_is_made_from_words(visitor):
    guest = visitor("FineFace")
    guest.panel.locator(".prompt textarea").fill("A close up of a man with a beard.")
    guest.press("happy")
    guest.press("Make")
    guest.panel.locator(".alone img").wait_for()
    true = generate("A close up of a man with a beard.", "happy", seed=424, adapter="embedded", progress=False)
    assert [which(each, true) for each in guest.pictures("alone")] == [0]


def test_a_sweep_is_a_gallery(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.drafted()
    guest.panel.locator(".sweeps button").first.click()
    guest.press("Show")
    guest.panel.locator(".gallery img").nth(5).wait_for()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(visitor, width):
    guest = visitor(width=width)
    assert guest.page.evaluate("document.documentElement.scrollWidth") <= width
    halves = [guest.panel.locator(each).bounding_box() for each in (".given", ".asked", ".go")]
    assert all(each is not None and each["x"] >= 0 and each["x"] + each["width"] <= width for each in halves)
    given, asked, go = (each for each in halves if each is not None)
    assert given["y"] < asked["y"]
    if width < 760:
        assert given["y"] < go["y"] < asked["y"], "one under the other, results before sliders"
    else:
        assert go["x"] > asked["x"], "side by side"

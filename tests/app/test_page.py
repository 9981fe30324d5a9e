"""The page as a visitor has it: in a browser, with photos, sliders and buttons."""

from __future__ import annotations

import io
import json
import re
import zipfile

import numpy as np
import pytest
from breadth import breadth
from PIL import Image

from common.faces import get_detector
from common.facs.action_units import ACTION_UNITS
from common.facs.expressions import expression
from common.provenance.picture import marked
from common.weights.text_encoder import PROMPT
from fineface import generate
from magicface import edit
from rigface import Light, Pose
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

    def warped(self) -> Visitor:
        self.panel.locator(".warp img").wait_for()
        return self

    def press(self, name: str) -> None:
        self.panel.get_by_role("button", name=name, exact=True).click()

    def measured(self) -> str:
        found = self.panel.locator(".report", has_text="by landmarker").first
        found.wait_for()
        return found.inner_text()

    def status(self) -> str:
        found = self.panel.locator(".status:visible").first
        found.wait_for()
        return found.inner_text()

    def unit(self, name: str, kind: str = "number"):
        """The number or the range of a slider."""
        return self.panel.locator(f".{name} input[type={kind}]")

    def edited(self, wanted: str) -> str:
        """The report, once it is of the present values and says that a unit was wanted so much."""
        self.panel.locator(".report td", has_text=re.compile(f"^{re.escape(wanted)}$")).first.wait_for()
        self.panel.locator(".stale").wait_for(state="detached")
        return self.measured()

    def box(self, selector: str) -> dict[str, float]:
        found = self.panel.locator(selector).first.bounding_box()
        assert found is not None
        return found

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
    guest.warped()
    before = guest.pictures("warp")[0]
    box = guest.panel.locator(".AU12 input[type=number]")
    box.fill("3")
    box.press("Tab")
    guest.measured()
    shown = guest.pictures()
    true = edit(FROWN, {"AU12": 3}, model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in shown) == [0, 1]
    assert np.abs(guest.pictures("warp")[0] - before).max() > 20
    with guest.page.expect_download() as loading:
        guest.press("Download with settings")
    loading.value.save_as(tmp_path / "edit.zip")
    with zipfile.ZipFile(tmp_path / "edit.zip") as archive:
        settings = json.loads(archive.read("settings.json"))
        with archive.open("edited.png") as file, Image.open(file) as picture:
            assert np.array_equal(np.asarray(picture), np.asarray(marked(true)))
    assert settings["request"] == "AU12=3"


@pytest.mark.slow
def test_a_word_sets_the_sliders_and_edits(visitor):
    guest = visitor()
    guest.upload(CALM)
    guest.warped()
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
    guest.panel.locator(".status", has_text="photo first").first.wait_for()


@pytest.mark.slow
def test_what_is_no_picture_gets_a_sentence(visitor, tmp_path):
    guest = visitor()
    (tmp_path / "text.png").write_text("no picture")
    guest.upload(tmp_path / "text.png")
    assert "Cannot read" in guest.status()
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    guest.upload(tmp_path / "bomb.png")
    guest.panel.locator(".status", has_text="too large").first.wait_for()


@pytest.mark.slow
def test_of_several_faces_one_is_picked(visitor, tmp_path):
    both = Image.new("RGB", (512, 256))
    both.paste(photo(FROWN), (0, 0))
    both.paste(photo(CALM), (256, 0))
    both.save(tmp_path / "both.jpg", quality=90)
    guest = visitor()
    guest.upload(tmp_path / "both.jpg")
    guest.warped()
    guest.panel.locator(".faces img").nth(1).click()
    guest.press("surprised")
    guest.measured()
    before, after = guest.pictures()
    change = np.abs(after - before).max(2)
    assert change[:, :256].max() < 40 < change[:, 256:].max(), "only the right one"


@pytest.mark.slow
def test_stop_ends_an_edit(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
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
    files = {"files": {"name": "large.png", "mimeType": "image/png", "buffer": content}}
    assert guest.page.request.post(f"{address}gradio_api/upload", multipart=files).status == 413, "nor past the page"


@pytest.mark.slow
def test_two_visitors_do_not_see_each_other(visitor):
    one, other = visitor(), visitor()
    one.upload(FROWN)
    other.upload(CALM)
    one.warped()
    other.warped()
    one.press("happy")
    other.press("happy")
    one.measured()
    other.measured()
    for guest, mine, others in ((one, FROWN, CALM), (other, CALM, FROWN)):
        shown = guest.pictures()
        assert len(shown) == 2
        made = edit(mine, "happy", model="embedded", progress=False)
        assert sorted(which(each, photo(mine), made, photo(others)) for each in shown) == [0, 1]


@pytest.mark.slow
def test_light_is_changed_on_its_tab(visitor):
    guest = visitor("RigFace")
    guest.upload(FROWN)
    guest.warped()
    guest.press("light from the left")
    guest.measured()
    true = rig_edit(FROWN, light=Light(azimuth=-60, elevation=10), model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]


@pytest.mark.slow
def test_a_face_is_made_from_words(visitor):
    guest = visitor("FineFace")
    guest.panel.locator(".prompt textarea").fill("A close up of a man with a beard.")
    guest.press("happy")
    guest.press("Make")
    guest.panel.locator(".alone img").wait_for()
    true = generate("A close up of a man with a beard.", "happy", seed=424, model="embedded", progress=False)
    assert [which(each, true) for each in guest.pictures("alone")] == [0]


@pytest.mark.slow
def test_a_sweep_is_a_gallery(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.panel.locator(".sweeps button").first.click()
    guest.press("Show")
    guest.panel.locator(".gallery img").nth(5).wait_for()


@pytest.mark.parametrize("width", breadth([390, 1280]))
def test_nothing_is_wider_than_the_screen(visitor, width):
    guest = visitor(width=width)
    assert guest.page.evaluate("document.documentElement.scrollWidth") <= width
    halves = [guest.panel.locator(each).bounding_box() for each in (".given", ".asked", ".go")]
    assert all(each is not None and each["x"] >= 0 and each["x"] + each["width"] <= width for each in halves)
    given, asked, go = (each for each in halves if each is not None)
    assert given["y"] < asked["y"]
    if width < 760:
        assert given["y"] < asked["y"] < go["y"], "one under the other, sliders before results"
    else:
        assert go["x"] > asked["x"], "side by side"


@pytest.mark.slow
def test_a_slider_moved_by_the_keyboard_edits(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    before = guest.pictures("warp")[0]
    guest.unit("AU26", "range").focus()
    for _ in range(12):
        guest.page.keyboard.press("ArrowRight")
    guest.edited("+3.0")
    true = edit(FROWN, {"AU26": 3}, model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]
    assert np.abs(guest.pictures("warp")[0] - before).max() > 20
    guest.page.keyboard.press("Home")
    guest.edited("-5.0")


@pytest.mark.slow
def test_typed_numbers_edit_before_the_field_is_left(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.unit("AU26").fill("3")
    guest.edited("+3.0")
    true = edit(FROWN, {"AU26": 3}, model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]
    guest.unit("AU26").fill("99")
    guest.edited("+5.0")
    guest.unit("AU26").fill("")
    guest.unit("AU4").fill("2")
    assert "AU26 jaw drop" not in re.sub("AU26 jaw drop\t\t", "", guest.edited("+2.0")), "an empty field asks nothing"


@pytest.mark.slow
def test_of_fast_changes_the_last_one_stays(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.press("surprised")
    for value in ("-1", "5", "2.5", "-2", "4"):
        guest.unit("AU12").fill(value)
        guest.page.wait_for_timeout(130)
    guest.press("happy")
    guest.press("sad")
    guest.unit("AU4").fill("3.25")
    guest.edited("+3.25".replace("3.25", "3.2"))
    guest.page.wait_for_timeout(1500)
    sliders = {name: float(guest.unit(name).input_value()) for name in ACTION_UNITS}
    assert sliders["AU4"] == 3.25
    assert sliders["AU12"] == 0
    true = edit(FROWN, sliders, model="embedded", progress=False)
    other = edit(FROWN, "happy", model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true, other) for each in guest.pictures()) == [0, 1]


@pytest.mark.slow
def test_a_picture_of_earlier_values_says_so(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.press("happy")
    guest.edited("+3.0")
    guest.panel.get_by_role("button", name="More").click()
    guest.panel.locator(".live input").uncheck()
    guest.unit("AU12").fill("-3")
    guest.panel.locator(".stale.earlier").wait_for()
    assert guest.panel.locator(".report table").count() == 0
    assert guest.panel.locator(".compare").evaluate("each => getComputedStyle(each).opacity") < "0.5"
    assert guest.panel.locator(".save").is_disabled()
    guest.press("Edit")
    guest.edited("-3.0")
    guest.upload(CALM)
    guest.panel.locator(".report table").wait_for(state="detached")
    assert guest.pictures() == [], "of the photo before"


@pytest.mark.slow
def test_bars_of_negative_values_point_left(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.unit("AU26").fill("4")
    guest.unit("AU1").fill("-4")
    guest.edited("-4.0")
    cell = guest.box(".report td.bars")
    middle = cell["x"] + cell["width"] / 2
    bars = [guest.panel.locator(".report tr", has_text=unit).locator(".wanted") for unit in ("AU1 ", "AU26")]
    left, right = (bar.bounding_box() for bar in bars)
    assert left is not None
    assert right is not None
    assert abs(left["x"] + left["width"] - middle) < 2
    assert left["x"] < middle - 20
    assert abs(right["x"] - middle) < 2
    assert right["width"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_the_handle_leaves_the_face_free(visitor, width):
    guest = visitor(width=width)
    guest.upload(FROWN)
    guest.warped()
    guest.press("happy")
    guest.edited("+3.0")
    shown, handle, line = (guest.box(f".compare {each}") for each in ("img", ".icon-wrap", ".outer"))
    with Image.open(FROWN) as picture:
        scale = shown["width"] / picture.width
        face = max(get_detector("mediapipe").find(np.asarray(picture)), key=lambda each: each.area)
    left, _, _, bottom = face.box * scale
    assert line["x"] + line["width"] / 2 < shown["x"] + left, "left of the face"
    assert handle["y"] > shown["y"] + bottom or handle["x"] + handle["width"] < shown["x"] + left


@pytest.mark.slow
def test_on_a_phone_pictures_stay_in_view_below_the_sliders(visitor):
    guest = visitor(width=390)
    guest.upload(FROWN)
    guest.warped()
    guest.press("happy")
    guest.edited("+3.0")
    for unit in ("AU1", "AU26"):
        slider = guest.unit(unit, "range")
        slider.evaluate("each => each.scrollIntoView({block: 'center'})")
        guest.page.wait_for_timeout(200)
        pictures, place = guest.box(".compare img"), slider.bounding_box()
        assert place is not None
        assert 0 < place["y"] < pictures["y"] < pictures["y"] + pictures["height"] <= 901


@pytest.mark.slow
def test_a_word_is_chosen_and_weakened_by_the_keyboard(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.panel.locator(".words input").focus()
    guest.page.keyboard.type("pain")
    guest.page.keyboard.press("Enter")
    strong = [*expression("pain").units.values()]
    guest.edited(f"{strong[0]:+.1f}")
    guest.unit("much", "range").focus()
    for _ in range(5):
        guest.page.keyboard.press("ArrowLeft")
    name, value = next(iter(expression("pain").units.items()))
    guest.page.wait_for_function(f"document.querySelector('.{name} input[type=number]').value == {value / 2}")
    guest.edited(f"{value / 2:+.1f}")


@pytest.mark.slow
def test_a_face_is_picked_by_the_keyboard(visitor, tmp_path):
    both = Image.new("RGB", (512, 256))
    both.paste(photo(FROWN), (0, 0))
    both.paste(photo(CALM), (256, 0))
    both.save(tmp_path / "both.jpg", quality=90)
    guest = visitor()
    guest.upload(tmp_path / "both.jpg")
    guest.warped()
    picked = []
    for number in (1, 0):
        guest.panel.locator(".faces button").nth(number).focus()
        guest.page.keyboard.press("Enter")
        guest.page.wait_for_timeout(3000)
        picked.append(guest.pictures("warp")[0])
    assert picked[0].mean() > picked[1].mean() + 10, "her orange wall, then his brown one"


@pytest.mark.slow
def test_the_engine_is_chosen_by_name_and_told(visitor):
    guest = visitor()
    guest.upload(FROWN)
    guest.warped()
    guest.press("happy")
    assert "small networks" in guest.edited("+3.0")
    guest.panel.locator(".engine label", has_text="warp").click()
    guest.panel.locator(".report p", has_text="Made by the warp").wait_for()
    guest.panel.locator(".stale").wait_for(state="detached")
    true = edit(FROWN, "happy", engine="warp", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]


@pytest.mark.slow
def test_a_lamp_moved_by_the_keyboard_is_switched_on(visitor):
    guest = visitor("RigFace")
    guest.upload(FROWN)
    guest.warped()
    guest.unit("azimuth", "range").focus()
    for _ in range(4):
        guest.page.keyboard.press("ArrowLeft")
    guest.panel.locator(".report", has_text="by landmarker").first.wait_for()
    guest.panel.locator(".stale").wait_for(state="detached")
    true = rig_edit(FROWN, light=Light(azimuth=-20, elevation=10), model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]
    guest.unit("pitch").fill("6")
    guest.panel.locator(".stale").wait_for()
    guest.panel.locator(".stale").wait_for(state="detached")
    asked = {"light": Light(azimuth=-20, elevation=10), "pose": Pose(pitch=6)}
    true = rig_edit(FROWN, **asked, model="embedded", progress=False)
    assert sorted(which(each, photo(FROWN), true) for each in guest.pictures()) == [0, 1]


@pytest.mark.slow
def test_another_seed_or_prompt_makes_another_picture(visitor):
    guest = visitor("FineFace")
    guest.press("Make")
    guest.panel.locator(".alone img").wait_for()
    guest.panel.get_by_role("button", name="More").click()
    guest.unit("seed").fill("7")
    guest.panel.locator(".stale.earlier").wait_for()
    guest.press("Make")
    guest.panel.locator(".stale").wait_for(state="detached")
    true = generate(PROMPT, "neutral", seed=7, model="embedded", progress=False)
    assert [which(each, true) for each in guest.pictures("alone")] == [0]
    guest.panel.locator(".prompt textarea").fill("An old man.")
    guest.panel.locator(".stale.earlier").wait_for()
    guest.unit("seed").fill("-3")
    guest.press("Make")
    guest.panel.locator(".stale.failed").wait_for()
    assert "seed" in guest.status()
    guest.unit("seed").fill("7")
    guest.press("Make")
    guest.panel.locator(".stale").wait_for(state="detached")
    assert guest.panel.locator(".status:visible").count() == 0
    true = generate("An old man.", "neutral", seed=7, model="embedded", progress=False)
    assert [which(each, true) for each in guest.pictures("alone")] == [0]


@pytest.mark.slow
def test_a_close_up_shows_the_face(visitor, tmp_path):
    wide = Image.new("RGB", (600, 300), "white")
    wide.paste(photo(FROWN), (300, 20))
    wide.save(tmp_path / "wide.jpg", quality=95)
    guest = visitor()
    guest.upload(tmp_path / "wide.jpg")
    guest.warped()
    guest.press("happy")
    guest.edited("+3.0")
    assert {each.shape for each in guest.pictures()} == {(300, 600, 3)}
    guest.panel.locator(".close input").check()
    guest.page.wait_for_function("document.querySelector('.compare img').naturalWidth < 400")
    assert len(guest.pictures()) == 2


@pytest.mark.slow
def test_an_empty_file_gets_a_sentence(visitor, tmp_path):
    (tmp_path / "empty.jpg").touch()
    guest = visitor()
    guest.upload(tmp_path / "empty.jpg")
    assert "Cannot read" in guest.status()

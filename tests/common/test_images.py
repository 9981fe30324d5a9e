"""Whatever a person has becomes a picture, or one of our errors."""

from __future__ import annotations

import io
import re
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from refusals import refused

from common.core.errors import FaceEditError, ImageError, MissingCheckpointError, MissingDependencyError, ShapeError
from common.imaging.image_files import picture_size
from common.imaging.images import as_list, read_image, rgb, save_image, to_uint8

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
IMAGE = Image.fromarray(PIXELS)


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        PIXELS,
        PIXELS.astype(np.float32) / 255,
        PIXELS.astype(np.uint16) * 257,
        PIXELS.astype(np.int64),
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        torch.from_numpy(PIXELS).permute(2, 0, 1).float() / 255,
        torch.from_numpy(PIXELS).permute(2, 0, 1).double() / 255,
        np.dstack([PIXELS, np.full((20, 30), 255, np.uint8)]),
        IMAGE.convert("RGBA"),
    ],
)
def test_usual_layouts(image):
    assert (rgb(read_image(image)) == PIXELS).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16", "RGBX"])
def test_every_mode(mode):
    if mode in ("I", "F", "I;16"):
        grey = np.asarray(IMAGE.convert("L"))
        image = Image.fromarray(
            {"I": grey.astype(np.int32) * 257, "F": grey / np.float32(255), "I;16": grey.astype(np.uint16) * 257}[mode]
        )
        assert (rgb(read_image(image))[:, :, 0] == grey).all()
    else:
        image = IMAGE.convert("L").convert("LA").convert("PA") if mode == "PA" else IMAGE.convert("RGB").convert(mode)
        assert read_image(image).size == IMAGE.size


def test_grey_array():
    assert rgb(read_image(PIXELS[:, :, 0])).shape == (20, 30, 3)
    assert rgb(read_image(PIXELS[:, :, :1])).shape == (20, 30, 3)


def test_transparency_is_kept_and_stands_before_white():
    image = np.dstack([PIXELS, np.zeros((20, 30), np.uint8)])
    read = read_image(image)
    assert read.mode == "RGBA"
    assert (rgb(read) == 255).all()


def test_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    IMAGE.save(tmp_path / "turned.png", exif=exif)
    read = read_image(tmp_path / "turned.png")
    assert read.size == (20, 30)
    assert (rgb(read) == np.rot90(PIXELS, -1)).all()


def test_16_bit_file(tmp_path):
    ramp = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    assert np.abs(rgb(read_image(tmp_path / "deep.png"))[:, :, 0].astype(float) - ramp / 257).max() <= 0.5


def broken(tmp_path, kind):
    path = tmp_path / f"{kind}.jpg"
    if kind == "truncated":
        Image.fromarray(np.tile(PIXELS, (20, 20, 1))).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "text":
        path.write_text("not a picture")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "folder", "absent"])
def test_broken_files(tmp_path, kind):
    with pytest.raises(ImageError, match=kind):
        read_image(broken(tmp_path, kind))


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.full((4, 4, 3), np.nan), ImageError),
        (torch.full((3, 4, 4), torch.nan), ImageError),
        (np.full((4, 4, 3), 7.0), ImageError),
        (np.full((4, 4, 3), -1.0), ImageError),
        (np.full((4, 4, 3), -1), ImageError),
        (np.full((4, 4, 3), 300), ImageError),
        (np.zeros((4, 4, 2), np.uint8), ShapeError),
        (np.zeros((4,), np.uint8), ShapeError),
        (np.zeros((0, 4, 3), np.uint8), ImageError),
        (np.zeros((4, 4, 3), complex), ImageError),
        (np.full((4, 4), "x"), ImageError),
        (torch.zeros(5, 4, 3), ShapeError),
        (torch.zeros(2, 3, 4, 4), ShapeError),
        (Image.new("RGB", (0, 5)), ImageError),
        (None, ImageError),
        (42, ImageError),
    ],
)
def test_what_is_no_picture(image, error):
    with pytest.raises(error):
        read_image(image)


@given(
    st.lists(st.integers(0, 5), min_size=0, max_size=4),
    st.sampled_from(["u1", "u2", "i1", "i4", "i8", "f2", "f4", "f8", "?", "c8"]),
    st.integers(0, 2**32 - 1),
)
def test_any_array_gives_a_picture_or_our_error(shape, dtype, seed):
    array = np.asarray(np.random.default_rng(seed).normal(size=shape) * 100).astype(dtype)
    for image in (array, *([torch.from_numpy(array)] if array.dtype != "u2" else [])):
        with suppress(FaceEditError):
            assert read_image(image).mode in ("RGB", "RGBA")


@given(data=st.data())
def test_any_damage_to_a_file_gives_a_picture_or_our_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage")
    kind = data.draw(st.sampled_from(["png", "jpeg", "webp", "bmp", "gif", "tiff"]))
    path = folder / f"x.{kind}"
    IMAGE.save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(FaceEditError):
        assert read_image(path).mode in ("RGB", "RGBA")


def test_batches_are_lists():
    assert as_list(PIXELS) is None
    assert as_list("photo.jpg") is None
    assert len(as_list(PIXELS[None].repeat(3, 0))) == 3
    assert len(as_list(torch.zeros(2, 3, 4, 4))) == 2
    assert as_list([IMAGE]) == [IMAGE]


def test_saving_is_whole_or_nothing(tmp_path):
    save_image(IMAGE, tmp_path / "new" / "a.png")
    assert (rgb(read_image(tmp_path / "new" / "a.png")) == PIXELS).all()
    save_image(IMAGE.convert("RGBA"), tmp_path / "new" / "a.jpg")
    with refused(ImageError, "format", actual=".xyz"):
        save_image(IMAGE, tmp_path / "new" / "a.xyz")
    (tmp_path / "file").write_text("")
    with refused(ImageError, "unwritable"):
        save_image(IMAGE, tmp_path / "file" / "a.png")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.jpg", "a.png"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = save_image(IMAGE, tmp_path / "a.png")
    before = path.read_bytes()

    def fail(self, temporary, **options):
        temporary.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(ImageError, match="disk full"):
        save_image(IMAGE, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_the_colour_profile_travels(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    IMAGE.save(tmp_path / "a.jpg", icc_profile=profile)
    for name in ("b.jpg", "b.png"):
        save_image(read_image(tmp_path / "a.jpg"), tmp_path / name)
        assert read_image(tmp_path / name).info["icc_profile"] == profile
    assert not read_image(IMAGE.convert("CMYK")).info  # a profile of other channels would be wrong


def test_a_result_is_readable_by_others(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert save_image(IMAGE, tmp_path / "a.png").stat().st_mode == ordinary.stat().st_mode


@pytest.mark.parametrize("path", ["x" * 300 + ".png", "~nobody123/x.png", "a/b.png"])
def test_odd_paths(path):
    with refused(ImageError, "missing"):
        read_image(path)


def test_pixels_become_the_nearest_bytes_and_nothing_beyond():
    assert to_uint8(np.array([-1, 0, 0.1, 0.5, 1, 9], np.float32)).tolist() == [0, 0, 26, 128, 255, 255]
    assert to_uint8(np.array([-3, 0.4, 12.6, 254.6, 300]), 255).tolist() == [0, 0, 13, 255, 255]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_becomes_no_pixel(bad, dtype):
    pixels = np.full((300, 300, 3), 0.5, dtype)  # whose sum is more than float16 holds
    assert (to_uint8(pixels) == 128).all()
    pixels[1, 2, 0] = bad
    with refused(ImageError, "values"):
        to_uint8(pixels)


def test_floats_become_bytes_in_one_place():
    """So that no package saves NaN: a cast of its own would turn it into black, or any colour."""
    cast = r"astype\((np\.uint8|\"uint8\")\)|to\(torch\.uint8\)"
    own = re.compile(rf"(rint\(|255|\.clip\(|round\(\)).*({cast})|\.byte\(\)")
    root, found = Path(__file__).parents[2], []
    for package in ("common", "magicface", "rigface", "fineface", "microexpression"):
        for file in (root / package).rglob("*.py"):
            lines = file.read_text().splitlines()
            found += [f"{file.relative_to(root).as_posix()}: {line.strip()}" for line in lines if own.search(line)]
    known = {
        "common/imaging/images.py: ": 3,  # here
        "common/parsing/conditioning.py: ": 1,  # a table of constants, rounded down
        "fineface/editor.py: ": 1,  # a mask of booleans
    }
    for place, count in known.items():
        assert sum(line.startswith(place) for line in found) <= count, place
    assert not [line for line in found if not line.startswith(tuple(known))]


@pytest.mark.parametrize("mode", ["P", "LA", "I;16", "RGB"])
def test_every_way_to_be_transparent_is_alpha(tmp_path, mode):
    alpha = np.repeat([0, 255], 15).astype(np.uint8)[None].repeat(20, 0)
    grey, path = np.where(alpha > 0, 90, 7).astype(np.uint8), tmp_path / "cut.png"
    if mode == "LA":
        Image.fromarray(np.dstack([grey, alpha])).save(path)
    elif mode == "I;16":
        Image.fromarray(grey.astype(np.uint16) * 257).save(path, transparency=7 * 257)
    elif mode == "RGB":
        Image.fromarray(np.dstack([grey] * 3)).save(path, transparency=(7, 7, 7))
    else:
        Image.fromarray(grey).convert("P").save(path, transparency=7)
    read = read_image(path)
    assert read.mode == "RGBA"
    assert (np.asarray(read)[..., 3] == alpha).all()
    assert np.abs(np.asarray(read)[..., 0].astype(int) - grey).max() <= 1


def test_colours_that_alpha_hides_are_saved(tmp_path):
    cut = np.dstack([PIXELS, np.zeros((20, 30), np.uint8)])
    cut[:5, :, 3] = 255
    assert (np.asarray(Image.open(save_image(Image.fromarray(cut), tmp_path / "a.png"))) == cut).all()
    assert (np.asarray(Image.open(save_image(Image.fromarray(cut), tmp_path / "a.webp", lossless=True))) == cut).all()


def encoded(kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    IMAGE.save(buffer, kind, **options)
    return buffer.getvalue()


def test_encoded_pictures_in_every_form(tmp_path):
    """Bytes, open files (wherever they stand), a file in a zip archive; twice each, as a caller may reuse a file."""
    path = tmp_path / "p.png"
    path.write_bytes(encoded())
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.write(path, "p.png")
    at_end = io.BytesIO()
    IMAGE.save(at_end, "PNG")
    forms = [encoded(), bytearray(encoded()), memoryview(encoded()), io.BytesIO(encoded()), at_end, path]
    with (
        tempfile.SpooledTemporaryFile() as spooled,
        open(path, "rb") as file,
        zipfile.ZipFile(tmp_path / "z.zip") as archive,
    ):
        spooled.write(encoded())
        for form in [*forms, spooled, str(path), file, zipfile.Path(archive, "p.png"), Located(path)]:
            for _ in range(2):
                assert (rgb(read_image(form)) == PIXELS).all()


class Located:
    """A path as other libraries have them."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def test_files_that_give_no_bytes_are_refused_in_words(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(encoded())
    closed = io.BytesIO(encoded())
    closed.close()
    with open(path) as text, pytest.raises(ImageError, match='"rb"'):
        read_image(text)
    with pytest.raises(ImageError, match='"rb"'):
        read_image(io.StringIO("text"))
    with refused(ImageError, "unreadable"):
        read_image(closed)
    with refused(ImageError, "type", hint="list them first: list(pictures)"):
        read_image(IMAGE for _ in range(2))


@pytest.mark.parametrize("image", [b"", b"no picture", io.BytesIO(b"no picture"), iter([IMAGE]), object(), {1: IMAGE}])
def test_no_message_names_the_address_of_an_object(image):
    with pytest.raises(ImageError) as caught:
        read_image(image)
    assert "0x" not in str(caught.value)
    for kind in (FaceEditError, MissingCheckpointError):
        assert str(kind(f"got {[object(), IMAGE, image.__class__.__init__]!r}")).count(" at 0x") == 0
    assert str(FaceEditError("got <_io.BytesIO object at 0x7f00> here")) == "got <BytesIO> here"


def test_heic_is_read_upright_and_without_pillow_heif_the_package_is_named(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = 6
    large = IMAGE.resize((120, 80), Image.Resampling.NEAREST)
    heif.from_pillow(large).save(tmp_path / "turned.HEIC", quality=-1, exif=exif.tobytes())
    read = read_image(tmp_path / "turned.HEIC")
    assert read.size == picture_size(tmp_path / "turned.HEIC") == (80, 120)
    assert psnr(np.rot90(np.asarray(large), -1), rgb(read)) > 25
    assert (rgb(read_image((tmp_path / "turned.HEIC").read_bytes())) == rgb(read)).all()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for look in (read_image, picture_size):
        with pytest.raises(MissingDependencyError, match=r'pip install "face-rig\[heic\]"'):
            look(tmp_path / "turned.HEIC")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


@pytest.mark.parametrize("cut", [20, 40, 200, 700])
def test_damaged_heic_is_our_error(cut):
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(IMAGE).save(buffer)
    with pytest.raises(ImageError):
        read_image(buffer.getvalue()[:cut])


def test_avif_is_read_by_pillow_itself():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_image(encoded("AVIF", exif=exif)).size == (20, 30)


def test_lists_of_pictures(tmp_path):
    pandas = pytest.importorskip("pandas")
    assert as_list(pandas.Series(["a.jpg", "b.jpg"], index=[7, 3])) == ["a.jpg", "b.jpg"]
    assert as_list(np.array(["a.jpg", "b.jpg"])) == ["a.jpg", "b.jpg"]
    for single in (encoded(), memoryview(encoded()), io.BytesIO(), "a.jpg", PIXELS, PIXELS[0, 0]):
        assert as_list(single) is None


def test_premultiplied_modes_and_lab_of_pillow_are_read():
    cut = Image.fromarray(np.dstack([PIXELS, np.full((20, 30), 128, np.uint8)]))
    for mode in ("RGBa", "La"):
        read = read_image(cut.convert("RGBA" if mode == "RGBa" else "LA").convert(mode))
        assert read.mode == "RGBA"
        assert (np.asarray(read)[..., 3] == 128).all()
    from PIL import ImageCms

    lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    smooth = Image.new("RGB", (8, 8), (200, 120, 90))
    read = read_image(ImageCms.applyTransform(smooth, lab))
    assert np.abs(np.asarray(read).astype(int) - (200, 120, 90)).max() <= 4

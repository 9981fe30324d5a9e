"""What saved pictures say of themselves, and that they can be made again from it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from breadth import breadth
from certificates import write_chain
from PIL import Image
from refusals import refused
from runs import ROOT

from common.core.errors import ImageError, InputError, MissingDependencyError
from common.imaging.carried import carried_together
from common.imaging.contact_sheet import Row, contact_sheet
from common.imaging.images import read_image, save_image
from common.provenance import credentials, watermark, xmp
from common.provenance.picture import Picture, carry
from common.provenance.recipe import KINDS, Provenance, Recipe, carried, fingerprint, saved_with, version
from common.provenance.verify import read_recipe, verify
from common.provenance.weights import digest, model_of
from magicface import edit
from magicface.__main__ import main

FACE = ROOT / "examples" / "portraits" / "calm.jpg"
RECIPE = Recipe("magicface", "edit", {"AU12": 3.0}, {"seed": 7, "steps": 2}, {"id": "x", "weights": {"a": "00"}})


@pytest.fixture
def picture():
    return carry(read_image(FACE), RECIPE)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One edit by the networks and one warp, beside their photo."""
    folder = tmp_path_factory.mktemp("edits")
    (folder / FACE.name).write_bytes(FACE.read_bytes())
    options = {"engine": "diffusion", "steps": 1, "model": "embedded", "progress": False}
    edit(folder / FACE.name, [{"AU12": 1}, {"AU12": 3}, {"AU4": 2}], **options)[1].save(folder / "edit.png")
    edit(folder / FACE.name, "happy:0.7", engine="warp", progress=False).save(folder / "warp.jpg")
    return folder


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_every_saved_picture_says_what_it_is(picture, tmp_path, suffix):
    path = tmp_path / f"smile.{suffix}"
    picture.save(path)
    found = verify(path)
    assert found.synthetic
    assert found.recorded.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert found.recorded.software.startswith("face-rig ")
    assert found.recipe == replace(RECIPE, version=version())
    assert found.mark.found
    assert found.unchanged is (True if suffix == "png" else None)
    assert [path.name for path in tmp_path.iterdir()] == [path.name], "nothing half-written is left"


def test_kinds_are_words_of_the_vocabulary():
    """IPTC NewsCodes, digital source type."""
    vocabulary = {"compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "trainedAlgorithmicMedia"}
    assert set(KINDS.values()) == vocabulary


def test_other_programs_find_it(picture, tmp_path):
    """The packet lies where PNG and JPEG have it, as well-formed XMP with the IPTC's property."""
    for suffix in ("png", "jpg"):
        picture.save(tmp_path / f"a.{suffix}")
        content = (tmp_path / f"a.{suffix}").read_bytes()
        assert (b"XML:com.adobe.xmp" if suffix == "png" else b"http://ns.adobe.com/xap/1.0/\0") in content
        assert b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in content
        with Image.open(tmp_path / f"a.{suffix}") as image:
            packet = image.info["xmp"]
        assert packet.startswith(b"<?xpacket begin=")


def test_the_same_picture_is_the_same_file(picture, tmp_path):
    for name in ("a.png", "b.png"):
        picture.save(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_mark_is_off_by_request_alone(picture, tmp_path):
    picture.save(tmp_path / "plain.png", watermark=False)
    found = verify(tmp_path / "plain.png")
    assert not found.mark.found
    assert found.recorded.watermark is False
    assert found.synthetic, "the metadata say it"
    assert np.array_equal(read_image(tmp_path / "plain.png"), np.asarray(picture))
    picture.save(tmp_path / "marked.png")
    change = np.asarray(picture, int) - np.asarray(read_image(tmp_path / "marked.png"))
    assert 10 * np.log10(255**2 / (change**2).mean()) > 43


def test_a_photo_says_nothing(tmp_path):
    save_image(read_image(FACE), tmp_path / "photo.png")
    found = verify(tmp_path / "photo.png")
    assert not found.synthetic
    assert found.recorded == xmp.Recorded()
    with refused(InputError, "missing"):
        read_recipe(tmp_path / "photo.png")


@pytest.mark.slow
def test_the_mark_survives_the_loss_of_metadata(picture, tmp_path):
    """JPEG at quality 70, half a size, half a crop."""
    large = carry(picture.resize((512, 512)), RECIPE)
    large.save(tmp_path / "marked.png")
    marked = read_image(tmp_path / "marked.png")
    marked.save(tmp_path / "jpeg.jpg", quality=70)
    marked.resize((256, 256)).save(tmp_path / "half.png")
    marked.crop((100, 60, 400, 360)).save(tmp_path / "crop.png")
    for name in ("jpeg.jpg", "half.png", "crop.png"):
        found = verify(tmp_path / name)
        assert found.synthetic, name
        assert found.recipe is None


@pytest.mark.slow
def test_changed_pixels_are_told(picture, tmp_path):
    picture.save(tmp_path / "a.png", watermark=False)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
    packet, pixels = image.info["xmp"], np.array(image)
    pixels[3, 3] ^= 1
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet.decode())
    Image.fromarray(pixels).save(tmp_path / "b.png", pnginfo=text)
    assert verify(tmp_path / "a.png").unchanged is True
    assert verify(tmp_path / "b.png").unchanged is False


@pytest.mark.parametrize("suffix", breadth(["png", "jpg"]))
def test_signatures_are_valid_until_the_file_is_changed(picture, tmp_path, suffix):
    chain, key = write_chain(tmp_path)
    path = tmp_path / f"signed.{suffix}"
    picture.save(path, watermark=False, certificate=chain, key=key)
    found = verify(path).credentials
    assert (found["state"], found["signer"]) == ("Valid", "Test signer")
    assert found["faults"] == ["signingCredential.untrusted"], "nobody vouches for the test's root"
    assert found["source_type"] == "compositeWithTrainedAlgorithmicMedia"
    content = bytearray(path.read_bytes())
    at = content.rfind(b"IEND") - 60 if suffix == "png" else len(content) - 60
    content[at] ^= 1
    path.write_bytes(content)
    assert credentials.read(path)["state"] == "Invalid"


def test_what_cannot_sign_is_told_and_nothing_is_written(picture, tmp_path):
    chain, key = write_chain(tmp_path)
    (tmp_path / "notes.pem").write_text("no key")
    (tmp_path / "bad.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for options in (
        {"certificate": chain}, {"certificate": chain, "key": tmp_path / "notes.pem"},
        {"certificate": chain, "key": tmp_path / "bad.pem"}, {"certificate": tmp_path / "none.pem", "key": key},
        {"certificate": key, "key": key},
    ):  # fmt: skip
        with pytest.raises(InputError):
            picture.save(tmp_path / "signed.png", watermark=False, **options)
    assert {path.suffix for path in tmp_path.iterdir()} == {".pem"}


@pytest.mark.parametrize("module", ["imwatermark", "c2pa"])
def test_what_is_not_installed_is_told_with_its_command(picture, tmp_path, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    watermark._library.cache_clear()
    try:
        if module == "imwatermark":
            with pytest.raises(MissingDependencyError, match="pip install --no-deps invisible-watermark"):
                picture.save(tmp_path / "a.png")
            assert not list(tmp_path.iterdir())
        else:
            chain, key = write_chain(tmp_path)
            with pytest.raises(MissingDependencyError, match=r"face-rig\[sign\]"):
                picture.save(tmp_path / "a.png", watermark=False, certificate=chain, key=key)
        picture.save(tmp_path / "a.png", watermark=False)
        assert any("pip install" in note for note in verify(tmp_path / "a.png").notes)
    finally:
        watermark._library.cache_clear()


def test_formats_that_cannot_say_it_are_refused(picture, tmp_path):
    with refused(ImageError, "format", actual="BMP"):
        picture.save(tmp_path / "a.bmp")
    assert not list(tmp_path.iterdir())


def test_what_is_made_of_an_edit_knows_it_too(picture, tmp_path):
    plain = picture.resize((64, 64))
    assert not isinstance(plain, Picture)
    save_image(saved_with(plain, watermark=False), tmp_path / "small.png")
    assert read_recipe(tmp_path / "small.png").request == RECIPE.request
    sheet = contact_sheet([Row([read_image(FACE), picture, picture])], 64)
    assert carried(sheet).recipe.kind == "sheet"
    assert carried(sheet).recipe.request == [RECIPE.request, RECIPE.request]
    assert carried_together([read_image(FACE)]) is None


def test_an_open_file_gets_what_pil_writes(picture):
    file = BytesIO()
    picture.save(file, "PNG")
    assert b"digitalsourcetype" not in file.getvalue()


def test_recipes_survive_their_text():
    assert Recipe.from_json(RECIPE.to_json()) == RECIPE
    for text in ("", "7", "{}", '{"program": 1}', "[" * 100_000, RECIPE.to_json().replace('"edit"', '"other"')):
        with pytest.raises(InputError):
            Recipe.from_json(text)


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"\0", b"<x", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xfe", b"<a/>" * 2,
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
    ],
)  # fmt: skip
def test_packets_that_say_nothing(packet):
    assert xmp.read(packet) == xmp.Recorded()


def test_a_very_long_page_still_fits_a_jpeg(picture, tmp_path):
    sheet = carry(picture.copy(), Recipe("magicface", "sheet", [{"AU12": 3.0}] * 9000, {}))
    save_image(saved_with(sheet, watermark=False), tmp_path / "sheet.jpg")
    assert read_recipe(tmp_path / "sheet.jpg").request == "9000 requests"


def test_models_are_known_by_the_hashes_of_their_files(tmp_path):
    folder = tmp_path / "model"
    (folder / "unet").mkdir(parents=True)
    for name in ("unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors", "a.json"):
        (folder / name).write_bytes(b"abc")
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, of "abc"
    name = "unet/diffusion_pytorch_model.safetensors"
    assert model_of([folder]) == {"id": "model", "weights": {name: sha}}
    (folder / name).write_bytes(b"abcd")
    assert digest(folder / name) != sha


def test_fingerprints_are_of_pixels():
    one, other = Image.new("RGB", (4, 2)), Image.new("RGB", (2, 4))
    assert fingerprint(one) == fingerprint(one.copy())
    assert fingerprint(one) != fingerprint(other)


def test_a_signature_needs_both_files(tmp_path):
    with refused(InputError, "missing"):
        Provenance(RECIPE, certificate=tmp_path)


def test_the_commands_verify_and_redo(saved, capsys):
    """The second of three by the networks, which pass through them together; and a warp."""
    assert main(["verify", "--json", str(saved / "edit.png"), str(saved / "warp.jpg")]) == 0
    by_networks, warp = map(json.loads, capsys.readouterr().out.splitlines())
    assert by_networks["recipe"]["model"]["id"] == "embedded"
    assert {len(sha) for sha in by_networks["recipe"]["model"]["weights"].values()} == {64}
    assert (by_networks["recipe"]["settings"]["row"], by_networks["recipe"]["settings"]["rows"]) == (1, 3)
    assert warp["source_type"] == "compositeSynthetic"
    assert warp["recipe"]["photo"]["name"] == FACE.name
    for name in ("edit.png", "warp.jpg"):
        assert main(["redo", str(saved / name)]) == 0
        assert "the same picture, pixel for pixel" in capsys.readouterr().err
    assert main(["verify", str(saved / FACE.name)]) == 1


def test_redo_refuses_another_photo_and_other_weights(saved, tmp_path, capsys):
    (tmp_path / "edit.png").write_bytes((saved / "edit.png").read_bytes())
    assert main(["redo", str(tmp_path / "edit.png")]) == 2
    assert "calm.jpg" in capsys.readouterr().err
    other = ROOT / "examples" / "portraits" / "frown.jpg"
    assert main(["redo", str(tmp_path / "edit.png"), "--photo", str(other)]) == 2
    assert "is not the photo that was edited" in capsys.readouterr().err
    asked = ["redo", str(tmp_path / "edit.png"), "--photo", str(FACE), "-o", str(tmp_path / "edit.png")]
    assert main(asked) == 2
    assert "would overwrite" in capsys.readouterr().err
    from rigface.__main__ import main as rigface

    assert rigface(["redo", str(tmp_path / "edit.png")]) == 2
    assert "magicface redo" in capsys.readouterr().err


def test_the_command_line_marks_and_signs(tmp_path, capsys):
    chain, key = write_chain(tmp_path)
    asked = [str(FACE), "AU12=3", "--engine", "warp", "-q", "--certificate", str(chain), "--key", str(key)]
    assert main([*asked, "-o", str(tmp_path / "out.jpg")]) == 0
    found = verify(tmp_path / "out.jpg")
    assert found.mark.found
    assert found.credentials["state"] == "Valid"
    assert main([*asked[:-2], "-o", str(tmp_path / "other.jpg")]) == 2
    assert not (tmp_path / "other.jpg").exists()


def test_importing_the_room_loads_no_library():
    code = (
        "import sys, common.provenance.picture, common.provenance.verify, common.editing.redo\n"
        "assert not {'imwatermark', 'c2pa', 'cryptography', 'onnxruntime'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_picture_is_verified_from_its_bytes_as_from_its_file(tmp_path):
    path = save_image(carry(read_image(FACE), RECIPE, ()), tmp_path / "x.png")
    told = verify(path)
    with open(path, "rb") as file:
        for form in (file, path.read_bytes(), str(path)):
            assert {**verify(form).to_dict(), "file": "x.png"} == told.to_dict()
            assert read_recipe(form) == read_recipe(path)

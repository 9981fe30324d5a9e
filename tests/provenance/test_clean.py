"""Measurements of saved edits are those of the pictures before they were marked."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from breadth import breadth
from PIL import Image
from runs import ROOT

from common.imaging.images import read_image, rgb
from common.measure import measure
from common.measure.compare import PSNR_CAP, psnr
from common.provenance import watermark
from common.provenance.clean import read_clean, read_pair
from magicface import edit

PHOTOS = [ROOT / "examples" / "portraits" / "calm.jpg", ROOT.parent / "shared" / "photos" / "s12.jpg"]


@pytest.fixture(scope="module", params=breadth(PHOTOS), ids=lambda path: path.stem)
def saved(request, tmp_path_factory):
    """A photo, its edit in memory, and the edit's marked file."""
    if not request.param.is_file():
        pytest.skip(f"{request.param.name} lies in ../shared, which is not here")
    made = edit(request.param, "happy,AU26=2", engine="warp", progress=False)
    path = tmp_path_factory.mktemp("marked") / "edit.png"
    made.save(path)
    return request.param, made, path


def test_a_saved_edit_measures_as_the_picture_in_memory(saved):
    photo, made, path = saved
    plain, marked = measure(photo, made), measure(photo, path)
    assert plain.background_psnr == PSNR_CAP, "a warp leaves the background alone"
    assert marked.background_psnr == PSNR_CAP
    cost = psnr(rgb(made), rgb(read_image(path)), np.ones(made.size[::-1], bool))
    assert marked.mark_psnr == pytest.approx(cost, abs=0.1)
    assert plain.mark_psnr is None
    assert np.abs(marked.change - plain.change).max() < 0.1
    if plain.identity is not None:
        assert marked.identity.value == pytest.approx(plain.identity.value, abs=0.02)
    assert f"watermark      {marked.mark_psnr:.1f} dB" in marked.table()


def test_noise_in_the_background_is_not_taken_for_the_mark(saved, tmp_path):
    photo, made, _ = saved
    before, where = read_image(photo), np.ones(made.size[::-1], bool)
    noisy = made.copy()
    pixels = rgb(made).astype(int) + np.random.default_rng(0).integers(-1, 2, (*where.shape, 3))
    noisy.paste(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    noisy.info = dict(made.info)
    noisy.save(tmp_path / "noisy.png")
    found = read_clean(tmp_path / "noisy.png", rgb(before))
    assert psnr(rgb(noisy), found.pixels, where) > 50
    assert psnr(rgb(before), found.pixels, where) == pytest.approx(psnr(rgb(before), rgb(noisy), where), abs=0.5)


@pytest.mark.slow
def test_an_edit_of_a_marked_edit_keeps_the_first_mark(saved, tmp_path):
    _, _, path = saved
    edit(path, "AU4=2", engine="warp", progress=False).save(tmp_path / "second.png")
    before, _ = read_pair(path, tmp_path / "second.png")
    assert np.array_equal(before, rgb(read_image(path)))
    assert measure(path, tmp_path / "second.png").background_psnr > 80
    unmarked, _ = read_pair(path, path)
    assert not np.array_equal(unmarked, before), "of a picture that was not made of it, the mark goes"


def test_where_the_mark_cannot_be_taken_out_the_background_is_not_measured(saved, tmp_path, monkeypatch):
    photo, _, path = saved
    with Image.open(path) as image:
        image.load()
    info, changed = dict(image.info), np.array(image)
    changed[:4, :4] ^= 1
    altered = Image.fromarray(changed)
    altered.info = info
    assert "changed after" in measure(photo, altered).mark_problem
    monkeypatch.setitem(sys.modules, "imwatermark", None)
    watermark._library.cache_clear()
    try:
        report = measure(photo, path)
        assert report.background_psnr is None
        assert "invisible-watermark" in report.table()
    finally:
        watermark._library.cache_clear()

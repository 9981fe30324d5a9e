"""Small files that unfold to large ones, files that are none, and names that lead elsewhere."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from guards import guarded
from PIL import Image, PngImagePlugin
from refusals import refused

from common.batch.folder import samples
from common.batch.plan import Item, Job, read_jobs, read_requests
from common.batch.run import run
from common.batch.scores import score
from common.core.errors import CheckpointError, FaceEditError, ImageError, InputError
from common.core.jsonio import DEEPEST, parse_json
from common.core.records import read_rows
from common.face3d.files import arrays
from common.face3d.files.arrays import read_arrays
from common.facs.action_units import to_vector
from common.imaging.image_files import picture_size
from common.imaging.images import read_image
from common.training.command import read
from common.training.config import DiffusionConfig
from fineface.request import expand
from rigface.attributes import Light
from rigface.conditioning import read_coefficients
from rigface.request import RigEdit

PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = (b"IDAT", zlib.compress(bytes((3 * min(width, 9) + 1) * min(height, 9))))
    parts = (len(d).to_bytes(4, "big") + k + d + zlib.crc32(k + d).to_bytes(4, "big") for k, d in
             (head, *chunks, pixels, (b"IEND", b"")))  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(width: int, height: int) -> bytes:
    tags = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, width * height % 2**32),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def webp(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


LARGE = zlib.compress(bytes(2**28))
BOMBS = {
    "png": png(2**31 - 1, 2**31 - 1), "png of 30000": png(30_000, 30_000), "tiff": tiff(60_000, 60_000),
    "webp": webp(2**14, 2**14), "gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0,",
    "bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 60, 0, 54, 40, 2**31 - 1, 2**30, 1, 24, 0, 0, 0, 0, 0, 0),
    "ppm": b"P6 1000000 1000000 255\n", "zTXt": png(9, 9, *[(b"zTXt", b"a\0\0" + LARGE)] * 3),
    "iTXt": png(9, 9, *[(b"iTXt", b"a\0\1\0\0\0" + LARGE)] * 3), "iCCP": png(9, 9, (b"iCCP", b"a\0\0" + LARGE)),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_that_unfolds_is_refused_or_is_small(name, tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(BOMBS[name])
    for read_it in (read_image, picture_size):
        with guarded():
            try:
                found = read_it(path)
            except FaceEditError as error:
                assert "bomb.png" in str(error)  # noqa: PT017 - either may come
            else:
                assert getattr(found, "size", found)[0] < 10 or read_it is picture_size


def test_a_film_is_its_first_picture(tmp_path):
    frames = [Image.new("RGB", (20, 10), (n % 256, 0, 0)) for n in range(300)]
    for suffix in ("gif", "webp", "tiff", "png"):
        frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
        with guarded():
            assert read_image(tmp_path / f"a.{suffix}").size == (20, 10)


def test_a_long_comment_costs_nothing(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("a", "b" * 10**6, zip=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    assert read_image(tmp_path / "a.png").info == {}


def test_vast_arrays_that_hold_one_number_are_refused():
    with guarded():
        for image in (np.broadcast_to(np.uint8(3), (10**6, 10**6, 3)), torch.zeros(1).expand(3, 10**6, 10**6)):
            with refused(ImageError, "size"):
                read_image(image)


def test_postscript_is_a_program_and_is_not_run(tmp_path, monkeypatch):
    """Pillow hands it to Ghostscript, whatever the file is called."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "bin" / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.eps")
    (tmp_path / "photo.png").write_bytes((tmp_path / "a.eps").read_bytes())
    with guarded(), pytest.raises(ImageError, match=r"photo\.png.*EPS is a program"):
        read_image(tmp_path / "photo.png")
    assert not (tmp_path / "ran").exists()


def test_archives_that_unfold_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MOST_NUMBERS", 1000)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10_000), b=np.zeros(3))
    with pytest.raises(CheckpointError, match=r"a\.npz.*unfolds"):
        read_arrays(tmp_path / "a.npz", "It", "nowhere", ["b"])


def test_an_array_that_says_it_is_large_takes_no_memory(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3, np.float32))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(3,), }" + b" " * 13, b"(3000000000000,), }" + b" "))
    with guarded(), pytest.raises(ImageError, match=r"a\.npy"):
        read_coefficients(tmp_path / "a.npy")


# --- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        "1" * 10_000,
        "-" + "9" * 5000,
        "\0",
        "",
    ],
)
def test_json_that_python_chokes_on_is_a_value_error(text):
    with guarded(), pytest.raises(ValueError, match=r"."):
        parse_json(text)
    assert parse_json("[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize(
    "value", ["[" * 100_000, "1" * 10_000, "1" * 400, "1e999", "NaN", "-Infinity", '"\\ud800"', "null"]
)
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_lists_and_requests_of_odd_numbers_are_refused(tmp_path, value, suffix):
    text = f'[{{"AU12": {value}}}]' if suffix == "json" else f'{{"request": {{"AU12": {value}}}}}\n'
    (tmp_path / f"w.{suffix}").write_text(text)
    with guarded(), pytest.raises(InputError, match=rf"w\.{suffix}"):
        read_requests(tmp_path / f"w.{suffix}", to_vector)


@pytest.mark.parametrize(
    "content", [b"request\n" + b"a" * 200_000, b'request\n"' + b"\n" * 200_000, b"\xff\xfewish", b"request\n\0\0"]
)
def test_tables_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "w.csv").write_bytes(content)
    with guarded(), pytest.raises(InputError, match=r"w\.csv"):
        read_requests(tmp_path / "w.csv", to_vector)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 100_000, "steps = " + "1" * 10_000, "learning_rate = " + "1" * 400, "\0", 'a."b' * 9]
)
def test_configs_that_python_chokes_on_are_refused(tmp_path, text):
    (tmp_path / "c.toml").write_text('output = "out"\n' + text)
    with guarded(), pytest.raises(InputError):
        read(DiffusionConfig, tmp_path / "c.toml")
    (tmp_path / "c.toml").write_text('output = "out"')
    with guarded(), pytest.raises(InputError):
        read(DiffusionConfig, tmp_path / "c.toml", [text.replace(" ", "")])


@pytest.mark.parametrize(
    "text", ["AU12" + " " * 300_000 + "x", "a" * 300_000, "=" * 100_000, ",;" * 100_000 + "x", "AU" + "1" * 300_000]
)
def test_long_texts_are_read_in_time(text):
    for read_it in (to_vector, expand, Light.of, lambda t: RigEdit(pose=t)):
        with guarded(), pytest.raises(InputError):
            read_it(text)


def test_whole_numbers_that_no_float_holds():
    for request in (
        {"light": {"azimuth": 10**400}},
        {"pose": {"yaw": -(10**400)}},
        {"light": {"coefficients": [10**400] * 27}},
    ):
        with pytest.raises(InputError):
            RigEdit(**request)


def test_a_sweep_beside_a_share_of_a_word_is_one_request():
    assert expand("AU6=1,angry:0.7") == expand("angry:0.7,AU6=1")
    assert len(expand("AU6=1,angry:0.7")) == 1


# --- files that are none, and places elsewhere -----------------------------------------------------------------------


@PIPES
@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "folder"])
def test_nothing_is_waited_for(tmp_path, target):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, read_it in (
        ("a.png", read_image), ("b.png", picture_size), ("c.txt", lambda path: read_requests(path, to_vector)),
        ("d.json", lambda path: read_requests(path, to_vector)), ("e.csv", lambda path: list(read_rows(path))),
        ("f.toml", lambda path: read(DiffusionConfig, path)), ("g.npy", read_coefficients), ("h.jsonl", read_jobs),
    ):  # fmt: skip
        (tmp_path / name).symlink_to(target)
        with guarded(), pytest.raises(InputError, match=name.replace(".", r"\.") if target != "folder" else "."):
            read_it(tmp_path / name)


@pytest.mark.parametrize("path", ["a\0b.png", "\ud800.png", "~a\0b/x.png", "~nobody123/x", "x" * 5000])
def test_names_that_no_file_can_have(path):
    for read_it in (read_image, read_jobs, lambda p: read_requests(p, to_vector), read_coefficients):
        with pytest.raises(InputError):
            read_it(path)
    RigEdit(target=path, copy="light")  # the photo is read when it is needed


@pytest.mark.parametrize(
    "photo", [".", "..", "a/..", "", "\0", "a\0.png", "\ud800.png", "~/a.png", "x" * 300 + ".png", "//etc/passwd"]
)
def test_photos_that_no_list_can_name(tmp_path, photo):
    (tmp_path / "list.json").write_text(json.dumps([{"photo": photo}]))
    jobs, (fault,) = read_jobs(tmp_path / "list.json")
    assert not jobs
    assert fault.where == "list.json, line 1"


def test_names_of_files_that_are_no_text_can_be_told(tmp_path):
    try:
        Path(os.fsdecode(bytes(tmp_path) + b"/\xff.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    jobs, faults = read_jobs(tmp_path)
    assert [job.name for job in jobs] == ["%FF"]
    assert not faults


class Nobody:
    def encode(self, job):
        return job

    def edit(self, subject, requests):
        return [Image.new("RGB", (4, 4)) for _ in requests]

    def record(self, subject):
        return {}


def begin(folder: Path) -> dict[str, int]:
    photo = folder.parent / "a.png"
    Image.new("RGB", (4, 4)).save(photo)
    return run([Item(Job("a", photo), "b", "AU12=1")], Nobody, folder, {"a": 1}, progress=False)


@pytest.mark.parametrize(
    "place", ["edits", "edits/a", "edits/a/b.png", "samples.jsonl", "samples-0-1.jsonl", "run.json"]
)
@pytest.mark.parametrize("there", [True, False])
def test_a_run_writes_nothing_through_links(tmp_path, place, there):
    folder, outside = tmp_path / "run", tmp_path / "outside"
    (folder / place).parent.mkdir(parents=True)
    outside.mkdir()
    target = outside / "target"
    if there:
        target.write_text("") if Path(place).suffix else target.mkdir()
        (outside / f".{'0' * 32}.png").touch()  # the name of a half-written edit, in somebody else's folder
    (folder / place).symlink_to(outside if there and place == "edits" else target)
    before = {path: path.stat().st_size for path in outside.rglob("*")}
    with pytest.raises(InputError, match=place.split("/")[0]):
        begin(folder)
    assert {path: path.stat().st_size for path in outside.rglob("*")} == before


@pytest.mark.parametrize("place", ["samples.jsonl", "run.json"])
def test_folders_in_the_place_of_files_are_told(tmp_path, place):
    (tmp_path / "run" / place).mkdir(parents=True)
    with pytest.raises(InputError, match=place):
        begin(tmp_path / "run")


@pytest.mark.parametrize("content", ["[]", "7", "null", '"a"', "[" * 100_000, "{", "\0"])
def test_settings_that_are_none_are_told(tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(content)
    with guarded(), pytest.raises(InputError, match=r"run\.json"):
        begin(tmp_path / "run")


@pytest.mark.parametrize(
    "line", ["[]", "7", '{"key": 5}', '{"key": ["a"]}', '{"key": null}', "[" * 100_000, '{"key": ' + "1" * 5000 + "}"]
)
def test_lines_that_are_none_are_told(tmp_path, line):
    (tmp_path / "samples.jsonl").write_text(line + "\n")
    with guarded(), pytest.raises(InputError, match=r"samples\.jsonl, line 1"):
        samples(tmp_path)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"photo": 5},
        {"output": "../../etc/passwd"},
        {"output": "/etc/passwd"},
        {"face": [1]},
        {"face": "x"},
        {"output": "a\0"},
    ],
)
def test_scores_of_damaged_lines_are_refused(tmp_path, row):
    whole = {"photo": "a.png", "output": "edits/a/b.png", "request": "AU12=1"} if row else {}
    (tmp_path / "samples.jsonl").write_text(json.dumps({"key": "a/b", "state": "done", **whole, **row}) + "\n")
    with guarded(), pytest.raises(InputError):
        score(tmp_path, to_vector, estimator="regressor", progress=False)

"""What is fuzzed with bytes: each target takes any, in an empty folder, and passes, or raises one of our errors."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save

from common.batch import folder as folders
from common.batch import names as safe
from common.batch import plan, run, scores
from common.core.errors import FaceEditError
from common.core.jsonio import parse_json
from common.core.records import read_rows
from common.editing import redo
from common.editing.defaults import read_defaults
from common.editing.options import read_face
from common.face3d.files.arrays import read_arrays
from common.facs.action_units import AUIntensity, to_text, to_vector
from common.facs.expressions import is_word
from common.imaging import images
from common.imaging.image_files import picture_size
from common.measure.report import Report
from common.provenance import verify, xmp
from common.provenance.recipe import Recipe
from common.provenance.verify import Signs
from common.training.command import read
from common.training.config import EditConfig
from common.training.logs import read_log
from common.weights.config_guard import read_architecture
from common.weights.state_dict import building, read_pickled, read_weights
from common.weights.unet import named_scheduler, unet_from_config
from fineface.batch import read_request
from fineface.request import expand
from fineface.train import FineFaceConfig
from rigface.attributes import Light, Pose
from rigface.conditioning import read_coefficients
from rigface.request import RigEdit

GOLDEN = Path(__file__).parents[1] / "golden"
SUFFIXES = (".csv", ".json", ".jsonl", ".txt")


def each(*attempts: Callable[[], object]) -> None:
    """All of them, each with errors of its own."""
    for attempt in attempts:
        with suppress(FaceEditError):
            attempt()


def picture(data: bytes, folder: Path) -> None:
    path = folder / "photo.png"
    path.write_bytes(data)
    with suppress(FaceEditError):
        read = images.read_image(path)
        assert read.mode in ("RGB", "RGBA")
        assert 0 not in read.size
    each(lambda: picture_size(path))


def request_text(data: bytes, folder: Path) -> None:
    text = data.decode(errors="surrogateescape")
    with suppress(FaceEditError):
        vector = to_vector(text)
        np.testing.assert_allclose(to_vector(to_text(vector)), vector, rtol=1e-5, atol=1e-9)
    with suppress(FaceEditError):
        for one in expand(text, 3):
            assert AUIntensity.parse(str(one)) == one
    each(lambda: str(RigEdit.parse(text)), lambda: str(Light.of(text)), lambda: str(Pose.of(text)))
    each(lambda: is_word(text), lambda: read_face("face", text), lambda: safe.check_name(plan.slug(text)))


def request_value(data: bytes, folder: Path) -> None:
    try:
        value = parse_json(data)
    except ValueError:
        return
    each(lambda: to_vector(value), lambda: str(RigEdit.parse(value)), lambda: Light.of(value), lambda: Pose.of(value))
    each(lambda: read_request(value))


def requests_file(data: bytes, folder: Path) -> None:
    path = folder / f"requests{SUFFIXES[(data or b'0')[0] % 4]}"
    path.write_bytes(data[1:])
    for check in (to_vector, RigEdit.parse, read_request):
        with suppress(FaceEditError):
            for name in plan.read_requests(path, check):
                assert folders.inside(folder, f"{name}.png").resolve().parent == folder.resolve()


def manifest(data: bytes, folder: Path) -> None:
    (folder / "a.png").touch()
    path = folder / f"list{SUFFIXES[(data or b'0')[0] % 4]}"
    path.write_bytes(data[1:])
    for columns in (plan.PHOTOS, plan.TEXTS):
        with suppress(FaceEditError):
            for job in plan.read_jobs(path, columns)[0]:
                files = filter(None, (job.photo, job.background, *job.people))
                assert all(file.resolve().is_relative_to(folder.resolve()) or picture_size(file) for file in files)
                assert safe.check_name(job.name) == job.name
    each(lambda: list(read_rows(path)))


def samples_file(data: bytes, folder: Path) -> None:
    """The lines of a run, its settings, and its scores: whichever is damaged."""
    names = (folders.FILE, folders.SETTINGS, scores.LINES)
    (folder / names[(data or b"0")[0] % 3]).write_bytes(data[1:])
    if not (folder / folders.FILE).exists():
        (folder / folders.FILE).write_bytes(b'{"key": "a/b", "state": "failed", "request": "AU12=1", "error": "no"}\n')
    job = plan.Job("a", folder / "a.png")
    each(lambda: run.run([plan.Item(job, "b", "AU12=1")], _Nobody, folder, {"a": 1}, progress=False))
    each(lambda: scores.score(folder, to_vector, estimator="regressor", progress=False))


class _Nobody:
    def encode(self, job):
        raise FaceEditError("nobody")

    def edit(self, subject, requests):
        return []

    def record(self, subject):
        return {}


def toml(data: bytes, folder: Path) -> None:
    path = folder / "config.toml"
    path.write_bytes(data)
    line = data.decode(errors="replace")
    for kind in (EditConfig, FineFaceConfig):
        each(lambda kind=kind: read(kind, path), lambda kind=kind: read(kind, path, [line]))


def network_config(data: bytes, folder: Path) -> None:
    for name in ("config.json", "scheduler_config.json", "editor.json"):
        (folder / name).write_bytes(data)

    def build() -> None:
        config = read_architecture(folder / "config.json")
        with building(folder):
            unet_from_config(config, 12)

    each(build, lambda: named_scheduler(folder, "PNDMScheduler"), lambda: read_defaults(folder))


def weights(data: bytes, folder: Path) -> None:
    names = ("a.safetensors", "a.ckpt", "a.pkl", "a.npz", "a.npy")
    for name in names:
        (folder / name).write_bytes(data)
    each(lambda: read_weights(folder / "a.safetensors"))
    each(lambda: read_pickled(folder / "a.ckpt"), lambda: read_coefficients(folder / "a.npy"))
    for name in ("a.safetensors", "a.pkl", "a.npz", "a.npy"):
        each(lambda name=name: read_arrays(folder / name, "It", "nowhere", ["a"]))


def report(data: bytes, folder: Path) -> None:
    (folder / "log.csv").write_bytes(data)
    each(lambda: Report.from_json(data.decode(errors="surrogateescape")), lambda: read_log(folder / "log.csv"))


def provenance(data: bytes, folder: Path) -> None:
    """What a picture says of itself: alone, in its packet, and in its file."""
    each(lambda: Recipe.from_json(data.decode(errors="surrogateescape")), lambda: xmp.read(data))
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", data.decode(errors="replace"))
    Image.new("RGB", (4, 4)).save(folder / "a.png", pnginfo=info)
    with suppress(FaceEditError):
        recipe = verify.read_recipe(folder / "a.png")
        assert xmp.description(recipe)
        each(lambda: redo.check_model(recipe, ()), lambda: redo.find_photo(recipe, folder / "a.png", None))
        each(
            lambda: str(Signs("a.png", xmp.read(data), None, None, None)), lambda: redo.check_again(recipe, "magicface")
        )


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    "picture": picture, "request text": request_text, "request value": request_value, "requests file": requests_file,
    "manifest": manifest, "samples": samples_file, "toml": toml, "network config": network_config,
    "weights": weights, "report": report, "provenance": provenance,
}  # fmt: skip


# --- where mutations begin -------------------------------------------------------------------------------------------


@cache
def seeds() -> dict[str, list[bytes]]:
    """Inputs that are right, by target."""
    rows = '{"photo": "a.png", "name": "first", "face": 1, "request": "happy"}'
    line = '{"key": "a/b", "state": "done", "request": {"AU12": 2}, "photo": "a.png", "output": "edits/a/b.png",'
    line += ' "face": [1, 2, 3, 4]}\n'
    request = [
        '"angry:0.7,AU5=1"',
        '{"AU12": 3, "AU6": 2}',
        '{"light": {"azimuth": 60}, "pose": "yaw=15", "expression": "AU12=3"}',
    ]
    request.append(f'{{"light": {{"coefficients": {[*range(27)]}}}}}')
    config = (GOLDEN / "magicface" / "denoising_unet" / "config.json").read_bytes()
    scheduler = (GOLDEN / "magicface" / "scheduler" / "scheduler_config.json").read_bytes()
    return {
        "picture": [_picture(kind) for kind in ("png", "jpeg", "webp", "gif", "tiff", "bmp", "ppm", "ico", "tga")],
        "request text": [
            b"AU12=3,AU6=2",
            b"angry:0.7, AU5 = 1",
            b"azimuth=60,elevation=20",
            b"yaw=15,absolute",
            b"AU12=0:4,happy",
        ],
        "request value": [each.encode() for each in request],
        "requests file": [
            b"\0name,request\nsmile,AU12=3\n",
            b'\1{"smile": "AU12=3", "lit": {"light": "azimuth=5"}}',
            b'\2{"name": "smile", "request": "AU12=3"}\n',
            b"\3AU12=3\nsmile: happy:0.5 # so\n",
        ],
        "manifest": [
            b"\0photo,face,name,request\na.png,1,first,\n",
            b"\0prompt,face,seed\na face,a.png,1\n",
            f"\1[{rows}]".encode(),
            f"\2{rows}\n".encode(),
            b"\3a face\nanother # so\n",
        ],
        "samples": [
            f"\0{line}".encode(),
            b'\1{"a": 1}',
            b'\2{"key": "a/b", "estimator": "regressor", "error": "no"}\n',
        ],
        "toml": [path.read_bytes() for path in sorted((GOLDEN.parents[1] / "examples").glob("train_*.toml"))],
        "network config": [config, scheduler, b'{"steps": 20, "guidance": 1.5, "region": "face", "zoom": 1.2}'],
        "weights": _weights(),
        "provenance": [_recipe().to_json().encode(), xmp.write(_recipe(), "0" * 64)],
        "report": [b"step,loss\n1,0.5\n2,0.25\n", _report()],
    }


def _recipe() -> Recipe:
    model = {"id": "embedded", "weights": {"unet/a.safetensors": "0" * 64}}
    photo = {"name": "a.png", "sha256": "0" * 64}
    return Recipe("magicface", "edit", {"AU12": 3}, {"steps": 5, "seed": 1, "rows": 2, "picked": [1, 2]}, model, photo)


def _picture(kind: str) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def _weights() -> list[bytes]:
    array, file, archive, tensors = np.arange(6, dtype=np.float32), io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(file, array)
    np.savez_compressed(archive, a=array)
    torch.save({"a": torch.arange(6.0)}, tensors)
    return [save({"a": torch.arange(6.0)}), file.getvalue(), archive.getvalue(), tensors.getvalue(),
            pickle.dumps({"a": array}), pickle.dumps({"a": array}, 2)]  # fmt: skip


def _report() -> bytes:
    twelve, three = [0.0] * 12, [0.0] * 3
    found = Report(
        estimator="x",
        units_before=twelve,
        units_after=twelve,
        requested=None,
        identity=None,  # type: ignore[arg-type]
        angles_before=three,
        angles_after=three,
        light_before=None,
        light_after=None,
        light_turn=1.0,  # type: ignore[arg-type]
        background_psnr=None,
    )
    return found.to_json().encode()


TOKENS = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"NaN", b"Infinity", b"-1e999", b"1" * 400, b"9" * 5000, b"[" * 200,
    b'{"a":' * 200, b"[" * 100_000, b" " * 20_000, b"a" * 200_000, b'"\\ud800"', b"\\u0000", b"../", b"/etc/passwd",
    b"null", b"true", b"=", b":", b",", b"\n", b'"', b"%!PS\n", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04",
    b"\x93NUMPY",
    b"\x80\x04", b"1000000000000", b"4294967295", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"-", b".", b"~nobody/",
    b"AU12", b"neutral",
]  # fmt: skip
"""What mutations put in: the beginnings of files, numbers beyond all ranges, nests, and ways out."""

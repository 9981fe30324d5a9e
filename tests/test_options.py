"""Every option of every command changes something, or is refused.

Each command runs with fakes in the place of networks, files and long computations; what reaches these, and what is
printed, is its trace. An option that leaves the trace as it was has no effect.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from test_commands import PACKAGES, commands

from common.batch.plan import read_requests
from common.batch.run import run as batch_run
from common.cli import console
from common.editing.defaults import Defaults
from common.editing.options import EditOptions, FaceOptions
from common.facs.action_units import AUIntensity
from common.provenance.picture import carry
from common.provenance.recipe import Recipe, carried


class Trace(list[str]):
    """What a command did."""

    def told(self, name: str, result: Any = None) -> Callable[..., Any]:
        """A function that notes its arguments, and returns a result, or what the result makes of the arguments."""

        def call(*arguments: Any, **options: Any) -> Any:
            self.append(f"{name} {plain(arguments)} {plain(options)}")
            return result(*arguments, **options) if callable(result) else result

        return call


def plain(value: Any) -> str:
    """A value without what differs from run to run."""
    if isinstance(value, Image.Image):
        known = carried(value)
        how = None if known is None else (known.watermark, str(known.certificate), str(known.key))
        return f"picture {value.size} {how}"
    if isinstance(value, (list, tuple)):
        return str([plain(each) for each in value])
    if isinstance(value, Mapping):
        return str({str(key): plain(each) for key, each in value.items()})
    if isinstance(value, argparse.Namespace):
        return "options"  # what is passed on unread is not used yet
    return re.sub(r"0x[0-9a-f]+|/edited-\w+", "", repr(value))


class FakeEditor:
    """In the place of editors of photos."""

    defaults = Defaults(start="warp")  # so that a strength goes with it
    size = 64
    networks = SimpleNamespace(places=())
    edit_options = EditOptions
    face_options = FaceOptions

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def encode(self, photo: Any, **options: Any) -> Any:
        self.trace.append(f"encode {photo} {plain(options)}")
        crop = SimpleNamespace(size=8, matrix=[])
        return SimpleNamespace(face=None, crop=crop, record={"seconds": {}}, warnings=())

    def ready(self, requests: Any) -> Any:
        return requests

    def resolve(self, options: EditOptions) -> Any:
        return options.resolve(self.defaults)

    def run(self, pairs: Any, options: Any, **more: Any) -> Any:
        self.trace.append(f"run {len(pairs)} {plain(vars(options))} {plain(more)}")
        return [picture() for _ in pairs]

    def edit(self, subject: Any, request: Any, *more: Any, **options: Any) -> Any:
        self.trace.append(f"edit {plain(request)} {plain(more)} {plain(options)}")
        return [picture() for _ in request] if isinstance(request, list) else picture()

    generate = edit

    def keeps(self, subject: Any) -> bool:
        return False

    def with_defaults(self, **options: Any) -> FakeEditor:
        self.trace.append(f"defaults {plain(options)}")
        return self


def picture() -> Image.Image:
    return carry(Image.new("RGB", (8, 8)), Recipe("magicface", "edit", {}, {"engine": "diffusion"}))


def many(photo: Any, requests: Any, *more: Any, **options: Any) -> Any:
    return [picture() for _ in requests] if isinstance(requests, (list, tuple)) else picture()


def many_by_verbs(verbs: Any, photo: Any, requests: Any, **options: Any) -> Any:
    return many(photo, requests)


@dataclass(frozen=True)
class Walk:
    """How a command is walked.

    Attributes:
        line: its arguments that are always there.
        fakes: dotted names -> what stands in their place: a result, or a function that gives it.
        goes_with: option -> arguments without which it is refused.
        values: option -> a value that it takes, where none can be guessed.
        refused: options that the command takes for the sake of a message, and refuses.
    """

    line: str
    fakes: Mapping[str, Any] = field(default_factory=dict)
    goes_with: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    refused: Collection[str] = ()


PAIR = {"--certificate": "--key key.pem", "--key": "--certificate cert.pem"}
STRENGTH = {"--strength": "--start warp"}
VALUES = {
    "--face": "1",
    "--reconstructor": "embedded",
    "--background": "b.png",
    "--detector": "mediapipe",
    "--parser": "grabcut",
    "--device": "cpu:0",
    "--size": "160",
    "--output": "other/",
    "--strength": "0.3",
    "--levels": "0,2",
    "--column-levels": "0,4",
    "--estimator": "fit",
    "--reference-face": "1",
    "--guidance": "1.25",
    "--steps": "7",
    "--share": "0.25",
    "--fraction": "0.25",
    "--photo": "photo.png",
    "--region": "face",
    "--runner": "ray",
    "--requests": "more.txt",
}
MAGICFACE = {"magicface._api.MagicFace.from_pretrained": FakeEditor, "magicface._api.MagicFace.warping": FakeEditor}
RIGFACE = {"rigface.editor.RigFace.from_pretrained": FakeEditor, "rigface.editor.RigFace.warping": FakeEditor}
FINEFACE = {"fineface.editor.FineFace.from_pretrained": FakeEditor, "fineface.editor.FineFace.warping": FakeEditor}
SAVED = {"common.cli.edit_photos.save_image": None}
BOX = (0.0, 0.0, 8.0, 8.0)
SHEETS = {
    "common.cli.verb_commands.save_image": None,
    "common.editing.verbs.Verbs.edit": many_by_verbs,
    "common.editing.verbs.face_box": BOX,
    "common.editing.verbs._cropped": lambda shown, face: shown,
}
MEASURED = {
    "common.cli.verb_commands.save_image": None,
    "common.editing.verbs.Verbs.edit": many_by_verbs,
    "common.editing.verbs.units_of": lambda *more: AUIntensity((2.0 + len(str(more[0])) % 3,) * 12),
}
CARRIED = MEASURED | {
    "common.editing.cache.EditorCache.editor": FakeEditor,
    "common.editing.verbs.Verbs._carried": None,
}
BATCH = "{folder} --requests {folder}/requests.txt -o run"
RAN = {
    "common.batch.command.edit_on_ray": lambda *more, **options: iter(()),
    "common.batch.run.save_image": None,
    "common.batch.command.run": batch_run,
    "common.batch.command.read_requests": read_requests,
    "common.batch.inspect.inspect": SimpleNamespace(faults=()),
}
RAY = {"--workers": "--runner ray", "--gpus-per-worker": "--runner ray"}
REPORT = {"unreadable": {}, "edits": 1}
EVALUATED = {"common.evaluation.run.evaluate": REPORT, "common.evaluation.report.markdown": ""}
ESTIMATOR = {"common.measure.get_estimator": SimpleNamespace(name="estimator")}
REDO = {
    "common.provenance.verify.read_recipe": None,
    "common.provenance.verify.packet": None,
    "common.provenance.xmp.read": SimpleNamespace(watermark=True),
    "common.editing.redo.check_again": None,
    "common.cli.provenance.saved_with": lambda made, **how: made,
    "common.imaging.images.save_image": None,
    "common.imaging.images.read_image": None,
    "common.editing.redo.difference": SimpleNamespace(most=0),
    "common.editing.redo.find_photo": "photo.png",
    "common.editing.redo.check_model": None,
}
MADE = {"common.editing.redo.redo": lambda *more, **options: picture()}
VERIFIED = {"common.provenance.verify.verify": SimpleNamespace(synthetic=True, to_dict=dict)}
READER = SimpleNamespace(model=SimpleNamespace(name="network"), trained="nowhere")
RECIPE = Recipe("magicface", "edit", {"AU12": 1}, {"background": "b.png"})
DAYS = pd.date_range("2012-01-01", periods=3)
TRACKS = {
    "surveillance.__main__.ready": None,
    "surveillance.reading.read_tracks": SimpleNamespace(faults=[], days=DAYS, name="camera"),
}
TRUTH = pd.Series([True, False, True], index=DAYS)


class Stop(Exception):
    """Ends a command behind the last of its options."""


def stop(*arguments: Any, **options: Any) -> Any:
    raise Stop


WALKS = {
    "magicface": Walk("photo.png AU12=2 --model embedded", MAGICFACE | SAVED, PAIR | STRENGTH),
    "magicface batch": Walk(
        f"{BATCH} --model embedded", MAGICFACE | RAN, PAIR | STRENGTH | RAY | {"--again": "", "--inspect": ""}
    ),
    "magicface score": Walk("{folder}", {"common.batch.scores.score": "scores.csv"}),
    "magicface report": Walk("{folder}", {"common.batch.report.page.report": "page"}, {}, {"--output": "x.html"}),
    "magicface download": Walk("", {"common.diffusion.download.download": "folder"}),
    "magicface evaluate": Walk(
        "",
        MAGICFACE | ESTIMATOR | EVALUATED,
        STRENGTH,
    ),
    "magicface prepare-videos": Walk(
        "{folder} -o pairs.jsonl",
        ESTIMATOR
        | {
            "magicface.videos.prepare.prepare": REPORT,
            "magicface.videos.prepare.table": "",
            "magicface.videos.command.get_detector": SimpleNamespace(name="f"),
            "magicface.videos.command.get_parser": SimpleNamespace(name="p"),
        },
        {"--detector": "--estimator fit"},
        {"--output": "other.jsonl", "--labels": "labels.csv"},
    ),
    "magicface redo": Walk(
        "photo.png",
        MAGICFACE | REDO | MADE | {"common.provenance.verify.read_recipe": RECIPE},
    ),
    "rigface": Walk(
        "photo.png --light azimuth=30 --model embedded",
        RIGFACE | SAVED,
        PAIR
        | STRENGTH
        | {
            "--background": "--render r.png --coefficients c.npy",
            "--coefficients": "--background b.png --render r.png",
            "--render": "--background b.png --coefficients c.npy",
            "--target": "--copy pose",
            "--copy": "--target b.png",
        },
        {"--light": "azimuth=40", "--pose": "yaw=3", "--target": "b.png", "--copy": "pose", "--guidance": "3"},
        refused={"--guidance"},
    ),
    "rigface batch": Walk(
        f"{BATCH} --model embedded", RIGFACE | RAN, PAIR | STRENGTH | RAY, {"--guidance": "3"}, {"--guidance"}
    ),
    "rigface score": Walk("{folder}", {"common.batch.scores.score": "scores.csv"}),
    "rigface report": Walk("{folder}", {"common.batch.report.page.report": "page"}, {}, {"--output": "x.html"}),
    "rigface convert": Walk("generic_model.pkl", {"common.face3d.files.arrays.convert": "file"}),
    "rigface download": Walk("", {"common.diffusion.download.download": "folder"}),
    "rigface evaluate": Walk("", RIGFACE | ESTIMATOR | EVALUATED, STRENGTH),
    "rigface prepare-pairs": Walk(
        "pairs.jsonl -o rig.jsonl",
        RIGFACE | {"rigface.prepare_pairs.prepare_pairs": (1, 0)},
        {},
        {"--output": "other.jsonl"},
    ),
    "rigface redo": Walk(
        "photo.png",
        RIGFACE | REDO | MADE | {"common.provenance.verify.read_recipe": replace(RECIPE, settings={})},
    ),
    "fineface": Walk(
        "man AU12=0:4 --seed 1",
        {"fineface._api.generate": many, "fineface.__main__.save_image": None},
        PAIR,
        {"--identity": "b.png", "--output": "x.png"},
    ),
    "fineface edit": Walk("photo.png AU12=2 --variant sd21", FINEFACE | SAVED, PAIR, {"--variant": "whole"}),
    "fineface batch": Walk(
        BATCH, FINEFACE | RAN | {"fineface.batch.keeper": "sd21", "fineface.batch.warps": False}, PAIR | RAY
    ),
    "fineface score": Walk("{folder}", {"common.batch.scores.score": "scores.csv"}),
    "fineface report": Walk("{folder}", {"common.batch.report.page.report": "page"}, {}, {"--output": "x.html"}),
    "fineface download": Walk("", {"fineface.__main__.download": ("folder", "base")}),
    "fineface convert": Walk("", {"fineface.convert.convert": "file"}, {}, {"--model": "an/other"}),
    "fineface evaluate": Walk(
        "",
        FINEFACE | ESTIMATOR | EVALUATED,
    ),
    "fineface redo": Walk("photo.png", FINEFACE | REDO | MADE | {"common.provenance.verify.read_recipe": RECIPE}),
    **{f"{name} app": Walk("", {"common.app.page.serve": None, f"{name}.app.tab": "tab"}) for name in PACKAGES[:3]},
    **{f"{name} verify": Walk("photo.png", VERIFIED) for name in PACKAGES[:3]},
    **{f"{name} {what}": Walk("") for name in PACKAGES[:4] for what in ("doctor", "licenses")},
    "microexpression analyze": Walk(
        "photo.png",
        {
            "microexpression.clips.read_clip": None,
            "microexpression.analysis.analyze": SimpleNamespace(
                label="none", confidence=1, clip=SimpleNamespace(apex=1), emotion_reader=READER, unit_reader=READER
            ),
            "microexpression.report.write_report": "page",
        },
    ),
    "microexpression train": Walk(
        "--model rcn_a --data {folder} --datasets smic",
        {
            "microexpression.commands.Study": SimpleNamespace(model="rcn_a", chosen=lambda: None),
            "microexpression.commands.load": ["clip"],
            "microexpression.commands.asked": SimpleNamespace(samples=[], name=""),
            "microexpression.commands.prepare": None,
            "microexpression.commands.chance": None,
            "microexpression.commands.linear": None,
            "microexpression.commands.run": SimpleNamespace(logits=None),
            "microexpression.commands.publish": "folder",
            "microexpression.commands.results.scores": None,
            "microexpression.commands.results.write": None,
            "microexpression.commands.results.table": "table",
        },
    ),
    "microexpression synthetic": Walk("-o {folder}/out", {"microexpression.synthetic.write": ["folder"]}),
    "surveillance describe": Walk(
        "{folder}",
        TRACKS | {"surveillance.overview.describe": "page", "surveillance.reading.read_truth": TRUTH},
        {},
        {"--columns": "x=a", "--background": "photo.png", "--size": "64 48"},
    ),
    "surveillance evaluate": Walk(
        "{folder} --truth truth.txt",
        TRACKS
        | {
            "surveillance.commands.read_truth": TRUTH,
            "surveillance.commands.windows": {"P3": DAYS, "P1": DAYS[:1]},
            "surveillance.commands.methods": {},
            "surveillance.commands.volumes": None,
            "surveillance.commands.baselines": {},
            "surveillance.commands.evaluate": None,
            "surveillance.commands.pd.concat": stop,
            "surveillance.__main__.check_writable": None,
        },
        {},
        {"--columns": "x=a", "--window": "P1", "--size": "64 48"},
    ),
    "surveillance predict": Walk(
        "{folder}",
        TRACKS
        | {
            "surveillance.commands.timeseries.series": pd.DataFrame({"tracks": [1.0]}),
            "surveillance.commands.timeseries.forecast": SimpleNamespace(ahead=None),
            "surveillance.commands.timeseries.counts_of": pd.DataFrame({"tracks": [1.0]}, index=DAYS[:1]),
            "surveillance.commands.draw_forecast": None,
            "surveillance.commands.save": None,
            "surveillance.commands.replace_file": None,
        },
        {},
        {"--columns": "x=a", "--size": "64 48"},
    ),
}


def verb_walks(
    package: str,
    axes: tuple[str, str],
    goes_with: Mapping[str, str],
    values: Mapping[str, str],
    refused: Collection[str],
) -> dict[str, Walk]:
    """Walks of the commands that all editors of photos have."""
    needs = PAIR | STRENGTH | goes_with
    report = SimpleNamespace(table=lambda: "", save=lambda folder: [folder])
    editor = SimpleNamespace(has_networks=True)
    return {
        f"{package} neutralize": Walk("photo.png", MEASURED, needs, values, refused),
        f"{package} transfer": Walk(
            "photo.png b.png", CARRIED, needs | {"--no-motion": "--engine warp"}, values, refused
        ),
        f"{package} sweep": Walk(f"photo.png {axes[0]}", SHEETS, needs, values, refused),
        f"{package} grid": Walk(f"photo.png {axes[0]} {axes[1]}", SHEETS, needs, values, refused),
        f"{package} animate": Walk(
            "photo.png happy",
            SHEETS | {"common.editing.verbs.fitted": lambda shown, side: shown},
            needs,
            {**values, "--output": "other.gif"},
            refused,
        ),
        f"{package} explain": Walk(
            "AU12", {"common.cli.verb_commands.check_writable": stop}, {}, {"--output": "x.png"}
        ),
        f"{package} measure": Walk(
            "photo.png b.png",
            {"common.measure.compare.measure": report},
            {},
            {"--requested": "AU12=2", "--mask": "r.png"},
        ),
        f"{package} chain": Walk(
            "photo.png magicface:AU12=2",
            {
                "common.editing.cache.EditorCache.editor": editor,
                "common.editing.chain.chain": lambda *more, **options: picture(),
                "common.cli.verb_commands.save_image": None,
            },
            PAIR | STRENGTH,
            {"--model": "embedded"},
        ),
    }


WALKS |= verb_walks("magicface", ("AU12", "AU4"), {}, {}, ())
WALKS |= verb_walks(
    "rigface",
    ("yaw", "azimuth"),
    {
        "--background": "--render r.png --coefficients c.npy",
        "--coefficients": "--background b.png --render r.png",
        "--render": "--background b.png --coefficients c.npy",
    },
    {"--guidance": "3", "--reconstructor": "embedded"},
    {"--guidance"},
)
WALKS |= verb_walks("fineface", ("AU12", "AU4"), {}, {}, ())


def value_of(action: argparse.Action, walk: Walk) -> list[str]:
    """An option with another value than its default."""
    name = action.option_strings[-1]
    if action.nargs == 0:
        return [name]
    if (given := walk.values.get(name) or VALUES.get(name)) is not None:
        return [name, *shlex.split(given)]
    if action.choices:
        return [name, next(str(each) for each in action.choices if each != action.default)]
    number = action.default if isinstance(action.default, (int, float)) else 3
    one = str(number + 1) if action.type in (int, float) else "other"
    return [name, *[one] * (action.nargs if isinstance(action.nargs, int) else 1)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "b.png", "r.png"):
        Image.new("RGB", (16, 16)).save(name)
    for name in ("cert.pem", "key.pem", "truth.txt", "c.npy", "pairs.jsonl"):
        (tmp_path / name).write_text("")
    (tmp_path / "requests.txt").write_text("AU12=2\n")
    (tmp_path / "more.txt").write_text("AU12=2\nAU4=1\n")
    return tmp_path


def run(name: str, arguments: list[str], walk: Walk, monkeypatch, capsys) -> tuple[int, list[str]]:
    """A command with its fakes: its exit code and its trace."""
    trace = Trace()
    shutil.rmtree("run", ignore_errors=True)
    package, *command = name.split()
    main = import_module(f"{package}.__main__").main
    with monkeypatch.context() as fakes:
        for target, result in walk.fakes.items():
            made = (lambda *more, **options: FakeEditor(trace)) if result is FakeEditor else result
            fakes.setattr(target, trace.told(target, made))
        try:
            code = main([*command, *arguments])
        except SystemExit as end:
            code = end.code
        except Stop:
            code = 0
    out, err = capsys.readouterr()
    trace += [re.sub(r'"seconds": \{?[^}]*\}?', "", out), err]
    return code, trace


@pytest.mark.parametrize("name", [name for package in PACKAGES for name in commands(package) if name in WALKS])
def test_every_option_changes_something_or_is_refused(name, place, monkeypatch, capsys):
    walk, parsers = WALKS[name], []
    made = console.command_parser

    def kept(*arguments: Any, **options: Any) -> argparse.ArgumentParser:
        parsers.append(made(*arguments, **options))
        return parsers[-1]

    with monkeypatch.context() as watched:
        watched.setattr(console, "command_parser", kept)
        run(name, ["--help"], walk, monkeypatch, capsys)
    parser = parsers[-1]
    for action in [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]:
        parser = action.choices[name.split()[1]]
    line = shlex.split(walk.line.format(folder=place))
    idle = []
    for action in parser._actions:
        if not action.option_strings or isinstance(action, argparse._HelpAction):
            continue
        option = action.option_strings[-1]
        base = [*line, *shlex.split(walk.goes_with.get(option, ""))]
        before = run(name, base, walk, monkeypatch, capsys)
        assert before[0] == 0 or walk.goes_with.get(option), before
        after = run(name, [*base, *value_of(action, walk)], walk, monkeypatch, capsys)
        if after == before or after[0] != (2 if option in walk.refused else 0):
            idle.append((option, after))
    assert not idle, f"these options of `{name}` have no effect: {', '.join(option for option, _ in idle)}\n{idle[0]}"


def test_every_command_is_walked():
    for package in PACKAGES:
        names = commands(package)
        if package in ("microexpression", "surveillance"):
            names = names[1:]  # the package itself has commands alone
        assert not [name for name in names if name not in WALKS]

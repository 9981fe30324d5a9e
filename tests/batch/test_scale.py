"""A run by several processes, by a Ray cluster: the same files as by one process, whoever is killed."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from counting import WISHES, Painter
from PIL import Image
from runs import ENVIRONMENT, ROOT

from common.action_units import to_vector
from common.batch import cluster, samples, where, worker
from common.batch.cluster import TRIES
from common.batch.group import Share, joined, launched
from common.batch.jobs import read_jobs
from common.batch.run import plan, run
from common.batch.samples import Samples, settle
from common.errors import InputError, MissingDependencyError
from common.files import alone
from magicface import __main__ as command
from magicface import batch as magicface_batch

HERE = Path(__file__).parent
FACES = ROOT / "examples" / "portraits"
ALONE = dict.fromkeys(("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID"), "")
PYTHONPATH = os.pathsep.join(map(str, (ROOT, HERE)))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def paint(folder: Path, names: list[str]) -> None:
    for name in names:
        Image.new("RGB", (16, 16), "grey").save(folder / f"{name}.png")


@pytest.fixture
def start():
    """Starts one of the processes of a launch; none outlives its test."""
    started = []

    def begin(photos: Path, folder: Path, rank: int, world: int, *more: str, launch: str = "1") -> subprocess.Popen:
        started.append(process(photos, folder, rank, world, launch, more))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate()


def process(photos: Path, folder: Path, rank: int, world: int, launch: str, more: tuple[str, ...]) -> subprocess.Popen:
    environment = {**ENVIRONMENT, **ALONE, "PYTHONPATH": PYTHONPATH, "RANK": str(rank), "WORLD_SIZE": str(world)}
    program = [sys.executable, str(HERE / "scaled.py"), str(photos), str(folder), "share", *more]
    return subprocess.Popen(
        program, env={**environment, "MASTER_PORT": launch}, cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def ends(processes: list[subprocess.Popen]) -> list[tuple[int, str]]:
    """Exit codes, and what was said."""
    told = []
    for process in processes:
        out, errors = process.communicate(timeout=120)
        told.append((process.returncode, out + errors))
    return told


def by_one(photos: Path, folder: Path) -> Path:
    """The same run by this process alone."""
    run(plan(read_jobs(photos)[0], WISHES), Painter(folder), folder, {}, progress=False, batch_size=2)
    return folder


def painted(folder: Path) -> list[str]:
    return (folder.parent / "painted.txt").read_text().split()


def files(folder: Path) -> dict[str, bytes]:
    """All that a run leaves, but for the seconds that it took."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lines = [json.loads(line) for line in found.pop("samples.jsonl").splitlines()]
    rows = {row["key"]: {**row, "seconds": 0} for row in lines}
    assert len(rows) == len(lines), "no line stands twice"
    return found | {key: json.dumps(row).encode() for key, row in rows.items()}


@pytest.mark.parametrize("world", [2, 5])
def test_many_processes_leave_what_one_leaves(start, photos, tmp_path, world):
    paint(photos, [f"p{number}" for number in range(7)])
    told = ends([start(photos, tmp_path / "many", rank, world) for rank in range(world)])
    assert [code for code, _ in told] == [0] * world, told
    assert sum("{'done': 35, 'failed': 0}" in text for _, text in told) == 1, "the last one tells, and nobody else"
    assert files(tmp_path / "many") == files(by_one(photos, tmp_path / "one"))
    assert list(Samples(tmp_path / "many").rows) == list(Samples(tmp_path / "one").rows), "in the order of the plan"


def test_a_photo_stays_together_and_has_one_owner():
    names = [f"p{number}" for number in range(11) for _ in range(3)]
    shares = [Share(rank, 4).own(names) for rank in range(4)]
    assert sorted(name for share in shares for name in share) == sorted(set(names))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def half_done(folder: Path, lines: int) -> None:
    """Waits until so many lines are written, by whomever."""
    until = time.monotonic() + 100
    while len(whole_lines(folder)) < lines:
        assert time.monotonic() < until
        time.sleep(0.01)


def whole_lines(folder: Path) -> set[bytes]:
    """Of all files; while lines are taken in, they stand in two."""
    found = set()
    for path in folder.glob("samples*.jsonl"):
        with contextlib.suppress(FileNotFoundError):
            found |= set(path.read_bytes().splitlines(keepends=True))
    return {line for line in found if line.endswith(b"\n")}


def test_whoever_is_killed_nothing_is_lost(start, photos, tmp_path):
    """One of three, and the others end; then both of two; then one process makes the rest."""
    folder, held = tmp_path / "run", tmp_path / "held"
    paint(photos, [f"p{number:02d}" for number in range(12)])
    held.write_text("p07")
    _, second, _ = three = [start(photos, folder, rank, 3) for rank in range(3)]
    half_done(folder, 20 + 12 + 20)
    second.send_signal(signal.SIGKILL)
    assert [code for code, _ in ends(three)] == [0, -signal.SIGKILL, 0], "nobody waits for the dead"
    assert len(Samples(folder).rows) == 52
    held.write_text("p07 p10")
    two = [start(photos, folder, rank, 2, launch="2") for rank in range(2)]
    half_done(folder, 54)
    assert (folder / "samples.jsonl").read_bytes().count(b"\n") == 52, "what the first have left is taken in at once"
    for process in two:
        process.send_signal(signal.SIGKILL)
    ends(two)
    by_one(photos, folder)
    assert files(folder) == files(by_one(photos, tmp_path / "other" / "one"))
    assert len(painted(folder)) == 60, "what is written is not made again"


def test_the_last_one_tells_of_failures_anywhere(start, photos, tmp_path):
    """And of those that are tried again."""
    folder = tmp_path / "run"
    paint(photos, ["a", "bad"])
    (tmp_path / "held").write_text("a")
    last = start(photos, folder, 0, 2)
    half_done(folder, 2)
    assert ends([start(photos, folder, 1, 2)])[0][0] == 0, "a code of 1 would make the launcher end the others"
    (tmp_path / "held").unlink()
    assert [code for code, _ in ends([last])] == [1]
    assert Samples(folder).rows["bad/wish0"]["state"] == "failed"
    again = [start(photos, folder, rank, 2, "again", launch="2") for rank in range(2)]
    told = ends(again)
    assert sorted(code for code, _ in told) == [0, 1], told
    assert sum("'failed': 5" in text for _, text in told) == 1


def test_a_run_has_one_group(start, photos, tmp_path):
    """While it works, nobody else does: no other launch, no process alone."""
    folder = tmp_path / "run"
    paint(photos, ["a"])
    (tmp_path / "held").write_text("a")
    one = start(photos, folder, 0, 2)
    half_done(folder, 2)
    other, same = ends([start(photos, folder, 1, 3, launch="other"), start(photos, folder, 0, 2)])
    for code, text in (other, same):
        assert code == 1
        assert "InputError: Another run writes to" in text
    with pytest.raises(InputError, match="Another run"):
        by_one(photos, folder)
    one.kill()
    ends([one])
    by_one(photos, folder)
    with alone(folder), pytest.raises(InputError, match="Another run"), joined(folder, Share(0, 2), lambda: None, []):
        pass


def test_taking_lines_in_may_be_cut_off_anywhere(tmp_path, monkeypatch):
    """Killed after the new file is there, or before: the second time gives the same."""
    (tmp_path / "samples.jsonl").write_text('{"key": "c"}\n{"key": "a", "n": 1}\n')
    olds = [tmp_path / "samples-x-0.jsonl", tmp_path / "samples-x-1.end.jsonl"]
    olds[0].write_text('{"key": "a", "n": 2}\n{"key": "b"}\n{"ke')
    olds[1].write_text('{"key": "d"}\n')
    assert list(Samples(tmp_path).rows) == ["c", "a", "b", "d"]
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            settle(tmp_path, olds, ["a", "b", "d"])
        monkeypatch.undo()
    rows = settle(tmp_path, olds, ["a", "b", "d"])
    assert list(rows.values()) == [{"key": "c"}, {"key": "a", "n": 2}, {"key": "b"}, {"key": "d"}]
    assert Samples(tmp_path).rows == rows
    assert not any(path.exists() for path in olds)


def test_a_file_that_gets_its_last_name_is_read_by_it(tmp_path, monkeypatch):
    """Between the look into the folder and the reading."""
    old, new = tmp_path / "samples-x-0.jsonl", tmp_path / "samples-x-0.end.jsonl"
    old.write_text('{"key": "a"}\n')
    seen = samples.parts

    def renamed(folder: Path) -> list[Path]:
        found = seen(folder)
        if old.exists():
            old.rename(new)
        return found

    monkeypatch.setattr(samples, "parts", renamed)
    assert list(Samples(tmp_path).rows) == ["a"]


def test_its_place_is_in_the_environment(monkeypatch):
    for name in ALONE:
        monkeypatch.delenv(name, raising=False)
    assert launched() is None
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")
    share = launched()
    assert share is not None
    assert (share.rank, share.world, share.local) == (3, 4, 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [share.device(asked) for asked in (None, "cuda", "cpu", "cuda:0")] == ["cuda:1", "cuda:1", "cpu", "cuda:0"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert share.device(None) is None, "the one device that it is shown"
    for value in ("4", "x"):
        monkeypatch.setenv("RANK", value)
        with pytest.raises(InputError, match="RANK"):
            launched()


def test_the_command_under_accelerate(photos, tmp_path):
    """Drafts, by two processes of a launch, against one."""
    for name in ("calm", "frown"):
        (photos / f"{name}.jpg").write_bytes((FACES / f"{name}.jpg").read_bytes())
    (tmp_path / "wishes.txt").write_text("smile: AU6=2,AU12=3\nangry:0.7\n")
    asked = ["batch", str(photos), "--wishes", str(tmp_path / "wishes.txt"), "--engine", "draft"]
    asked += ["--no-watermark", "-o"]
    launcher = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]
    program = [sys.executable, *launcher, "-m", "magicface", *asked, str(tmp_path / "two")]
    environment = {**ENVIRONMENT, "ACCELERATE_USE_CPU": "true"}
    result = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("4 edits are in") == 1
    assert result.stderr.count("finding faces with") == 1, "one process speaks for all"
    assert command.main([*asked, str(tmp_path / "one")]) == 0
    assert files(tmp_path / "two") == files(tmp_path / "one")


def test_a_worker_is_made_of_plain_values(photos, tmp_path):
    """What travels holds no network, and what comes of it is the same worker."""
    args = command_line([str(photos), "--engine", "draft"])
    making = where.making_of(magicface_batch.worker, args)
    text = pickle.dumps(making)
    assert len(text) < 3000
    assert b"torch" not in text
    worker = pickle.loads(text).make()
    assert type(worker.editor).__name__ == "MagicFace"
    assert worker.read is to_vector


def test_ray_makes_what_one_makes_and_outlives_its_workers(photos, tmp_path):
    """Two workers; one is killed in the middle of a photo, and a photo kills all that begin it."""
    paint(photos, ["a", "b", "frail", "late", "deadly", "bad"])
    folder, environment = tmp_path / "run", {**ENVIRONMENT, **ALONE, "PYTHONPATH": PYTHONPATH}
    environment |= {"RAY_worker_niceness": "0", "RAY_ADDRESS": ""}
    program = [sys.executable, str(HERE / "scaled.py"), str(photos), str(folder), "ray"]
    result = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert "{'done': 20, 'failed': 10}" in result.stdout, result.stderr
    assert result.returncode == 1
    assert Counter((tmp_path / "died").read_text().split()) == {"frail": 1, "deadly": TRIES}
    assert "died over deadly" in Samples(folder).rows["deadly/wish0"]["error"]
    paints = Counter(painted(folder))
    assert {key for key, count in paints.items() if count > 1} == {"frail/wish0", "frail/wish1"}
    for name in ("deadly", "bad"):
        (photos / f"{name}.png").unlink()
    whole = files(folder)
    assert {name: whole[name] for name in whole if "deadly" not in name and "bad" not in name} == files(
        by_one(photos, tmp_path / "one")
    )


def test_the_runner_says_where_and_the_engine_by_what(photos, monkeypatch):
    args = command_line([str(photos), "--runner", "ray"])
    assert (args.engine, args.runner) == (None, "ray")
    paint(photos, ["a"])
    asked = ["batch", str(photos), "--wishes", str(photos / "w.txt"), "-o", str(photos.parent / "run"), "-q"]
    (photos / "w.txt").write_text("AU12=1")
    for more in (
        ["--workers", "2"],
        ["--runner", "ray", "--workers", "0"],
        ["--runner", "ray", "--gpus-per-worker", "1.5"],
    ):
        assert command.main([*asked, *more]) == 2
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert command.main([*asked, "--runner", "ray"]) == 2
    monkeypatch.delenv("WORLD_SIZE")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"face-rig\[ray\]"), cluster._cluster(cluster.Pool()):
        pass


def command_line(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos")
    worker.add_options(parser)
    where.add_options(parser, "magicface")
    return parser.parse_args(arguments)


def test_memory_does_not_grow_and_a_leak_is_seen(tmp_path):
    """Of drafts, after a warm-up; then with one that keeps the photo of each edit."""
    soak = benchmark("soak")
    edit, kept = soak.editing("draft", 1, 128, tmp_path, watermark=False), []
    bound = 40.0  # MB in 100 edits; a photo kept of each would be 79
    assert soak.soak(edit, 20, 8, progress=False).slope < bound

    def leak(number: int) -> None:
        edit(number)
        kept.append(np.random.default_rng(number).bytes(512 * 512 * 3))

    assert soak.soak(leak, 10, 0, progress=False).slope > bound


def test_the_page_of_costs_computes_what_it_says():
    cost, text = benchmark("cost"), (ROOT / "benchmarks" / "cost.md").read_text()
    one, eight = (cost.Gpus(count, 312, 0.35).photo(5, 50) for count in (1, 8))
    assert one == pytest.approx((0.83 + 5 * 50 * 1.85) / (312 * 0.35))
    assert one == pytest.approx(8 * eight)
    price, example = f"{one / 3.6:.2f} x P", f"{2 * one / 3.6:.2f}"
    for count, seconds in ((1, one), (8, eight)):
        line = f"| {count} x A100 (computed) | {seconds:.2f} | {3600 / seconds:,.0f} | {price} | {example} |"
        assert line in text.splitlines()


def benchmark(name: str) -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    return import_module(name)

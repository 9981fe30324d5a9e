"""A run by several processes, by a Ray cluster: the same files as by one process, whoever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from breadth import breadth
from counting import REQUESTS, Painter
from PIL import Image
from refusals import refused
from runs import ENVIRONMENT, ROOT

from common.batch import cluster
from common.batch.cluster import TRIES
from common.batch.folder import merge, samples
from common.batch.plan import plan, read_jobs
from common.batch.processes import Processes
from common.batch.run import run
from common.core.errors import InputError, MissingDependencyError
from common.core.files import alone
from common.facs.action_units import AUDelta
from magicface import __main__ as command

HERE = Path(__file__).parent
FACES = ROOT / "examples" / "portraits"
ALONE = dict.fromkeys(("RANK", "WORLD_SIZE", "LOCAL_RANK"), "")
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
def launch():
    """Starts all processes of a launch, as `accelerate launch` does; none outlives its test."""
    started = []

    def begin(photos: Path, folder: Path, world: int, *more: str) -> list[subprocess.Popen]:
        environment = {**ENVIRONMENT, "PYTHONPATH": PYTHONPATH, "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1"}
        environment["MASTER_PORT"] = free_port()
        program = [sys.executable, str(HERE / "scaled.py"), str(photos), str(folder), "share", *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
        ours = [subprocess.Popen(program, env={**environment, "RANK": str(rank)}, **pipes) for rank in range(world)]
        started.extend(ours)
        return ours

    yield begin
    for each in started:
        each.kill()
        each.communicate()


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def ends(processes: list[subprocess.Popen]) -> list[tuple[int, str]]:
    """Exit codes, and what was said."""
    told = []
    for process in processes:
        out, errors = process.communicate(timeout=120)
        told.append((process.returncode, out + errors))
    return told


def by_one(photos: Path, folder: Path) -> Path:
    """The same run by this process alone."""
    run(plan(read_jobs(photos)[0], REQUESTS), partial(Painter, folder), folder, {}, progress=False, batch_size=2)
    return folder


def painted(folder: Path) -> list[str]:
    return (folder.parent / "painted.txt").read_text().split()


def files(folder: Path) -> dict[str, bytes]:
    """All that a run leaves, but for the seconds that it took."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lines = [json.loads(line) for line in found.pop("samples.jsonl").splitlines()]
    rows = {row["key"]: {**row, "seconds": 0} for row in lines}
    assert len(rows) == len(lines), "no line is given twice"
    return found | {key: json.dumps(row).encode() for key, row in rows.items()}


@pytest.mark.slow
@pytest.mark.parametrize("world", breadth([2, 5]))
def test_many_processes_leave_what_one_leaves(launch, photos, tmp_path, world):
    paint(photos, [f"p{number}" for number in range(7)])
    told = ends(launch(photos, tmp_path / "many", world))
    assert [code for code, _ in told] == [0] * world, told
    assert ["{'done': 35, 'failed': 0}" in text for _, text in told] == [True] + [False] * (world - 1), "one tells"
    assert files(tmp_path / "many") == files(by_one(photos, tmp_path / "one"))
    assert list(samples(tmp_path / "many")) == list(samples(tmp_path / "one")), "in the order of the plan"


def test_each_photo_has_one_process():
    names = [f"p{number}" for number in range(11)]
    parts = [Processes(rank, 4).part(names) for rank in range(4)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


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


def test_whichever_is_killed_nothing_is_lost(launch, photos, tmp_path):
    """One of three, and the others end; then both of two; then one process makes the rest."""
    folder, held = tmp_path / "run", tmp_path / "held"
    paint(photos, [f"p{number:02d}" for number in range(12)])
    held.write_text("p07")
    three = launch(photos, folder, 3)
    half_done(folder, 20 + 12 + 20)
    three[1].send_signal(signal.SIGKILL)
    told = ends(three)
    assert [code for code, _ in told] == [1, -signal.SIGKILL, 1], "nobody waits for the dead"
    assert all("code crash" in text for code, text in told if code == 1)
    assert len(samples(folder)) == 52
    held.write_text("p07 p10")
    two = launch(photos, folder, 2)
    half_done(folder, 54)
    assert (folder / "samples.jsonl").read_bytes().count(b"\n") == 52, "what the first have left is merged at once"
    for process in two:
        process.send_signal(signal.SIGKILL)
    ends(two)
    by_one(photos, folder)
    assert files(folder) == files(by_one(photos, tmp_path / "other" / "one"))
    assert len(painted(folder)) == 60, "what is written is not made again"


@pytest.mark.slow
def test_one_tells_of_failures_anywhere(launch, photos, tmp_path):
    """And of those that are retried."""
    folder = tmp_path / "run"
    paint(photos, ["a", "bad"])
    for more in ((), ("again",)):
        first, other = ends(launch(photos, folder, 2, *more))
        assert (first[0], other[0]) == (1, 0), (first, other)
        assert "'failed': 5" in first[1]
        assert samples(folder)["bad/request0"]["state"] == "failed"


@pytest.mark.slow
def test_while_a_run_works_no_other_does(launch, photos, tmp_path):
    """No other launch, no process alone, even while the first process of the launch is gone."""
    folder = tmp_path / "run"
    paint(photos, ["a", "b"])
    (tmp_path / "held").write_text("a b")
    two = launch(photos, folder, 2)
    half_done(folder, 4)
    for code, text in ends(launch(photos, folder, 2)):
        assert code == 1
        assert "InputError" in text
        assert str(folder) in text
    for process in two:
        with pytest.raises(InputError, match=re.escape(str(folder))):
            by_one(photos, folder)
        process.kill()
        process.wait()
    by_one(photos, folder)


def test_a_folder_has_one_run_at_a_time(photos, tmp_path):
    paint(photos, ["a"])
    with alone(tmp_path / "run"), pytest.raises(InputError, match=re.escape(str(tmp_path / "run"))):
        by_one(photos, tmp_path / "run")
    by_one(photos, tmp_path / "run")


@pytest.mark.slow
def test_all_processes_refuse_other_settings(launch, photos, tmp_path):
    paint(photos, ["a"])
    run(plan(read_jobs(photos)[0], REQUESTS), partial(Painter, tmp_path / "run"), tmp_path / "run", {"a": 1})
    for code, text in ends(launch(photos, tmp_path / "run", 2)):
        assert code == 1
        assert "InputError" in text
        assert "code conflict" in text


def test_merging_may_be_cut_off_anywhere(tmp_path, monkeypatch):
    """Killed after the new file is there, or before: the second time gives the same."""
    (tmp_path / "samples.jsonl").write_text('{"key": "c"}\n{"key": "a", "n": 1}\n')
    shards = [tmp_path / "samples-0.jsonl", tmp_path / "samples-1.jsonl"]
    shards[0].write_text('{"key": "a", "n": 2}\n{"key": "b"}\n{"ke')
    shards[1].write_text('{"key": "d"}\n')
    assert list(samples(tmp_path)) == ["c", "a", "b", "d"]
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            merge(tmp_path, ["a", "b", "d"])
        monkeypatch.undo()
    rows = merge(tmp_path, ["a", "b", "d"])
    assert list(rows.values()) == [{"key": "c"}, {"key": "a", "n": 2}, {"key": "b"}, {"key": "d"}]
    assert samples(tmp_path) == rows
    assert not any(path.exists() for path in shards)


def test_its_place_is_in_the_environment(monkeypatch):
    for name in ALONE:
        monkeypatch.delenv(name, raising=False)
    assert Processes.launched() == Processes()
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")
    processes = Processes.launched()
    assert processes == Processes(3, 4, 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [processes.device(asked) for asked in (None, "cuda", "cpu", "cuda:0")] == [
        "cuda:1",
        "cuda:1",
        "cpu",
        "cuda:0",
    ]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert processes.device(None) is None, "the one device that it is shown"
    for value, code in (("4", "range"), ("x", "type")):
        monkeypatch.setenv("RANK", value)
        with refused(InputError, code):
            Processes.launched()


@pytest.mark.slow
def test_the_command_under_accelerate(photos, tmp_path):
    """Warps, by two processes of a launch, against one."""
    for name in ("calm", "frown"):
        (photos / f"{name}.jpg").write_bytes((FACES / f"{name}.jpg").read_bytes())
    (tmp_path / "requests.txt").write_text("smile: AU6=2,AU12=3\nangry:0.7\n")
    asked = ["batch", str(photos), "--requests", str(tmp_path / "requests.txt"), "--engine", "warp"]
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
    args = command.PROGRAM.batches.parser().parse_args([str(photos), "--engine", "warp"])
    text = pickle.dumps(partial(command.PROGRAM.batches.worker, args))
    assert len(text) < 3000
    assert b"torch" not in text
    worker = pickle.loads(text)()
    assert type(worker.editor).__name__ == "MagicFace"
    assert worker.read("AU12=3") == AUDelta.parse("AU12=3")


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
    assert samples(folder)["deadly/request0"]["error"].startswith(str(TRIES))
    paints = Counter(painted(folder))
    assert {key for key, count in paints.items() if count > 1} == {"frail/request0", "frail/request1"}
    for name in ("deadly", "bad"):
        (photos / f"{name}.png").unlink()
    whole = files(folder)
    assert {name: whole[name] for name in whole if "deadly" not in name and "bad" not in name} == files(
        by_one(photos, tmp_path / "one")
    )


def test_the_runner_says_where_and_the_engine_by_what(photos, monkeypatch):
    args = command.PROGRAM.batches.parser().parse_args([str(photos), "--runner", "ray"])
    assert (args.engine, args.runner) == (None, "ray")
    paint(photos, ["a"])
    asked = ["batch", str(photos), "--requests", str(photos / "w.txt"), "-o", str(photos.parent / "run"), "-q"]
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
    with refused(MissingDependencyError, package="ray"), cluster._cluster(None):
        pass


@pytest.mark.slow
def test_memory_does_not_grow_and_a_leak_is_seen(tmp_path):
    """Of warps, after a warm-up; then with one that keeps the photo of each edit."""
    soak = benchmark("soak")
    edit, kept = soak.editing("warp", 1, 128, tmp_path, watermark=False), []
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

"""Whatever comes in, it is a result or one of our errors: soon, in little memory, nothing run, nothing half-written."""

from __future__ import annotations

from typing import Any

import byte_targets
import pytest
import value_targets
from guards import tried
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SMALL, LARGE = 250, 10_000
NAMES = [*byte_targets.TARGETS, *value_targets.TARGETS, "model folder"]
HEAVY = {"model folder": 4, "samples": 2, "network config": 2}
"""Targets of whose cases a tenth of a second or more goes into building networks: so many times fewer."""


def mutated(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Seeds with bytes, tokens, cuts and repeats put in; now and then random bytes alone."""
    place, token = st.integers(0, 2**16), st.one_of(st.sampled_from(byte_targets.TOKENS), st.binary(max_size=8))
    edits = st.lists(st.tuples(st.sampled_from(["put", "replace", "cut", "repeat", "end"]), place, token), max_size=6)
    return st.one_of(st.builds(_edited, st.sampled_from(seeds), edits), st.binary(max_size=64))


def _edited(seed: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    data = bytearray(seed)
    for kind, place, token in edits:
        at = place % (len(data) + 1)
        match kind:
            case "put":
                data[at:at] = token
            case "replace":
                data[at : at + len(token)] = token
            case "cut":
                del data[at : at + len(token)]
            case "repeat":
                data[at:at] = data[at : at + 50] * 3
            case "end":
                del data[at:]
    return bytes(data)


def run_cases(name: str, count: int, model: Any) -> int:
    """Cases of a target, always the same ones; returns how many there were."""
    strategy, target = _target(name, model)
    done = 0

    @settings(
        max_examples=max(count // HEAVY.get(name, 1), 1), derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(strategy)
    def holds(data: Any) -> None:
        nonlocal done
        done += 1
        tried(target, data)

    holds()
    return done


def _target(name: str, model: Any) -> tuple[st.SearchStrategy, Any]:
    if name in byte_targets.TARGETS:
        return mutated(byte_targets.seeds()[name]), byte_targets.TARGETS[name]
    if name in value_targets.TARGETS:
        return value_targets.TARGETS[name]
    return value_targets.CHANGES, value_targets.Folder(model)


def shared(count: int) -> int:
    """Of so many cases, one target's, before those of heavy ones are made fewer."""
    return round(count / sum(1 / HEAVY.get(name, 1) for name in NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_few_cases(name, model_folder):
    run_cases(name, shared(SMALL), model_folder)


@pytest.mark.slow
def test_10_000_cases(model_folder):
    done = {name: run_cases(name, shared(LARGE) + 1, model_folder) for name in NAMES}
    assert sum(done.values()) >= LARGE, done

"""What a folder was made from is written once, and what differs is told."""

from __future__ import annotations

import pytest
import torch
from refusals import refused
from torch import nn

from common.core.errors import CheckpointError, InputError
from common.core.fingerprint import claim, fingerprint


def test_the_same_is_accepted_and_what_differs_is_named(tmp_path):
    path = tmp_path / "new" / "facts.json"
    claim(path, {"size": (1, 2), "name": "x"}, "delete it")
    claim(path, {"size": [1, 2], "name": "x"}, "delete it")
    kept = path.read_bytes()
    with pytest.raises(InputError, match=r"name: 'x' there, None here\n  other: None there, 3 here") as caught:
        claim(path, {"size": (1, 2), "other": 3}, "delete it")
    assert (caught.value.code, caught.value.hint) == ("conflict", "delete it")
    assert path.read_bytes() == kept


def test_a_damaged_file_is_told(tmp_path):
    """With the cure for results, which nobody can fetch."""
    for damage in ("{", "[]"):
        (tmp_path / "facts.json").write_text(damage)
        with refused(CheckpointError, "unreadable", hint="name another folder"):
            claim(tmp_path / "facts.json", {}, "name another folder")


def test_fingerprints_see_the_values_that_count():
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    other.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(one, one)
    with torch.no_grad():
        other.weight[2, 2] += 1
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one, values=4) == fingerprint(other, values=4)

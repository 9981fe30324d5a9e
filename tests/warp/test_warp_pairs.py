"""Pairs to learn from, some of whose targets are warps."""

from __future__ import annotations

import pytest
import torch

from common.core.errors import InputError
from common.synthetic.data.dataset import SyntheticFaces
from magicface.data import SyntheticPairs


def test_so_many_pairs_apart_the_target_is_a_warp():
    faces = SyntheticFaces(4, size=96, seed=5, pairs="expression")
    true, mixed = (SyntheticPairs(faces, conditioning_image="photo", found=True, warp_every=every) for every in (0, 2))
    assert true.fingerprint != mixed.fingerprint
    for index, same in ((0, True), (1, False)):
        one, other = true[index], mixed[index]
        assert torch.equal(one["target"], other["target"]) == same
        for name in ("source", "conditioning_images", "vector"):
            assert torch.equal(one[name], other[name])
    with pytest.raises(InputError, match="found"):
        SyntheticPairs(faces, warp_every=2)

"""Laws of pairs to learn from: they are repeatable, and their variation is what the draft moved by."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from common.draft.pairs import moved, pairs
from common.errors import InputError
from common.synthetic.dataset import SyntheticFaces
from magicface.data import SyntheticPairs


def test_pairs_are_the_same_for_the_same_seed_and_say_what_moved(photo, draft):
    first, again, other = (list(pairs(photo, 2, seed=seed, finder="mediapipe")) for seed in (1, 1, 2))
    for one, same in zip(first, again):
        assert np.array_equal(one.photo, photo)
        assert np.array_equal(one.moved, same.moved)
        assert np.array_equal(one.moved, moved(draft, one.variation).moved)
        assert one.variation.shape == (12,)
    assert not any(np.array_equal(a.variation, b.variation) for a, b in pairwise([*first, *other]))


def test_so_many_pairs_apart_the_target_is_a_draft():
    faces = SyntheticFaces(4, size=96, seed=5, pairs="expression")
    true, mixed = (SyntheticPairs(faces, guide="photo", found=True, draft_every=every) for every in (0, 2))
    assert true.fingerprint != mixed.fingerprint
    for index, same in ((0, True), (1, False)):
        one, other = true[index], mixed[index]
        assert torch.equal(one["target"], other["target"]) == same
        for name in ("source", "guides", "vector"):
            assert torch.equal(one[name], other[name])
    with pytest.raises(InputError, match="goes with found"):
        SyntheticPairs(faces, draft_every=2)

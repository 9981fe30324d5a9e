"""Editors one after the other: one crop, one paste."""

from __future__ import annotations

import numpy as np
import pytest
from breadth import breadth
from refusals import refused

from common.core.errors import InputError
from common.editing.chain import chain, follow
from common.editing.redo import check_again
from common.provenance.recipe import CHAIN
from common.provenance.verify import verify

FAST = {"steps": 2, "progress": False, "seed": 3}


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("paste_back", breadth(["detail", "replace", False]))
def test_a_chain_of_one_is_the_edit_itself(editor, astronaut, paste_back):
    request = {"AU12": 3}
    chained = chain(astronaut, [(editor, request)], paste_back=paste_back, **FAST)
    alone = editor.edit(editor.encode(astronaut), request, paste_back=paste_back, **FAST)
    difference = np.abs(pixels(chained) - pixels(alone))
    # The crop was rounded to bytes on its way; where detail goes over into replacement, that tells more.
    assert difference.max() <= (8 if paste_back == "detail" else 2)
    assert difference.mean() < 0.5


def test_the_next_sees_what_the_first_made_and_nothing_else_changes(editor, astronaut):
    first, second = {"AU12": 9}, {"AU4": 9}
    both = pixels(chain(astronaut, [(editor, first), (editor, second)], **FAST))
    subject = editor.encode(astronaut)
    changed = np.abs(both - astronaut).max(2) > 0
    assert changed.any()
    assert not changed[:8].any()  # above the head's mask
    assert changed.mean() < 0.6
    one = pixels(chain(astronaut, [(editor, first)], **FAST))
    assert not np.array_equal(both, one)
    crop = np.asarray(editor.edit(subject, first, paste_back=False, **FAST))
    following = follow(editor, subject, crop)
    assert np.array_equal(following.source, crop)
    assert following.crop is subject.crop
    assert (subject.mask <= following.mask).all()
    assert following.record["follows"]


@pytest.mark.slow
def test_its_file_names_all_requests(editor, astronaut, tmp_path):
    first, second = {"AU12": 9}, {"AU4": 9}
    chain(astronaut, [(editor, first), (editor, second)], **FAST).save(tmp_path / "both.png", watermark=False)
    report = verify(tmp_path / "both.png")
    assert report.recipe.kind == CHAIN
    assert [step["request"] for step in report.recipe.request] == [first, second]
    assert all(step["model"]["weights"] and step["settings"]["seed"] == 3 for step in report.recipe.request)
    with refused(InputError, "several"):
        check_again(report.recipe, report.recipe.program)


def test_what_cannot_be_chained_is_told(editor, astronaut):
    with refused(InputError, "empty"):
        chain(astronaut, [])
    square = astronaut[: editor.size, : editor.size]
    prepared = editor.encode(square, background=np.zeros_like(square))
    with refused(InputError, "conflict"):
        follow(editor, prepared, prepared.source)

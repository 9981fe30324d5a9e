"""Held-out people: no one is on both sides, the order of rows decides nothing, and what is not known is said."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from common.training.people import groups, hold_out, in_turn, split
from magicface.data import ManifestPairs


class Rows(SimpleNamespace):
    fingerprint = "rows"

    def __len__(self):
        return len(self.people)

    def __getitem__(self, row):
        return row


def listed(people, pictures=None):
    rows = range(len(people))
    return Rows(people=people, pictures_of=pictures or [(f"{row}-source", f"{row}-target") for row in rows])


def test_rows_of_one_person_or_with_a_picture_in_common_stay_together():
    of = groups(["ann", "bob", "ann", None, None, None], [("a",), ("b",), ("c",), ("d", "e"), ("e", "f"), ("g",)])
    assert of[0] == of[2] != of[1]
    assert of[3] == of[4] != of[5]
    assert len(set(of)) == 4


@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_no_one_is_on_both_sides_whatever_the_order_of_rows(share):
    people = [f"p{n % 7}" for n in range(40)]
    train, apart = split(people, share, seed=1)
    assert sorted(train + apart) == list(range(40))
    assert train
    assert apart
    assert not {people[row] for row in train} & {people[row] for row in apart}
    back = people[::-1]
    assert {back[row] for row in split(back, share, seed=1)[1]} == {people[row] for row in apart}


def test_the_first_held_out_rows_show_many_people():
    people = ["a"] * 5 + ["b"] * 5 + ["c"] * 2
    assert [people[row] for row in in_turn(people)[:6]] == ["a", "b", "c", "a", "b", "c"]


def test_without_a_person_column_whole_photos_are_held_out_and_that_is_said(caplog):
    pictures = [(f"photo{n // 3}", f"target{n}") for n in range(12)]
    with caplog.at_level(logging.WARNING):
        train, apart, told = hold_out(listed([None] * 12, pictures), None, 0.25, 0, "validation_manifest")
    assert apart is not None
    assert "person" in caplog.text
    assert "source photos" in told
    assert not {pictures[row][0] for row in train} & {pictures[row][0] for row in apart}
    assert len(apart) == 3


def test_one_person_cannot_be_held_out(caplog):
    data = listed(["ann"] * 4)
    assert hold_out(data, None, 0.1, 0, "validation_manifest")[:2] == (data, None)
    assert "none can be held out" in caplog.text


def test_a_held_out_list_that_shows_trained_people_is_told(caplog):
    held_out = Rows(people=["ann", "eve"], pictures_of=[("x",), ("y",)])
    data, apart, told = hold_out(listed(["ann", "bob"]), held_out, 0.1, 0, "validation_manifest")
    assert apart is not None
    assert "ann" in caplog.text
    assert len(data) == len(apart) == 2
    assert "shares some" in told
    caplog.clear()
    hold_out(listed(["carl", "bob"]), held_out, 0.1, 0, "validation_manifest")
    assert not caplog.text


def test_manifests_say_who_they_show(tmp_path):
    rows = []
    for n in range(3):
        for kind in ("s", "t", "b"):
            Image.fromarray(np.full((8, 8, 3), 10 * n, np.uint8)).save(tmp_path / f"{kind}{n}.png")
        pair = {"source": f"s{n}.png", "target": f"t{n}.png", "au_source": {}, "au_target": {"AU12": 1}}
        rows.append({**pair, "background": f"b{n}.png", "Subject": ["ann", 7, ""][n]})
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    pairs = ManifestPairs(path, 8)
    assert pairs.people == ["ann", "7", None]
    without = [{key: value for key, value in row.items() if key != "background"} for row in rows]
    path.write_text("\n".join(map(json.dumps, without)))
    own = ManifestPairs(path, 8, photo=True)[1]  # as the small network is guided
    assert (own["conditioning_images"][0] == own["source"]).all()

"""A model says how it is to be used; a call says otherwise."""

from __future__ import annotations

import json

import pytest
from refusals import refused

from common.core.errors import CheckpointError, InputError
from common.editing.defaults import DEFAULTS_FILE, Defaults, read_defaults, write_defaults

SMALL = Defaults(steps=12, guidance=1.0, region="face", paste_back="detail")


def test_without_a_file_the_published_values_hold(tmp_path):
    assert read_defaults(tmp_path) == Defaults(50, 1.5, "head", True, 1.0)


@pytest.mark.parametrize("defaults", [SMALL, Defaults(), Defaults(paste_back=False), Defaults(au_scale=1)])
def test_what_is_written_is_read(tmp_path, defaults):
    write_defaults(tmp_path, defaults)
    assert read_defaults(tmp_path) == defaults


def test_what_a_file_does_not_name_is_as_published(tmp_path):
    (tmp_path / DEFAULTS_FILE).write_text('{"steps": 12}')
    assert read_defaults(tmp_path) == Defaults(steps=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "editor.json"),
        ("[]", "JSON object"),
        ("\xff", "editor.json"),
        ('{"step": 3}', "paste_back"),
        ('{"steps": 0}', "steps"),
        ('{"steps": "12"}', "steps"),
        ('{"guidance": NaN}', "guidance"),
        ('{"region": "body"}', "head"),
        ('{"region": []}', "region"),
        ('{"paste_back": "glue"}', "paste_back"),
        ('{"zoom": 0}', "zoom"),
        ('{"conditioning_image": "face"}', "conditioning_image"),
        ('{"au_scale": 3}', "au_scale"),
        ('{"au_scale": "1"}', "au_scale"),
    ],
)
def test_bad_files_are_errors_of_the_checkpoint(tmp_path, text, words):
    (tmp_path / DEFAULTS_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(CheckpointError, match=words) as raised:
        read_defaults(tmp_path)
    assert raised.value.code == "unreadable"
    assert str(tmp_path / DEFAULTS_FILE) in str(raised.value)


def test_what_is_asked_for_comes_first():
    assert SMALL.asked() == SMALL.asked(steps=None, guidance=None, region=None, paste_back=None) == SMALL
    assert SMALL.asked(steps=3, paste_back=False) == Defaults(3, 1.0, "face", False)
    with refused(InputError, "range", actual=0):
        SMALL.asked(steps=0)


def test_a_table_stands_on_a_base():
    assert Defaults.of({"steps": 3}, SMALL) == Defaults(3, 1.0, "face", "detail")
    with refused(InputError, "unknown", actual=["seed"]):
        Defaults.of(json.loads('{"seed": 3}'))

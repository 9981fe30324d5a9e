"""A config is understood or refused."""

from __future__ import annotations

import dataclasses

import pytest
from refusals import refused

from common.core.errors import InputError
from common.training.command import describe, documentation, from_values, read
from common.training.config import DiffusionConfig


def write(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text('output = "out"\n' + text)
    return path


def test_file_and_overrides(tmp_path):
    path = write(tmp_path, "steps = 5\nbetas = [0.8, 0.9]\nlearning_rate = 1\n")
    config = read(DiffusionConfig, path, ["steps=7", "output=else/where", "resume=false", 'lora_targets=["to_q"]'])
    assert (config.steps, config.output, config.resume, config.lora_targets) == (7, "else/where", False, ("to_q",))
    assert config.betas == (0.8, 0.9)
    assert isinstance(config.learning_rate, float)


def test_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DiffusionConfig(output="out").steps = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rat = 1.0", ["learning_rat", "'learning_rate'"]),
        ("step = 3", ["'steps'"]),
        ("steps = 1.5", ["steps", "a whole number", "1.5"]),
        ("steps = true", ["a whole number"]),
        ("resume = 1", ["true or false"]),
        ('clip = "a"', ["clip", "a number"]),
        ("betas = 3", ["a list"]),
        ('betas = [0.1, "x"]', ["betas[1]"]),
        ('precision = "fp8"', ["'bf16'", "fp8"]),
        ("steps = 0", ["steps", "1"]),
        ("vector_dropout = 1.5", ["vector_dropout", "1.5"]),
        ("learning_rate = nan", ["learning_rate"]),
        ("zero_terminal_snr = true", ["v_prediction"]),
        ('prediction = "v_prediction"\nzero_terminal_snr = true\nmin_snr_gamma = 5', ["min_snr_gamma"]),
        ("steps = ", ["config.toml"]),
    ],
)
def test_refused(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        read(DiffusionConfig, write(tmp_path, text))
    for word in words:
        assert word in str(error.value)


def test_missing_output_and_missing_file(tmp_path):
    with refused(InputError, "missing"):
        from_values(DiffusionConfig, {})
    with refused(InputError, "unreadable"):
        read(DiffusionConfig, tmp_path / "none.toml")
    with refused(InputError, "format", actual="steps"):
        read(DiffusionConfig, write(tmp_path, ""), ["steps"])


def test_every_field_is_documented():
    texts = documentation(DiffusionConfig)
    for field in dataclasses.fields(DiffusionConfig):
        assert texts[field.name], field.name
        assert field.name in describe(DiffusionConfig)

"""Every config that is shipped is read by what it is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser

from common.training.autoencoder import AutoencoderConfig
from common.training.command import read
from fineface.train import FineFaceConfig
from magicface.train import MagicFaceConfig
from rigface.train import RigFaceConfig

EXAMPLES = Path(__file__).parents[1] / "examples"
LAUNCHES = sorted(path.name for path in (EXAMPLES / "accelerate").glob("*.yaml"))
README = EXAMPLES.parent / "README.md"
TOMLS = sorted(path.name for path in EXAMPLES.glob("*.toml"))


def test_all_are_there():
    assert LAUNCHES == [
        "cpu.yaml", "deepspeed.yaml", "fsdp.yaml", "one_gpu.yaml", "several_gpus.yaml", "several_nodes.yaml",
    ]  # fmt: skip
    assert "train_magicface.toml" in TOMLS


@pytest.mark.parametrize("name", LAUNCHES)
def test_accelerate_reads_its_configs(name):
    """Unknown keys, also of FSDP and DeepSpeed, which accelerate itself takes without a word, are errors here."""
    config = load_config_from_file(str(EXAMPLES / "accelerate" / name))
    assert config.num_processes >= config.num_machines  # type: ignore[union-attr]
    options = {action.dest for action in launch_command_parser()._actions}
    assert set(config.fsdp_config) | set(config.deepspeed_config) <= options  # type: ignore[union-attr]


@pytest.mark.parametrize("name", TOMLS)
def test_trainings_read_their_configs(name):
    path = EXAMPLES / name
    kinds = {"magicface": MagicFaceConfig, "rigface": RigFaceConfig, "fineface": FineFaceConfig}
    cls = AutoencoderConfig if name.endswith("_vae.toml") else kinds[name.removesuffix(".toml").split("_")[1]]
    assert read(cls, path).output


def test_the_fine_tuning_command_sets_what_it_names():
    overrides = ["manifest=my/pairs.jsonl", "output=out/mine"]
    config = read(MagicFaceConfig, EXAMPLES / "train_magicface.toml", overrides)
    assert (config.manifest, config.output) == ("my/pairs.jsonl", "out/mine")
    assert (config.prediction, config.batch_size, config.learning_rate) == ("epsilon", 8, 1e-5)


def test_fineface_is_trained_as_in_its_paper():
    """Config and defaults say the same, and the README's command leaves one folder of pictures to train on."""
    config, plain = read(FineFaceConfig, EXAMPLES / "train_fineface.toml"), FineFaceConfig(output="-", folder="-")
    paper = {"batch_size": 12, "accumulation": 3, "steps": 20_000, "learning_rate": 1e-4, "schedule": "constant",
             "precision": "fp16", "lora_rank": 32, "disfa_neutral": 8305, "jitter": 0.2, "rounded": 0.2}  # fmt: skip
    for name, value in paper.items():
        assert getattr(config, name) == getattr(plain, name) == value, name
    command = re.search(r"-m fineface\.train .*?\n```|-m fineface\.train .*?\nfineface", README.read_text(), re.DOTALL)
    assert command
    overrides = re.findall(r"--set (\S+)", command[0])
    config = read(FineFaceConfig, EXAMPLES / "train_fineface.toml", overrides)
    assert (config.folder, config.disfa, config.affectnet, config.output) == ("faces", "", "", "out/mine")


@pytest.mark.parametrize(
    "page", ["README.md", "examples/accelerate/README.md", *(f"examples/{name}" for name in TOMLS)]
)
def test_pages_name_files_that_exist(page):
    root = EXAMPLES.parent
    named = set(re.findall(r"examples/[\w/]+\.(?:toml|yaml|py|md)", (root / page).read_text()))
    assert named
    assert not [name for name in named if not (root / name).is_file()]

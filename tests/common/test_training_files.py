"""What a training keeps: latents, logs, checkpoints; whole or not there."""

from __future__ import annotations

import pytest
import torch
import toy_training as toy
from refusals import refused

from common.core.errors import InputError
from common.training import checkpointing, logs
from common.training.latents import LATENTS, CachedLatents, PairEncoder, encode
from common.training.sheet import edit_errors, sheet
from common.weights.unet import load_unet, save_unet


@pytest.mark.parametrize("where", ["memory", "folder"])
def test_kept_latents_are_those_made_anew(tmp_path, where):
    data, vae = toy.pictures(3), toy.vae()
    kept = CachedLatents(data, PairEncoder(vae), tmp_path if where == "folder" else None)  # type: ignore[arg-type]
    for i, item in enumerate(data):
        fresh = encode(vae, {name: value[None] for name, value in item.items()})
        for name in LATENTS:
            # a batch is rounded otherwise than one picture
            torch.testing.assert_close(kept[i][name], getattr(fresh, name)[0], rtol=0, atol=1e-6)
        assert torch.equal(kept[i]["vector"], item["vector"])


def test_channels_last_are_kept(tmp_path):
    vae = toy.vae().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    kept = CachedLatents(toy.pictures(2), PairEncoder(vae), tmp_path)  # type: ignore[arg-type]
    assert all(kept[0][name].is_contiguous() for name in LATENTS)


def test_kept_latents_of_something_else_are_refused(tmp_path):
    data, vae = toy.pictures(2), toy.vae()
    CachedLatents(data, PairEncoder(vae), tmp_path)  # type: ignore[arg-type]
    with torch.no_grad():
        vae.encoder.conv_in.weight.add_(1)
    with pytest.raises(InputError, match="vae: "):
        CachedLatents(data, PairEncoder(vae), tmp_path)  # type: ignore[arg-type]


def test_log_drops_what_will_be_repeated_and_what_was_cut_off(tmp_path):
    path, columns = tmp_path / "log.csv", ("step", "loss")
    logs.Log(path, columns, 0).add([{"step": i, "loss": i / 3} for i in range(1, 6)])
    with open(path, "a") as file:
        file.write("6,0.")
    with open(path, "a") as file:
        file.write("1e")
    log = logs.Log(path, columns, 3)
    log.add([{"step": 4, "loss": 9.5}])
    assert logs.read_log(path) == [{"step": i, "loss": i / 3} for i in (1, 2, 3)] + [{"step": 4, "loss": 9.5}]
    logs.Log(path, columns, 0)
    assert logs.read_log(path) == []


def checkpoint(output, step):
    folder = checkpointing.unfinished(checkpointing.place(output, step))
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_text(str(step))
    assert checkpointing.place(output, step) not in checkpointing.complete(output)
    (folder / checkpointing.FACTS).write_text(f'{{"step": {step}, "seed": 0}}')
    assert checkpointing.place(output, step) not in checkpointing.complete(output)
    checkpointing.finish(checkpointing.place(output, step))


def test_checkpoints_are_complete_or_not_there(tmp_path):
    for step in (5, 10, 15):
        checkpoint(tmp_path, step)
    checkpointing.unfinished(checkpointing.place(tmp_path, 20)).mkdir()
    assert [folder.name for folder in checkpointing.complete(tmp_path)] == [
        "step-00000005",
        "step-00000010",
        "step-00000015",
    ]
    checkpointing.thin_out(tmp_path, 2)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["step-00000010", "step-00000015"]
    assert checkpointing.read_facts(checkpointing.complete(tmp_path)[-1], {"seed": 0}) == 15
    with refused(InputError, "conflict", expected=0, actual=1):
        checkpointing.read_facts(checkpointing.complete(tmp_path)[-1], {"seed": 1})
    for step in (10, 15):
        checkpointing.copy_model(checkpointing.place(tmp_path, step), tmp_path / "model")
        assert (tmp_path / "model" / "weights").read_text() == str(step)


def test_unet_is_read_back_as_written(tmp_path):
    unet = toy.twin().unet
    save_unet(tmp_path, unet.config, unet.state_dict(), vector_key="au_aug_mlp.")
    again = load_unet(tmp_path, vector_key="au_aug_mlp.")
    for name, value in unet.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)


def test_errors_count_only_where_something_changed():
    items = toy.pictures(2)
    source, truth = (torch.stack([item[name] for item in items]) for name in ("source", "target"))
    outside = truth.clone()
    outside[:, :, :2] = 0
    found = edit_errors(source, outside, truth, truth)
    assert found["edit"] == 0
    assert edit_errors(source, source, truth, truth)["edit_to_nothing"] == 1
    same = edit_errors(source, source, source, source)
    assert same["nothing"] == same["edit_to_nothing"] == 0


def test_sheet_has_all_pictures():
    pictures = torch.rand(3, 3, 16, 16)
    page = sheet({"source": pictures, "edit": pictures}, ["AU12=3", "AU4=1", "neutral"])
    assert page.width > 2 * 16
    assert page.height > 3 * 16


def test_curve(tmp_path):
    pytest.importorskip("matplotlib")
    logs.Log(tmp_path / "log.csv", ("step", "loss"), 0).add([{"step": i, "loss": 1 / i} for i in range(1, 90)])
    assert logs.draw_curve(tmp_path / "log.csv", tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000

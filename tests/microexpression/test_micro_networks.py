"""The published networks: their sizes, their authors' numbers, and what their parts must do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from folders import GOLDEN, golden_readers
from refusals import refused
from safetensors.torch import load_file, save_file

from common.core.errors import CheckpointError, InputError, ShapeError
from microexpression.networks.elrcn import ELRCN
from microexpression.networks.infusenet import InfuseNet
from microexpression.networks.magnifier import Magnifier
from microexpression.networks.rcn import (
    ARCHITECTURES,
    RCN,
    Architecture,
    Embedding,
    Recurrent,
    Supernet,
    attention,
    search,
    unit,
)
from microexpression.networks.released import load_released
from microexpression.networks.ststnet import STSTNet

SHARED = Path(__file__).resolve().parents[3] / "shared"
FILES = [*sorted((GOLDEN / "microexpression").glob("rcn_?.safetensors")), *golden_readers()]
RAMP = ((37 * torch.arange(3 * 28 * 28)) % 256).float().view(1, 3, 28, 28)
STSTNET = {  # subject: logits of RAMP, and of 128 everywhere
    "006": ((-1.2720, -5.4506, -3.5135), (-0.3076, -0.6729, -0.4651)),
    "s01": ((-0.3417, -4.1230, -3.3089), (0.0724, 0.4949, 0.4303)),
    "sub01": ((2.0348, -4.3738, -8.0313), (-0.7036, 0.4230, -0.8368)),
    "sub26": ((-0.7143, 3.1999, -0.1088), (0.4386, -0.0576, -0.9579)),
}


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"../shared/{'/'.join(parts)} is absent")
    return path


# --- STSTNet ---------------------------------------------------------------------------------------------------------


def test_ststnet_has_its_size_and_refuses_others():
    assert size(STSTNet()) == 1683
    assert size(STSTNet(12)) == 5292
    with refused(ShapeError, actual=(1, 3, 60, 60)):
        STSTNet()(torch.zeros(1, 3, 60, 60))


@pytest.mark.golden
def test_all_released_weights_of_ststnet_load_and_answer():
    files = sorted(shared("data", "ststnet", "weights").glob("*.pth"))
    assert len(files) == 68
    for path in files:
        network = load_released(STSTNet(), path).eval()
        if path.stem in STSTNET:
            with torch.no_grad():
                found = network(RAMP)[0], network(torch.full((1, 3, 28, 28), 128.0))[0]
            assert np.allclose(torch.stack(found), STSTNET[path.stem], atol=1e-3)


# --- RCN -------------------------------------------------------------------------------------------------------------


@pytest.mark.golden
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_rcn_answers_as_released(path, tmp_path):
    stored = load_file(path)
    weights = {name.removeprefix("weights."): value for name, value in stored.items() if name.startswith("weights.")}
    save_file(weights, tmp_path / "released.safetensors")
    answers, columns = weights["classifier.weight"].shape
    maps = weights["conv1.0.bias"].numel() if "conv1.0.bias" in weights else 2 * weights["stream1.0.bias"].numel()
    network = RCN(path.stem[-1], answers, maps, round((columns / maps) ** 0.5))
    with torch.no_grad():
        found = load_released(network, tmp_path / "released.safetensors").eval()(stored["input"])
    assert np.allclose(found, stored["logits"], atol=1e-5)


@pytest.mark.parametrize(
    ("letter", "sizes"),
    [
        ("a", (15331, 55747, 51139, 65548)), ("s", (24643, 92803, 88195, 102604)), ("w", (13795, 52675, 48067, 62476)),
        ("p", (33539, 131075, 126467, 140876)), ("c", (33539, 131075, 126467, 140876)),
        ("f", (13795, 52675, 48067, 62476)),
    ],
)  # fmt: skip
def test_rcn_has_its_sizes(letter, sizes):
    """Released networks also carry parts that they never use: whole blocks, and a second 3 x 3 convolution."""
    unused = {
        "s": (lambda maps: unit(maps, maps, 3),),
        "p": (lambda maps: unit(maps, maps, 3), lambda maps: Recurrent(maps, 0)),
        "c": (lambda maps: unit(maps, maps, 3), lambda maps: Embedding(maps, 0)),
    }
    options = ((3, 32, 5), (3, 64, 7), (3, 64, 5), (12, 64, 5))
    more = [sum(size(make(maps)) for make in unused.get(letter, ())) for _, maps, _ in options]
    assert tuple(size(RCN(letter, *each)) + rest for each, rest in zip(options, more)) == sizes
    assert RCN(letter, 4)(torch.rand(2, 3, 48, 52)).shape == (2, 4)


def test_every_part_of_rcn_learns():
    for chosen in ARCHITECTURES.values():
        network = RCN(chosen)
        network(torch.rand(4, 3, 60, 60)).square().sum().backward()
        assert not [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]


def test_attention_lies_between_nothing_and_all_and_survives_flat_maps():
    weight = torch.randn(3, 8, 5, 5)
    seen = attention(torch.rand(2, 8, 20, 20), weight)
    assert seen.shape == (2, 1, 5, 5)
    assert 0 <= seen.min() < seen.max() <= 1
    assert attention(torch.rand(2, 3, 60, 60), weight).shape == (2, 1, 5, 5)
    assert not attention(torch.ones(1, 8, 5, 5), torch.ones(3, 8, 5, 5)).any()


def test_wrong_parts_and_weights_are_refused(tmp_path):
    with refused(InputError, "unknown", actual="broad"):
        Architecture("broad", "dense")  # type: ignore[arg-type]
    with refused(InputError, "unknown", actual="x"):
        RCN("x")
    with refused(InputError, "range", actual=(6, 5)):
        RCN("a", maps=6)
    save_file({"fc.weight": torch.zeros(3, 400)}, tmp_path / "w.safetensors")
    with refused(CheckpointError, "keys"):
        load_released(STSTNet(), tmp_path / "w.safetensors")


# --- the search ------------------------------------------------------------------------------------------------------


def test_the_search_finds_the_best_part():
    """What is left of all parts is their weighted mean: with all weight on A's parts it answers like RCN-A."""
    torch.manual_seed(0)
    net, flow = Supernet(maps=8).eval(), torch.rand(2, 3, 60, 60)
    for place, part in (("stem", 1), ("block", 1), ("attention", 0)):  # wide, dense: sizes agree
        net.choice[place].data[part] = 60.0
    own = RCN(net.architecture(), maps=8).eval()
    own.stem.load_state_dict(net.stems["wide"].state_dict())
    own.block.load_state_dict(net.blocks["dense"].state_dict())
    own.classifier.load_state_dict(net.classifier.state_dict())
    assert net.architecture() == Architecture("wide", "dense", "none")
    assert torch.allclose(net(flow), own(flow), atol=1e-5)


def test_the_search_can_be_repeated_and_its_fractions_sum_to_one():
    flows, labels = torch.rand(12, 3, 24, 24), torch.arange(12) % 3
    first, second = (search(flows, labels, 3, epochs=2, batch_size=4, maps=4, pool=2, seed=1) for _ in range(2))
    assert first[0] == second[0]
    assert first[2] == second[2]
    assert all(sum(fractions.values()) == pytest.approx(1) for fractions in first[2][-1].values())
    assert first[2][0] != first[2][1], "nothing was learned"


# --- ELRCN -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modalities", "enrichment", "trunks", "rest"),
    [
        (("flow",), "spatial", [134281029], 85548773),
        (("flow", "strain"), "spatial", [134281605], 85548773),
        (("flow", "strain", "grey"), "spatial", [134282181], 85548773),
        (("flow", "strain"), "temporal", [134281029] * 2, 134700773),
        (("flow", "strain", "grey"), "temporal", [134281029] * 3, 183852773),
    ],
)
def test_elrcn_has_its_sizes(modalities, enrichment, trunks, rest):
    with torch.device("meta"):
        network = ELRCN(5, modalities, enrichment)
    assert [size(trunk) + size(head) for trunk, head in zip(network.trunks, network.frame_heads)] == trunks
    assert size(network.lstm) + size(network.dense) + size(network.classifier) == rest


def test_elrcn_reads_images_in_their_order_and_trains_its_stages_apart():
    torch.manual_seed(0)
    network, images = ELRCN(3, ("flow", "strain"), "temporal", width=1 / 32).eval(), 255 * torch.rand(2, 4, 5, 32, 32)
    assert network(images).shape == (2, 3)
    assert not torch.allclose(network(images), network(images.flip(1)), atol=1e-6)
    assert torch.allclose(network(images[:1]), network(images)[:1], atol=1e-5)
    clip, frames = network(images, stages=True)
    assert torch.allclose(clip, network(images))
    assert frames.shape == (2, 2, 4, 3)
    clip.sum().backward()
    assert all(parameter.grad is None for parameter in network.trunks.parameters())
    images[:, :, 4] = 0  # grey is not among its modalities
    assert torch.equal(network(images), clip)
    with pytest.raises(ShapeError):
        network(images[:, 0])
    with refused(InputError, "unknown", actual=("depth",)):
        ELRCN(3, ("depth",))


# --- InfuseNet and the magnifier -------------------------------------------------------------------------------------


@pytest.mark.golden
def test_the_magnifier_answers_as_released():
    stored = load_file(shared("golden", "microexpression", "magnifier_astronaut.safetensors"))
    magnifier = load_released(Magnifier(), shared("data", "infusenet", "generator_212000.pth")).eval()
    first, second = stored["first"].float(), stored["second"].float()
    with torch.no_grad():
        for factor in (1, 5, 10, 20):
            delta, made = magnifier.delta(first, second, factor), magnifier(first, second, factor)
            for found, name in ((delta, f"delta_amp{factor}"), (made, f"magnified_amp{factor}")):
                right = stored[name].float()  # in float16, as its inputs
                assert (found - right).abs().max() <= 5e-3 * max(1.0, float(right.abs().max())), name
        assert not magnifier.delta(first, second, 1).any()


def test_the_magnifier_has_its_size_and_does_nothing_at_one():
    magnifier = Magnifier()
    assert [size(part) for part in (magnifier.encoder, magnifier.manipulator, magnifier.decoder)] == [
        108336, 77824, 179808,
    ]  # fmt: skip
    first, second = torch.rand(2, 1, 3, 32, 32)
    with torch.no_grad():
        assert not magnifier.delta(first, second, 1).any()
        assert torch.equal(magnifier(first, second, 1), magnifier.decoder(magnifier.encoder(second)))
    with refused(ShapeError, actual=(1, 3, 30, 30)):
        magnifier.delta(first, second[..., :30, :30], 2)


def test_infusenet_has_its_size_and_one_head():
    with torch.device("meta"):
        network = InfuseNet()
    assert size(network) == 22_359_180 - 9_536 + 365_968  # what the second ResNet never uses is left out
    assert size(network.classifier) == 513 * 12


def test_gates_are_each_samples_own_unless_asked_otherwise():
    torch.manual_seed(0)
    own, released = InfuseNet(3, width=1 / 16).eval(), InfuseNet(3, gates="batch", width=1 / 16).eval()
    released.load_state_dict(own.state_dict())
    inputs = [torch.rand(3, 3, 32, 32) for _ in range(4)]
    with torch.no_grad():
        flow, motion = own(*inputs)
        alone = [own(*(each[row : row + 1] for each in inputs)) for row in range(3)]
        assert torch.allclose(motion, torch.cat([each[1] for each in alone]), atol=1e-5)
        assert torch.allclose(flow, torch.cat([each[0] for each in alone]), atol=1e-5)
        one = released(*(each[:1] for each in inputs))[1]
        assert torch.allclose(one, alone[0][1], atol=1e-5), "of one sample both are the same"
        assert not torch.allclose(released(*inputs)[1][:1], one, atol=1e-4)
    gate = own.gate(torch.randn(2, 3, 4, 4))
    assert gate.amin((1, 2, 3)).eq(0).all()
    assert gate.amax((1, 2, 3)).eq(1).all()
    assert not own.gate(torch.ones(1, 2, 2, 2)).any()
    with pytest.raises(ShapeError):
        own(*inputs[:3], inputs[3][..., :16])
    with refused(InputError, "unknown", actual="none"):
        InfuseNet(3, gates="none")  # type: ignore[arg-type]


def test_gates_let_gradients_reach_the_flow():
    network = InfuseNet(3, width=1 / 16)
    inputs = [torch.rand(2, 3, 32, 32) for _ in range(4)]
    network(*inputs)[1].square().sum().backward()
    assert network.flow.embedder.embedder.convolution.weight.grad.any()

"""Options are declared once: keywords, flags, records and help texts derive from the fields; checks come first."""

from __future__ import annotations

import argparse
import copy
import gc
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import magicface
import rigface
from common.cli.options import add_flags
from common.core.errors import ActionUnitError, InputError
from common.editing.defaults import Defaults
from common.editing.options import (
    EditKeywords,
    EditOptions,
    FaceKeywords,
    FaceOptions,
    Keywords,
    ModelKeywords,
    ModelOptions,
    Options,
    check_option,
    option_of,
)
from common.editing.subject import Subject, SubjectCache
from common.facs.action_units import ACTION_UNITS, AUDelta, AUIntensity
from rigface.options import (
    RigEditOptions,
    RigFaceKeywords,
    RigFaceOptions,
    RigKeywords,
    RigModelOptions,
)
from rigface.request import RigEdit

KINDS = (EditOptions, FaceOptions, ModelOptions, RigEditOptions, RigFaceOptions, RigModelOptions)
ASKED = {
    "steps": 7, "guidance": 1, "seed": 3, "engine": "diffusion", "start": "warp", "strength": 0.25,
    "paste_back": "detail", "batch_size": 2, "face": (3.0, 4.0), "region": "face", "background": "b.png",
    "render": "r.png", "coefficients": "c.npy", "strict": True, "model": "folder", "base": "sd15", "device": "cpu",
    "dtype": "float32", "size": 128, "detector": "mediapipe", "parser": "grabcut", "reconstructor": "embedded",
}  # fmt: skip


def names(kind: type[Options]) -> set[str]:
    return {each.name for each in fields(kind)}


@pytest.mark.parametrize(
    ("keywords", "kinds"),
    [
        (EditKeywords, [EditOptions]),
        (FaceKeywords, [FaceOptions]),
        (ModelKeywords, [ModelOptions]),
        (Keywords, [EditOptions, FaceOptions, ModelOptions]),
        (RigFaceKeywords, [RigFaceOptions]),
        (RigKeywords, [RigEditOptions, RigFaceOptions, RigModelOptions]),
    ],
)
def test_keywords_are_the_fields(keywords, kinds):
    assert set(keywords.__annotations__) == set().union(*map(names, kinds))


@pytest.mark.parametrize("kind", KINDS)
def test_flags_are_the_fields_and_give_the_same_options(kind):
    parser = argparse.ArgumentParser()
    add_flags(parser, kind)
    line = []
    for each in fields(kind):
        flag, value = option_of(each).flag or f"--{each.name.replace('_', '-')}", ASKED[each.name]
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        line += [flag] if value is True else [flag, text]
    asked = {name: ASKED[name] for name in names(kind)}
    assert kind.of(vars(parser.parse_args(line))) == kind(**asked)
    assert kind.of(vars(parser.parse_args([]))) == kind()


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_read_back_and_other_names_are_left_to_others(kind):
    made = kind(**{name: ASKED[name] for name in names(kind)})
    assert kind.of({**json.loads(json.dumps(made.to_json())), "other": 1}) == made
    assert kind.of({}) == kind()
    assert hash(made) == hash(copy.deepcopy(made))


@pytest.mark.parametrize("function", [magicface.edit, rigface.edit])
def test_help_has_every_option(function):
    kinds = KINDS[:3] if function is magicface.edit else KINDS[3:]
    for name in set().union(*map(names, kinds)):
        assert f"\n    {name}: " in function.__doc__, name
    with pytest.raises(TypeError, match="stepz"):
        function("photo.png", **({"au_delta": {}} if function is magicface.edit else {}), stepz=3)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("steps", bad) for bad in (0, 1001, 2.5, "12", True)),
        *(("guidance", bad) for bad in (float("nan"), float("inf"), "3", True)),
        *(("seed", bad) for bad in (-1, 2**63, None, 1.5)),
        *(("strength", bad) for bad in (-0.1, 1.1, "half", float("nan"), True)),
        *(("paste_back", bad) for bad in ("glue", 2)),
        *(("engine", bad) for bad in ("ray", 1)),
        *(("start", bad) for bad in ("nothing", [])),
        *(("batch_size", bad) for bad in (0, None)),
    ],
)
def test_a_wrong_value_is_named(name, bad):
    with pytest.raises(InputError, match=f"^{name} "):
        EditOptions(**{name: bad})
    with pytest.raises(InputError, match=f"^{name} "):
        check_option(EditOptions, name, bad)


@pytest.mark.parametrize("face", ["nose", "1,2,3", "", None, True, (1,), (1, 2, 3), object()])
def test_a_face_is_the_largest_an_index_or_a_point(face):
    assert [FaceOptions(face=each).face for each in ("largest", "-1", 2, "3.5,4", [3, 4])] == [
        "largest", -1, 2, (3.5, 4.0), (3.0, 4.0),
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"^face "):
        FaceOptions(face=face)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "steps": st.integers(1, 1000),
            "guidance": st.floats(-10, 10),
            "seed": st.integers(0, 2**63 - 1),
            "paste_back": st.sampled_from([True, False, "replace", "detail"]),
            "engine": st.sampled_from(["diffusion", "warp"]),
            "start": st.sampled_from(["noise", "warp"]),
            "strength": st.floats(0, 1),
        },
    ),
    st.booleans(),
)
def test_resolved_settings_are_the_same_options(asked, networks):
    """What a record says, asked for again, resolves to the same."""
    try:
        how = EditOptions(**asked).resolve(Defaults(), networks=networks)
    except InputError:
        return
    again = EditOptions.of(how.settings()).resolve(Defaults(start="warp", paste_back="detail"), networks=True)
    assert again.settings() == how.settings()


def test_the_models_own_stand_where_nothing_is_asked():
    own = Defaults(steps=12, guidance=1.0, paste_back="detail", start="warp", strength=0.25)
    how = EditOptions(guidance=2).resolve(own)
    assert (how.steps, how.guidance, how.paste_back, how.start, how.strength) == (12, 2.0, "detail", "warp", 0.25)
    assert EditOptions().resolve(replace(own, strength=0)).engine == "warp"
    assert EditOptions().resolve(Defaults(), networks=False).engine == "warp"
    assert EditOptions(start="warp").resolve(Defaults(), networks=False).engine == "diffusion"


@pytest.mark.parametrize("kind", [AUDelta, AUIntensity])
@given(values=st.lists(st.floats(-5, 10), min_size=12, max_size=12))
def test_requests_in_action_units_come_back_from_text_and_json(kind, values):
    request = kind(tuple(values))
    assert kind.parse(str(request)) == request == kind.parse(json.loads(json.dumps(request.to_json())))
    assert kind.parse(request) is request
    assert kind.split(request) is None
    assert hash(request) == hash(kind(tuple(values)))


def test_the_null_edit_is_all_zero_and_kinds_are_not_mixed():
    assert AUDelta() == AUDelta.parse({}) == AUDelta.parse("neutral")
    assert str(AUDelta()) == "neutral"
    assert len(AUDelta()) == len(ACTION_UNITS)
    with pytest.raises(ActionUnitError, match="AUIntensity"):
        AUDelta.parse(AUIntensity())
    with pytest.raises(ActionUnitError):
        AUIntensity.parse({"AU12": -6})


@pytest.mark.parametrize(
    "request_",
    [
        RigEdit(),
        RigEdit(light="azimuth=60", pose="yaw=15,absolute", expression="AU12=3"),
        RigEdit(expression={"AU6": 1.25}),
    ],
)
def test_a_rig_edit_comes_back_from_json(request_):
    assert RigEdit.parse(json.loads(json.dumps(request_.to_json()))) == request_
    assert RigEdit.parse(request_) is request_


def empty() -> Subject:
    return Subject(*[None] * 9)  # type: ignore[arg-type]


def test_what_is_cached_of_subjects_is_bounded_and_goes_with_them():
    made = []
    cache: SubjectCache[int] = SubjectCache(lambda subject: made.append(subject.face) or len(made), most=3)
    kept = [empty() for _ in range(5)]
    assert [cache(each) for each in kept] == [1, 2, 3, 4, 5]
    assert len(cache) == 3
    assert [cache(kept[2]), cache(kept[4])] == [3, 5]
    assert cache(kept[0]) == 6
    del kept
    gc.collect()
    assert len(cache) == 0
    assert len(copy.deepcopy(cache)) == 0

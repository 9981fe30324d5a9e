"""Data sets from their owners' folders: miniature copies, written here, with the faults that the real ones have."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused
from test_micro_networks import shared

from common.core.errors import InputError, ShapeError
from common.imaging.clip_dataset import TABLE, add_clip
from microexpression.data.layouts import LAYOUTS
from microexpression.data.load import DATASETS, frame_files, load, read_crossed, read_frames
from microexpression.data.sample import DataSetError, count_units, units_of
from microexpression.protocols import megc2018_holdout

pandas = pytest.importorskip("pandas")
pytest.importorskip("openpyxl")

HEADERS = {  # a data set's own words, and the word for the emotion that its second clip shows
    "smic": (["Subject", "Filename", "OnsetF", "OffsetF", "Emotion"], "positive"),
    "casme": (["Subject", "Filename", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "AU", "Emotion"], "happiness"),
    "casme2": (
        ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"],
        "happiness",
    ),
    "samm": (
        ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
         "Action Units", "Estimated Emotion", "Objective Classes", "Notes"],
        "Happiness",
    ),
    "fourd": (["sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "AU4", "AU6", "AU12"], "Positive"),
    "mmew": (
        ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion",
         "remarks"],
        "others",
    ),
    "casme3a": (["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "emotion"], "happy"),
}  # fmt: skip
SUBJECTS = {"smic": "s01", "casme": 1, "casme2": 1, "samm": "6", "fourd": "S08", "mmew": 1, "casme3a": "spNO.1"}
FRAMES = {"samm": "006_{}.jpg", "casme": "reg_EP01_5-{:03d}.jpg"}


def row(name: str, **values) -> dict:
    """A clip of 5 frames, from 11 on."""
    own = {
        "Subject": SUBJECTS[name], "sub_ID": SUBJECTS[name], "Filename": "EP01_5", "fold_name": "EP01_5", "AU4": 1,
        "AU6": 0, "AU12": 1, "Objective Classes": 3,
        **dict.fromkeys(("OnsetF", "OnsetFrame", "Onset Frame", "Onset"), 11),
        **dict.fromkeys(("ApexF1", "ApexFrame", "Apex Frame", "Apex"), 13),
        **dict.fromkeys(("OffsetF", "OffsetFrame", "Offset Frame", "Offset"), 15),
        **dict.fromkeys(("AU", "AUs", "Action Units"), "AU4+R12B"),
        **dict.fromkeys(("Emotion", "emotion", "Estimated Emotion"), HEADERS[name][1]),
    }  # fmt: skip
    return {word: {**own, **values}.get(word) for word in HEADERS[name][0]}


def table(root: Path, name: str, rows: list[dict]) -> Path:
    layout = LAYOUTS[name]
    path = root / layout.tables[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pandas.DataFrame(rows, columns=HEADERS[name][0])
    frame.to_excel(path, index=False, startrow=layout.header)
    if layout.header:  # something stands above
        import openpyxl

        book = openpyxl.load_workbook(path)
        book.active["A1"] = "Micro-expressions, by their coders"
        book.save(path)
    return path


def frames(folder: Path, name: str, numbers=range(11, 16)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("L", (20, 24), number).save(folder / FRAMES.get(name, "{}.jpg").format(number))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_miniature_copy_is_read(name, tmp_path):
    table(tmp_path, name, [row(name)])
    written = {
        "subject": {"casme": "01", "casme2": "01", "samm": "006"}.get(name, str(SUBJECTS[name])),
        "clip": "EP01_5",
    }
    folder = (
        LAYOUTS[name].frames[-1].format(**written, emotion=HEADERS[name][1], written=HEADERS[name][1], letter="EP01_5")
    )
    frames(tmp_path / folder, name)
    (sample,) = load(name, tmp_path)
    assert (sample.dataset, sample.subject, sample.clip) == (name, written["subject"], "EP01_5")
    assert (sample.onset, sample.apex, sample.offset) == (11, 13, 15)
    assert sample.emotion == ("repression" if name == "mmew" else HEADERS[name][1])
    assert sample.units == (set() if name == "smic" else {4, 12})
    assert sample.objective == (3 if name == "samm" else 0)
    read = read_frames(sample)
    assert read.shape == (5, 24, 20, 3)
    assert read[:, 0, 0, 0].tolist() == [11, 12, 13, 14, 15]
    assert read_frames(sample, [11, 13]).shape == (2, 24, 20, 3)


def test_objective_classes_stand_in_a_table_of_their_own(tmp_path):
    """Those of CASME II, which MEGC2018 asks for together with SAMM's."""
    table(tmp_path, "casme2", [row("casme2"), row("casme2", Filename="EP02_1")])
    table(tmp_path, "samm", [row("samm", **{"Objective Classes": 7}), row("samm", Filename="b")])
    classes = [{"Subject": "01", "Filename": "EP01_5", "Objective Class": 5}]
    pandas.DataFrame(classes).to_excel(tmp_path / "CASME2/CASME2-ObjectiveClasses.xlsx", index=False)
    samples = [sample for name in ("casme2", "samm") for sample in load(name, tmp_path, frames=False)]
    assert [sample.objective for sample in samples] == [5, 0, 7, 3]
    assert megc2018_holdout(samples).labels == (4, 2)


@pytest.mark.parametrize(
    ("name", "column", "rows"),
    [(name, column, rows) for name, layout in LAYOUTS.items() for column, rows in layout.fixes.items()],
)
def test_rows_that_are_known_to_be_wrong_are_corrected(name, column, rows, tmp_path):
    """In the whole table alone: an older one has other rows."""
    layout = LAYOUTS[name]
    plain = [row(name, **dict.fromkeys(("Filename", "fold_name"), f"c{number}")) for number in range(layout.count)]
    for number, own in enumerate(plain):  # times that every correction fits between
        times = {"on": 0, "ap": 5000 if number in layout.fixes.get("onset", {}) else 2, "of": 9999}
        own |= {word: times.get(word.lower()[:2], own[word]) for word in own}
    table(tmp_path, name, plain)
    found = load(name, tmp_path, frames=False)
    for number, right in rows.items():
        assert getattr(found[number], column) == (units_of(right) if column == "units" else right)
    untouched = load(name, tmp_path, frames=False, fixed=False)
    assert all(getattr(untouched[number], column) != getattr(found[number], column) for number in rows)


def test_rows_of_4dme_are_swapped_and_marked_units_left_out(tmp_path):
    rows = [row("fourd", fold_name=f"c{number}") for number in range(267)]
    rows[144] |= {"Emotion": "Surprise", "AUs": "AU4+6(k)+12", "AU6": 1}
    table(tmp_path, "fourd", rows)
    found = load("fourd", tmp_path, frames=False)
    assert (found[145].emotion, found[144].emotion) == ("Surprise", "Positive")
    assert found[145].clip == "c145"
    assert found[145].units == {4, 12}


def test_letters_that_repeat_are_numbered(tmp_path):
    table(tmp_path, "casme3a", [row("casme3a", Filename="b"), row("casme3a", Filename="b", Onset=12)])
    frames(tmp_path / "CASME3/part_A/spNO.1/b/color", "casme3a", (11, 12, 13, 15))  # one is missing, as there
    found = load("casme3a", tmp_path)
    assert [sample.clip for sample in found] == ["b", "b2"]
    assert found[0].frames == found[1].frames


def test_all_faults_are_reported_together(tmp_path):
    rows = [
        row("casme2", Filename="a", ApexFrame="/"),
        row("casme2", Filename="b", OffsetFrame=3),
        *(row("casme2", Filename=name) for name in "cde"),
    ]
    table(tmp_path, "casme2", rows)
    root = tmp_path / "CASME2/CASME2_RAW_selected/sub01"
    frames(root / "d", "casme2", (11, 12, 14, 15))
    frames(root / "e", "casme2")
    with pytest.raises(DataSetError) as caught:
        load("casme2", tmp_path)
    words = ["row 0 (01 a): apex", "row 1 (01 b): expected onset", "casme2 01 c: no frames", "casme2 01 d: frames 13"]
    assert len(caught.value.faults) == 4
    assert all(any(fault.startswith(word) for fault in caught.value.faults) for word in words)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.faults == caught.value.faults
    table(tmp_path, "casme2", [row("casme2"), row("casme2")])
    with refused(DataSetError, faults=("casme2 01 EP01_5: 2 rows",)):
        load("casme2", tmp_path, frames=False)


def test_what_is_not_a_data_set_is_refused(tmp_path):
    with refused(InputError, "unknown", actual="casme9"):
        load("casme9", tmp_path)
    with refused(InputError, "missing", expected=" or ".join(LAYOUTS["casme2"].tables)):
        load("casme2", tmp_path)
    path = table(tmp_path, "casme2", [row("casme2")])
    pandas.DataFrame([{"Subject": 1}]).to_excel(path, index=False)
    with refused(InputError, "missing", expected="Filename", actual="Subject"):
        load("casme2", tmp_path)
    path.write_bytes(b"PK\x03\x04 none")
    with refused(InputError, "unreadable"):
        load("casme2", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_a_table_that_a_spreadsheet_saved_again_is_the_same(tmp_path, separator, encoding):
    """Of a data set in the common form; a clip added to it keeps the other rows, whatever the order of columns."""
    frames = [Image.new("L", (24, 24), value) for value in (0, 50, 100)]
    add_clip(tmp_path / "mine", "s1", "a", frames, (0, 1, 2), {"AU4": 2.5, "AU7": 1}, "negative")
    before, table = load("mine", tmp_path), tmp_path / "mine" / TABLE
    (row,) = [*csv.DictReader(table.read_text().splitlines())]
    turned = dict(reversed([(name.upper(), value) for name, value in row.items()]))
    lines = [separator.join(turned), separator.join(value or '""' for value in turned.values()), separator * 3]
    table.write_bytes("\r\n".join(lines).encode(encoding))
    assert load("mine", tmp_path) == before
    add_clip(tmp_path / "mine", "s1", "b", frames, (0, 1, 2), {"AU12": 1}, "positive")
    assert load("mine", tmp_path)[0] == before[0]
    assert [sample.clip for sample in load("mine", tmp_path)] == ["a", "b"]
    table.write_text("Subject,Filename,Note\ns1,a,mine\n")
    with pytest.raises(InputError, match="'Note'"):
        add_clip(tmp_path / "mine", "s1", "c", frames, (0, 1, 2), {})


def test_frames_are_known_by_their_last_number(tmp_path):
    for name in ("reg_EP01_5-113.jpg", "img2.png", "3.bmp", "notes.txt", "cover.jpg"):
        (tmp_path / name).write_bytes(b"")
    assert sorted(frame_files(tmp_path)) == [2, 3, 113]
    assert frame_files(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("text", "units"),
    [("4+L12B", {4, 12}), ("AU4+6(k)+12(k)", {4}), ("R12 + R15", {12, 15}), ("", set()), (7, {7}), ("12?", {12})],
)
def test_units_are_read_from_what_coders_wrote(text, units):
    assert units_of(text) == units


# --- the table of CD6ME ----------------------------------------------------------------------------------------------

COUNTS = {
    "casme": (189, (23, 17, 70, 0, 1, 4, 40, 3, 9, 23, 14, 13)),
    "casme2": (256, (26, 22, 130, 2, 13, 39, 13, 16, 34, 27, 16, 25)),
    "samm": (159, (6, 18, 23, 10, 3, 46, 5, 6, 28, 13, 4, 6)),
    "fourd": (267, (46, 54, 102, 8, 25, 89, 1, 2, 53, 4, 6, 11)),
    "mmew": (300, (50, 41, 109, 70, 10, 47, 8, 38, 37, 17, 6, 11)),
    "casme3a": (860, (153, 128, 274, 44, 8, 27, 50, 10, 15, 193, 6, 20)),
}


def test_the_table_of_cd6me_has_its_counts():
    samples = read_crossed(shared("data", "infusenet", "cross_dataset_seq.csv"))
    assert tuple(dict.fromkeys(sample.dataset for sample in samples)) == DATASETS
    for name, (count, units) in COUNTS.items():
        own = [sample for sample in samples if sample.dataset == name]
        assert (len(own), tuple(count_units(own).values())) == (count, units)


def test_broken_rows_of_the_table_are_reported_together(tmp_path):
    head = "subject,material,onset,apex,offset,apexf,AU,emotion,n_frames,dataset,AU1,AU4\n"
    good = "01,EP01,10,12,15,2,4,tense,6,casme,0,1\n"
    path = tmp_path / "table.csv"
    path.write_text(head + good)
    (sample,) = read_crossed(path)
    assert (sample.subject, sample.units) == ("01", {4})
    bad = good.replace("EP01", "b").replace("10,", "x,", 1), good.replace("EP01", "c").replace(",6,", ",7,")
    path.write_text(head + good + "".join(bad) + good.replace("casme", "casme7"))
    with pytest.raises(DataSetError) as caught:
        read_crossed(path)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["line 3", "line 4", "line 5"]
    for text in ("a,b\n1,2\n", ""):
        path.write_text(text)
        with refused(InputError, "missing"):
            read_crossed(path)


def test_frames_of_unlike_sizes_are_refused(tmp_path):
    table(tmp_path, "casme2", [row("casme2")])
    folder = tmp_path / "CASME2/CASME2_RAW_selected/sub01/EP01_5"
    frames(folder, "casme2")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "13.jpg")
    (sample,) = load("casme2", tmp_path)
    with pytest.raises(ShapeError, match=r"13\.jpg"):
        read_frames(sample)

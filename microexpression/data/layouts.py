"""Files and columns of seven data sets, and corrections of their annotations.

Rows count from 0 below the header. Corrections are those of MEB (Varanka et al. 2023, IEEE TAFFC, arXiv 2211.11425).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.imaging.clip_dataset import FRAMES, TABLE

from .sample import units_of

Row = dict[str, Any]
Fixes = Mapping[str, Mapping[int, Any]]


USUAL = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame", "Onset Frame", "OnsetF", "Onset"),
    "apex": ("ApexFrame", "Apex Frame", "ApexF1", "ApexF", "Apex"),
    "offset": ("OffsetFrame", "Offset Frame", "OffsetF", "Offset"),
    "units": ("Action Units", "AUs", "AU"),
    "emotion": ("Estimated Emotion", "Emotion"),
    "objective": ("Objective Classes", "Objective Class"),
}
"""Usual column names of each value."""


@dataclass(frozen=True)
class Layout:
    """A data set as its owners distribute it.

    Attributes:
        tables: annotation files below the root; the first that exists.
        frames: patterns of a clip's folder of frames below the root, with values of its row; the first that exists.
        cropped: the same for cropped faces; by default `frames`.
        columns: column names of subject, clip, onset, apex, offset, units, emotion and objective, the first that
            exists; apex, units and objective may be missing.
        fixes: column -> row -> right value.
        header: rows above the header.
        count: number of rows, if it is known.
        swapped: two rows that have each other's labels.
        numbered: a clip's name repeats for several expressions; they get the suffixes 2, 3 and so on.
        digits: of a subject's number, with leading zeros.
        units: function of a row, if units are not in one column.
        frame_gaps: frames may be missing within a clip.
        objectives: table of subject, clip and objective class, if they are in another file; may be missing.
    """

    title: str
    tables: tuple[str, ...]
    frames: tuple[str, ...]
    cropped: tuple[str, ...] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=lambda: USUAL)
    fixes: Fixes = field(default_factory=dict)
    header: int = 0
    count: int | None = None
    swapped: tuple[int, int] | None = None
    numbered: bool = False
    digits: int = 0
    units: Callable[[Row], frozenset[int]] | None = None
    frame_gaps: bool = False
    objectives: str = ""


def _at(rows: Sequence[int], values: Sequence[Any]) -> dict[int, Any]:
    return dict(zip(rows, values))


def _fourd_units(row: Row) -> frozenset[int]:
    """4DME's own 0/1 columns without units with the mark (k)."""
    columns = {int(name[2:]) for name, value in row.items() if name[:2] == "AU" and name[2:].isdigit() and value}
    marked = units_of(row["units"], marked=True) - units_of(row["units"])
    return frozenset(columns - marked)


def plain(name: str) -> Layout:
    """A data set in the form of `common.imaging.clip_dataset`."""
    return Layout(name, (f"{name}/{TABLE}",), (f"{name}/{FRAMES}",))


LAYOUTS: dict[str, Layout] = {
    "smic": Layout(
        "SMIC-HS",
        ("SMIC/smic.xlsx",),
        ("SMIC/HS/{subject}/micro/{emotion}/{clip}",),
        ("SMIC/SMIC_all_cropped/HS/{subject}/micro/{emotion}/{clip}",),
        count=164,
    ),
    "casme": Layout(
        "CASME",
        ("CASME/casme.xlsx",),
        ("CASME/CASME_raw_selected/sub{subject}/{clip}",),
        ("CASME/Cropped/sub{subject}/{clip}",),
        digits=2,
        count=189,
        fixes={
            "onset": _at((40, 42, 43), (100, 101, 57)),
            "apex": _at((40, 42, 43), (120, 110, 65)),
            "offset": _at((40, 42, 43, 54, 140), (149, 119, 74, 40, 142)),
        },
    ),
    "casme2": Layout(
        "CASME II",
        ("CASME2/CASME2-coding-updated.xlsx", "CASME2/CASME2_label_Ver_2.xls"),
        ("CASME2/CASME2_RAW_selected/sub{subject}/{clip}",),
        ("CASME2/Cropped_original/sub{subject}/{clip}",),
        objectives="CASME2/CASME2-ObjectiveClasses.xlsx",  # of MEGC2018's organisers
        digits=2,
        count=256,
        fixes={
            "offset": {60: 91},
            "apex": _at(
                (29, 35, 43, 45, 51, 53, 60, 117, 118, 126, 136, 147, 155, 168, 170, 177, 202, 203, 234, 237, 238),
                (279, 68, 77, 81, 166, 100, 78, 187, 89, 80, 88, 134, 231, 53, 329, 111, 91, 103, 98, 153, 98),
            ),
        },
    ),
    "samm": Layout(
        "SAMM",
        ("SAMM/SAMM_Micro_FACS_Codes_v2.xlsx",),
        ("SAMM/SAMM/{subject}/{clip}",),
        ("SAMM/SAMM_CROP/{subject}/{clip}",),
        header=13,
        digits=3,
        count=159,
        fixes={
            "offset": {56: 5739},
            "apex": _at((125, 132, 133), (1105, 4945, 5130)),
            "units": _at((15, 18, 41, 64, 154), ("R12 + R15", "R12 + R15", "L14", "R14", "R14A")),
        },
    ),
    "fourd": Layout(
        "4DME",
        ("4DMicro/4DME_Labelling_Micro_release v1.xlsx",),
        ("4DMicro/gray_micro/{subject}/{clip}",),
        ("4DMicro/gray_micro_crop/{subject}/{clip}",),
        {**USUAL, "subject": ("sub_ID",), "clip": ("fold_name",)},
        count=267,
        swapped=(144, 145),
        units=_fourd_units,
    ),
    "mmew": Layout(
        "MMEW",
        ("MMEW/MMEW_Micro_Exp.xlsx",),
        ("MMEW/Micro_Expression/{emotion}/{clip}", "MMEW/Micro_Expression/{written}/{clip}"),
        count=300,
        fixes={
            "apex": _at(
                (33, *range(35, 43), 142, 143, 145, 146, 148, 154, 156),
                (40, 15, 46, 20, 25, 20, 23, 28, 32, 56, 32, 27, 22, 29, 31, 38),
            ),
            "offset": _at(
                (33, *range(35, 43), 142, 143, 145, 146, 148, 154, 156),
                (75, 54, 59, 98, 80, 93, 58, 61, 68, 88, 80, 85, 61, 108, 72, 106),
            ),
        },
    ),
    "casme3a": Layout(
        "CAS(ME)^3 part A",
        ("CASME3/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",),
        ("CASME3/ME_A/{subject}/{clip}/color", "CASME3/part_A/{subject}/{letter}/color"),
        ("CASME3/ME_A_cropped/{subject}/{clip}/color",),
        count=860,
        fixes={
            "onset": {749: 2647, 750: 1},
            "apex": {128: 123, 750: 1},
            "offset": _at((708, 796, 798), (34, 1845, 2403)),
        },
        numbered=True,
        frame_gaps=True,
    ),
}
"""Data sets by their names in `cross_dataset_seq.csv`, and SMIC."""

"""Tables as spreadsheets write them are read as meant, and what was assumed is told in one line."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from runs import ROOT

from common.batch.plan import PHOTOS, read_jobs, read_requests
from common.core.errors import InputError
from common.core.records import read_rows, read_table
from common.facs.action_units import to_vector

UNQUOTED = ROOT.parent / "shared" / "cases" / "wishes_unquoted.csv"
ROWS = [("name", "request"), ("happy", "AU6=2,AU12=3"), ("sad", "AU15=3")]


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def table(separator: str, rows=ROWS) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("name", ["w.csv", "w.CSV", "w.tsv"])
def test_every_dialect_gives_the_same_rows(tmp_path, caplog, separator, encoding, name):
    path = written(tmp_path / name, table(separator), encoding)
    assert read_requests(path, to_vector) == {"happy": "AU6=2,AU12=3", "sad": "AU15=3"}
    plain = separator == "," and encoding in ("utf-8", "utf-8-sig", "cp1252")  # here ASCII
    assert len(caplog.messages) == (0 if plain else 1)


@pytest.mark.parametrize(
    "text",
    [
        "Name,REQUEST\nhappy,AU12=3\n",
        " name , request \nhappy,AU12=3\n",
        '"name","request"\n"happy","AU12=3"\n',
        'name, request\n"happy", "AU12=3"\n',
        "name,request,\nhappy,AU12=3,\n",
        "\n\nname,request\n\n,,\nhappy,AU12=3\n\n",
        "sep=;\nname;request\nhappy;AU12=3\n",
        "name;request;;\r\nhappy;AU12=3;;\r\n;;;\r\n",
        "name,request\rhappy,AU12=3\r",
        ",name,request\n0,happy,AU12=3\n",
        "request,name\nAU12=3,happy\n",
        "name,request\nhappy,AU12=3,,\n",
    ],
)
def test_what_spreadsheets_add_does_not_matter(tmp_path, text):
    assert read_requests(written(tmp_path / "w.csv", text), to_vector) == {"happy": "AU12=3"}


def test_letters_of_windows(tmp_path, caplog):
    path = written(tmp_path / "w.csv", "name;request\nfröhlich;AU12=3\n", "cp1252")
    assert read_requests(path, to_vector) == {"fröhlich": "AU12=3"}
    assert ["semicolons; encoding CP1252" in line for line in caplog.messages] == [True]
    lines = written(tmp_path / "w.txt", "fröhlich: AU12=3\n", "cp1252")
    assert read_requests(lines, to_vector) == {"fröhlich": "AU12=3"}


def test_unicode_text_of_excel_is_a_table_whatever_its_suffix(tmp_path):
    path = written(tmp_path / "w.txt", "Name\tRequest\r\nhappy\tAU12=3\r\n", "utf-16")
    assert read_requests(path, to_vector) == {"happy": "AU12=3"}


def test_decimal_commas(tmp_path, caplog):
    path = written(tmp_path / "w.csv", "name;request\na;AU6=0,5,AU12=3,5\nb;happy:0,7\nc;AU6=2,AU12=3\n")
    assert read_requests(path, to_vector) == {"a": "AU6=0.5,AU12=3.5", "b": "happy:0.7", "c": "AU6=2,AU12=3"}
    assert "decimal commas" in caplog.text
    (row,) = read_table(written(tmp_path / "u.csv", "photo;AU12\na.jpg;3,5\n")).rows
    assert to_vector({"AU12": row[1]["AU12"]})[6] == 3.5
    with pytest.raises(InputError, match=r"line 2: '5' in .* has no name"):
        read_requests(written(tmp_path / "p.csv", 'name,request\na,"AU12=3,5"\n'), to_vector)


def test_a_request_that_is_not_quoted_is_refused_with_its_line_and_the_quoted_form(tmp_path):
    path = written(tmp_path / "w.csv", "name,request\nsad,AU15=3\nhappy,AU6=2,AU12=3\n")
    with pytest.raises(InputError, match=r'line 3: .*4 fields|line 3: .*3 fields.*happy,"AU6=2,AU12=3"'):
        read_requests(path, to_vector)
    written(path, "photo,request,name\na.jpg,AU6=2,AU12=3,bob\nb.jpg,AU12=1,ann\n")
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes((ROOT / "examples" / "portraits" / "calm.jpg").read_bytes())
    jobs, (fault,) = read_jobs(path)
    assert [job.name for job in jobs] == ["ann"]
    assert fault.where == "w.csv, line 2"
    assert 'a.jpg,"AU6=2,AU12=3",bob' in fault.why


@pytest.mark.skipif(not UNQUOTED.is_file(), reason="the cases of ../shared are not here")
def test_the_table_of_the_case_is_refused_by_inspect_and_by_the_run(tmp_path, capsys):
    from magicface.__main__ import main

    (tmp_path / "a.jpg").write_bytes((ROOT / "examples" / "portraits" / "calm.jpg").read_bytes())
    asked = ["batch", str(tmp_path), "--requests", str(UNQUOTED), "-q", "--engine", "warp"]
    for more in (["--inspect"], ["-o", str(tmp_path / "run")]):
        assert main([*asked, *more]) == 2
        assert "line 2: the row has 3 fields, and the header 2 (name, wish); quote" in (told := capsys.readouterr().err)
        assert 'happy,"AU6=2,AU12=3"' in told
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("name,name,request\na,b,AU12=1\n", None, "'name'"),
        ("Request,request\nAU12=1,AU12=2\n", None, "'request'"),
        ("name;asked\na;AU12=1\nb;AU12=2\n", "missing", "['name', 'asked']"),
        ("", "empty", "w.csv"),
        ("\n;;\n", "empty", "w.csv"),
        ("name,request\n", "empty", "w.csv"),
        ("name,request\nhappy\n", None, "line 2: "),
        ("\x00\x01\x02", None, "w.csv"),
    ],
)
def test_a_fault_of_the_whole_table_is_reported_once(tmp_path, text, code, named):
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        read_requests(written(tmp_path / "w.csv", text), to_vector)
    assert code in (None, caught.value.code)
    assert str(caught.value).count("line ") <= 1


def test_a_manifest_without_the_right_header_is_one_fault(tmp_path):
    with refused(InputError, "unknown", actual="file"):
        read_jobs(written(tmp_path / "m.csv", "file;request\na.jpg;happy\n" * 9))
    with refused(InputError, "missing", expected="photo", actual=["request"]):
        read_jobs(written(tmp_path / "m.csv", "request\nhappy\n"))


def test_sheets_are_told_how_to_be_saved(tmp_path):
    (tmp_path / "w.xlsx").write_bytes(b"PK")
    with refused(InputError, "format", hint="save the sheet as CSV"):
        read_rows(tmp_path / "w.xlsx")


def test_rows_of_json_know_their_columns_in_any_case(tmp_path):
    path = written(tmp_path / "m.JSONL", '{"Photo": "a.jpg", "REQUEST": "happy"}\n{"photo": 1, "Photo": 2}\n')
    (_, row), (_, fault) = read_rows(path, PHOTOS)
    assert row == {"photo": "a.jpg", "request": "happy"}
    assert isinstance(fault, InputError)


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(
    st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_what_a_spreadsheet_wrote_comes_back(tmp_path_factory, rows, separator, encoding):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    written(path, table(separator, [("one", "two"), *rows]), encoding)
    kept = [{"one": a, "two": b} for a, b in rows if a.strip() or b.strip()]
    found = read_table(path)
    assert found.columns == ("one", "two")
    if found.dialect.decimal == ".":
        assert [{k: v.strip() for k, v in row.items()} for _, row in found.rows] == [
            {k: v.strip() for k, v in row.items()} for row in kept
        ]


@pytest.mark.parametrize(
    "table",
    [
        "request,name\nAU6=2,AU12=3\n",
        "name,request,note\na,AU6=2,AU12=3\n",
        "name,request,\na,AU6=2,AU12=3\n",
        "request,name\nangry:0.7,AU12=3\n",
    ],
)
def test_a_unit_that_spills_into_another_column_is_refused_with_the_quoted_form(tmp_path, table):
    (tmp_path / "w.csv").write_text(table)
    with pytest.raises(InputError, match=r'line 2: .*AU12=3.*quote.*".*,AU12=3"'):
        read_requests(tmp_path / "w.csv", to_vector)


def test_a_name_may_repeat_its_request(tmp_path):
    (tmp_path / "w.csv").write_text('name,request\n"AU6=2,AU12=3","AU6=2,AU12=3"\n')
    assert read_requests(tmp_path / "w.csv", to_vector) == {"AU6=2,AU12=3": "AU6=2,AU12=3"}


@pytest.mark.parametrize("text", ['{"a": "happy", "a": "sad"}', '{"a": {"AU12": 1, "AU12": 2}}'])
def test_json_that_gives_a_name_twice_is_refused(tmp_path, text):
    (tmp_path / "w.json").write_text(text)
    with pytest.raises(InputError, match="given twice"):
        read_requests(tmp_path / "w.json", to_vector)


def test_rows_of_a_json_list_and_a_colon_in_place_of_an_equals_sign(tmp_path):
    (tmp_path / "w.json").write_text('[{"name": "a", "request": "happy"}]')
    assert read_requests(tmp_path / "w.json", to_vector) == {"a": "happy"}
    (tmp_path / "w.txt").write_text("AU12: 3\n")
    with pytest.raises(InputError, match="AU12=3"):
        read_requests(tmp_path / "w.txt", to_vector)

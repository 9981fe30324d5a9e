"""Scores and calls beside truths that are known, and the commands on a square that the tests make."""

from __future__ import annotations

import lost
import numpy as np
import pandas as pd
import pytest
import square
from refusals import refused

from common.core.errors import InputError
from surveillance import shares
from surveillance.__main__ import main
from surveillance.evaluation import Method, baselines, evaluate, windows
from surveillance.reading import read_truth

DAYS = pd.date_range("2012-01-02", periods=70)


def truth() -> pd.Series:
    """Wednesdays, and the first Saturday."""
    return pd.Series((DAYS.day_of_week == 2) | (pd.Series(range(70)) == 5).to_numpy(), DAYS)


def test_perfect_scores_are_perfect():
    methods = {"true": Method(truth().astype(float), truth()), "false": Method(1 - truth().astype(float), ~truth())}
    found = evaluate(methods, truth(), DAYS, draws=20).set_index(["method", "slice"])
    best, worst = (found.loc[(name, "all days")] for name in ("true", "false"))
    assert (best[["auc", "average_precision", "f1", "best_f1", "auc_low", "f1_low"]] == 1).all()
    assert (worst["auc"], worst["f1"], worst["tp"]) == (0, 0, 0)
    assert found.loc[("true", "without Wednesdays"), "unusual"] == 1
    assert np.isnan(found.loc[("true", "Wednesday"), "auc"]), "all days are of one kind"
    assert found.loc[("true", "Monday"), "days"] == 10


def test_measures_are_those_of_a_table():
    called = truth().copy()
    called.iloc[[0, 1]] = True  # two false alarms
    called.iloc[5] = False  # one missed
    row = evaluate({"x": Method(called.astype(float), called)}, truth(), DAYS, draws=0).iloc[0]
    assert tuple(row[["tp", "fp", "fn", "tn"]]) == (10, 2, 1, 57)
    assert (row["precision"], row["recall"], row["f1"]) == pytest.approx((10 / 12, 10 / 11, 20 / 23))
    assert "auc_low" not in row


def test_days_without_a_score_are_not_called():
    scores = truth().astype(float)
    scores.iloc[:7] = np.nan  # two unusual ones among them
    row = evaluate({"x": Method(scores, truth())}, truth(), DAYS, draws=5).iloc[0]
    assert (row["days"], row["scored"], row["tp"], row["f1"]) == (70, 63, 11, 1), "calls of its own count"
    row = evaluate({"x": Method(scores)}, truth(), DAYS, draws=5).iloc[0]
    assert row["tp"] + row["fn"] == 11
    assert row["auc"] == row["auc_low"] == 1
    assert row["best_f1"] == pytest.approx(2 * 9 / (9 + 11)), "a bound for all days"


def test_trivial_rules_are_always_there():
    volume = pd.DataFrame({"tracks": 3, "points": 9}, index=DAYS)
    found = evaluate(baselines(volume, truth()), truth(), DAYS, draws=0)
    whole = found[found["slice"] == "all days"].set_index("method")
    assert whole.loc["every day", "f1"] == pytest.approx(2 * 11 / (70 + 11))
    assert whole.loc["it is Wednesday", "f1"] == pytest.approx(20 / 21)
    assert whole.loc["it is Wednesday", "note"] == "chosen by the labels"
    assert not whole.loc["every day", "note"]


def test_windows_are_of_recorded_days():
    days = pd.date_range("2012-01-01", "2013-08-01")
    found = windows(days)
    assert (len(found["P1"]), len(found["P2"]), len(found["P3"])) == (365, 366, len(days))


def test_what_people_say_is_read(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text("001_20120101 0\n\n2012-01-02,1\n")
    assert read_truth(path).to_dict() == {pd.Timestamp("2012-01-01"): False, pd.Timestamp("2012-01-02"): True}
    path.write_text("001_20120101 0\n001_20120101 1\nmonday 1\n001_20121301 1\n001_20120102 2\n")
    with pytest.raises(InputError) as caught:
        read_truth(path)
    assert (caught.value.code, caught.value.actual) == ("format", 4)
    assert [f"line {number}" in str(caught.value) for number in (1, 2, 3, 4, 5)] == [False, True, True, True, True]
    with refused(InputError, "empty"):
        evaluate({"x": Method(truth().astype(float))}, truth(), DAYS[:0])


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    days = square.weeks(12, tracks=5)
    square.write(folder / "tracks", days)
    (folder / "tracks" / "notes.txt").write_text("not tracks")
    lines = [f"001_{day:%Y%m%d} {int(day.weekday() == 2)}" for day in days]
    (folder / "truth.txt").write_text("\n".join(lines))
    return folder


@pytest.mark.slow
def test_a_place_is_described_on_one_page(tracks, tmp_path, capsys):
    asked = ["describe", str(tracks / "tracks"), "-o", str(tmp_path), "--truth", str(tracks / "truth.txt"), "-q"]
    assert main(asked) == 0
    printed = capsys.readouterr()
    assert "notes.txt: stray" in printed.err + printed.out
    text = (tmp_path / "index.html").read_text()
    assert "http" not in text
    assert "Busiest on" in text
    assert "notes.txt: stray" in text
    for name in ("heatmap", "footmap", "weekdays", "standing_out", "lines", "calendar", "flows", "tree", "clusters"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5000, name
    table = pd.read_csv(tmp_path / "days.csv", parse_dates=["day"])
    assert table["points"].sum() == pd.read_csv(tmp_path / "pools.csv").drop(columns="day").to_numpy().sum()


@pytest.mark.slow
def test_methods_stand_beside_trivial_rules(tracks, tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(shares.DETECTORS, "forest")  # half a second a day
    asked = ["evaluate", str(tracks / "tracks"), "--truth", str(tracks / "truth.txt"), "-o", str(tmp_path), "-q"]
    assert main([*asked, "--draws", "5"]) == 0
    printed = capsys.readouterr().out
    for name in ("every day", "it is Wednesday", "trajectories: unlikely", "state space with week", "location shares"):
        assert name in printed
    found = pd.read_csv(tmp_path / "evaluation.csv").set_index(["window", "method", "slice"]).loc["P3"]
    assert found.loc[("location shares: neighbours", "all days"), "auc"] > 0.95
    assert found.loc[("trajectories: unlikely", "all days"), "auc"] < 0.9, "a market each Wednesday is what it expects"
    text = (tmp_path / "evaluation.html").read_text()
    assert "Unusual days" in text
    assert "http" not in text
    assert text.count("data:image/png") == 2
    called = pd.read_csv(tmp_path / "called.csv", index_col="day", parse_dates=True)["together"]
    market = called.index.day_of_week == 2
    assert called[market].iloc[7:].all()
    assert called[~market].mean() < 0.2
    (tmp_path / "late.txt").write_text("2030-01-01 1\n")
    late = ["evaluate", str(tracks / "tracks"), "--truth", str(tmp_path / "late.txt"), "-o", str(tmp_path), "-q"]
    assert main(late) == 2
    assert "late.txt" in capsys.readouterr().err
    assert main([*asked, "--window", "P9"]) == 2
    assert "P9" in capsys.readouterr().err


def test_next_days_are_predicted(tracks, tmp_path, capsys):
    assert main(["predict", str(tracks / "tracks"), "--days", "3", "-o", str(tmp_path), "-q"]) == 0
    printed = capsys.readouterr().out
    assert "low" in printed
    assert "2012-03-2" in printed
    assert (tmp_path / "forecast.png").stat().st_size > 5000
    table = pd.read_csv(tmp_path / "forecast.csv")
    assert ((table["low"] <= table["expected"]) & (table["expected"] <= table["high"])).all()
    assert main(["predict", str(tracks / "truth.txt"), "-q"]) == 2


def test_columns_are_named_on_the_command_line(tracks, capsys):
    assert main(["predict", str(tracks / "tracks"), "--columns", "x", "-q"]) == 2
    assert "NAME=WORD" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--parts=0", "--blur=-1", "--pool=0"])
def test_nothing_is_written_where_looks_are_none(tracks, option, tmp_path, capsys):
    assert main(["describe", str(tracks / "tracks"), "-q", "-o", str(tmp_path), option]) == 2
    assert "expected:" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--first=monday", "--last=soon", "--start=x", "--fps=-1", "--days=0", "--level=2"])
def test_what_is_not_a_number_or_day_is_refused(tracks, option, capsys):
    assert main(["predict", str(tracks / "tracks"), "-q", option]) == 2
    assert "got:" in capsys.readouterr().err


def test_labels_of_a_real_year():
    own = read_truth(lost.path("ground_truth.txt"))
    assert (len(own), int(own.sum())) == (396, 90)
    rule = evaluate(baselines(pd.DataFrame({"tracks": 1, "points": 1}, index=own.index), own), own, own.index, draws=0)
    wednesday = rule[rule["method"] == "it is Wednesday"].iloc[0]
    assert tuple(wednesday[["tp", "fp", "fn", "tn"]]) == (52, 4, 38, 302)
    assert wednesday["f1"] == pytest.approx(0.712, abs=5e-4)

"""One table, three printers; a terminal of 80 columns breaks no word."""

from __future__ import annotations

import pytest
from printed import from_html, from_markdown, on_a_terminal

from harness.report import html, markdown
from harness.report.blocks import Bullets, Page, Section, Text
from harness.report.tables import Cell, Column, Kind, Table, Value, shown

HOSTILE = ("[bold]x[/bold]", "<b>x</b>", "a|b", "*a* `b`", "[link](x)", "1. a", r"back\slash")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "estimate", "\N{EN DASH}"), ("undefined", "estimate", "undefined"),
        (1234.0, "count", "1,234"),
        (0.85196, "estimate", "0.8520"), (-0.00001, "estimate", "0.0000"),
        (-0.25, "score", "\N{MINUS SIGN}0.25"), (0.25, "change", "+0.25"),
        (0.7107, "share", "71.07%"), (1.0, "share", "100.00%"), (0.99999, "share", ">99.99%"),
        (0.00001, "share", "<0.01%"), (0.975, "percent", "97.5%"), (0.9999, "percent", ">99.9%"),
        (0.0004, "p-value", "<0.001"), (0.004, "dollars", "$0.004"), (65, "seconds", "1 min 05 s"),
        ((0.1, 0.2), "estimate", "0.1000 to 0.2000"), ((0.1, None), "estimate", ""),
        ((0.6728, 0.7584), "share", "67.28% to 75.84%"), (7, "text", "7"), (12.34, "mean", "12.3"),
        ("esc\x1b[31mape", "text", "esc\N{REPLACEMENT CHARACTER}[31mape"),
    ],
)  # fmt: skip
def test_a_value_is_written_by_its_kind(value: Value, kind: Kind, text: str) -> None:
    assert shown(value, kind) == text


def a_table(rows: int = 3) -> Table:
    return Table(
        "Agreement of several annotators with the majority of all the other people in the table",
        ["statistic", "annotators", Column("value", "estimate"), Column("95% interval", "estimate"),
         *Column.each("count", "items", "clusters"), Column("note", "note")],
        [
            ["Krippendorff's alpha, nominal", "annotator1 against the other people",
             0.5 + k / 7, (0.25, 0.75), 123456, 169,
             "decided by tests, so no interval; look at both numbers before you lean on either"]
            for k in range(rows)
        ],
        notes=["Intervals resample clusters."],
    )  # fmt: skip


def test_eighty_columns_break_no_word_and_no_number() -> None:
    text = on_a_terminal(a_table())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    words = set(text.split())
    for cell in (cell for row in a_table().body for cell in row):
        assert set(cell.text.split()) <= words
    assert sum("0.2500 to 0.7500" in line for line in lines) == 3
    assert (
        lines.count("    decided by tests, so no interval; look at both numbers before you lean on")
        == 3
    )
    assert lines[-1] == "  Intervals resample clusters."


def test_a_word_wider_than_the_terminal_is_folded_and_nothing_is_lost() -> None:
    name = "x" * 90
    columns = ["who", Column("95% interval", "estimate")]
    text = on_a_terminal(Table("", columns, [[name, (0.25, 0.75)]]))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("x") == 90 and "0.2500 to 0.7500" in text


def test_wide_letters_take_two_cells() -> None:
    table = Table("", ["who", Column("n", "count")], [["注釈者", 5], ["ann", 6]])
    assert on_a_terminal(table).splitlines() == ["who     n", "注釈者  5", "ann     6"]


def test_an_old_terminal_gets_plain_signs() -> None:
    table = Table("", ["a", Column("b", "score")], [["x", -1.0], ["y", None]])
    assert on_a_terminal(table, encoding="ascii").splitlines()[1:] == ["x  -1.00", "y      -"]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        on_a_terminal(Table("", ["a", "b"], [["x"]]))


def test_three_printers_say_the_same_whatever_the_names_look_like() -> None:
    rows = [[name, Cell(0.5, note="of 2", tone="warn"), (0.25, 0.75), name] for name in HOSTILE]
    columns = ["who", Column("value", "share"), Column("interval", "share"), Column("why", "note")]
    table = Table("Names [x]", columns, rows)
    whole = Page("t", [], [Section("s", "S", [table])])
    (page,) = from_html(html.render(whole))
    (document,) = from_markdown(markdown.render(whole))
    assert page == [[c.replace(" (of 2)", " of 2") for c in row] for row in document]
    wanted = [[name, "50.00% (of 2)", "25.00% to 75.00%", name] for name in HOSTILE]
    assert document[1:] == wanted
    _, title, head, *lines = on_a_terminal(table, width=120).splitlines()
    assert (title, head.split()) == ("Names [x]", ["who", "value", "interval"])
    for (who, value, interval, why), first, second in zip(
        wanted, lines[::2], lines[1::2], strict=True
    ):
        assert first.split("  ")[0] == who
        assert first.endswith(f"{value}  {interval}") and second == f"    {why}"


def test_paragraphs_are_printed_as_they_are() -> None:
    text = on_a_terminal(Text("[red]a[/red] b", "warn"), Bullets(["one", "two " * 30]))
    assert text.splitlines()[0] == "[red]a[/red] b"
    assert max(map(len, text.splitlines())) <= 80


def test_where_the_columns_have_no_room_a_row_is_lines_and_no_word_is_cut() -> None:
    columns = ["annotator", "kind", *Column.each("count", "labels", "failed", "missing"),
               Column("coverage", "percent"), Column("failures by reason", "note")]  # fmt: skip
    rows = [
        ["ann", "human", 30, 0, 0, 1.0, ""],
        ["a_name_that_is_wider_than_forty_columns_is", "judge", 26, 4, 0, 0.8667, "4 error"],
    ]
    text = on_a_terminal(Table("Coverage", columns, rows), width=40)
    assert all(len(line) <= 40 for line in text.splitlines())
    words = set(text.replace(":", " ").split())
    assert words >= {"ann", "kind", "labels", "failed", "missing", "coverage", "86.7%"}
    assert "a_name_that_is_wider_than_forty_columns_is" in text.replace("\n", "")
    wide = on_a_terminal(Table("Coverage", columns, rows), width=120)
    assert wide.splitlines()[2].split() == [
        "annotator", "kind", "labels", "failed", "missing", "coverage",
    ]  # fmt: skip

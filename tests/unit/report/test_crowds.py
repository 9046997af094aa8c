"""A crowd of people: everybody stands in the JSON and on the page, a terminal counts the rest."""

import numpy as np
import pytest

from harness.agreement import Settings, agreement_report
from harness.ratings.table import from_labels
from harness.report import agreement_page, agreement_terminal, html
from harness.report.tables import Table


def report_of(people):
    rng = np.random.default_rng(0)
    columns = {
        name: [*"ab" * 10, *rng.choice([*"ab"], 40)]
        for name in (*(f"p{k}" for k in range(people)), "gpt", "panda")
    }
    humans = [name for name in columns if name.startswith("p") and name != "panda"]
    return agreement_report(from_labels(columns, humans=humans), settings=Settings(replicates=100))


@pytest.mark.parametrize("people", [3, 10, 11, 40])
def test_a_terminal_counts_whom_it_does_not_list(people):
    report = report_of(people)
    counted = [row["name"] for row in report.rows()]
    assert counted.count("alt_test_advantage") == 2 * people
    assert counted.count("person_against_rest") == people
    whole = html.render(agreement_page.page(report, "crowd"))
    tables = [
        t for t in agreement_terminal.terminal_blocks(report, "crowd") if isinstance(t, Table)
    ]
    texts = {t.title: [[str(c) for c in row] for row in t.rows] for t in tables}
    notes = {t.title: t.notes for t in tables}
    replaced, ceiling = "May a judge replace a person?", "The human ceiling"
    # three of each judge, and of each pair; and how many labels would decide, where it is undecided
    listed = [row for row in texts[replaced] if not row[0].startswith("labels that would decide")]
    assert len(listed) == 6 + 2 * min(people, 10)
    assert len(texts[replaced]) - len(listed) == counted.count("alt_test_labels")
    said = [note for note in (*notes[replaced], *notes[ceiling]) if "more people" in note]
    assert len(said) == (3 if people > 10 else 0)
    if people > 10:
        assert said[0] == (
            f"{people - 10} more people: advantage of gpt; --json and --html list all."
        )
        assert f"gpt over p{people - 1}" in whole
    pairs = people * (people - 1) // 2
    assert counted.count("percent_agreement") == (pairs if pairs <= 45 else 0)
    assert any("pairs of people" in note for note in notes[ceiling]) is (pairs > 45)

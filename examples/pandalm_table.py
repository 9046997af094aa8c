"""Make plain tables of labels from the PandaLM and LLMBar data, for ``harness agree``.

    python examples/pandalm_table.py DATA_FOLDER/pandalm pandalm.csv
    python examples/pandalm_table.py DATA_FOLDER/llmbar llmbar.csv

PandaLM (Wang et al. 2023): 999 pairs, three people, GPT-3.5-turbo and PandaLM-7B; labels 1 and 2
for the better answer, 0 for a tie. GPT-3.5's "Tie" becomes 0 and its "garbage" stays what it is.
LLMBar (Zeng et al. 2024): 419 pairs with gold labels, and for each judge and prompting strategy a
column with A first (``.ab``) and one with B first (``.ba``); unparsed verdicts are empty cells.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path


def pandalm(folder: Path) -> list[dict[str, str]]:
    """Return one row for each pair, with the instruction and input as its cluster."""
    pairs = json.loads((folder / "testset-v1.json").read_text(encoding="utf-8"))
    gpt = json.loads((folder / "gpt-3.5-turbo-testset-v1.json").read_text(encoding="utf-8"))
    panda = json.loads((folder / "pandalm-7b-testset-v1.json").read_text(encoding="utf-8"))
    # The numbers of the pairs are not unique; the three files are in the same order.
    prompts: dict[tuple[str, str], str] = {}
    rows = []
    for number, (pair, by_gpt, by_panda) in enumerate(zip(pairs, gpt, panda, strict=True)):
        prompt = (pair["instruction"], pair["input"])
        verdict = str(by_gpt["gpt_result"])
        rows.append(
            {
                "item": str(number),
                "prompt": prompts.setdefault(prompt, f"p{len(prompts)}"),
                "annotator1": str(pair["annotator1"]),
                "annotator2": str(pair["annotator2"]),
                "annotator3": str(pair["annotator3"]),
                "gpt35": "0" if verdict == "Tie" else verdict,
                "pandalm7b": str(by_panda["pandalm_result"]),
            }
        )
    return rows


def llmbar(folder: Path) -> list[dict[str, str]]:
    """Return one row for each pair, with two columns for each judge and prompting strategy."""
    rows: dict[str, dict[str, str]] = {}
    with (folder / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            part = line["set"].rpartition("/")[2]
            row = rows.setdefault(
                f"{part}-{line['item']}",
                {"item": f"{part}-{line['item']}", "set": part, "gold": line["label"]},
            )
            judge = f"{line['judge']}.{line['strategy']}"
            row[f"{judge}.ab"] = line["winner_noswap"]
            row[f"{judge}.ba"] = line["winner_swap"]
    return list(rows.values())


def main() -> None:
    """Write the table of the folder that is named on the command line."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    rows = pandalm(folder) if (folder / "testset-v1.json").is_file() else llmbar(folder)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    print(f"{target}: {len(rows)} rows, columns {', '.join(columns[:8])}")


if __name__ == "__main__":
    main()

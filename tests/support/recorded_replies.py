"""Replies that two real judges gave on 999 pairs (PandaLM's test set), under our letters.

The judges named the better response ("1", "2" or a tie) and gave a reason. A reply here is that
reason, alone or with a verdict's line, with and without the prompt that a judge is shown. Reasons
that say the contrary of the verdict are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reply_corpus import Reply

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "pandalm"
VALUES = {"1": "A", "2": "B", "0": "TIE", "tie": "TIE"}
FORMS = ("Verdict: {}", "**Verdict:** {}", "My final verdict is: [[{}]]")
ASK = """Which response is better?

<prompt>
{instruction}

{input}
</prompt>
<response_A>
{response1}
</response_A>
<response_B>
{response2}
</response_B>

End with one line: "Verdict: A" when response A is better, "Verdict: B" when response B is better, \
or "Verdict: TIE" when neither is."""
LISTED = "\n\nAnswer in one of these forms:\n\nVerdict: A\nVerdict: B\nVerdict: TIE"


def recorded(folder: Path = FOLDER) -> Iterator[Reply]:
    """Yield the replies, three for each verdict of a judge."""
    items = json.loads((folder / "testset-v1.json").read_text(encoding="utf-8"))
    for judge in ("gpt", "pandalm"):
        name = {"gpt": "gpt-3.5-turbo", "pandalm": "pandalm-7b"}[judge]
        rows = json.loads((folder / f"{name}-testset-v1.json").read_text(encoding="utf-8"))
        for n, (item, row) in enumerate(zip(items, rows, strict=True)):
            value = VALUES.get(str(row[f"{judge}_result"]).lower())
            reason = _lettered(str(row[f"{judge}_reason"]))
            said = re.findall(r"Response ([AB]) is (?:\w+ )?better", reason)
            praised = re.findall(r"Response ([AB]) is more", reason)
            if value is None or not {value}.issuperset(said + praised):
                continue
            ask = ASK.format(**item)
            end = FORMS[n % 3].format(value)
            common = {"format": name, "way": "pair", "right": value}
            alone = "reason-alone" if said else "unstated"
            yield Reply(kind=alone, text=reason, may_fail=not said, **common)
            yield Reply(kind="prompted", text=f"{reason}\n\n{end}", prompt=ask, **common)
            yield Reply(kind="listed", text=f"{end}\n\n{reason}", prompt=ask + LISTED, **common)


def _lettered(reason: str) -> str:
    return re.sub(r"\b([Rr]esponse) ([12])\b", lambda m: f"{m[1]} {'AB'[int(m[2]) - 1]}", reason)


def real_texts(data: Path) -> list[str]:
    """Return real prompts, responses and solutions, none of which judges anything."""
    texts: list[Any] = []
    for item in json.loads((data / "pandalm" / "testset-v1.json").read_text(encoding="utf-8")):
        texts += [item["instruction"], item["response1"], item["response2"]]
    for file in ("gsm8k/test.jsonl", "llmbar/items.jsonl"):
        for line in (data / file).read_text(encoding="utf-8").splitlines():
            texts += json.loads(line).values()
    return [text for text in dict.fromkeys(map(str, texts)) if len(text) > 12]

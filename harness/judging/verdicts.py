"""Reads verdicts from a judge's words.

The rules, each with golden cases in tests/golden:

- Only the judge's own answer counts: no thought, no quotation, nothing that it reports of a
  response (``reply``).
- The last verdict wins, and an explicit one ("Verdict: A", JSON) before a letter alone, and that
  before one in a sentence. One that another contradicts counts only where it is clear which is
  meant; what was taken back ("wait", "I swapped them", struck out: ``taken_back``) never counts.
- A verdict on a pair is taken only where all that follows its mark is understood (``pair_words``):
  never the first letter behind a mark. A list, a doubt, a condition and a word that is not known
  make it a failure, "A is worse" means B, and a capital A may be an article.
  So does a word against the letter beside it ("A (worse)"), and the answer to the item itself
  ("The answer is B. Response A picked B") is none.
- A ranking has each letter once, and the direction that its signs or words say; a tie that words
  tell, or "B is the best" below another order, makes it a failure.
- What stands in tags or brackets of a response, or behind "Response B:" or "Example:" is none.
- Text that only repeats the prompt, or lists the options ("A or B"), is no verdict; a verdict that
  the prompt lists is one where the reply says it alone.
- Numbers are read whole: a rating of 10 is never 1, and a value off the scale is a failure.
- No verdict is a refusal (where the words say so) or unparseable; never a default.

Every reader is given the reply; the prompt that the judge was shown, whose lines do not count where
the reply repeats them; and ``cut``: the reply ended at its token limit, so that only an explicit
verdict counts.

Patterns take time that grows with the length of the text alone: neighbouring repetitions share no
character, or do not give back (``*+``).
"""

from __future__ import annotations

from harness.judging.pair_verdict import read_pair
from harness.judging.ranking_verdict import read_ranking
from harness.judging.reply import answer_of
from harness.judging.score_verdict import read_score, read_scores

__all__ = ["VERSION", "rationale_of", "read_pair", "read_ranking", "read_score", "read_scores"]

VERSION = "3"
"""Moves whenever the same reply may get another verdict."""


def rationale_of(reply: str, limit: int = 2000) -> str:
    """Return the judge's reasoning for the row: its words, from a JSON answer the reasoning."""
    entry = answer_of(reply).field("reasoning", "rationale", "explanation")
    text = entry[1] if entry and isinstance(entry[1], str) else reply
    return text.strip()[:limit]

"""Tells whether a sentence behind a score changes it: "Minus one for tone.", "Net: 3"."""

from __future__ import annotations

import re

_N = r"(?:\d++(?:\.\d++)?|an?|one|two|three|half\s++an?|another(?:\s++(?:one|two|\d))?)"
_POINTS = r"(?:points?|marks?|stars?|pts?)"
_FOR = rf"(?=\s++(?:{_POINTS}|for|each|because|due|from|to)\b|\W*+\Z)"
CHANGES = re.compile(
    rf"\W*+(?:then\s++|now\s++)?(?:(?:deduct|subtract|dock|add|minus|plus|remove|take(?:\s++off)?|knock\s++off)"
    rf"\s++[-+]?{_N}{_FOR}"
    rf"|(?:make|call)\s++it\s++{_N}(?:\s++{_POINTS})?\s++(?:more|less|higher|lower)\b"
    rf"|{_N}\s++(?:more|further|additional|extra)\s++{_POINTS}\s++(?:off|deducted|less|lost|added)\b"
    rf"|(?:another|further)\s++(?:{_N}\s++)?{_POINTS}\s++(?:off|deducted|less|lost)\b"
    r"|(?:bonus|malus|extra\s++credit)(?:\s++points?)?\s*+[:=]\s*+[-+]?\s?\d)",
    re.IGNORECASE,
)
"""Begins a sentence that takes from a score, or adds to it, after it was given."""

RESULTS = re.compile(
    r"\W*+(?:(?:after|with|including|less|following)\s++(?:(?:the|all|any|my|this|that)\s++)*+"
    r"(?:penalt(?:y|ies)|deductions?|bonus(?:es)?|rounding|adjustments?)|net|rounded(?:\s++(?:up|down))?"
    r"|(?:(?:this|that|it|(?:the\s++|my\s++)?(?:score|rating|grade|mark))\s++(?:is|was)\s++)?"
    r"(?:limited|capped|halved|doubled|reduced|lowered|raised|adjusted)"
    r"|(?:the\s++|my\s++)?(?:score|rating|grade|total)\s++(?:after|with|including|less|minus|net\s++of))\b"
    rf"|\W*+(?:so|thus|hence)\s++{_N}\s++in\s++(?:total|all|the\s++end)\b"
    rf"|\s*+=\s*+\d|\W*+(?:{_N})\s++{_POINTS}\s++(?:is|are|was|were)\s++(?:deducted|subtracted|added|lost|taken\s++off)",
    re.IGNORECASE,
)
"""Begins a sentence that says what comes of a score in the end."""

"""Patterns of what stands before and behind a value: reasons, doubts, changes of mind."""

from __future__ import annotations

import re

from harness.judging.score_names import QUALITIES

END = re.compile(r"[\s\"')\]}>$]*+[.!,;\u3002]?[\s\"')\]}>$]*+\Z")

_OBJECT = (
    r"(?:it|(?:this|the|that)(?!\s++(?:first|previous|other|earlier|last|old|draft)\b)"
    r"(?:\s++[a-z-]++){1,2}?)"
)

FILLER = re.compile(
    rf"\s++(?:overall|in\s++total|in\s++the\s++end|from\s++me|here|in\s++my\s++(?:opinion|view)"
    rf"|(?:to|for)\s++{_OBJECT}(?=\s*+[.!,;]?\s*+\Z|\s++(?:because|since|as)\b)"
    r"|on\s++(?:this|the)\s++(?:scale|rubric|criterion)"
    rf"|(?:for|in\s++terms\s++of|in|on)\s++(?:its\s++|the\s++)?(?:{'|'.join(sorted(QUALITIES))})"
    r"(?=\s*+[.!]?\s*+\Z))\b",
    re.IGNORECASE,
)

REASON = re.compile(
    r"\s*+(?:[.!)|\u3002](?=\s|\Z)|[,;:\u3002](?=\s|\Z|[\u4e00-\u9fff])|\u2014|[(\[]|=\s*+(?=[a-z]))|\s++[-\u2013]\s"
    r"|\s++(?:because|since|as(?=\s++(?:it|its|the|this|there|no|all|both)\b)|due\s++to|given|based\s++on|considering|but|although|though|while"
    r"|meaning|indicating|reflecting|which)\b",
    re.IGNORECASE,
)

_FAULT = r"(?:errors?|mistakes?|issues?|problems?|faults?|flaws?|inaccurac(?:y|ies)|slips?)"

TURN = re.compile(
    r"\s*+(?:\u2014|[-\u2013,;:(.!])?\s*+(?:"
    r"no(?=\s*+(?:[,.;:!?)\-\u2013\u2014]|\Z|(?:wait|lower|higher|make|rather|better|not|it)\b|\d))"
    r"|not(?=\s*+(?:[,.;:!?)]|\Z|(?:really|quite|exactly|at\s++all)\b))"
    r"|(?:or|to|then|nay|was|now|if|unless|provided|assuming|otherwise|maybe|perhaps|possibly"
    r"|minus|plus|less|probably|actually|rather|initially|originally|lower|higher|says?|said|claims?|claimed|asks?"
    r"|demands?|wants|according|and/or|(?:but|and)\s++no(?=\s*+(?:[.,;!?]|\Z))|at\s++(?:first|most|least|best))\b|[?/])",
    re.IGNORECASE,
)

TURNS = re.compile(
    r"->|=>|\u2192|~~|\?|\b(?:provisional(?:ly)?|tentative(?:ly)?|preliminary|pending|before\s++(?:(?:any|the|all)\s++)?(?:penalt(?:y|ies)|deductions?|adjustments?|bonus(?:es)?|rounding)|bordering|leaning"
    r"|verging|tending|(?:partly|mostly|also|but|and)\s++(?:yes|no)(?=\W*+\Z)|wait|hmm+|(?:scratch|scrap|strike|forget)\s++that|thanks?|let\s++me\s++(?:see|think|check)|correction|on\s++(?:second\s++thought|reflection)"
    r"|let\s++me\s++(?:revise|reconsider|change|correct|adjust)|changed\s++my\s++mind|i\s++mean"
    r"|too\s++(?:high|low|generous|harsh|strict|lenient)|make\s++(?:that|it)\s++an?)\b",
    re.IGNORECASE,
)

DENIED_BEFORE = re.compile(
    r"(?:/|\bnot|n't|\bit's\s++no|\bthan|\binstead\s++of|\bshort\s++of|\bfrom|\bbelow|\babove|\bunder|\bbeyond|\bof"
    r"|\breach|\bstep|\bparagraph|\bline|\bpoint|\bsection|\bclaim|\bitem|\bpart|\bquestion|\bpage"
    r"|\bequation|\bcase|\bsource|\bsentence|\bexample|\bresponse|#)\s*+(?:an?\s++|the\s++)?"
    r"(?:full\s++|perfect\s++)?\Z",
    re.IGNORECASE,
)

COUNTS = re.compile(
    r"(?:\s++(?:out\s++)?of\s++(?:the\s++|its\s++)?(?:\w++\s++)?|[\s-]++)"
    r"(?!(?:or|and|to|is|was|would|should|could|might|may|if|instead|because|since|for|but|not|then|now"
    r"|seems|feels|fits|than|rather|maybe|perhaps|really|more|less|better|otherwise|overall|with"
    r"|from|points?|stars?|out|again|too|also|after|before|when|unless|actually|sounds|looks|makes"
    r"|max|most|the|this|it|that)\b)[a-z]{3,}",
    re.IGNORECASE,
)

SUPPOSED_AFTER = re.compile(r"\s++with\b", re.IGNORECASE)

NEEDED = re.compile(
    r"\s++(?:(?:would|could)\s++(?:need|require|have|take|mean)|needs?|requires?)\b", re.IGNORECASE
)

NO_FAULT = re.compile(
    rf"(?:there\s++(?:are|were)\s++)?no\s++(?:[a-z]++\s++)?{_FAULT}(?:\s++(?:were|was|are))?"
    r"(?:\s++(?:found|detected|present|spotted|identified|made))?\s*+(?:[,;:.]|\s[-\u2013]\s|\u2014|and\b|so\b)"
    r"(?:\s*+(?:so|and|thus|hence|therefore|it\s++is|the\s++(?:answer|response)\s++is)\b)*+\s*+",
    re.IGNORECASE,
)

NO_FAULT_AT_ALL = re.compile(rf"\bno\s++{_FAULT}", re.IGNORECASE)

HALF = re.compile(
    r"\b(?:mostly|partly|partially|in\s++part|almost|nearly|half|except|apart\s++from|reservations?"
    r"|somewhat|only|sort\s++of|kind\s++of)\b",
    re.IGNORECASE,
)

POLAR = re.compile(
    r"(?P<no>\b(?:not|never|no)\s++|n't\s++)?"
    r"\b(?:(?P<true>correct|right|true|accurate)|(?P<false>incorrect|wrong|false|inaccurate))\b",
    re.IGNORECASE,
)

ALONE_BEFORE = re.compile(
    r"(?:\A|[,;:(/|.!\u2013\u2014-]|\b(?:or|and|to|but|then|maybe|perhaps|now|not|almost|nearly|towards|rather|than|even))"
    r"\s*+(?:an?\s++)?[\"']?\Z",
    re.IGNORECASE,
)

ALONE_AFTER = re.compile(
    r"[\"']?\s*+(?:\Z|[,;:)/|.!?\u2013\u2014-]|(?:or|and|to|but)\b)", re.IGNORECASE
)

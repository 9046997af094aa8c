r"""What makes an answer a part of something else: ``f(\boxed{24})``, ``24 halved``, ``12的平方``.

Of these the answer is not 24, nor 12, and nobody reads out of them what it is.
"""

from __future__ import annotations

import re

_FUNCTION_BEFORE = re.compile(
    r"(?:(?<![A-Za-z\\])[A-Za-z](?:_\{?\w\}?|'|\^\{?-?\d\}?)?\s?(?:\\left\s?)?\("
    r"|\\(?:(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|lg|exp|gcd|lcm|det|lim|varphi|phi|Gamma|sigma"
    r"|mu|tau|psi|operatorname\s?\{\w{1,9}\})(?:_\{?\w{1,3}\}?|\^\{?-?\w{1,2}\}?)?\s?(?:\\left\s?)?[({|]?)"
    r"[\s${]{0,3}$"
)
_OPEN_LIST = re.compile(
    r"(?:\\\{|[(\[])\s?\$?\s?(?:[-+\w\\.${}^/]{1,30}\$?\s?[,;]\s?\$?\s?){0,4}(?:\\left\s?)?$"
)
_MEMBER_AFTER = re.compile(
    r"\$?\s?[,;]\s?\$?\s?(?:[-+]?\s?[\d\\.]|[A-Za-z]\b)[^\n,;()\[\]]{0,30}(?:[,;)\]]|\\\})"
)
_LAST_AFTER = re.compile(r"\$?\s?(?:\)|\]|\\\})(?!\()")
_IN_RATIO = re.compile(r"(?<!\\)\$\d{1,6}\s?:\s?$")
_FORMULA_AFTER = re.compile(
    r"[\s$)*]{0,4}(?:\\(?:choose|over|atop|brace|brack)(?![A-Za-z])"
    r"|(?::|\\colon(?![a-z]))\s?\$?\d{1,9}(?:\.\d{1,9})?\$?(?=\s{0,3}(?:$|[.,;:)\n]))"
    r"|(?:\.\.\.|\u2026|\\[lc]?dots|[,;]\s?\$?\s?(?:\.\.\.|\u2026|\\[lc]?dots)))"
)
_ORDINAL_AFTER = re.compile(
    r"\$?\s?\^?\s?\{?\s?(?:\\(?:text|mathrm|textrm|mbox)\s?\{\s?)?(?:st|nd|rd|th)(?![a-z])"
)
_CHINESE_AFTER = re.compile(
    r"[\s*$)}]{0,4}(?:的|分之|倍的|打(?![开折])|[\u4e00-\u9fff]{0,3}(?:[到至][\s*$(\\]{0,4}\d"
    r"|的(?:平方|立方|倒数|相反数|绝对值|一半|算术|阶乘|因数|约数|倍数|[\d二两三四五六七八九十]{1,3}(?:倍|分之))"
    r"|(?:个|年|天|小时|倍)半)|半|点\d|个[一二两三四五六七八九十百千万亿]|多|余(?!数))"
)
_CHINESE_BEFORE = re.compile(r"(?:正负|不足|将近|接近|除了?|排除)[\s*$(\\]{0,4}$")
_NUMBER = r"[\s*$(\\{]{0,4}(?:\d|one\b|two\b|three\b|four\b|five\b|half\b|a\sfactor\b)"
_TURNED_AFTER = re.compile(
    r"[\s*$)\]}]{0,6}(?:,\s)?(?:halved|doubled|tripled|trebled|quadrupled|reversed|backwards?|inverted|negated"
    r"|(?:\w{2,12}ed|raised|taken)\s(?:by|to|from|into)" + _NUMBER
    + r"|(?:(?:written|expressed|read)\s)?in\s"
    r"(?:binary|hex(?:adecimal)?|octal|ternary|reverse|base)\b"
    r"|with\s(?:an?\s)?remainder\b|point\s(?:\d|zero|one|two|three|four|five|six|seven|eight|nine)"
    r"|(?:is|was|being|as|gives|serves\sas)\s(?:\w+ly\s|just\s)?(?:an?|the|one)\s(?:\w+\s)?(?:lower|upper)\s(?:bound|limit|estimate)"
    r"|(?:cannot|can't|can\snever|could\snot|is\snever|is\snot|isn't|never)\s(?:be\s)?(?:attained|reached|achieved|realized)"
    r"|to\s[*$(\\]{0,4}\d)",
    re.IGNORECASE,
)  # fmt: skip
_TURNED_BEFORE = re.compile(
    r"\b(?:(?:thirds|fourths|fifths|sixths|sevenths|eighths|ninths|tenths|quarters|halves|digits?|inverse"
    r"|successor|predecessor|complement|percent|fraction)\sof(?:\sthe(?:\snumber)?)?"
    r"|(?:number|integer|prime|term|digit|one)\s(?:(?:right|just|directly)\s)?(?:after|before|following|preceding)"
    r"|(?:sum|product|average|mean|median|squares|cubes)\sof\s(?:all\s)?the\s(?:first|last|next)(?:\s\w+)?)"
    r"[\s*$(\\{]{0,5}$",
    re.IGNORECASE,
)
_GOT = r"(?:got|thought|guessed|tried|said|found|had)\b[\s*$(\\]{0,5}$"
_ONCE = r"(?:at\sfirst|initially|originally)"
_WAVERED = re.compile(
    rf"\b{_ONCE},?\s(?:I|we)\s{_GOT}|\b(?:I|we)\s(?:never|first|{_ONCE}|almost|nearly)\s{_GOT}",
    re.IGNORECASE,
)
_ONCE_GOT = re.compile(rf"\b(?:I|we)\s{_GOT}", re.IGNORECASE)
_ONCE_AFTER = re.compile(rf"[\s*$)]{{1,5}}{_ONCE}\b", re.IGNORECASE)
_NTH = re.compile(
    r"[\d}]{1,4}\$?\s?\^?\{?(?:\\text\s?\{)?(?:st|nd|rd|th)\}{0,2}\$?\s(?:primes?|terms?|digits?|multiples?)\b"
)
_OPEN_ENDED = re.compile(
    r"(?:^|[^\d.])\d[\d,]{0,30}\s?(?:\.\.\.?|\u2026|\\[lc]?dots(?:[cbo](?![a-z]))?)[\s$})*.]{0,5}$"
    r"|[,;]\s?(?:\.\.\.?|\u2026|\\[lc]?dots(?:[cbo](?![a-z]))?)[\s$})*.]{0,5}$"
)


def is_part(before: str, answer: str, after: str) -> bool:
    """Tell whether the words around an answer make it a part of another one.

    Args:
        before: What stands before it.
        answer: The answer itself.
        after: What follows it.
    """
    return bool(
        _TURNED_AFTER.match(after)
        or _CHINESE_AFTER.match(after)
        or _TURNED_BEFORE.search(before[-80:])
        or _WAVERED.search(before[-60:])
        or (_ONCE_AFTER.match(after) and _ONCE_GOT.search(before[-40:]))
        or _CHINESE_BEFORE.search(before[-20:])
        or _NTH.match(answer[-4:] + after[:40])
        or is_open(answer + after[:6])
    )


def is_in_formula(before: str, after: str) -> bool:
    """Tell whether a box is the argument of a function, the member of a list or ratio, an index."""
    line = before.rpartition("\n")[2][-60:]
    if _FUNCTION_BEFORE.search(line) or _FORMULA_AFTER.match(after) or _ORDINAL_AFTER.match(after):
        return True
    if _IN_RATIO.search(line):
        return True
    opened = _OPEN_LIST.search(line)
    if opened is None:
        return False
    return bool(
        _MEMBER_AFTER.match(after) or (re.search(r"[,;]", opened[0]) and _LAST_AFTER.match(after))
    )


def is_open(answer: str) -> bool:
    """Tell whether dots at the end of an answer say that more digits, or members, follow."""
    return _OPEN_ENDED.search(answer[-60:]) is not None

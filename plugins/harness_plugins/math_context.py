"""What the words around an answer make of it: a bound, a part, a denial, a supposition.

Where they do, it is not the answer, and what is, nobody reads out of it.
"""

from __future__ import annotations

import re

from harness_plugins.math_parts import is_part

_END = r"[\s*$(\[\\{~_\"]*$"
"""Marks between words and the number behind them."""
_BOUND = re.compile(
    r"(?:\b(?:(?:greater|less|more|fewer|larger|smaller|bigger|higher|lower|other|rather|different"
    r"|older|younger|longer|shorter|taller)\s(?:than|from|to)(?:\sor\sequal\sto)?"
    r"|at\s(?:least|most)|up\sto|between|over|under|above|below|beyond|almost|nearly|from|minus"
    r"|negative|exceeds?|(?:anything|everything|nothing|all)\sbut|except|no|half|twice|thrice"
    r"|double|triple|instead\sof|divisible\sby|coprime\s(?:to|with)|divides|proportional\sto"
    r"|(?:close|near)\s(?:to)?|near|bounded\sby|(?:starts|begins|ends)\s(?:in|with)"
    r"|(?:not|\w+n't|cannot|never|neither|nor)(?:\s(?:be|even|just|simply|exactly|equals?|to|a|the))*"
    r"|(?:half|third|quarter|root|log|logarithm|reciprocal|opposite|square|cube|negative|multiples?"
    r"|factorial|divisors?|(?<!by\sa\s)factors?|powers?)\sof(?:\sthe)?"
    r"|\w+\sto\sthe|\w+\stimes|plus\sde|moins\sde|au\s(?:moins|plus)|m[aá]s\sde|menos\sde|al\smenos"
    r"|como\sm[aá]ximo|mehr\sals|weniger\sals|mindestens|h[oö]chstens|nicht|n'est\spas|no\ses|не"
    r"|больше|меньше)"
    r"|不是|并非|不等于|不为|不选|大于|小于|至少|至多|最多|超过|不到|少于|多于)" + _END,
    re.IGNORECASE,
)
_BEYOND = re.compile(
    r"[\s*$)\]\\}~]*(?:divided\b|multiplied\b|plus\s|minus\s|times\s(?:\d|the\b|as\b|that\b)"
    r"|to\sthe\s(?!nearest|closest)|out\sof\b"
    r"|and\s(?:a|one|two|three)\s(?:half|halves|thirds?|quarters?|fourths?|fifths?)\b"
    r"|or\s(?:more|fewer|less|greater|higher|lower|above|below|over|under|larger|smaller|so"
    r"|[a-z]+-[a-z]+)\b|and\s(?:up|more|above|over|below|under|beyond)\b"
    r"|at\s(?:most|least)\b|(?:minimum|maximum)\b|squared\b|cubed\b"
    r"|(?:more|less|fewer|greater|smaller|larger|higher|lower)\sthan\s[*$(\\]*(?:\d|[a-z]\b)"
    r"|short\sof\b|(?:percent|per\scent|\\?%)\sof\s[*$(\\]*\d|以上|以下)",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r"(?:[\s*$)\]}]|\\[,;:! ]){0,6}(?:\\?%|(?:percent|per\scent)\b"
    r"|\\(?:text|mathrm|mbox|textrm)\s?\{[^{}]{0,40}\}|\^\s?\{?\s?\\circ\}?\s?[CF]?"
    r"|\s[A-Za-z\u00b0\u00b5][A-Za-z/\u00b2\u00b3]{0,20})(?:(?<!%)\^\{?[23]\}?)?[$*]{0,3}"
)
_MODULUS = re.compile(
    r"[\s*$)\]}]{0,6}(?:\\[,;:! ]|\\text\s?\{\s?|\s|\(){0,4}"
    r"(?:\\?[pb]?mod(?:ulo)?(?![A-Za-z])|(?:R|rem(?:ainder)?)(?:\s|\})+\d|%\s+\d)"
)
_GOES_ON = re.compile(
    r"\s?(?:[+*]|/\s?\d|[<>]\s?[\d\\]|[-\u2013\u2014]\s?\$?\\?\d|!(?!\s|$)|\^|\\(?:cdot|times|div|pm|pi|sqrt|[dt]?frac)(?![A-Za-z])"
    r"|(?:\\text\s?\{)?\s?(?:to|through|until)\s?\}?\s?\$?\\?\d"
    r"|(?:plus|minus|times)\s|(?:and\s)?\d[\d.]{0,9}(?:\s|\\[,; ]|\\text\s?\{){1,3}[A-Za-z])"
)
_RANGE = re.compile(
    r"[\s*$)\]}]{0,6}(?:(?:\\text\s?\{)?\s?(?:to|through)\s?\}?\s?\$?|[\u2013\u2014]\s?)\d"
    r"|\^\s?\{?\s?[-\dA-Za-z]"
)
_CONGRUENT = re.compile(r"(?:\\equiv|\u2261)[\s*$(\\]*$")
NO_MEASURE = frozenset(
    "because since as and or in of after for with from at by is are to than where when if then so "
    "but not the per each a an on who which that out among between".split()
)
_APPROACHED = re.compile(
    r"\b(?:approach(?:es|ed|ing)?|tends?\s(?:to|towards?)|nears|(?:goes|going|increases|decreases|rises|falls|grows)\s"
    r"(?:to|towards?)|towards?|reach(?:es)?\snearly|stops\sshort\sof|(?:never|not)\s(?:quite\s)?reach(?:es)?)"
    + _END,
    re.IGNORECASE,
)
_LOST = re.compile(
    r"\b(?:loss|deficit|overdraft|debt|shortfall)(?:\sof)?"
    r"(?:\s(?:exactly|about|approximately|only))?[\s*$(\\\u20ac\u00a3]*$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"[\d}$]{0,3}\s?\^?\{?(?:\\text\s?\{)?(?:st|nd|rd|th)\}{0,2}\$?\s(?:power|root)s?\b"
)
_SUBJECT = (
    r"(?:\s(?:that|we|have|if|whether|[$\\(]*\w{1,3}|(?:the|my)\s(?:final\s)?(?:answer|value|result)|it|this))*"
    r"(?:\s?(?:=|is|are|equals|were|was|be|been))?"
)
_SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ing)|assum(?:e|ing)|if|let|unless|whether|imagine|had)" + _SUBJECT + _END,
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:^|[.!?;,\n]\s?|\b(?:so|thus|but|and|because|since|hence|therefore)\s)\W{0,4}"
    r"(?:it(?:'s|\sis|\swas|\swould\sbe|\sseems)\s(?:\w+ly\s|also\s)?"
    r"(?:impossible|false|untrue|wrong|incorrect|unlikely|absurd|doubtful"
    r"|not\s(?:true|the\scase|possible|correct|right))"
    r"|there(?:'s|\sis)\sno\sway"
    r"|(?:i|we)\s(?:(?:can|must|may|should|also|now|therefore|have\sto|will)\s)*"
    r"(?:rule|ruled|reject|rejected|exclude|excluded|discard|deny|doubt|refute|eliminate"
    r"|(?:don't|do\snot|can't|cannot|didn't|never)\s(?:think|believe|know|see|say|claim))"
    r"|the\s(?:claim|assumption|idea|statement|hypothesis|possibility)\sthat)\b"
    r"(?:(?!\b(?:so|thus|but|hence|therefore|then)\b)[^,;.!?\n])*$",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"[\s*$)\]\\}]*,?\s?(?:(?:and|but|so|since|as|then)\s)?(?:(?:which|that|this|it|we)\s)?"
    r"(?:(?:would|can|could|must|get|obtain|have|reach|leads?|leading|gives?|giving|yields?|is|are"
    r"|was|be|to|a|an|clearly|obviously|therefore|also|thus|hence)\s){0,5}"
    r"(?:impossible|contradict|absurd|extraneous|reject|discard|ruled\sout|excluded|invalid|false\b"
    r"|wrong\b|incorrect|untrue|fails?\b"
    r"|(?:not|n't|isn't|wasn't)\s(?:an?\s|the\s)?(?:solution|root|answer|valid|possible|allowed|correct"
    r"|right|true|acceptable|permitted)"
    r"|(?:does\snot|doesn't)\s(?:work|satisfy|hold|fit|check|solve)|cannot\s(?:hold|happen|work))",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"[\s*$)\]\\}]*(?:[-,;(?.\u2013\u2014]|--)\s?\W{0,3}(?:no(?=,|\s(?:wait|it|sorry|that|the\sanswer)\b)|wait|sorry"
    r"|oops|nope|hmm|i\smean|make\sthat|scratch\sthat|or\srather|correction|actually\s?,?\s?(?:it|the"
    r"|that|\$?\d))",
    re.IGNORECASE,
)
_SIGN = re.compile(
    r"(?:^|[.:=\n]|\b(?:is|are|be|equals?|equal\sto|was|get|gives?|answer|so|thus|hence))"
    r"[\s*$(\\]*(?:minus|negative)[\s*$(\\]*$|(?<!正)[负負][\s*$(\\]*$",
    re.IGNORECASE,
)
_STRUCK = re.compile(
    r"(?<![\w}$\\~])~~(?=[^\s~])[^~\n]{1,300}(?<=[^\s~])~~(?![\w\\~])"
    r"|<(?P<tag>del|s|strike)>.{0,300}?</(?P=tag)>|<!--.{0,2000}?-->",
    re.DOTALL | re.IGNORECASE,
)
_COMMENT = re.compile(r"^[ \t]*%[ \t]*(?=\\|[A-Za-z]|$).*$", re.MULTILINE)
_CROSSED = re.compile(r"\\(?:sout|cancel|bcancel|xcancel|st)\s?\{")
_SOURCES = re.compile(
    r"^[#*\s]{0,8}(?:references|sources|bibliography|footnotes|citations)[*:\s]{0,5}$"
    r"|^\[\^?\d{1,3}\]:?[ \t]+[A-Za-z]",
    re.MULTILINE | re.IGNORECASE,
)
_CITED = re.compile(
    r"(?<=[\w.)}$*])[ \t]?\[\^\w{1,9}\]|(?<=[\d.$}*])[ \t]\[\d{1,3}\](?=[\s.,;*]|$)"
)
_NEAR = 160
_MARKS = " *({\\-.,"
_INNER = "0123456789}$)*]"


def without_asides(text: str) -> str:
    """Return a text without what is struck out, comments, and the marks and lists of sources."""
    if "~~" in text or "</" in text or "<!--" in text:
        text = _STRUCK.sub("", text)
    if "%" in text:
        text = _COMMENT.sub("", text)
    if "[" in text or "s" in text:
        end = _SOURCES.search(text)
        if end and text[: end.start()].strip():
            text = text[: end.start()]
        text = _CITED.sub("", text)
    return text


def crossed_out(text: str) -> bool:
    """Tell whether LaTeX crosses something out in the last line of a text."""
    return _CROSSED.search(text.rstrip().rpartition("\n")[2]) is not None


def is_bound(text: str, start: int, end: int) -> bool:
    """Tell whether the words right around a place in a text make what stands there no answer."""
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    return bool(
        _BOUND.search(before)
        or _goes_on(after, _CONGRUENT.search(before) is not None)
        or _ORDINAL.match(text[max(0, end - 3) : end + 40].lstrip(_MARKS))
        or (text[start:end].rstrip(")]")[-1:] == "%" and re.match(r"\sof\s[*$(\\]*\d", after))
        or is_part(before, text[start:end], after)
        or is_denied(before)
        or taken_back(text[end - 1 : end].strip(_INNER) + after)
    )


def _goes_on(after: str, congruent: bool) -> bool:
    """Tell whether what follows an answer, perhaps behind its unit, makes it a part or a bound."""
    if _BEYOND.match(after) or _RANGE.match(after) or (_MODULUS.match(after) and not congruent):
        return True
    measure = _MEASURE.match(after)
    if measure and re.search(r"\bor\s(?:more|fewer|less)\b|\bat\s(?:least|most)\b", measure[0]):
        return True
    if measure is None or {*re.findall("[a-z]+", measure[0].casefold())} & NO_MEASURE:
        return False
    rest = after[measure.end() :]
    if rest.startswith("^") and "%" not in measure[0]:
        return False
    return bool(_GOES_ON.match(rest) or _BEYOND.match(rest))


def is_lost(before: str) -> bool:
    """Tell whether words call the number behind them a loss: it may be meant as a negative one."""
    return _LOST.search(before[-60:]) is not None


def is_approached(before: str) -> bool:
    """Tell whether words say only that something comes near the number behind them."""
    return _APPROACHED.search(before[-60:]) is not None


def is_denied(before: str) -> bool:
    """Tell whether what leads to an answer only supposes it, or denies it."""
    near = before[-_NEAR:]
    return bool(_SUPPOSED.search(near) or _DENIED.search(near))


def taken_back(after: str) -> bool:
    """Tell whether what follows an answer calls it wrong, or another one the answer."""
    near = after[:_NEAR]
    return bool(_TAKEN_BACK.match(near) or _CHANGED.match(near))


def sign_before(before: str) -> bool:
    """Tell whether the word "minus" or "negative" stands before an answer as its sign."""
    return _SIGN.search(before[-60:]) is not None

"""Tells whether a judge takes back what it said: corrections, apologies, changes of mind, denials.

All readers of verdicts ask here, a sentence at a time. Only words of the judge about its verdict
count: they open the sentence ("Correction:", "wait"), have the judge as their subject ("I misread")
or speak of the verdict ("the rating above is wrong", "A and B are swapped"). What is said of a
response or of what it says does not: "Response B apologizes", "the date should be 1969".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging.characters import plain
from harness.judging.clauses import sentences
from harness.judging.own_words import admits

_END = r"(?= |\Z)"
_STOP = r"(?= [^\w\s]| ?\Z)"
_NOUN = (
    r"(?:verdicts?|ratings?|scores?|rankings?|grades?|judge?ments?|decision|marks?|preference"
    r"|evaluation|assessment|urteil|bewertung)"
)
_LOOSE = r"(?:order|labels?|letters?|scale|choice|pick|winner|selection|list|answer)"
_NAME = r"(?:(?:response |answer |assistant |option )?[a-h1-9]|scores?|one|two)"
_BOTH = (
    rf"(?:{_NAME} (?:and|&|with) {_NAME}|the (?:first |last |top |bottom )?two"
    rf"(?: {_NOUN}| {_LOOSE}| responses| answers)?"
    rf"|them|the (?:{_NOUN}|{_LOOSE}|responses))"
)
_TURNED = (
    r"(?:swapped|switched|reversed|flipped|mixed up|interchanged|inverted|backwards?|exchanged"
    r"|transposed|the (?:other|wrong) way (?:a?round))"
)
_NEW = (
    r"(?:correct|corrected|right|true|actual|proper|real|new|revised|updated|amended|adjusted"
    r"|changed|modified)"
)
_FALSE = (
    rf"(?:wrong|incorrect|mistaken|erroneous|inaccurate|false|invalid|void|off|a mistake|an? error"
    rf"|a typo|not (?:quite |really )?(?:right|correct|accurate|true|what i)|n't right|{_TURNED}"
    r"|too (?:high|low|generous|harsh|lenient|strict|kind|hard|much)|not (?:yet |my )?final"
    r"|no longer \w+)"
)
_VERY = (
    r"(?:(?:actually|clearly|simply|just|in fact|really|now|all|both|completely|probably|rather"
    r"|likely|a bit|a little|far|much|also) )*+"
)
_IS = (
    r"(?:is|are|was|were|isn't|wasn't|aren't|seems?|looks?|got|has been|have been|should be|must be"
    r"|need to be)"
)
_LOOKED = (
    r"(?:(?:on|upon|after|with|at|in) (?:an? )?(?:(?:my|your|some|the|more|much) )?"
    r"(?:closer|further|second|another|deeper|careful|more careful|additional|later|fresh|new"
    r"|final)? ?(?:look|inspection|review|reading|reflection|reconsideration|consideration"
    r"|examination|analysis|thought|check|re - ?(?:reading|examination)|rereading|reading again)s?"
    r"|(?:after |having |by |when )?(?:looking|looked|read|reading|rereading|reread|thinking"
    r"|checking)"
    r" (?:it |this |them |both |the \w+ )?(?:again|closer|more closely|back|over|once more|twice)"
    r"|rereading (?:both|them|it|this|the \w+)|(?:after |having |on )reconsider\w*(?: it| this)?"
    r"|in hindsight)"
)
_LEAD = (
    r"(?:(?:[^\w\s]|oh|ah|um+|uh+|so|and|but|ok|okay|well|note|note that|please note(?: that)?"
    r"|p|s|ps :"
    r"|also|however|though|yes)(?: |\Z))*+"
)

_WORDS = (
    rf"(?:wait|oops|whoops|nevermind|never mind|false alarm|just kidding|scrap|hold on|hang on"
    rf"|oh no|disregard|retract|withdrawn|mistaken|reconsider(?:ing|ed)?){_END}"
    rf"|my (?:bad|mistake|error|apologies){_STOP}"
    rf"|(?:hmm+|er+|erm|stop|typo|misread|pardon(?: me)?){_STOP}"
    rf"|hmm+ no|er+ no|hmm+ actually"
    rf"|sorry(?! for (?:the|any|my) (?:long|length|delay|late)| to say){_END}"
    rf"|(?:my )?apologies(?! for (?:the|any|my) (?:long|length|delay|late)){_END}"
    rf"|or(?= (?:is|rather|maybe|perhaps|neither|both|a tie|none|{_NAME})(?: |\Z))"
    rf"|not (?:an? )?(?:response )?[a-h1-9](?:\.\d)?(?: ,"
    rf"| but) (?:an? )?(?:response )?[a-h1-9](?:\.\d)?{_STOP}"
    r"|i (?:now|would now|will now) (?:think|believe|prefer|say|give|rate|choose|lean|pick|go"
    r"|call|favou?r)"
    r"|i'd now"
    "|(?:\u5e94\u8be5\u662f|\u5e94\u5f53\u662f|\u5e94\u4e3a|\u5e94\u662f|\u6539\u4e3a"
    "|\u6539\u6210) [a-h1-9](?= [^\\w\\s]| ?\\Z)"
    rf"|(?:please |kindly |let us |let's )*+(?:scratch|scrap|strike|forget|cancel|drop|ignore"
    r"|disregard|delete|discard|reverse|undo|revert|flip) "
    rf"(?:(?:that|this|it|these|those|everything)(?: {_NOUN}| one| above)*+{_STOP}|what i|my"
    rf"|(?:all |of )*+(?:the|that|this|these|those) (?:above|previous|last|first|{_NOUN}))"
    rf"|(?:corrections?|corrected|corrigendum|edit|edited|erratum|errata|revision|revised|amended"
    rf"|amendment|updated?|changed?|adjusted|flip|flipped|switched|retraction)(?: {_NOUN})?{_STOP}"
    rf"(?! \Z)"
    rf"|correction{_END}"
    rf"|make (?:that|this){_END}|(?:i )?mean{_STOP}|i mean(?= (?:to (?:say|write)|{_NAME})(?: |\Z))"
    rf"|no (?:wait|that)\b"
    r"|let(?: me|'s| us)(?: just| please| now)? (?:reconsider|rethink|re - ?\w+|reevaluate"
    r"|reassess"
    r"|recheck|double (?:- )?check|revise|correct|change|adjust|lower|raise|fix|start over"
    r"|begin again"
    r"|start again|think again|look again|try again|redo|make that)"
    rf"|(?:korrektur|korrigiere|berichtigung|entschuldigung|verzeihung|quatsch|irrtum"
    rf"|pardon){_END}"
    r"|ich (?:meine|meinte|korrigiere|nehme (?:das|es|mein \w+) zur\u00fcck|\u00e4ndere mein\w*)"
    rf"|d\u00e9sol\u00e9e?{_END}|attende[zs]{_END}|je (?:voulais dire|corrige|rectifie|retire"
    rf"|me ravise)"
    rf"|correcci\u00f3n|perd[\u00f3o]n{_END}|lo siento|mejor dicho|quise decir|quer\u00eda decir"
    rf"|rectifico|disculp\w++|espera{_END}|retiro (?:lo|mi)|me retracto|me corrijo"
    "|\u66f4\u6b63|\u7ea0\u6b63|\u4fee\u6b63|\u52d8\u8bef|\u62b1\u6b49|\u5bf9\u4e0d\u8d77"
    "|\u4e0d\u597d\u610f\u601d|\u4e0d\u5bf9|\u7b49\u7b49|\u7b49\u4e00\u4e0b|\u8bf4\u9519"
    "|\u5199\u9519"
)
"""Words that open a correction, also inside a sentence."""

_STRONG = re.compile(
    rf"{_LEAD}(?:{_WORDS}"
    rf"|wrong (?:{_NOUN}|{_LOOSE}|number|one|option|way(?: a?round)?){_STOP}"
    rf"|(?:no|no way|nope|wrong|incorrect|not (?:really|quite|right|so|exactly|true)|mistake|error"
    rf"|vice versa"
    rf"|the (?:opposite|reverse)(?: is true)?|the opposite , i mean"
    rf"|(?:it is |it's )?the other way (?:a?round)) ?[^\w\s]*+\Z"
    rf"|(?:actually |in fact )?(?:, )?(?:no|nope){_STOP}"
    rf"|(?:actually |in fact )?(?:, )?(?:swap|switch|exchange|reverse|flip|interchange) {_BOTH}"
    rf"|{_BOTH} (?:above )?(?:{_IS} )?{_VERY}{_TURNED}{_END}"
    rf"|{_NAME} and {_NAME} {_TURNED}"
    rf"|(?:the |my |a |an )?{_NEW} (?:{_NOUN}|winner|choice) (?:is|should be|would be|must be"
    rf"|was|:|=)"
    rf"|(?:error|mistake|typo) (?:in|with) (?:the|my) {_NOUN}"
    rf"|(?:the |my )?{_NOUN} (?:is |was |has been )?(?:changed|revised|corrected|updated|amended)"
    rf"|(?:the |this |that |my |these |those |both |all |your )*+(?:above |previous |earlier "
    rf"|first"
    rf" |initial |last |final )*+{_NOUN}(?: above| before| earlier| i gave| i wrote| given)*+"
    rf" {_IS} {_VERY}{_FALSE}{_END}"
    rf"|(?:the |this |that |these |those )(?:above )?{_LOOSE}(?: above"
    rf"| i gave)? {_IS} {_VERY}{_FALSE}{_STOP}"
    rf"|my {_LOOSE} {_IS} {_VERY}{_FALSE}"
    rf"|(?:all|both|they|these|those|each)(?: (?:of|two|three|four|five|them|these|those|all|both"
    rf"|scores?|ratings?|numbers?|values?|are|is|seem|points?|one|a|bit|little|half|slightly"
    rf"|rather|about|much))*+"
    rf" too (?:high|low|generous|harsh|lenient|strict){_STOP}"
    rf"|(?:that|this|that's|it was|it is|it's)(?: is| was| were| seems)? {_VERY}"
    rf"(?:a mistake|an error|a typo|too (?:high|low|generous|harsh|lenient|strict)|wrong|not right"
    rf"|not correct|not what i|the wrong (?:{_NOUN}|{_LOOSE}|number|one|option)|incorrect){_STOP}"
    rf"|(?:that|this)(?: is|'s)? not what i (?:mean|meant|wanted|intended)"
    rf"|(?:that's|this isn't|that isn't|that wasn't) (?:not )?what i"
    r"|(?:das|die \w+) (?:oben )?(?:war|ist|waren|sind) (?:falsch|verkehrt|ein fehler|vertauscht)"
    "|\u4ee5\u4e0a\\w{0,6}(?:\u6709\u8bef|\u9519)"
    r")"
)
"""Openings by which a sentence takes back what stands before it."""

_INSIDE = re.compile(rf"(?:{_WORDS})")
_PAUSE = re.compile(r"(?:\A|[^\w\s](?= ))(?: |and |but |or |so |oh |well )*+")

_WEAK = re.compile(
    rf"{_LEAD}(?:"
    rf"(?:actually|in fact|in truth|in reality|rather|or|instead|now|then|final|finally"
    rf"|new|hmm+|er+|erm|make it|call it|i would say|not){_END}"
    rf"|{_LOOKED}{_END}"
    rf"|(?:i )?(?:am |'m )?(?:now )?(?:chang(?:e|ed|ing)|switch(?:ed|ing)?|lower(?:ed|ing)?"
    rf"|rais(?:e|ed|ing)"
    rf"|reduc(?:e|ed|ing)|increas(?:e|ed|ing)|decreas(?:e|ed)|downgraded?|upgraded?|revis(?:e"
    rf"|ed|ing)"
    rf"|adjust(?:ed|ing)?|correct(?:ed|ing)?|amend(?:ed|ing)?|moved?|bumped?|down|up|dropped"
    rf"|go down)"
    rf"(?: (?:it|this|that|(?:my|the) \w++))? to{_END}"
    rf"|(?:(?:this|that|it|the|my|{_NOUN}|winner) )*+(?:should|must|ought to)(?: be| read"
    rf"| have been| get| say){_END}"
    rf"|(?:the|my) (?:{_NOUN}|{_LOOSE})(?: is| changes| becomes| goes) (?:now|actually|rather"
    rf"|to){_END}"
    rf"|it is now{_END}|i'll go with|i'd go (?:with|down to|up to)"
    rf"|doch|moment|eigentlich|nein|sollte|besser gesagt|vielmehr|en fait|finalement"
    rf"|plut\u00f4t|non"
    rf"|en realidad|en verdad|m\u00e1s bien|"
    "(?:\u5e94\u8be5\u662f|\u5e94\u4e3a|\u5e94\u5f53\u662f|\u5e94\u662f|\u6539\u4e3a"
    "|\u6539\u6210|\u5176\u5b9e|\u5b9e\u9645\u4e0a)"
    r")"
)
"""Openings by which a sentence does so where it says something else."""

_SAYS = re.compile(
    rf"(?:\A|(?<= ))(?:second thoughts?|take (?:that|it|this) back|made that up|not final"
    rf"|not my final|just kidding|strike that|(?:scratch|scrap) that(?= [^\w\s]| ?\Z)|never mind"
    rf"|disregard (?:that|this|the above)|either way|hard to say|toss - up"
    rf"|(?:do not|don't) (?:use|count|trust|record) (?:this|that|these|the|my) {_NOUN}"
    rf"|ich (?:habe|hab) mich (?:\w++ )?(?:geirrt|vertan|verlesen|verschrieben)"
    rf"|ich (?:habe|hab) (?:\w++ ){{1,4}}?(?:verwechselt|vertauscht)|nehme das zur\u00fcck"
    rf"|je me suis tromp\u00e9e?|je change d'avis|j'ai (?:chang\u00e9 d'avis|confondu"
    rf"|invers\u00e9|mal lu)"
    rf"|me equivoqu\u00e9|me he equivocado|(?:he cambiado|cambi\u00e9"
    rf"|cambio) (?:de (?:opini\u00f3n|idea)|mi \w++)"
    rf"|c'? ?\u00e9tait une erreur|(?:es|das) war ein (?:fehler|irrtum)|(?:fue|era) un error"
    rf"|me confund\u00ed){_END}"
    "|\u6211\\w{0,6}(?:\u9519|\u53cd)\u4e86|\u6211\\w{0,4}\u6539\u53d8\\w{0,2}\u4e3b\u610f"
    "|\u6211\u6536\u56de"
)
"""The same in other words, anywhere in a sentence."""


_FIELD = re.compile(
    r"(?:.{0,40}[_ -])?(?:corrected|revised|adjusted|amended|updated|edited|correction"
    r"|revision|edit|amendment|after[_ -]review|reconsidered)(?:[_ -].{0,40})?\Z",
    re.IGNORECASE,
)
_LAST_WORDS = frozenset("final overall correct new".split())
_MOST = 2000
"""Characters of a JSON field in which a correction is looked for."""


Names = Sequence[Sequence[str]]
"""The words of names."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How a sentence opens that may take back what stands before it.

    Args:
        strong: Whether it does so whatever follows; otherwise only where another verdict follows.
        rest: Number of words and marks before what follows.
    """

    strong: bool
    rest: int


def turn_of(words: Sequence[str], names: Names = ()) -> Turn | None:
    """Return how a sentence takes back a verdict; None where it does not.

    Args:
        words: Its words and marks in small letters.
        names: What is scored: words that stand for a score, where there are several.
    """
    text = " ".join(words)
    for name in names:
        text = f" {text} ".replace(f" {' '.join(name)} ", " score ")[1:-1]
    if found := _STRONG.match(text):
        return Turn(True, _past(text, found.end()))
    if admits(text.split()) or _SAYS.search(text):
        return Turn(True, len(words))
    found = _WEAK.match(text)
    return Turn(False, _past(text, found.end())) if found else None


def takes_back(words: Sequence[str], names: Names = ()) -> bool:
    """Tell whether a sentence takes back what stands before it, whatever else it says."""
    turn = turn_of(words, names)
    return turn is not None and turn.strong


def within(words: Sequence[str]) -> bool:
    """Tell whether a part of a sentence takes back what stands before it."""
    text = " ".join(words)
    if admits(words) or _SAYS.search(text):
        return True
    return any(_INSIDE.match(text, found.end()) for found in _PAUSE.finditer(text))


def is_correction(key: str) -> bool:
    """Tell whether a field of a JSON object has a name of corrections."""
    return _FIELD.match(key) is not None


def is_last_word(key: str) -> bool:
    """Tell whether a field has a name of corrections, or of what counts in the end."""
    return is_correction(key) or not _LAST_WORDS.isdisjoint(key.lower().replace("_", " ").split())


def is_taken_back_in(value: Any, names: Names = ()) -> bool:
    """Tell whether the text of a JSON field takes back what stands before it."""
    if not isinstance(value, str):
        return False
    return any(takes_back(line.words, names) for line in sentences(plain(value[:_MOST])))


def _past(text: str, end: int) -> int:
    """Return the number of words up to a place."""
    return text.count(" ", 0, end) + (end == len(text) or text[end : end + 1] == " ")

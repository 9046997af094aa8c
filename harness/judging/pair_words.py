"""The words of verdicts on pairs: only those whose meaning, and direction, is known."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOUNS = _words(
    "response responses assistant assistants option options output outputs completion completions "
    "answer answers model models candidate candidates reply replies summary summaries text texts "
    "version system chatbot solution essay story translation review antwort respuesta r\u00e9ponse "
    "\u56de\u7b54 \u56de\u590d \u52a9\u624b"
)
"""What a response is called."""

PLURAL = frozenset(noun for noun in NOUNS if noun.endswith("s"))

VERDICT = _words(
    "verdict winner result decision judgment judgement conclusion urteil gewinner sieger "
    "entscheidung ergebnis ganador veredicto gagnant d\u00e9cision \u7ed3\u8bba "
    "\u6700\u7ec8\u7ed3\u8bba \u5224\u65ad \u6700\u7ec8\u5224\u65ad \u80dc\u8005 "
    "\u83b7\u80dc\u8005 \u88c1\u51b3 \u6700\u7ec8\u88c1\u51b3 \u5224\u5b9a "
    "\u6700\u7ec8\u5224\u5b9a \u7ed3\u679c \u6700\u7ec8\u7ed3\u679c \u66f4\u597d\u7684\u56de\u7b54"
)
"""What a verdict is called."""

ANSWER = _words("answer choice preference selection pick vote overall")
"""What a verdict is called, and other things, too: a colon or "is" must follow."""

BETTER = _words(
    "better best superior stronger strongest preferable preferred favored favoured winning chosen "
    "selected winner victor besser mejor meilleur meilleure \u66f4\u597d"
)
WORSE = _words("worse worst inferior weaker weakest losing loser poorer poorest")
GOOD = _words(
    "helpful accurate correct complete comprehensive thorough informative relevant useful detailed "
    "precise factual faithful truthful honest safe harmless coherent clear convincing persuasive "
    "insightful reliable friendly polite appropriate suitable effective logical readable engaging "
    "nuanced balanced natural fluent consistent specific organized concise"
)
"""Of which more is better."""
BAD = _words(
    "wrong inaccurate incorrect misleading confusing vague irrelevant harmful rude unhelpful "
    "repetitive incomplete flawed unclear biased toxic offensive dangerous"
)
"""Of which more is worse."""
OVERALL = _words("helpful friendlier friendly useful preferable")
"""Those of which more is a verdict, in a sentence that is not marked as one."""

WINS = _words(
    "wins won beats beat outperforms outperformed prevails prevailed surpasses surpassed exceeds "
    "outshines outclasses excels"
)
LOSES = _words("loses lost underperforms underperformed lags")
GIVES = _words(
    "provides provided gives gave offers offered delivers delivered presents presented does did "
    "has had makes made performs performed"
)
IS = _words(
    "is was are were be being been seems seemed appears appeared looks remains comes stands feels "
    "to out as judged considered deemed rated ranked ist est es \u662f"
)
"""Words of a link between a response and what is said of it."""
LINKS = _words("is goes to would be was remains ist es est \u662f")
"""Words of a link between a mark and its verdict."""
POSSIBLE = _words("would could might may should can must will")
ARTICLES = _words("the a an der die das le la el")
NOT = _words(
    "not no never neither nor hardly barely cannot isn't wasn't doesn't didn't aren't weren't "
    "don't can't couldn't wouldn't won't without nicht kein pas ni \u4e0d \u4e0d\u662f"
)
DEGREES = _words(
    "slightly clearly much far significantly somewhat marginally considerably overall definitely "
    "obviously easily narrowly substantially notably strongly certainly undoubtedly decisively "
    "overwhelmingly simply generally ultimately still also both even noticeably vastly markedly "
    "distinctly objectively just therefore thus hence meaningfully moderately convincingly "
    "comfortably really very quite indeed relatively equally"
)
"""Adverbs that change how much, never which."""

TIE_NOUNS = _words(
    "tie draw unentschieden gleichstand empate \u00e9galit\u00e9 \u5e73\u5c40 \u5e73\u624b"
)
EQUAL = _words("tied equal equivalent even indistinguishable identical comparable same")
QUALITY = _words("good strong valid helpful well matched quality level footing")
BOTH = _words("both they these the two of them")
TIE_LEADS = _words("it it's is this that's call complete perfect clear dead very")

CHOOSES = _words(
    "prefer choose pick select favor favour vote recommend go going goes with for find consider"
)
"""Verbs whose object is the verdict, and what follows them."""
FILL = CHOOSES | _words(
    "i i'd i'll i'm would will must say that's think believe conclude judge to give it it's its "
    "that this is my the so therefore thus hence overall clearly definitely in on opinion view "
    "judgment judgement balance conclusion summary short end final verdict and am have award "
    "declare rule decide decided as well all ultimately here here's assistant's own be based above "
    "analysis considering everything taken together however personally we our of after careful "
    "consideration evaluation comparison both an ai an impartial judge goes is was clear evident "
    "obvious me"
)
"""Words that may stand between the beginning of a clause, or a mark, and its verdict."""

BEFORE = _words(
    "the my our final overall an this that so and therefore thus hence own clear ultimate official "
    "as is say conclude output here here's judge's your below end with ultimately then which mein "
    "das majority endg\u00fcltiges el la le mi mon \u6700\u7ec8 actual"
)
"""Words that may stand right before a mark: it is the verdict on the whole pair."""
EARLY = _words(
    "initial first preliminary tentative early provisional earlier previous former original"
)
"""Words of a verdict that is not the last one."""

REASONS = _words(
    "because since as for due given thanks owing with which whose who by based it its it's this "
    "here weil da denn porque ya parce car puisque \u56e0\u4e3a \u7531\u4e8e"
)
"""Words that begin a reason after a verdict."""
CONCEDES = _words("although though while whereas despite even albeit obwohl aunque bien")
CONDITIONS = _words(
    "if unless whether when depending depends assuming provided suppose otherwise else had were "
    "should wenn falls si \u5982\u679c would could might may"
)
HEDGES = _words(
    "maybe perhaps possibly probably likely leaning lean leans towards toward might may could "
    "either between unsure uncertain guess or almost nearly oder vielleicht ou quiz\u00e1s \u6216 "
    "\u6216\u8005 unclear undecided"
)
CONCLUDES = _words("so therefore thus hence overall ultimately consequently accordingly")
TURNS = _words("but however yet")
LEADS = _words(
    "overall ultimately clearly finally consequently accordingly personally honestly frankly "
    "generally certainly definitely obviously evidently undoubtedly objectively collectively"
)
"""Adverbs before a comma that name no respect, as "stylistically" does."""
UNSAID = (
    "was going to", "were going to", "was about to", "was tempted", "am tempted", "i'm tempted",
    "wanted to", "had planned", "was inclined", "would have", "could have", "might have",
    "first thought", "first instinct", "first impression", "first idea", "gut feeling",
)  # fmt: skip
"""Phrases by which a judge tells what it does not say."""
SEEMS = _words("seems seemed appears appeared looks looked feels felt sounds")
"""Links of what only appears so: no verdict where a "but" follows."""
DECEIVING = _words("looks appearances appearance deceive deceives deceiving deceptive illusion")
FAULTS = _words(
    "misses missed fails failed lacks lacked omits omitted ignores ignored invents invented skips "
    "forgets misreads misunderstands contradicts rambles hallucinates hallucinated fabricates "
    "only merely wrongly incorrectly"
)
"""What is said of the response that loses."""
CHOSE = _words(
    "picked picks chose chooses selected selects says said gave gives answers answered got gets "
    "agrees agreed has"
)
"""What a response does with the options of an item that has a letter as its answer."""
ERRORS = _words(
    "error errors mistake mistakes inaccuracy inaccuracies falsehoods hallucinations typos bug "
    "bugs flaw flaws issues problems"
)
CONTAINS = _words("contains contained includes included introduces introduced")

AGAINST = (
    WORSE
    | LOSES
    | BAD
    | FAULTS - {"only", "merely"}
    | _words(
        "false rejected fails failing eliminated discarded disqualified dispreferred unacceptable "
        "bad poor weak terrible awful horrible useless unsafe incoherent not nope runner second "
        "falsch schlecht schlechter unterlegen verloren verlierer pire faux fausse mauvais "
        "mauvaise perdant moins incorrecto incorrecta incorrecte malo mala peor perdedor peggiore "
        "sbagliato sbagliata errado errada pior"
    )
)
"""What nobody says of the response that is preferred."""
AGAINST_SIGNS = frozenset("\u9519\u932f\u8aa4\u8bef\u5dee\u4e0d\u52a3\u8d25\u8f93")
"""The same in Chinese and Japanese, as parts of words."""
_MOCKING = (
    "said no one", "said nobody", "says no one", "says nobody", "say no one", "no one would",
    "nobody would", "in your dreams", "yeah right",
)  # fmt: skip
"""Phrases by which the contrary of a sentence is said."""
_UNCHOSEN = tuple(
    f"i {no} {verb}"
    for no in ("would not", "wouldn't", "do not", "don't", "cannot", "can't")
    for verb in ("recommend", "choose", "pick", "prefer", "send", "select", "endorse")
)
"""Phrases that end a sentence about the response that is not the preferred one."""
QUOTING = _words("from quoted quoting quote copied taken line")
"""Words before a response that tell where a quotation comes from."""

ROLES = _words(
    "question user prompt instruction instructions input example human query task problem item pair"
)
"""With a colon behind, or in a heading, they begin something else to judge."""
FORMATTING = _words(
    "b i em strong u mark p br li tr td th ul ol div span h1 h2 h3 h4 h5 h6 hr code tt output "
    "evaluation analysis final"
)
LINES = _words("p br li tr ul ol div h1 h2 h3 h4 h5 h6 hr output evaluation analysis final")
"""Tags that only format, and those of them that begin or end a line."""


def mocks(text: str) -> bool:
    """Tell whether the contrary of what is said before some words is meant."""
    return text.endswith(_UNCHOSEN) or any(phrase in text for phrase in _MOCKING)

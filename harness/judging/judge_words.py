"""The words of what judges say of themselves, and of a choice between two responses."""

from __future__ import annotations

from harness.judging import pair_words as words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


JUDGES = _words("i i'd i'll i've i'm we we'd we'll we've we're")
"""The judge, as the subject of a sentence."""
STOPS = _words(", ; : . ( ) [ ] \u2014 \u2013 | ! ? \uff0c")
MISTAKES = _words(
    "mistake mistakes error errors typo typos slip slips oversight accident misclick blunder "
    "haste hastily mistakenly accidentally erroneously inadvertently prematurely mix-up"
)
"""What a judge says it made."""
WRITES = _words(
    "write wrote written type put pick choose chose chosen select name enter click mark say "
    "said give gave given read rate judge compare grade score list answer tick press hit use "
    "state note output print call report assign submit post got get have had decide jump go "
    "went award order label circle copy"
)
"""How a judge comes to a letter, or a number."""
LOOKS = _words("check look verify think see reconsider reread compare review examine read recheck")
"""What a judge lets itself do that has not come to an end."""
SENDS = _words("send show deliver ship publish keep serve")
"""What a judge would do with the response that it prefers."""
NEVER = _words(
    "not never cannot can't don't didn't won't wouldn't couldn't haven't hadn't wasn't weren't"
)
"""Words that deny a verb."""
BEING = _words("am was were are be been being i'm we're became seem become")
"""Verbs behind which stands what the judge is."""
HELPS = _words(
    "do did does will would shall should must can could may might i'd i'll i've we'd we'll "
    "we've have has had having ought that just also now then still both first even again so "
    "once quite very rather therefore thus too no"
)
"""Auxiliary verbs and adverbs before a verb."""
WANTS = _words(
    "want wanted like need needed have had wish tried try ought going able happy inclined "
    "hope got begin began started start plan planned seem used decided"
)
"""Verbs before "to" and another verb."""
OBJECTS = _words("some any several the a an it them that this these those my no second one two 's")
"""Words behind "got" and "had" that make them the verb."""
VERDICTS = _words("verdict verdicts decision judgment judgement judgments choice pick vote")
NAMES = _words("letter letters label labels")
RATED = (
    VERDICTS
    | NAMES
    | _words(
        "rating ratings score scores ranking rankings grade preference order evaluation assessment "
        "mark winner mind answer selection opinion"
    )
)
"""What a judge gives."""
SLIPPED = _words(
    "wrong mistaken incorrect hasty careless sloppy confused tired distracted misled fooled "
    "rash premature inattentive rushed sleepy muddled unfair biased negligent carried thrown "
    "mixed off misguided inconsistent"
)
"""What a judge is that made a mistake."""
FIRM = _words("confident sure certain convinced satisfied persuaded positive comfortable")
"""What a judge is that is sure."""
STATES = _words(
    "happy glad pleased aware impressed surprised able unable asked told given left an a the "
    "judge concerned worried bothered struck open free limited required supposed only unaware "
    "less more unimpressed unconvinced disappointed puzzled guided instructed neutral "
    "there impartial most by of particularly especially here in on about drawn troubled reluctant "
    "willing to"
)
"""What a judge may be beside any verdict."""
TURNED = _words(
    "swap switch reverse flip invert transpose interchange retract withdraw withdrew rescind "
    "revoke recant reconsider regret confuse conflate apologize apologise err goof blunder "
    "botch slip rush overlook forget forgot bungle renounce renege backtrack repent undo redo "
    "rethink rethought screw mess fumble"
)
"""How a judge takes something back."""
MOVES = _words(
    "lower raise reduce increase decrease adjust correct downgrade upgrade bump revise change "
    "drop amend update move fix modify"
)
"""How a judge changes a value."""
WORKS = _words(
    "convert advise hand realise realize rely stop add admit agree aim analyse analyze "
    "appreciate apply argue ask assess assume attach attribute award base believe browse "
    "calculate call care check choose cite come compare compile compute conclude confess "
    "confirm consider count credit cross-check decide decline deduct derive describe detect "
    "differ disagree dislike dismiss discount disregard do dock doubt eliminate emphasize end "
    "enjoy evaluate examine execute expect explain fact-check fail favor favour feel find "
    "focus follow get give go google grade grant have help hesitate hold hope identify ignore "
    "imagine insist judge keep know lack lean learn leave like list look love make maintain "
    "mark measure mention miss need note notice observe open own pay penalise penalize pick "
    "place point prefer prioritise prioritize provide put question quote rank rate read "
    "reason recall recalculate recheck recognise recognize recommend refer refuse reject "
    "remain remember remove replace research rerun reread review reward run say scan score "
    "search see select set settle share show side simulate skim solve spot stand start state "
    "stick stress struggle subtract suggest sum summarise summarize suspect take tell test "
    "thank think time trace translate treat trust try understand use value verify vote walk "
    "want watch weigh weight welcome wish wonder work worry write began begun chose chosen "
    "came did ended felt found gave given gone got had heard held kept knew learned learnt "
    "left lent made meant paid ran said saw seen shown stood stuck taken thought told took "
    "tried understood went withheld wrote docked preferred referred nearly arrive"
)
"""What a judge does on its way to any verdict, in the form of "to ..."; some past forms."""
OWN = _words(
    "part point points user grounds reasoning reason reasons concern concerns criteria "
    "criterion analysis explanation comments comment notes note thoughts rationale confidence "
    "view opinion understanding reading focus goal aim impression issue problem complaint "
    "objection criticism reservation reservations assessment evaluation conclusion knowledge "
    "summary take sense approach priority priorities guess expectation weighting "
    "justification thinking comparison check checks calculation result results test tests "
    "feedback colleague colleagues preference rating ratings score scores ranking grade "
    "answer doubt doubts worry remarks remark standard standards rubric scale role"
)
"""What a judge has, beside its verdict, of which anything may be said."""
ADJECTIVES = _words(
    "two three four several favourite favorite personal honest the this that my our final "
    "overall and also yet main first initial last previous earlier only biggest key primary "
    "own general one chief above single greatest other"
)
"""Words before what is the judge's own."""
RESTS = _words(
    "rests reflects follows hinges came comes holds stands turns turned depends remains would "
    "does weighs favors favours considers takes rewards boils due rested reflected hung hangs "
    "ignores assumes accounts relies between of to for here above was is had"
)
"""What a verdict does, and words behind one that tell more of it."""
SOUND = _words(
    "based final clear close easy straightforward difficult due about because driven obvious "
    "hard simple firm unaffected independent grounded rooted narrow solid certain informed "
    "unanimous confident supported justified tough marginal consistent fair determined "
    "influenced made guided decided for as unchanged that between reached not intended what "
    "entirely"
)
"""What a verdict is that stands."""
DEGREES = _words(
    "a an the is was has been will be clearly also therefore only really mainly mostly "
    "primarily largely purely solely rather fairly quite very pretty relatively in still"
)
SPOKEN = _words(
    "is was has had been will got should must needs changed moves goes reads be does cannot ought"
)
LOST = _words("my longer what stand hold")
"""Words beside "not" that leave nothing of a verdict."""
LINKS = _words("it this that the them both down in up on out over my for off a's b's to as")
ONES = _words(
    "one letter letters response answer option way name verdict key box label side choice "
    "number assistant button line field winner order scale responses answers rating score "
    "criterion ranking"
)
"""What may be the wrong one."""
THIS = _words("above it this that my what everything our")
SUPPOSED = _words("if unless with without had were whether could might")
ASTRAY = _words(
    "wrong backwards backward reversed reverse mixed swapped inverted confused crossed muddled"
)
"""What a letter is that was not meant."""
TASKS = _words(
    "side letter label box key column button pair question prompt task call decision choice "
    "judgement judgment example item one"
)
NAMED = _words("letter letters name names order scale two responses")
RASH = _words("hasty careless sloppy premature rash rushed misguided unintended unintentional")
"""What a verdict is that came too soon."""
UNDOES = _words(
    "forget replace substitute cross overturn overrule disregard strike scratch scrap exchange"
)
"""What a reader is told to do with a verdict that is none."""
UNDONE = _words("it that this these those my the a b everything what")
FOREIGN = (
    "habe", "find", "denk", "halt", "seh", "w\u00fcrd", "bin", "meine", "bevorzug", "glaub",
    "sch\u00e4tz", "trouv", "pens", "pr\u00e9f", "crois", "consid\u00e8r", "vois", "not", "estim",
    "juge", "suis",
)  # fmt: skip
"""How verbs begin in other languages that go with any verdict."""
ASKS = _words("note see let tell keep find refer remember feel do don't ask bear be consult")
"""What a reader may be asked beside any verdict."""
CHINESE = (
    "\u8ba4\u4e3a", "\u89c9\u5f97", "\u68c0\u67e5", "\u6bd4\u8f83", "\u53d1\u73b0", "\u9009",
    "\u6ce8\u610f", "\u6838", "\u76f8\u4fe1", "\u786e", "\u559c\u6b22", "\u503e\u5411", "\u770b",
    "\u8bfb", "\u5224", "\u8bc4", "\u8003\u8651",
)  # fmt: skip
QUICK = _words("fast quickly soon early hastily hasty rashly eagerly quick")
COMPARED = _words(
    "than of in to over with from by between against like unlike about on at for as into "
    "beyond behind above below under without around within regarding concerning versus vs "
    "beside besides beneath through via per toward towards among both neither nor de von als "
    "que en zu bei mit gegen con por para avec chez dans como wie f\u00fcr pour sur \u00e0 "
    "del da do di im zum vom"
)
"""Words before a response that is compared with, or of which something is told."""
ENDS = _words(
    "instead please then because since over rather not here overall though now too again "
    "after as actually really obviously clearly definitely finally sorry yes down weil da "
    "porque car parce puisque schreiben w\u00e4hlen nehmen gemeint"
)
"""Words behind a response that say nothing of it."""
GIVERS = _words("to for with as toward towards con mit por f\u00fcr pour")
GIVEN = _words(
    "stand put go goes gone went vote opt settle change switch move award amend revise "
    "correct update revert side nod win crown prize victory belong lean count read treat "
    "record log register consider take mark call pass end land stay come came flip turn point "
    "quedo voto decanto bleibe entscheide opte penche"
)
"""Words with which "to B", "for B", "with B" and "as B" name a verdict."""
FAVOURS = _words(
    "favor favors favour favours support supports prefer prefers choose chooses pick picks "
    "select selects means read say says crown crowns voted votes vote"
)
"""Verbs whose object is the response that a verdict is for, whoever their subject is."""
PRIZES = _words(
    "win edge vote nod verdict victory crown preference cake award winner choice pick favorite "
    "favourite victor medal lead top meant gemeint bessere beste mejor meilleure ganadora "
    "gagnante"
)
"""What the better response gets, or is."""
EARNS = words.WINS | _words(
    "convinced convinces persuaded deserves deserved deserve earns earned gets got has takes took "
    "merits receives claims "
    "carries edges clinches steals win trumps tops bests outdoes outranks outscores eclipses "
    "dominates l'emporte gagne m\u00e9rite gana merece gewinnt verdient siegt"
)
"""How it gets it."""
LACKS = (
    words.WORSE
    | words.BAD
    | words.FAULTS
    | words.ERRORS
    | words.LOSES
    | _words(
        "longer shorter lesser error mistake fault problem issue wordier vaguer wordy verbose "
        "short long flaw runner lower low less fewer"
    )
)
"""Words of a fault, or of what is no merit."""
HANDLES = _words(
    "penalize penalise check test verify read reread compare consider review examine evaluate "
    "assess reject dismiss eliminate exclude dock rank search run ran look understand "
    "disqualify discard score mark downgrade fault criticize blame grade judge doubt weigh "
    "count avoid drop discount find found see saw try rate"
)
"""What a judge does with a response that it does not choose."""
SUBJECTS = _words(
    "both them the a an this that these those it its it's there nothing everything what which "
    "who no one each every some any neither all most only they their he she der die das la el "
    "le les los"
)
SELF = JUDGES | _words("ich wir je yo nous me mir")
"""The judge, in some languages."""
MARKS = (
    words.VERDICT
    | words.BETTER
    | words.ANSWER
    | _words(
        "recommendation recommended tiebreak tiebreaker bottom line changed change switch "
        "switched new final revised vote read mean try attempt take"
    )
)
"""Words before a colon and a verdict."""
NEARLY = words.CONCEDES | _words(
    "if unless had whether wenn si where might may could tempting tempted nearly almost about "
    "initial first preliminary tentative earlier former"
)
"""Words before a response by which something is only supposed, granted, or not yet said."""
CHOSEN = _words("win won chosen preferred picked selected first winner shown sent delivered used")
AWARDS = _words(
    "owe like rank ranked place placed give gave given giving award awarded rate rated hand "
    "handed score scored"
)
PEOPLE = _words("people reader readers user users someone somebody others anyone")
"""Others than the judge, who may choose as they like."""
OTHERS = _words("some many who one would")
"""Words before a choice that is not the judge's, or not made."""
THOUGHT = _words(
    "reading look closer mind hindsight retrospect reflection thought fact truth reality case me "
    "record"
)
"""Words behind "on" or "in" that are no respect in which something is so."""
AGREES = words.TURNS | _words("also too well both although though while")
"""Words by which a praise is only granted."""
AWARDED = PRIZES | _words("higher first better highest best ahead above more")
CLEFT = _words("that who which qui que")
CHOOSES = (
    "\u9009", "\u662f", "\u4e3a", "\u62e9", "\u6b22", "\u6295", "\u7ed9",
)  # fmt: skip
"""How Chinese words end behind which a chosen response stands."""
BEST = (
    "\u66f4\u597d", "\u66f4\u4f18", "\u66f4\u4f73", "\u6700\u597d", "\u624d\u662f", "\u80dc",
    "\u8d62", "\u66f4\u5408\u9002",
)  # fmt: skip
"""How those begin that stand behind the best one."""
MEANT = _words("write wrote type say choose pick select mean want intend support endorse")
REFUSED = frozenset((("instead", "of"), ("rather", "than"), ("anything", "but")))
RIGHT = _words("right correct richtig korrekt correcta correcto correcte")

"""Detect opposites: "did" does not answer "did not", and "largest" does not answer "smallest"."""

from __future__ import annotations

import re

from rag.language.questions import Form, asks_reason, form
from rag.language.words import content_terms, fold, terms

# Words that make a question negative. In "Washington's no to sharing", "no" is a noun.
_ASKS_NOT = re.compile(
    r"\b(?:not|never|none|nobody|nothing|neither|nor|cannot|unable|except)\b|n't\b"
    r"|(?<!'s )(?<!\ba )(?<!\bthe )\bno\b(?! longer\b)"
    r"|\b(?:refus|fail|declin)\w* to\b|\b(?:den(?:y|ied|ies)|reject\w*|refus\w*|lack\w*)\b"
)
# Words that can answer a negative question: denials, and words that imply one.
_DENIES = re.compile(
    r"\b(?:not|never|none|nobody|nothing|neither|nor|without|cannot|unable|no|except|only|instead|rather|but|yet|hardly"
    r"|barely|rarely|seldom|few|little|against|former|formerly|until|unlike|apart|zero"
    r"|(?:refus|fail|reject|lack|avoid|prevent|stop|halt|bann?|forb|oppos|miss|declin|exclud|withdr|prohibit|dismiss|block"
    r"|veto|snub|resist|disput|abandon|cancel|scrap|suspend|abstain|absen|insignifican|incomp|incap|inab|impossib|illeg"
    r"|den(?:y|ied|ies|ial))\w*"
    r"|(?:turn|rul|vot)\w* (?:\w+ )?(?:down|out|against)"
    r"|un(?!i(?:on|t|vers|que|form|son)|der|til|less|anim|cle)\w{4,}|non-\w+|dis(?:agree|allow|approv|like|continu)\w*)\b|n't\b"
)
# Words that mean no by themselves.
_DENIED = re.compile(
    r"\b(?:not|never|none|nobody|nothing|neither|nor|without|cannot|unable|no|only|negative|(?:refus|fail|reject|declin|lack)\w*"
    r"|den(?:y|ied|ies))\b|n't\b"
)
_VOTED = re.compile(r"\b(?:vot|ballot)\w*\b(?: [\w'’-]+){0,5}? (for|in favou?r of|against)\b(?! \d)")
_NEGATED = re.compile(
    r"\b(?:(?<!than )(?<!or )not(?! (?:only|just|merely)\b)|no(?! (?:less|fewer|later|sooner)\b)|never|none|neither|nor"
    r"|without|cannot|unable|negative|fail\w*)\b|n't\b"
)

# Pairs that exclude each other. Pairs that can describe the same event are left out: a sale has a buyer, what ends has
# begun, and "how old" is asked about the young too.
_OPPOSITES = (
    ("increase rise rose risen grow grew grown raise climb jump expand growth gain", "decrease fall fell fallen drop"
     " decline shrink reduce reduction lose loss cut"),
    ("largest biggest greatest highest maximum", "smallest lowest minimum tiniest"),
    ("larger bigger greater higher", "smaller lower"),
    ("most", "least fewest"),
    ("longest longer", "shortest shorter"),
    ("fastest faster", "slowest slower"),
    ("oldest older", "youngest younger newest latest"),
    ("earliest", "latest newest"),
    ("best better", "worst worse"),
    ("strongest stronger strong", "weakest weaker weak"),
    ("richest richer rich", "poorest poorer poor"),
    ("cheapest cheaper cheap", "dearest expensive"),
    ("accept agree approve support allow permit", "refuse reject oppose deny forbid ban prohibit disagree"),
    ("praise", "criticise criticize blame condemn"),
    ("keep kept continue retain maintain", "stop scrap abandon abolish cancel halt"),
    ("accelerate acceleration", "decelerate deceleration"),
    ("northern north", "southern south"),
    ("eastern east", "western west"),
    ("male men man boys", "female women woman girls"),
    ("public", "private"),
    ("internal domestic", "external foreign"),
    ("local regional", "global worldwide"),
    ("urban", "rural"),
    ("majority", "minority"),
    ("include", "exclude"),
    ("unite", "divide"),
    ("easy simple", "difficult complex"),
    ("possible", "impossible"),
    ("legal", "illegal"),
    ("import", "export"),
    ("current", "former"),
    ("push", "pull"),
    ("paternal", "maternal"),
    ("wide wider widest", "narrow narrower narrowest"),
    ("safe safer safest", "dangerous"),
    ("guilty", "innocent"),
    ("temporary", "permanent"),
    ("voluntary", "compulsory mandatory"),
    ("peaceful", "violent"),
    ("success successful", "failure unsuccessful"),
)  # fmt: skip
_SIDES = tuple(
    (frozenset(terms(one)), frozenset(terms(other))) for pair in _OPPOSITES for one, other in (pair, pair[::-1])
)
_UNDOING = ("un", "in", "im", "ir", "il", "dis", "non", "mis")  # important, unimportant
# Words that only look like another word (of four or more letters) with such a prefix: import and port, impact and pact.
_NOT_UNDONE = frozenset(
    terms(
        "impact impart implant implicate import impound impress imprint improve immigrate immigrant immigration"
        " inclusion incorporate increase indict indoor infect inflame inflate inform information inhabit inland"
        " inscribe insight inspire install instate institute intense intent intention intern invent invention invest"
        " investment involve discharge disclose discount discovery discuss disgrace dismiss dispatch display distant"
        " distress district disturb mission mistress illuminate uneven disposition discourse mischief unrest dissent"
        " undead disappoint indirect unearth indifferent untitled uneasy imprison impair discard dismount unanimous"
        " undrafted discriminate discrimination undoubtedly inward dissolution inorganic inscription injury distribute"
        " distribution intend inverse impulse disclosure improvise incentive dissolve instance insurgent distract"
        " impending unveil insect influx disseminate disguise induct disgust misleading unconventional uncredited"
        " unbearable disregard disband irresistible unfortunately inhuman unconstitutional misconduct unprecedented"
        " unmistakable income"
    )
)
# A question about the smallest needs a superlative in the answer, or one of these words.
_SUPERLATIVE = re.compile(
    r"\b(?!(?:(?:north|south|mid)?(?:west|east)|(?:dis)?honest|(?:un)?rest|interest|arrest|forest|crest|everest|tempest"
    r"|(?:con|pro|at|de|la)?test|(?:sug|di|in)gest|(?:in|har)?vest|manifest|(?:re|con|be)?quest|guest|modest|priest"
    r"|chest|nest|pest|budapest|bucharest)\b)[a-z]{3,}est\b"
)
_EXTREME = re.compile(
    r"\b(?:most|least|best|worst|record|first|last|main|mainly|chief|largely|only|top|peak\w*|never|minimum|maximum"
    r"|as (?:early|late|far|many|much|high|low) as)\b"
)
# "The third largest" is not "the largest".
_MOST = re.compile(r"\b(?:the|had|has|have|with) (?:most|least|best|worst)\b")
_RANKED = re.compile(
    r"\b(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:nd|rd|th))"
    r"[- ](?:most|least|best|worst|[a-z]{3,}est)\b"
)
# Something that was only promised, asked for or possible has not been done.
_ASKS_PAST = re.compile(r"(?:and |but |so )?(?:did|has|have|had|was|were)\b")
_MEANT = (
    r"(?:promis|pledg|vow|plan|propos|ask|demand|urg|want|hop(?:e|ing)|seek|sought|request|intend|offer|threat|wish|aim|"
    r"expect|consider|try|tried|attempt|suggest|prepar|schedul|due|set|slated|likely|suppos"
    r"|call(?:s|ed|ing)? (?:on|for))"
)
_CLAUSE = re.compile(r"[,;:](?=\s)|\b(?:while|but|although|though|whereas|and)\b")
_WHETHER = re.compile(r"\b(?:if|whether)(?: to| \w+){1,4}")
_TO_DO = re.compile(
    rf"\b(?:{_MEANT}\w*(?: [^\s,;.]+){{0,5}}? to"
    r"|(?:would|could|may|might|should|will|if|whether)(?: to)?(?: not| \w+ly)?) (\w+)"
)
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")


def contrary(question: str, stated: str) -> bool:
    """Return whether sentences are about the opposite of what a question asks, or about another year.

    They are in three cases. The question is negative and the sentences deny nothing; questions for a reason are
    excepted, because any words can give one ("the sirens stayed silent"). The question asks for a superlative and the
    sentences have none. A word of the question does not occur in them but its opposite does. Yes-or-no questions are
    never affected, because a sentence and its opposite can both answer them.

    Args:
        question: The stand-alone question.
        stated: The sentences that an answer rests on.
    """
    if form(question) is Form.YES_NO:
        return False
    wanted_years, years = set(_YEAR.findall(question)), set(_YEAR.findall(stated))
    if wanted_years and years and wanted_years.isdisjoint(years):
        return True
    asked, said = re.sub(r"^no\b", "", fold(question)), fold(stated)
    if _ASKS_NOT.search(asked):
        return not asks_reason(question) and not _DENIES.search(said)
    first = said if _RANKED.search(asked) else _RANKED.sub("", said)
    # A name is no superlative: Ernest, Budapest.
    plain = re.sub(r"(?<=\s)[A-Z][\w'’-]*", " ", question).lower()
    asks_most = _SUPERLATIVE.search(plain) or (first != said and _MOST.search(asked))
    if asks_most and not _SUPERLATIVE.search(first) and not _EXTREME.search(first):
        return True
    if _NEGATED.search(said):
        return False
    wanted, held = set(terms(question)), set(terms(stated))
    return _opposed(wanted, held) or _undone(wanted - held, held) or _voted_otherwise(asked, said)


def says_no(stated: str) -> bool:
    """Return whether words that would follow a yes mean no themselves: "tested negative for alcohol"."""
    return bool(_NEGATED.search(fold(stated)))


def denies(stated: str) -> bool:
    """Return whether sentences have a word that denies, refuses or excludes something."""
    return bool(_DENIED.search(fold(stated)))


def unsettled(question: str, stated: str) -> bool:
    """Return whether sentences leave a yes-or-no question open although they are about it.

    They do if the thing that the question asks about was only promised, asked for or possible, if it is undecided
    ("whether to appeal"), or if only the opposite is stated ("its shares fell" when asked whether they rose).

    Args:
        question: The stand-alone question.
        stated: The sentences that an answer rests on.
    """
    asked, said = fold(question), fold(stated)
    wanted, held = set(content_terms(question)), terms(said)
    if any(wanted & set(content_terms(left_open)) for left_open in _WHETHER.findall(said)):
        return not _WHETHER.search(asked)
    # In "its shares fell while the other's rose", only the clause with most of the question's words counts.
    clauses = [set(terms(clause)) for clause in _CLAUSE.split(said)]
    most = max(len(wanted & clause) for clause in clauses)
    if most and any(_opposed(wanted, clause) for clause in clauses if len(wanted & clause) == most):
        return True
    if _voted_otherwise(asked, said):
        return True
    if not _ASKS_PAST.match(asked) or re.search(rf"\b{_MEANT}", asked):
        return False
    meant = [term for word in _TO_DO.findall(said) for term in terms(word)]
    return any(term in meant and held.count(term) == meant.count(term) for term in wanted)


def _opposed(wanted: set[str], held: set[str]) -> bool:
    """Return whether a wanted word is absent but its opposite is present."""
    return any(wanted & one and not wanted & other and not held & one and held & other for one, other in _SIDES)


def _voted_otherwise(asked: str, said: str) -> bool:
    """Return whether a question is about votes on one side and the sentences only mention the other side."""
    wanted, told = ({side == "against" for side in _VOTED.findall(text)} for text in (asked, said))
    return bool(wanted and told) and wanted.isdisjoint(told)


def _undone(wanted: set[str], held: set[str]) -> bool:
    """Return whether one of the words is present with a negating prefix added or removed."""
    longer = {prefix + term for prefix in _UNDOING for term in wanted if len(term) > 3} - _NOT_UNDONE
    undone = wanted - _NOT_UNDONE
    shorter = {term.removeprefix(prefix) for prefix in _UNDOING for term in undone if term.startswith(prefix)}
    return bool((longer | {term for term in shorter - wanted if len(term) > 3}) & held)

"""Recognise questions about the articles themselves: who wrote one, when it was published, how many there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_ARTICLE = r"(?:articles?|stor(?:y|ies)|pieces?|columns?|news items?|dispatch(?:es)?)"
_ONE = r"(?:article|story|piece|column|news item|dispatch)"
_PAPER = (
    r"(?:(?:news)?papers?|publications?|magazines?|journals?|(?:news )?(?:agency|agencies|sites?|outlets?)|websites?"
    r"|publishers?|sources?)"
)
_SAID = r"(?:report(?:s|ed)?|wr(?:ote|ites?)|publish(?:es|ed)?|carr(?:y|ies|ied)|r[ua]n|cover(?:s|ed)?|print(?:s|ed)?)"
_ABOUT = r"(?:about|on|of|regarding|concerning|covering|called|titled|entitled|headlined|with the (?:title|headline))"
# What is left of "are from May 2026" when the time has been taken off.
_APPEARED = r"(?:are|were|appeared|came out|(?:are|were) (?:published|written|dated|there))"
_QUOTED = re.compile(r"[“\"'‘«](?P<title>[^”\"’»]{3,})[”\"'’»]")


class Wanted(Enum):
    """What is asked about articles.

    The last five are what they report: at some time, by one publisher, how something changed, and when; with `BY_ONE`,
    `about` is a question of its own, to be answered from one publisher's articles.
    """

    AUTHOR = "author"
    PUBLISHER = "publisher"
    DATE = "date"
    FILE = "file"
    TITLE = "title"
    COUNT = "count"
    LIST = "list"
    NEWEST = "newest"
    OLDEST = "oldest"
    EVENTS = "events"
    SAID = "said"
    BY_ONE = "by one"
    COURSE = "course"
    TIMELINE = "timeline"


@dataclass(frozen=True, slots=True)
class ArticleQuestion:
    """A question about articles.

    Args:
        wanted: What is asked.
        about: What the articles are about, or the title of one; empty for all articles.
        by: The writer or publisher named in the question; empty if there is none.
        named: Whether the question itself speaks of an article; else only one with this very title can be meant.
    """

    wanted: Wanted
    about: str = ""
    by: str = ""
    named: bool = True


# In this order; `about` and `by` are named groups.
_PATTERNS: tuple[tuple[Wanted, str], ...] = (
    (
        Wanted.AUTHOR,
        r"(?:who|which (?:journalist|reporter|writer|author|correspondent)) (?:wrote|has written|authored|penned"
        rf"|is the (?:author|writer) of) (?:the |an |a |this )?(?:{_ONE} (?:{_ABOUT} )?)(?P<about>.+)",
    ),
    (Wanted.AUTHOR, rf"(?:by whom was|who was) the {_ONE} {_ABOUT} (?P<about>.+?) (?:written|penned)(?: by)?"),
    (
        Wanted.AUTHOR,
        rf"(?:who is|what is the name of) the (?:author|writer) of the {_ONE} (?:{_ABOUT} )?(?P<about>.+)",
    ),
    (Wanted.AUTHOR, r"who (?:wrote|writes|reported) (?:about|on) (?P<about>.+) (?:in|for) (?:the )?(?P<by>.+)"),
    (
        Wanted.PUBLISHER,
        rf"(?:which|what) {_PAPER} (?:{_SAID}|has reported|was it that reported)(?: about| on| of| that)?"
        rf"(?: (?:the|an|a) {_ONE} {_ABOUT})? (?P<about>.+)",
    ),
    (
        Wanted.PUBLISHER,
        rf"(?:who|where|in (?:which|what) {_PAPER}) (?:published|printed|ran|was|did) (?:the |an? )?{_ONE} {_ABOUT} "
        r"(?P<about>.+?)(?: (?:published|printed|appear))?",
    ),
    (Wanted.PUBLISHER, rf"(?:which|what) {_PAPER} is the {_ONE} {_ABOUT} (?P<about>.+?) from"),
    (
        Wanted.DATE,
        rf"(?:when|(?:on|in) (?:which|what) (?:day|date|month|year)) (?:was|were|is) (?:the |an? )?{_ONE} "
        rf"(?:{_ABOUT} )?(?P<about>.+?) (?:published|printed|written|posted|from|dated)",
    ),
    (
        Wanted.DATE,
        rf"(?:when|(?:on|in) (?:which|what) (?:day|date)) did (?:the |an? )?{_ONE} {_ABOUT} (?P<about>.+) appear",
    ),
    (
        Wanted.DATE,
        r"(?:when|(?:on|in) (?:which|what) (?:day|date|month|year)) did (?:the )?(?P<by>.{3,40}?) (?:publish|print"
        rf"|report|write|run|carry)(?: about| on)?(?: (?:the|an|a|its) {_ONE} {_ABOUT})? (?P<about>.+)",
    ),
    (Wanted.DATE, rf"(?:what is|from when is) the (?:publication )?date of the {_ONE} {_ABOUT} (?P<about>.+)"),
    (
        Wanted.FILE,
        rf"(?:in )?(?:which|what) file (?:is|holds|has|contains|does)(?: the {_ONE} {_ABOUT})? (?P<about>.+?)(?: in)?",
    ),
    (Wanted.FILE, rf"what is the file(?: ?name)? of the {_ONE} {_ABOUT} (?P<about>.+)"),
    (Wanted.TITLE, rf"what is the (?:title|headline) of the {_ONE} {_ABOUT} (?P<about>.+)"),
    (
        Wanted.COUNT,
        rf"how many {_ARTICLE} (?:did|has) (?P<by>.+?) (?:write|written|publish(?:ed)?|report(?:ed)?)"
        r"(?: (?:about|on) (?P<about>.+))?",
    ),
    (
        Wanted.COUNT,
        rf"how many {_ARTICLE}(?: do (?:you|we) have| does the library (?:hold|have)| are in (?:the library|here)| was"
        rf"| {_APPEARED})?"
        r"(?: (?:are )?by (?P<by>[^?]+?))?(?: (?:are )?(?:about|on|mention(?:ing)?|regarding) (?P<about>.+?))?"
        r"(?: are there)?",
    ),
    (
        Wanted.LIST,
        rf"(?:which|what) {_ARTICLE} (?:did|has) (?P<by>.+?) (?:write|written|publish(?:ed)?)"
        r"(?: (?:about|on) (?P<about>.+))?",
    ),
    (Wanted.LIST, rf"(?:which|what) {_ARTICLE} (?:are |were |was |is )?(?:written )?by (?P<by>.+)"),
    (Wanted.LIST, rf"(?:which|what) {_ARTICLE} {_APPEARED}"),
    (Wanted.LIST, r"what (?:has|did) (?P<by>.+?) (?:written|write)(?: about (?P<about>.+))?"),
    (Wanted.LIST, rf"(?:which|what) {_ARTICLE} (?:are (?:there )?)?(?:about|on|mention|cover) (?P<about>.+)"),
    (
        Wanted.LIST,
        rf"(?:please )?(?:list|show(?: me)?|name|give me)(?: all| a list of)?(?: of)?(?: the| your)? {_ARTICLE}"
        r"(?: by (?!date)(?P<by>.+?))?(?: (?:about|on|that mention) (?P<about>.+))?(?: (?:sorted )?by date)?",
    ),
    (
        Wanted.NEWEST,
        rf"(?:which|what) (?:{_ONE}|of (?:the|your) {_ARTICLE}) is (?:the )?"
        r"(?:newest|latest|most recent|last)(?: one)?",
    ),
    (
        Wanted.NEWEST,
        rf"(?:what is|what's|which is|show(?: me)?|give me) (?:the|your) (?:newest|latest|most recent|last) {_ONE}"
        rf"(?: (?:{_ABOUT}|by (?P<by>.+)) ?(?P<about>.*))?",
    ),
    (
        Wanted.OLDEST,
        rf"(?:which|what) (?:{_ONE}|of (?:the|your) {_ARTICLE}) is (?:the )?(?:oldest|earliest|first)(?: one)?",
    ),
    (
        Wanted.OLDEST,
        rf"(?:what is|what's|which is|show(?: me)?|give me) (?:the|your) (?:oldest|earliest|first) {_ONE}"
        rf"(?: (?:{_ABOUT}|by (?P<by>.+)) ?(?P<about>.*))?",
    ),
    (
        Wanted.TIMELINE,
        r"(?:please )?(?:(?:give|show)(?: me)?|what is|make|draw)? ?(?:the|a)? ?timeline "
        r"(?:of|for|about|on) (?P<about>.+)",
    ),
    (
        Wanted.COURSE,
        r"how (?:has|have|had|did) (?P<about>.+?) (?:changed?|evolved?|developed?|moved?|progress(?:ed)?)"
        r"(?: over time| over the years| since then)?",
    ),
    (
        Wanted.COURSE,
        r"how (?:has|have|did) (?P<about>.+?) (?:gone up|gone down|go up|go down|risen|fallen|grown) over time",
    ),
    (
        Wanted.EVENTS,
        r"what (?:(?:has )?happened|has been happening|was happening|took place|was (?:in )?the news|is the news"
        r"|was reported|was published|is new|news is there|news was there)"
        r"(?: (?:in|to|at|with|about|around|from) (?P<about>.+))?",
    ),
    (
        Wanted.SAID,
        r"what (?:did|does|has) (?:the )?(?P<by>.+?) (?:say|said|report(?:ed)?|write|written|print(?:ed)?"
        r"|publish(?:ed)?)(?: (?:about|on|of|regarding) (?P<about>.+))?",
    ),
    (Wanted.BY_ONE, r"according to (?:the )?(?P<by>[^,?]+), (?P<about>.+)"),
    (Wanted.BY_ONE, r"(?P<about>.+?),? according to (?:the )?(?P<by>[^,?]+)"),
)
# "Who wrote X?", "When was X published?": only about an article if that is its title.
_OF_TITLE: tuple[tuple[Wanted, str], ...] = (
    (
        Wanted.AUTHOR,
        r"(?:who (?:wrote|authored)|(?:who is|what is the name of) the (?:author|writer) of) (?P<about>.+)",
    ),
    (Wanted.DATE, r"(?:when|on (?:which|what) (?:day|date)) was (?P<about>.+?) (?:published|printed|written|posted)"),
    (Wanted.PUBLISHER, r"who (?:published|printed) (?P<about>.+)"),
    (Wanted.PUBLISHER, r"where was (?P<about>.+?) (?:published|printed)"),
    (Wanted.FILE, r"(?:in )?(?:which|what) file is (?P<about>.+?)(?: in)?"),
)


def article_question(question: str) -> ArticleQuestion | None:
    """Return what a question in English asks about articles, or None if it asks about what they report."""
    asked = " ".join(question.split()).rstrip(" ?.!")
    for named, patterns in ((True, _PATTERNS), (False, _OF_TITLE)):
        for wanted, pattern in patterns:
            if match := _compiled(pattern).fullmatch(asked):
                groups = match.groupdict()
                return ArticleQuestion(wanted, _plain(groups.get("about")), _plain(groups.get("by")), named)
    return None


def quoted_title(about: str) -> str:
    """Return the title that a question gives in quotation marks, or an empty string."""
    match = _QUOTED.fullmatch(about.strip())
    return match["title"].strip(" .,") if match else ""


def _plain(words: str | None) -> str:
    return (words or "").strip(" ,.")


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)  # `re` keeps the last ones

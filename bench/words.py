"""Invented names, everyday words and sentence patterns for the generated archive.

Names are built from syllables, so they do not refer to any real person, place or company.
"""

from __future__ import annotations

import itertools
import random

_MONTHS = "January February March April May June July August September October November December".split()


def number_of(draw: random.Random) -> dict[str, str]:
    """Return random figures and a date for one sentence."""
    return {
        "count": str(draw.randint(3, 96)),
        "amount": f"{draw.randint(2, 980)}.{draw.randint(1, 9)}",
        "share": str(draw.randint(2, 79)),
        "year": str(draw.randint(1948, 2031)),
        "date": f"{draw.randint(1, 28)} {draw.choice(_MONTHS)} {draw.randint(1996, 2026)}",
        "weekday": draw.choice("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()),
    }


def _names(seed: int, count: int, first: str, middle: str, last: str) -> list[str]:
    parts = [first.split(), middle.split(), last.split()]
    every = ["".join(syllables) for syllables in itertools.product(*parts)]
    return random.Random(seed).sample(every, count)


_SURNAMES = _names(
    1, 900, "Tal Mer Bro Kes Van Dor Hul Pel Sar Wen Gri Lom Fos Ath Ner Cal Ruv Zel", "vo ri ma den sko lu tha",
    "re ssen well nik by tova rand meer lin quist",
)  # fmt: skip
_TOWNS = _names(
    2, 800, "Ash Bel Cor Dun El Fen Gar Hol Ing Kel Lun Mar Nor Os Por Que Ral Stan Thor Ulm Wes Yar",
    "e an o ing er a", "wick moor holm stead ford bury haven dale burgh mouth",
)  # fmt: skip
_FIRMS = _names(
    3, 600, "Aero Bio Cryo Dyna Eco Ferro Geo Hydro Inno Lumi Magna Novo Opti Petra Quanta Terra Velo Xeno",
    "lan vex rin tal mor zen dia", "tics works gen soft chem line mark",
)  # fmt: skip

WORDS: dict[str, list[str]] = {
    "person": _SURNAMES,
    # Facts behind a planted question have their own places; see FACTS.
    "place": _TOWNS[:400],
    "elsewhere": _TOWNS[400:],
    "company": _FIRMS,
    "role": """minister senator mayor spokesman spokeswoman professor coach surgeon engineer judge ambassador economist
        biologist teacher admiral conductor striker goalkeeper prosecutor lawyer architect farmer trader nurse captain
        commissioner curator director chairman chairwoman inspector historian geologist pilot designer""".split(),
    "body": """parliament council court ministry university hospital regulator union federation agency commission
        consortium academy museum airline railway utility cooperative bank exchange police embassy league assembly
        foundation laboratory chamber shipyard brewery theatre orchestra publisher broadcaster retailer""".split(),
    "adjective": """cautious ambitious costly unexpected temporary permanent controversial modest sweeping narrow secret
        public regional national foreign domestic rural coastal northern southern eastern western industrial digital
        medical agricultural military financial cultural historic fragile stable unpopular generous strict voluntary
        experimental renewable seasonal electric solar flooded frozen crowded remote wealthy indebted independent
        disputed ancient modern underground overnight annual monthly rare toxic organic preliminary final""".split(),
    "noun": """budget treaty strike merger verdict drought flood harvest vaccine satellite tunnel reactor pipeline
        ferry orchestra stadium festival census tariff subsidy pension mortgage loan auction patent lawsuit appeal
        inquiry referendum ceasefire embargo blockade exhibition excavation glacier reef forest orchard vineyard
        quarry refinery dam canal viaduct lighthouse cathedral library archive manuscript opera film novel poem
        tournament marathon regatta transfer penalty medal record squad clinic ward epidemic allergy transplant genome
        telescope comet asteroid rocket drone battery turbine transformer grid cable modem processor algorithm app
        password breach ransom smuggler trial parole prison curfew protest petition ballot coalition cabinet decree
        amendment quota visa passport refugee border checkpoint convoy garrison submarine frigate barracks uniform
        salary bonus dividend share bond currency inflation deficit surplus rent lease warehouse factory foundry mill
        loom cannery bakery dairy fishery herd flock swarm pesticide fertiliser seed sapling meadow marsh estuary
        aquifer reservoir sewer landfill recycling emission smog heatwave blizzard storm landslide earthquake
        eruption evacuation shelter ration kitchen school nursery curriculum exam diploma scholarship""".split(),
    "verb": """postponed approved rejected praised criticised inspected financed abandoned reopened expanded
        suspended investigated defended announced cancelled delayed completed questioned supported ignored examined
        welcomed condemned documented photographed insured auctioned restored demolished relocated privatised
        nationalised simplified tightened relaxed halved doubled reviewed revised withdrew presented
        explained""".split(),
    "reason": [
        *("falling demand", "rising wages", "bad weather", "a shortage of skilled staff", "pressure from neighbours"),
        *("an unpaid invoice", "a computer failure", "growing debts", "safety concerns", "a change of government"),
        *("new evidence", "disappointing sales", "the early winter", "a broken pump", "missing signatures"),
        *("higher interest rates", "public anger", "an anonymous complaint", "lower water levels"),
        *("competition from abroad", "a forged certificate", "the long drought", "a tip from a reader"),
    ],
    "crowd": """residents pensioners students commuters fishermen miners drivers doctors investors tourists villagers
        dockers musicians volunteers parents tenants shopkeepers scientists sailors gardeners cyclists""".split(),
}

HEADLINES = (
    "{place} {noun} {verb} as {crowd} wait",
    "{company} and {company2} differ over {adjective} {noun}",
    "What the {adjective} {noun} means for {place}",
    "How {crowd} of {place} look back at the {noun}",
)

# {place2} and the like are second words of the same kind. Two sentences of one pattern are rarely alike.
PATTERNS: tuple[str, ...] = (
    "the {adjective} {noun} in {place} was {verb} by the {body} on {weekday} after weeks of debate about {reason}",
    "{role} {person} {verb} the {adjective} {noun} and told {crowd} that the {body} had known about {reason}",
    "more than {count} thousand {crowd} signed a letter against the {noun} that {company} wants to build near {place}",
    "according to the {body}, the {noun} cost {amount} million crowns, {share} per cent above the {adjective} estimate",
    "{company} {verb} its {adjective} {noun} on {date} because of {reason}, a person close to the talks said",
    "nobody at the {body} could say why the {adjective} {noun} was missing from the report about {place}",
    "{person}, a former {role} from {place}, compared the {adjective} {noun} with the {noun2} of {year}",
    "{share} per cent of {crowd} asked by the {body} called the {noun} {adjective} and the {noun2} {adjective2}",
    "work on the {noun} between {place} and {place2} stopped for {count} days owing to {reason} and {reason2}",
    "the {body} in {place} promised {crowd} a {adjective} {noun} before the {noun2} season begins in {year}",
    "{role} {person} left {company} in {year} and founded a {body} that {verb} the {adjective} {noun}",
    "a {role2} who asked not to be named said that {person} had {verb} the {noun} without telling the {body}",
    "since {date} the {crowd} of {place} have paid {share} per cent more for the {adjective} {noun}",
    "{company} sold {count} of its {adjective} plants to {company2}, which {verb} a {noun} in {place}",
    "in {place} the {noun} is {adjective}, yet the {body} and the {body2} still argue about {reason}",
    "{person} won the {noun} by {count} points, the best result of a {role} from {place} since {year}",
    "heavy rain on {weekday} damaged a {noun}, a {noun2} and the {adjective} roof of the {body} in {place}",
    "the {role} said {reason} had nothing to do with the {noun}, but {crowd} in {place} do not believe it",
    "for {count} years {person} has studied the {adjective} {noun} and the {adjective2} {noun2} near {place}",
    "{crowd} and {crowd2} met in {place} on {date} to discuss how a {noun} could replace the {noun2}",
    "shares of {company} fell {share} per cent on {weekday} after the {body} {verb} the {adjective} {noun}",
    "it was the {adjective} {noun} of {place}, said {role} {person}, that made the {body} think again",
    "the {noun} that {company} delivered to {place} in {year} was {adjective}, {adjective2} and too late",
    "two {crowd} were hurt when a {noun} collapsed near {place}, and the {body} {verb} a {adjective} {noun2}",
    "before the {noun} {person} worked as a {role} in {place}, where {crowd} remember a {adjective} neighbour",
    "the {body} wants to lend {company} {amount} million crowns so that the {adjective} {noun} can go on",
    "without the {noun}, wrote {person} in a letter of {date}, the {crowd} of {place} would have no {noun2}",
    "{company} denied that {reason} was behind the {adjective} {noun} which the {body} {verb} in {year}",
)

# Each fact is a sentence and a question that it answers in other words. No two facts have the same place.
FACTS: tuple[tuple[str, str], ...] = (
    (
        "The harbour authority of {place} bought {count} electric tugboats from {company} for {amount} million crowns.",
        "How many battery-powered tugs did the port of {place} purchase?",
    ),
    (
        "A vault below the town hall of {place} was found to hold {count} silver coins from the year {year}.",
        "What treasure was discovered in a cellar under the city hall in {place}?",
    ),
    (
        "The tram line from {place} to the coast will be closed for {count} weeks while {company} replaces the rails.",
        "How long are streetcars between {place} and the sea out of service?",
    ),
    (
        "The oldest beekeeper of {place} counted {count} hives on the day before the first frost of {year}.",
        "How many bee colonies did the most aged apiarist in {place} have?",
    ),
    (
        "The children's hospital of {place} named its new operating theatre after {role} {person} on {date}.",
        "Whose name does the surgery room of the paediatric clinic in {place} carry?",
    ),
    (
        "A fire in the paper mill of {place} destroyed {count} rolls of newsprint that {company} had already paid for.",
        "What burned at the {place} plant that makes paper?",
    ),
    (
        "The chess club of {place} lost its {count}-year-old champion {person} to a rival team from the capital.",
        "Which player left {place}'s chess association for another side?",
    ),
    (
        "Divers off {place} raised the bell of a steamer that had sunk with a cargo of marble in {year}.",
        "What was recovered from the shipwreck near {place}?",
    ),
    (
        "The bakers of {place} agreed on {date} to sell yesterday's bread at {share} per cent of its price.",
        "What discount on stale loaves did bread makers in {place} settle on?",
    ),
    (
        "A pair of storks returned to the chimney of the old brewery in {place} for the first time since {year}.",
        "Which birds came back to nest on a smokestack at {place}?",
    ),
)

"""Questions about the opposite of what the articles say."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import make_engine

from rag.language.opposites import contrary, unsettled


@pytest.mark.parametrize(
    ("question", "stated"),
    [
        ("Which crews did not join the strike?", "The crews of the night line joined the strike on Monday."),
        ("What isn't needed to board the ferry?", "A ticket is needed to board the ferry."),
        ("Who refused to sign the letter?", "The mayor and Brandt signed the letter in March."),
        ("Which wing has never been shut?", "The north wing was shut in 1998."),
        ("Who had no say in the matter?", "The harbour board had a say in the matter."),
        ("Which is the smallest harbour of the island?", "Orrin is the largest harbour of the island."),
        ("By how much did the fares increase?", "Fares fell by a tenth in May."),
        ("Which towns lie on the southern coast?", "Vellmark and Tessin lie on the northern coast."),
        ("Why did the council oppose the bridge?", "The council supported the bridge because it brings jobs."),
        ("Who played an unimportant part in the talks?", "Ana Kovic played an important part in the talks."),
        ("Who wrote the official report?", "The unofficial report was written by two of the crew."),
        ("What did the 2002 act bring?", "The 2012 act brought a second crew."),
        ("How deep is the lake at its deepest point?", "Mud was taken from a depth of 212 metres in the lake."),
        ("Why did the city keep the night line?", "The city scrapped the night line in May."),
        ("Which town has the largest harbour?", "Orrin has the third largest harbour of the island."),
        ("Which town had the most guests?", "Orrin had 1,200 guests, the second most of the island."),
        ("Why did Brandt vote against the bridge?", "Brandt, who lives in Orrin, voted for the bridge."),
        ("Who voted for the bridge?", "Kovic and two others voted by show of hands against it."),
    ],
)
def test_contrary(question: str, stated: str) -> None:
    assert contrary(question, stated)


@pytest.mark.parametrize(
    ("question", "stated"),
    [
        ("Which crews did not join the strike?", "All crews but those of the night line joined the strike."),
        ("Which crews did not join the strike?", "The crews of the night line refused to strike."),
        ("Who had no say in the matter?", "The crews were excluded from the talks."),
        ("Who was re-elected without a rival?", "Brandt ran unopposed and was re-elected."),
        ("How did the port take the board's no?", "It was seen as an insult in the port."),
        ("Which is the largest harbour of the island?", "Orrin is the largest harbour of the island."),
        ("What did Ernest Lund build?", "Mr Lund drew the bridge and built the pier."),
        ("What is the name of the newest ferry?", "The latest ferry is the Forest Queen, the oldest the Harvest Star."),
        ("Which is the smallest harbour?", "Orrin is the largest harbour, Saltwing the smallest."),
        ("By how much did the fares increase?", "The fares were raised by a tenth, after a cut last year."),
        ("Why did the council oppose the bridge?", "The council could not support the bridge because of its cost."),
        ("What is the highest price of a ticket?", "A ticket cost at most 12 crowns."),
        ("Which price was the highest?", "Prices peaked in May at 12 crowns."),
        ("Who shows the most interest in the north-west?", "The mayor shows an interest in the north-west."),
        ("How old is the captain?", "The captain is the youngest on the line, at 31."),
        ("Who sold the museum?", "The city bought the museum from Ana Kovic."),
        ("When does the night line end?", "The night line starts at ten and runs until two."),
        ("What did the 2002 act bring?", "The act brought a second crew."),
        ("Which town has the third largest harbour?", "Orrin has the third largest harbour of the island."),
        ("Which town has the largest harbour?", "Orrin has the second largest harbour, Tessin the largest."),
        ("What do most guests eat?", "Most guests eat cod, the second most popular dish."),
        ("What did the 2002 act bring?", "The act of 2002 brought what the act of 1998 had promised."),
        ("How did the act change the ports?", "Since 2012 the act has kept the ports open at night."),
        ("Who voted for the bridge?", "Kovic voted against it, the others voted for it."),
        ("Who was sent off?", "The captain, booked for dissent, was shown a second card."),
        ("How many were on the jury?", "Six people sat on it, though one had an injury."),
        ("Who is the director of the interior?", "The director of the interior is Odile Brandt."),
        ("Which port does the night line leave from?", "Imports of salt come with the night line."),
        ("Which pact did the mayor sign?", "The mayor spoke of the impact of the strike and signed nothing else."),
        ("Why didn't the sirens go off?", "The sirens stayed silent: their box stands in a cellar that was flooded."),
        ("What was given to people without a house?", "People who lost their house were given cabins."),
        ("Did the mayor not sign the letter?", "The mayor signed the letter in March."),
        ("No, I meant the minister", "The minister came on Friday."),
        ("Which university in the United States took part?", "Yale University took part."),
    ],
)
def test_not_contrary(question: str, stated: str) -> None:
    assert not contrary(question, stated)


def test_what_is_not_so_is_not_said_of_what_did_happen(tmp_path: Path) -> None:
    """The union of words alone would let the sentence through: it holds every one of the question's."""
    strike = {"strike.txt": "The crews of the night line joined the strike on Monday."}
    with make_engine(tmp_path, documents=strike) as own:
        assert own.answer("Which crews joined the strike?").citations
        assert own.answer("Which crews did not join the strike?").text == "The articles do not say."


@pytest.mark.parametrize(
    ("question", "stated", "wanted"),
    [
        ("Did the captain reopen the night line?", "Brandt promised to reopen the night line.", True),
        ("Has the board closed the ferry?", "The city asked the harbour board to close the ferry.", True),
        ("Did Kovic see the mayor?", "Kovic said that she would see the mayor in May.", True),
        ("Has Kovic visited Tessin?", "Kovic is scheduled to visit Tessin in May.", True),
        ("Will the board appeal?", "The board will decide in May whether to appeal.", True),
        (
            "Did the shares of the ferry rise?",
            "Shares in the ferry fell by a tenth while those of the port rose.",
            True,
        ),
        ("Will fares rise in May?", "Another increase in May is likely, but fuel prices will fall.", False),
        ("Does the union support the deal?", "The union, which had opposed the deal, was glad.", True),
        ("Did Brandt vote for the bridge?", "Brandt voted against the bridge.", True),
        ("Did the board decide whether to appeal?", "The board decided whether to appeal in May.", False),
        ("Did the captain promise to reopen the night line?", "Brandt promised to reopen the night line.", False),
        ("Has the board closed the ferry?", "The board, which was asked to close the ferry, closed it.", False),
        ("Will the captain reopen the night line?", "Brandt promised to reopen the night line.", False),
        ("Did the mayor sign the letter?", "The mayor signed the letter and promised to resign.", False),
    ],
)
def test_unsettled(question: str, stated: str, wanted: bool) -> None:
    assert unsettled(question, stated) is wanted

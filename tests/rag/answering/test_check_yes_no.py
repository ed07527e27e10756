"""Yes, no and times: what a sentence must say for them, and when it is given itself."""

from __future__ import annotations

import dataclasses

from verdicts import checked, evidence_of

from rag import Span


def test_yes_is_not_said_to_what_is_only_promised() -> None:
    text = "The mayor promised to close the camps in spring."
    found = checked("Did the mayor close the camps?", "Yes, the mayor closed the camps", evidence_of(text), text)
    assert found.text == f"{text} [1]"
    asked = "Did the mayor agree to close the camps?"
    assert checked(asked, "Yes, the mayor", evidence_of(text), text).abstained


def test_yes_that_repeats_the_question_needs_all_of_it() -> None:
    text = "The mayor met the crews a day after the board had sent a letter on the camps."
    shown = evidence_of(text)
    assert checked("Did the mayor burn the letter of the board on the camps?", "Yes, the mayor", shown, text).abstained
    assert checked("Was a letter used?", "Yes, a letter was used", shown, text).text == "Yes, a letter was used [1]"


def test_yes_to_what_was_at_a_time_is_given_as_its_sentence_where_that_does_not_say_when() -> None:
    text = "The bow was crushed, but the boat stayed afloat. It had struck the pier."
    shown = evidence_of(text)
    asked = "Did the boat stay afloat after it hit the pier?"
    assert (
        checked(asked, "Yes, stayed afloat", shown, text).text == "The bow was crushed, but the boat stayed afloat. [1]"
    )
    assert checked("Did the boat stay afloat?", "Yes, stayed afloat", shown, text).text == "Yes, stayed afloat [1]"
    assert checked("Did the crew stay afloat after it hit the pier?", "Yes, stayed afloat", shown, text).abstained


def test_time_that_is_told_by_itself_is_given_as_its_sentence() -> None:
    text = "The mayor met the crews a day after the board had sent a letter."
    found = checked(
        "When did the board send the letter?", "a day after the board had sent a letter", evidence_of(text), text
    )
    assert found.text == f"{text} [1]"


def test_no_is_given_with_what_makes_it_one() -> None:
    text = "The mayor met the crews only after the board had resigned."
    found = checked(
        "Did the mayor meet the crews before the board resigned?",
        "No, the mayor met the crews",
        evidence_of(text),
        text,
    )
    assert found.text == f"No: {text} [1]"
    bare = "The mayor met the crews after the board had resigned."
    assert checked("Did the mayor meet the crews?", "No, the mayor", evidence_of(bare), bare).abstained


def test_yes_is_about_whom_the_passage_names() -> None:
    text = "Brandt promised the crews a ship.\n\nRead more: Cod\n\nKovic spoke of the harbour."
    shown = evidence_of(text)
    brandt = dataclasses.replace(shown[0], passage=Span(0, shown[0].end))
    assert checked("Did Kovic promise the crews a ship?", "Yes, promised the crews a ship", [brandt], text).abstained
    assert not checked("Did Brandt promise the crews a ship?", "Yes, promised a ship", [brandt], text).abstained

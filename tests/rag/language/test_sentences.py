"""Sentences by the rules of their language: no quote ends at an abbreviation, and none runs into the next sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.sentences import split_sentences

# Each text is given as its sentences; | stands between them.
TEXTS = {
    "en": [
        "The shop is open from 3 to 9 p.m. Monday through Thursday, from 1 to 10 p.m. Friday and Saturday.|The robbery "
        "took place at about 3:15 p.m. Dec. 22 when a man entered.|Rep. David Kern, R-W. Va., visited the border.|No "
        "checks were made from 10:30 p.m. Aug. 9 to 6:30 a.m. the following day.",
        "The firm Harlan Inc. Berlin said it sold approx. 4.5 million units vs. 3.9 million a year ago.|Prof. em. Ute "
        "Brandt of St. Mary's moved to No. 10 Hill St. on Jan. 5.|Gov. J. R. Moss met Lt. Col. Ana Ruiz at 9 a.m. in "
        'Ft. Worth.|"We cannot pay," Moss said.|"Not now."|He flew to Washington, D.C.|The talks went on.',
        "The train leaves at 5 p.m.|It was full.|Doors open at 7 a.m. EST on Sunday.",
        "Sen. Joe Hart, D-Calif., met Gen. Mark A. Lee in Charleston, W. Va. on Feb. 3.|The U.S. Senate voted.",
        "the train left at five .|nobody saw it .",  # text without capitals
        "that is better than to state approx. gross income.|nobody does.",
        "It cost $4.5 million.|Was it worth it?|Yes!|He left... and came back.",
    ],
    "de": [
        "Die Regeln gelten z. B. für Fahrräder, d. h. auch am 3. Oktober, sagte Dr. Anna Weiß.|Ca. 400 Menschen kamen, "
        "u. a. Prof. Dr. Kurt Lenz.",
        "Anträge können ab dem 1. September gestellt werden.|Im 19. Jahrhundert war das bzw. vor dem 1. Weltkrieg "
        "anders.|Er wohnt in der Hauptstr. 5.|Das war 1998.|Danach zog er weg.",
        "Das Angebot steht bundesweit ca. 10 Mio. Versicherten offen.|Es fehlen 3 Mrd. Euro und 50 Tsd. Betten.",
        "Die Täter kamen durch ein Fenster im 2. Stock.|Der FC St. Pauli gewann gegen den 1. FC Köln.",
    ],
    "es": [
        "La Sra. Gómez dijo que las pérdidas llegan a 1,5 millones.|El Dr. Ruiz habló a las 9 a. m. en la Av. Central.",
        "El alcalde, D. Ramón Estévez, pidió paciencia.|EE. UU. calló.|Ud. debe pagar aprox. 30 euros.|¿Cuándo?",
    ],
    "fr": [
        "Mme Lacombe et le Dr. Petit ont parlé, p. ex. des écrans.|Le pont est fermé depuis le 1er févr. 2024.",
        "« Les sacs étaient trop lourds », explique-t-elle.|MM. Roche et J.-P. Martin sont partis (cf. p. 4).",
    ],
    "it": ["Il dott. Rossi arriva alle 9.|L'art. 5 è chiaro.|Il prof. Verdi ecc. sono partiti."],
    "nl": ["Dhr. Jansen en mevr. de Vries kwamen o.a. op 3 mei.|Het kost ca. 5 mln. euro."],
    "pl": ["Prof. Jan Kowalski mówił m.in. o tym.|W 2020 r. było ok. 5 tys. osób.|To dużo."],
    "pt": ["O Sr. Silva e a Dra. Costa falaram às 9h.|Custa aprox. 5 euros.|A Av. Central está fechada."],
    "cs": ["Dne 3. května přišlo cca. 50 lidí, např. Ing. Novák.|Bylo to hezké."],
    "hi": ["डॉ. राम शर्मा ने कहा कि लागत 4.5 करोड़ है।|क्यों?|कोई नहीं जानता।"],
    "ar": ["وقال المتحدث باسم الميناء د. كريم المنصوري إن تسع سفن تنتظر.|هل سيفتح الميناء؟|نعم."],
    "zh": ["图书馆共有藏书四十二万册。|为什么？|没有人知道！|他说：“我们明天走。”|大家都笑了。"],
    "ja": ["費用は四百万ユーロだ。|「行きましょう。」と彼は言った。|なぜ？|誰も知らない！"],
}


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in TEXTS.items() for text in texts])
def test_sentences_of_a_language(language: str, text: str) -> None:
    wanted = text.split("|")
    joined = ("" if language in ("zh", "ja") else " ").join(wanted)
    assert [piece.strip() for piece in split_sentences(joined, language)] == wanted


def test_a_line_ends_a_sentence_whatever_comes_next() -> None:
    pieces = split_sentences("He came at 9 p.m.\n\nMonday was quiet.", "en")
    assert [piece.strip() for piece in pieces if piece.strip()] == ["He came at 9 p.m.", "Monday was quiet."]


def test_a_text_of_abbreviations_alone_is_not_one_sentence() -> None:
    pieces = split_sentences("R-W. Dr. approx. 5 " * 2000, "en")
    assert max(map(len, pieces)) < 2200


@pytest.mark.parametrize("language", ["", "en", "de", "fr", "zh", "ja", "ar", "th", "xx"])
@given(text=st.text(max_size=80))
def test_no_character_is_lost(language: str, text: str) -> None:
    assert "".join(split_sentences(text, language)) == text

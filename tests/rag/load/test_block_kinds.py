"""Sentences, list items and rows that the rules for headlines, headings and furniture must leave in the article."""

from __future__ import annotations

import pytest
from split_texts import texts

from rag.load.files import make_document
from rag.load.passages import sentences, split

FIRST, LAST = "The town council met about the cod on Tuesday.", "Nobody objected to the ban on night fishing."


def evidence(text: str, title: str = "") -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, title)]


@pytest.mark.parametrize(
    "lead",
    [
        "Lisboa have this morning paid the £71.6million fee to the league to secure the record signing of the keeper "
        "Kepa Arrano",
        "The mayor of Tessin told reporters on Monday that the old bridge would be rebuilt within two years and that",
        "More than three hundred people had to leave their houses in the lower town when the river rose on Friday",
        "Der Stadtrat von Tessin hat am Montag beschlossen, die alte Brücke bis zum Frühjahr für vier Millionen Euro "
        "neu zu bauen",
        "市議会は月曜日に古い橋を建て替えることを決めたと市長が記者会見で明らかにし工事は五月に始まる",
        "市议会周一决定以四百万欧元重建老港口大桥工程将于五月开始市长克恩周二在新闻发布会上对记者表示",
    ],
)
def test_a_lead_without_a_full_stop_is_no_headline(lead: str) -> None:
    assert evidence(f"{lead}\n\n{LAST}") == [lead, LAST]


@pytest.mark.parametrize(
    "lead",
    [
        "Tessin rebuilds its bridge for four million euros, the mayor said on Monday",
        "The council voted on Monday to rebuild the bridge",
        "A trawler sank off Tessin in the night to Monday",
        "Two people died and five were hurt in the crash",
        "市議会は月曜日に古い橋を建て替えることを決めた",
        "- Work on the bridge begins in May",
        "1. Work on the bridge begins in May",
    ],
)
def test_a_first_line_beside_the_title_is_a_lead(lead: str) -> None:
    said = lead.removeprefix("- ").removeprefix("1. ")
    assert evidence(f"{lead}\n\n{LAST}", title="Harbour news of this week") == [said, LAST]
    document = make_document(f"{lead}\n\n{LAST}", "a.html", title="Harbour news of this week")
    assert split(document)[0].start == len(lead) - len(said)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("Tessin rebuilds its bridge", "Tessin rebuilds its bridge"),
        ("Tessin rebuilds its bridge", "Tessin rebuilds its bridge | Harbour Post"),
        ("# Tessin rebuilds its bridge", "Tessin rebuilds its bridge"),
        ("TESSIN REBUILDS ITS BRIDGE AT LAST", "Tessin rebuilds its bridge at last"),
        ("Tessin rebuilds its bridge", ""),
        ("Tessin Rebuilds Its Old Harbour Bridge", "The bridge of Tessin"),
        ("橋の再建", ""),
        ("市议会决定重建大桥", "市议会决定重建大桥"),
    ],
)
def test_a_headline_is_left_to_the_title(line: str, title: str) -> None:
    assert evidence(f"{line}\n\n{LAST}", title) == [LAST]


@pytest.mark.parametrize(
    "line",
    [
        "市議会は月曜日に古い橋を建て替えることを決めた",
        "費用は四百万ユーロで、工事は五月に始まる予定だという",
        "橋は昨年の冬から閉鎖されている",
        "市议会周一决定重建旧港口大桥",
        "门票价格为十二欧元，市长克恩说",
        "工程将于五月开始并持续两年",
        "สภาเมืองลงมติเมื่อวันจันทร์ให้สร้างสะพานเก่าขึ้นใหม่",
        "ค่าเข้าชมสิบสองยูโร นายกเทศมนตรีกล่าว",
        "งานจะเริ่มในเดือนพฤษภาคมและใช้เวลาสองปี",
        "ສະພາເມືອງຕັດສິນໃຈສ້າງຂົວເກົ່າຄືນໃໝ່ໃນວັນຈັນ",
        "ក្រុមប្រឹក្សាបានសម្រេចសាងសង់ស្ពានចាស់ឡើងវិញ",
    ],
)
def test_lines_of_scripts_without_spaces_are_prose(line: str) -> None:
    assert line in texts(f"{FIRST}\n\n{line}\n\n{LAST}")


@pytest.mark.parametrize("line", ["背景", "事故の原因", "工程费用", "今後の予定", "เบื้องหลัง", "ความเป็นมา"])
def test_headings_of_scripts_without_spaces_stay_out(line: str) -> None:
    assert texts(f"{FIRST}\n\n{line}\n\n{LAST}") == [FIRST, LAST]


@pytest.mark.parametrize(
    "line",
    [
        "What happens next",
        "A new approach",
        "Background",
        "## The long way home",
        "Why it matters",
        "New Approach Offers Regional, Border Infrastructures",
        "Lopez Obrador Extends Delayed Congratulations to Biden",
        "The Mayor of Tessin at the Gate",
        "Mayor Says Bridge Will Open in the Spring",
        "Biden-Lopez Obrador Meeting was 'Cordial'",
        "Hintergrund",
        "Les suites de l'affaire",
    ],
)
def test_subheads_stay_out(line: str) -> None:
    assert texts(f"{FIRST}\n\n{line}\n\n{LAST}") == [FIRST, LAST]


@pytest.mark.parametrize(
    "line",
    [
        "This has freed the £38million move of Theo Courtier to Madrid",
        "Ibarra beat Quist in Saltmarsh by far",
        "Ibarra beat Quist in Saltmarsh",
        "Senator Poe won in Tessin City",
        "He was in New York",
        "Ada Kern told Omar Saleh and Hugo Brandl about Tessin",
        "Frau Kern traf Herrn Brandl am Montag in Tessin",
        "Also: tickets cost 12 euros, said the mayor.",
        "Updated: The bridge will open in June, the council said.",
        "Source: the river rises in the hills above Tessin.",
        "More: the ferry stops on 8 May after ninety years.",
        "By Christmas Eve, 40 houses had burnt down.",
        "By New Year, the bridge had been rebuilt.",
        "By Labor Day, all the boats were back in the harbour.",
        "Senator Poe (R) won in Tessin.",
        "The limit on the road is 60 [miles/hour]",
        "Anyone who saw the boat should say what he or she knows [and/or heard]",
        "Photo: Mayor Kern opens the rebuilt bridge of Tessin on 9 May.",
    ],
)
def test_sentences_are_not_lost_to_furniture(line: str) -> None:
    assert line in texts(f"{FIRST}\n\n{line}\n\n{LAST}")


@pytest.mark.parametrize(
    "items",
    [
        ["- Tickets cost 12 euros", "- Children swim free"],
        ["* Tickets", "* Towels"],
        ["• Northgate: 4,112", "• Saltmarsh: 5,340"],
        ["1. Clean out the kitchen", "2. Sweep the yard"],
        ["1) Flour", "2) Milk"],
        ["a) Flour", "b) Milk"],
        ["Northgate 4,112", "Saltmarsh 5,340", "Old Town 6,001"],
        ["Ada Kern", "Hugo Brandl", "Omar Saleh"],
        ["Northgate | 4,112", "Saltmarsh | 5,340"],
        ["District: Northgate; Votes: 4,112", "District: Saltmarsh; Votes: 5,340"],
        ["桥梁", "渡轮", "市场"],
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_list_items_and_rows_are_content(items: list[str], gap: str) -> None:
    found = texts(gap.join([FIRST, *items]) + f"\n\n{LAST}")
    for item in items:
        said = item.split(" ", 1)[1] if item[0] in "-*•" or item[1] in ".)" else item
        assert any(said in sentence for sentence in found), item
    assert not any(sentence.startswith(("- ", "* ", "• ")) for sentence in found)


def test_a_list_of_two_needs_an_introduction() -> None:
    assert texts("The candidates are:\n\nAda Kern\n\nHugo Brandl\n\nBoth are from Tessin.") == [
        "The candidates are:",
        "Ada Kern",
        "Hugo Brandl",
        "Both are from Tessin.",
    ]
    assert texts("They met in May.\n\nAda Kern\n\nHugo Brandl\n\nBoth left.") == ["They met in May.", "Both left."]


@pytest.mark.parametrize("nothing", ["...", "___", "* * *", "1.", "—", "***", "• • •", "2024", "[…]", "1-0", "§ 3"])
def test_what_has_no_letter_is_no_sentence(nothing: str) -> None:
    found = texts(f"Rescue in Tessin\n\nThe girl was found. {nothing} The police said so.\n\n{nothing}\n\n{LAST}")
    assert nothing not in found
    assert "The girl was found." in found[0] and found[-1] == LAST
    assert all(any(c.isalpha() for c in sentence) for sentence in found)


def test_a_numbered_line_is_one_sentence() -> None:
    text = "Rescue in Tessin\n\nThe girl was found. ... The police said so.\n\n1. Clean out the kitchen\n\nIt is done."
    assert texts(text) == ["The girl was found.", "The police said so.", "Clean out the kitchen", "It is done."]


@pytest.mark.parametrize(
    "line",
    [
        "Valley Courier, 14 March 2024",
        "14 March 2024",
        "Tuesday, March 14, 2024",
        "Talbote – 14. März 2024",
        "The Harbour Post | 2024-03-14",
    ],
)
def test_a_date_line_below_the_title_is_no_sentence(line: str) -> None:
    text = f"Well opens\n\n{line}\n\nThe well of Tessin was opened by the mayor on Monday."
    assert evidence(text) == ["The well of Tessin was opened by the mayor on Monday."]


@pytest.mark.parametrize("line", ["The well was opened on 14 March 2024.", "Opened in 1901, closed on 14 March 2024."])
def test_a_sentence_with_a_date_is_prose(line: str) -> None:
    text = f"Well opens\n\n{line}\n\nThe well of Tessin was opened by the mayor on Monday."
    assert evidence(text)[0] == line

"""Articles with dates, writers and publishers, for tests of what is answered by them."""

from __future__ import annotations


def article(text: str, title: str = "", date: str = "", author: str = "", publisher: str = "") -> str:
    """Return a Markdown file with these details."""
    details = {"title": title, "date": date, "author": author, "source": publisher}
    lines = [f'{key}: "{value}"' for key, value in details.items() if value]
    return "\n".join(["---", *lines, "---", text, ""])


ARTICLES = {
    "dam_2022.md": article(
        "The Lorn dam holds 40 million cubic metres of water. The engineer of the dam, Piet Aas, asked for a new gate.",
        "Lorn dam filled",
        "2022-04-03",
        "Nell Frost",
        "Lorn Times",
    ),
    "dam_2024.md": article(
        "The Lorn dam holds 55 million cubic metres of water. The engineer of the dam, Rita Moe, asked for a new road.",
        "Lorn dam raised",
        "2024-08-12",
        "Nell Frost",
        "Lorn Times",
    ),
    "fire.md": article(
        "The paper mill in Oster burned down last night and 30 families lost their homes. "
        "A loaf of bread costs 3 crowns.",
        "Mill burns",
        "2023-11-05",
        "Abel Tan",
        "The Oster Mail",
    ),
    "after_fire.md": article(
        "After the fire the mill in Oster will be built again for 9 million crowns. A loaf of bread costs 4 crowns.",
        "Oster rebuilds",
        "2024-02-20",
        "",
        "The Oster Mail",
    ),
    "strike_a.md": article(
        "The teachers of Brill ended their strike after 12 days, their union said.",
        "Teachers back",
        "2025-05-06",
        "Uma Rey",
        "Brill Voice",
    ),
    "strike_b.md": article(
        "In Brill the strike of the teachers ended after 14 days; 1,200 pupils returned to school.",
        "Schools open",
        "2025-05-06T21:00:00+09:00",
        "Cy Dorn",
        "Daily Post",
    ),
    "she.md": article(
        "She has painted 412 windows. She will move to a house by the sea in spring.",
        "Glass painter Ilka Vreth turns ninety",
        "2025-01-15",
        "Uma Rey",
        "Brill Voice",
    ),
    "undated.md": article("The lighthouse of Quern has a red lamp. It was built by monks.", "Lamp of Quern"),
}

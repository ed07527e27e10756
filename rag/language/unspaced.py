"""Find the terms of scripts that write no spaces between words (Chinese, Japanese, Thai) or glue particles on (Korean).

As in most search engines, the terms are overlapping pieces of two characters, three for the scripts of South-East Asia.
They need no dictionary, so a name that no dictionary has is found as well.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import stopwordsiso

# Han, kana and Hangul; half-width kana become full-width ones.
EAST = (
    "\u3005-\u3007\u3040-\u30ff\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003fffd"
)
# Thai, Lao, Burmese and Khmer.
SOUTH_EAST = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3\u17dd"

_SAME_SCRIPT = re.compile(
    "[\u3040-\u309f]+"  # hiragana
    "|[\u30a0-\u30ff\u31f0-\u31ff]+"  # katakana
    "|[\u3131-\u318e\uac00-\ud7a3]+"  # Hangul
    f"|[{SOUTH_EAST}]+"
    "|[^\u3040-\u30ff\u31f0-\u31ff\u3131-\u318e\uac00-\ud7a3]+"  # Han
)
_HIRAGANA = re.compile("[\u3040-\u309f]+")
_IN_SOUTH_EAST = re.compile(f"[{SOUTH_EAST}]")
# The Chinese characters of the list of function words that stand alone; most others in it are parts of words as well.
# Longer ones that ask: how long, which year, when, what is called.
_ASKING = "多长时间 多长 哪一年 哪年 什么时候 什麼時候 叫什么 名字 いつ どこ だれ なぜ"
_ALONE = "的了吗呢吧谁哪是有在多几何怎嗎誰們们幾"


@lru_cache(maxsize=65536)
def pieces(run: str) -> tuple[str, ...]:
    """Return every term of a run of such characters, in order: its pieces, and each East Asian character."""
    found: dict[str, None] = {}
    for part in _SAME_SCRIPT.findall(unicodedata.normalize("NFKC", run)):
        found.update(dict.fromkeys(_cut(part)))
        if not _IN_SOUTH_EAST.match(part):
            found.update(dict.fromkeys(part))
    return tuple(found)


@lru_cache(maxsize=65536)
def content_pieces(run: str) -> tuple[str, ...]:
    """Return the pieces that carry content: none of function words, and none of hiragana alone."""
    found: dict[str, None] = {}
    for stretch in _function_words().split(unicodedata.normalize("NFKC", run)):
        for part in _SAME_SCRIPT.findall(stretch):
            if not _HIRAGANA.fullmatch(part):
                found.update(dict.fromkeys(_cut(part)))
    everything = set(pieces(run))  # a cut can leave less than a piece
    return tuple(piece for piece in found if piece in everything)


def _cut(part: str) -> list[str]:
    size = 3 if _IN_SOUTH_EAST.match(part) else 2
    return [part[n : n + size] for n in range(max(1, len(part) - size + 1))]


@cache
def _function_words() -> re.Pattern[str]:
    east = {word for word in stopwordsiso.stopwords("zh") if len(word) > 1} | {*_ALONE, *_ASKING.split()}
    south = {word for word in stopwordsiso.stopwords("th") if len(word) > 2}
    longest = sorted(east | south, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, longest)))

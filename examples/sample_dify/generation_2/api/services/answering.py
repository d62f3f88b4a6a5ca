# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the passage of the notes that answers a question best.

Passages are ranked by BM25 (Robertson and Zaragoza, 2009) over their words and their note's title. No model and no network:
the same notes give the same answer on every platform.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Iterable

_SATURATION, _LENGTH_WEIGHT = 1.5, 0.75
_WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
_COMMON = frozenset(
    "a an and are as at be by can do does for from how i in is it its of on or that the this to was what when where which "
    "who why will with you your 的 了 是 吗 呢 么 什 在 和".split()
)
_ENDINGS = ("ing", "ed", "es", "s")


@dataclass(frozen=True)
class Passage:
    """A sentence, and the title of the note that it stands in."""

    title: str
    text: str


def find_answer(question: str, notes: Iterable[tuple[str, str]]) -> Passage | None:
    """The best passage of ``notes`` (title and text each), or None when no word of the question is in any of them.

    Of equally good passages the first one wins.
    """
    passages = [Passage(title, sentence) for title, text in notes for sentence in sentences(text)]
    bags = [Counter(words(f"{passage.title} {passage.text}")) for passage in passages]
    wanted = set(words(question))
    best, best_score = None, 0.0
    mean_length = sum(bag.total() for bag in bags) / len(bags) if bags else 0.0
    holding = {word: sum(word in bag for bag in bags) for word in wanted}
    for passage, bag in zip(passages, bags):
        score = sum(_score(bag, word, holding[word], len(bags), mean_length) for word in sorted(wanted))
        if score > best_score:
            best, best_score = passage, score
    return best


def _score(bag: Counter[str], word: str, holding: int, passages: int, mean_length: float) -> float:
    frequency = bag[word]
    if not frequency:
        return 0.0
    rarity = math.log(1 + (passages - holding + 0.5) / (holding + 0.5))
    length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * bag.total() / mean_length
    return rarity * frequency * (_SATURATION + 1) / (frequency + _SATURATION * length)


def sentences(text: str) -> list[str]:
    """The sentences of a text, in Latin or Chinese script, without line breaks."""
    return [" ".join(part.split()) for part in _SENTENCE_END.split(text) if part and part.strip()]


def words(text: str) -> list[str]:
    """Words without their endings, and single Chinese characters, common ones left out."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _COMMON]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word

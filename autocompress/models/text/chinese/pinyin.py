"""Pinyin of words, and the initials and finals that the symbol table has for it."""

import re
from dataclasses import dataclass
from typing import Any

from autocompress.models.text.chinese.words import Word


@dataclass(frozen=True)
class Syllable:
    """One character's reading: pinyin without tone (ü written v) and its tone, 5 for neutral."""

    pinyin: str
    tone: int


# What pypinyin's dictionaries leave open or read in an older way; chosen as upstream's corrections have them.
CORRECTIONS = {
    "地壳": "di4 qiao4",
    "哪吒": "ne2 zha1",
    "说服": "shuo1 fu2",
    "口吃": "kou3 chi1",
    "包扎": "bao1 za1",
    "差不多": "cha4 bu5 duo1",
    "鸭绿江": "ya1 lu4 jiang1",
    "嚷嚷": "rang1 rang5",
    "嘚瑟": "de4 se5",
    "朝鲜": "chao2 xian3",
    "阿房宫": "e1 pang2 gong1",
    "阿胶": "e1 jiao1",
    "咖喱": "ga1 li5",
    "时分": "shi2 fen1",
    "驯服": "xun4 fu2",
    "扎实": "zha1 shi2",
    "干将": "gan4 jiang4",
    "中标": "zhong4 biao1",
    "果脯": "guo3 fu3",
    "肉脯": "rou4 fu3",
    "品行": "pin3 xing2",
    "恶行": "e4 xing2",
    "手里": "shou2 li3",
    "唉": "ai4",
}
# Characters whose reading alone follows from the part of speech that jieba gives them.
BY_PART_OF_SPEECH = {("地", "uv"): "de5", ("得", "ud"): "de5", ("为", "p"): "wei4", ("长", "v"): "zhang3"}
# Interjections that have no syllable of the table; the nearest one that upstream's speakers would say.
SUBSTITUTES = {"n": "en", "ng": "en", "m": "mu", "hm": "hen", "hng": "heng", "ê": "ei"}

_ZERO_INITIALS = {"a": "AA", "e": "EE", "o": "OO"}
_FINALS_AFTER_Y = {"an": "En", "e": "E", "u": "v", "uan": "van", "ue": "ve", "un": "vn"}
_PARTS = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-z]+)")


def read_words(words: list[Word]) -> list[list[Syllable | None]]:
    """The syllables of each word, in the context of the others; None for a character that has no reading."""
    from pypinyin import Style, lazy_pinyin

    texts = [word.text for word in words]
    flat = lazy_pinyin(texts, style=Style.TONE3, neutral_tone_with_five=True, errors=_each)
    readings = iter(flat)
    return [_correct(word, [_syllable(next(readings)) for _ in word.text]) for word in words]


def _each(unread: str) -> Any:
    """pypinyin hands over what it cannot read in one piece and wants one answer a character."""
    return list(unread)


def _correct(word: Word, syllables: list[Syllable | None]) -> list[Syllable | None]:
    known = CORRECTIONS.get(word.text) or BY_PART_OF_SPEECH.get((word.text, word.part))
    return [_syllable(reading) for reading in known.split()] if known else syllables


def _syllable(reading: str) -> Syllable | None:
    match = re.fullmatch(r"([a-zêü]+)([1-5])", reading)
    if match is None:
        return None
    pinyin = match[1].replace("ü", "v")
    return Syllable(SUBSTITUTES.get(pinyin, pinyin), int(match[2]))


def to_symbols(syllable: Syllable) -> tuple[str, str]:
    """Initial and final as the opencpop table has them: zhuang → zh uang, yuan → y van, ai → AA ai."""
    match = _PARTS.fullmatch(syllable.pinyin)
    assert match is not None, syllable
    initial, final = match.groups()
    if not initial:
        return _ZERO_INITIALS[final[0]], f"{final}{syllable.tone}"
    return initial, f"{_final_after(initial, final)}{syllable.tone}"


def _final_after(initial: str, final: str) -> str:
    if final == "i":
        return {"z": "i0", "c": "i0", "s": "i0", "zh": "ir", "ch": "ir", "sh": "ir", "r": "ir"}.get(
            initial, "i"
        )
    if initial == "y":
        return _FINALS_AFTER_Y.get(final, final)
    if initial in "jqx" and final.startswith("u"):
        return "v" + final[1:]
    return final

"""Tone changes inside a word: 不, 一, neutral tones, third tones and erhua.

The rules are PaddleSpeech's, as upstream's ``text/tone_sandhi.py`` and ``text/chinese2.py`` apply them.
"""

from functools import cache
from pathlib import Path

from autocompress.models.text.chinese.words import Word, first_subword

NEUTRAL = 5
_LIST = Path(__file__).parents[1] / "data" / "neutral_tone_words.txt"
_words = str.split
_NEVER_NEUTRAL = frozenset(
    _words(
        "男子 女子 分子 原子 量子 莲子 石子 瓜子 电子 人人 虎虎 幺幺 干嘛 学子 哈哈 数数 袅袅 局地 以下 "
        "娃哈哈 花花草草 留得 耕地 想想 熙熙 攘攘 卵子 死死 冉冉 恳恳 佼佼 吵吵 打打 考考 整整 莘莘 落地 "
        "算子 家家户户 青青"
    )
)
_PARTICLES = "吧呢哈啊呐噻嘛吖嗨哦哒额滴哩哟喽啰耶喔诶的地得"
_ALWAYS_ERHUA = frozenset(_words("小院儿 胡同儿 范儿 老汉儿 撒欢儿 寻老礼儿 妥妥儿 媳妇儿"))
_NEVER_ERHUA = frozenset(
    _words(
        "虐儿 为儿 护儿 瞒儿 救儿 替儿 有儿 一儿 我儿 俺儿 妻儿 拐儿 聋儿 乞儿 患儿 幼儿 孤儿 婴儿 婴幼儿 "
        "连体儿 脑瘫儿 流浪儿 体弱儿 混血儿 蜜雪儿 舫儿 祖儿 美儿 应采儿 可儿 侄儿 孙儿 侄孙儿 女儿 男儿 "
        "红孩儿 花儿 虫儿 马儿 鸟儿 猪儿 猫儿 狗儿 少儿"
    )
)


def change_tones(word: Word, tones: list[int]) -> list[int]:
    """The tones that the characters of ``word`` are spoken with."""
    text = word.text
    tones = _change_bu(text, list(tones))
    tones = _change_yi(text, tones)
    tones = _neutralise(word, tones)
    tones = _change_third(text, tones)
    return _change_er(word, tones)


def _change_bu(text: str, tones: list[int]) -> list[int]:
    """不 is neutral in 看不懂 and rises before a fourth tone, as in 不怕."""
    if len(text) == 3 and text[1] == "不":
        return [tones[0], NEUTRAL, tones[2]]
    return [
        2 if char == "不" and tones[i + 1 : i + 2] == [4] else tone
        for i, (char, tone) in enumerate(zip(text, tones, strict=True))
    ]


def _change_yi(text: str, tones: list[int]) -> list[int]:
    """一 keeps its tone in numbers and ordinals, is neutral in 看一看, rises in 一段 and falls in 一天."""
    if all(char.isnumeric() for char in text):
        return tones
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        return [tones[0], NEUTRAL, tones[2]]
    if text.startswith("第一"):
        return [tones[0], 1, *tones[2:]]
    changed = list(tones)
    for i in range(len(text) - 1):
        if text[i] == "一" and text[i + 1] not in ",.?!":
            changed[i] = 2 if changed[i + 1] == 4 else 4
    return changed


def _neutralise(word: Word, tones: list[int]) -> list[int]:
    text = word.text
    for i in range(1, len(text)):
        if text[i] == text[i - 1] and word.part[0] in "nva" and text not in _NEVER_NEUTRAL:
            tones[i] = NEUTRAL
    position = _neutral_position(word)
    if position is not None:
        tones[position] = NEUTRAL
    head = _head_length(text)
    for start, end in ((0, head), (head, len(text))):
        if _is_listed(text[start:end]):
            tones[end - 1] = NEUTRAL
    return tones


def _neutral_position(word: Word) -> int | None:
    """Which character is unstressed by its meaning: a particle, a suffix, a direction, the measure 个."""
    text, part = word.text, word.part
    last = len(text) - 1
    measure = text.find("个")
    if text[-1] in _PARTICLES and text not in _NEVER_NEUTRAL:
        return last
    if text in ("了", "着", "过") and part in ("ul", "uz", "ug"):
        return last
    if last and text[-1] in "们子" and part in ("r", "n") and text not in _NEVER_NEUTRAL:
        return last
    if last and text[-1] in "上下里" and part in ("s", "l", "f"):
        return last
    if last and text[-1] in "来去" and text[-2] in "上下进出回过起开":
        return last
    if text == "个" or (
        measure > 0 and (text[measure - 1].isnumeric() or text[measure - 1] in "几有两半多各整每做是")
    ):
        return measure
    return last if _is_listed(text) else None


def _is_listed(text: str) -> bool:
    return bool(text) and (text in _neutral_tone_words() or text[-2:] in _neutral_tone_words())


def _change_third(text: str, tones: list[int]) -> list[int]:
    """A third tone before another rises: 老虎; in three and four characters within their halves."""
    if len(text) == 2:
        return _raise_pair(tones)
    if len(text) == 3:
        return _change_third_of_three(text, tones)
    if len(text) == 4:
        return [*_raise_pair(tones[:2]), *_raise_pair(tones[2:])]
    return tones


def _raise_pair(tones: list[int]) -> list[int]:
    return [2, 3] if tones == [3, 3] else tones


def _change_third_of_three(text: str, tones: list[int]) -> list[int]:
    """蒙古|包 → 2 2 3, 纸|老虎 → 3 2 3, 所有|人 → 2 3 2, 好|喜欢 → 2 3 5."""
    head = _head_length(text)
    if tones == [3, 3, 3]:
        return [2, 2, 3] if head == 2 else [3, 2, 3] if head == 1 else tones
    first, second = _raise_pair(tones[:head]), _raise_pair(tones[head:])
    if second and second == tones[head:] and first[-1] == 3 and second[0] == 3 and set(second) != {3}:
        first[-1] = 2
    return [*first, *second]


def _head_length(text: str) -> int:
    """Where a word falls in two at its shortest inner word."""
    inner = first_subword(text)
    return len(inner) if text.startswith(inner) else len(text) - len(inner)


def _change_er(word: Word, tones: list[int]) -> list[int]:
    """In erhua 儿 takes the tone of the character before it."""
    text = word.text
    if not text.endswith("儿"):
        return tones
    if tones[-1] == 1:
        tones[-1] = 2
    keeps = text not in _ALWAYS_ERHUA and (text in _NEVER_ERHUA or word.part in ("a", "j", "nr"))
    if not keeps and len(text) > 1 and tones[-1] in (2, NEUTRAL) and text[-2:] not in _NEVER_ERHUA:
        tones[-1] = tones[-2]
    return tones


@cache
def _neutral_tone_words() -> frozenset[str]:
    return frozenset(_LIST.read_text(encoding="utf-8").split())

"""Mandarin: numbers are spoken, tones change in context, each character knows its phonemes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocompress.models.text import symbol_table, to_phonemes
from autocompress.models.text.chinese import pinyin
from autocompress.models.text.chinese.g2p import read
from autocompress.models.text.chinese.normalize import normalize


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("2024年3月15日", "二零二四年三月十五日"),
        ("2024-03-15", "二零二四年三月十五日"),
        ("1990—1995年", "一九九零到一九九五年"),
        ("2月14日", "二月十四日"),
        ("8:30到15:05", "八点半到十五点零五分"),
        ("8:30-10:00", "八点半至十点"),
        ("气温-5℃", "气温零下五度"),
        ("涨了３．５％", "涨了百分之三点五"),
        ("3/4的人", "四分之三的人"),
        ("2个苹果和12本书", "两个苹果和十二本书"),
        ("￥128.5和$3万", "一百二十八点五元和三万美元"),
        ("电话13812345678", "电话幺三八幺二三四五六七八"),
        ("010-12345678", "零幺零,幺二三四五六七八"),
        ("1~3个", "一到三个"),
        ("5km和16GB", "五千米和十六吉字节"),
        ("共1,500字，编号007", "共一千五百字,编号零零七"),
        ("第3名", "第三名"),
        ("3+5=8", "三加五等于八"),
        ("版本1.2.3", "版本一点二点三"),
        ("《你好》“世界”！！", "你好世界!"),
        ("电脑軟體", "电脑软体"),
        ("1000000000000", "一万亿"),
    ],
)
def test_written_forms_are_spoken(written, spoken):
    assert normalize(written) == spoken


def tones(text):
    """The tone digit of each character."""
    return "".join(symbol[-1] for symbol in read(text).phonemes[1::2])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好", "23"),
        ("老虎", "23"),
        ("展览馆", "223"),
        ("不怕", "24"),
        ("不来", "42"),
        ("看不懂", "453"),
        ("看一看", "454"),
        ("一天", "41"),
        ("一段", "24"),
        ("第一名", "412"),
        ("我们", "35"),
        ("漂亮", "45"),
        ("吃吧", "15"),
        ("小院儿", "344"),
        ("女儿", "32"),
    ],
)
def test_tones_change_in_context(text, expected):
    assert tones(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("中国", "zh ong1 g uo2"),
        ("知识", "zh ir1 sh ir5"),
        ("自私", "z i04 s i01"),
        ("语言", "y v3 y En2"),
        ("学院", "x ve2 y van4"),
        ("爱鹅欧", "AA ai4 EE e2 OO ou1"),
        ("旅行", "l v3 x ing2"),
        ("银行", "y in2 h ang2"),
        ("长大", "zh ang3 d a4"),
        ("嗯", "EE en1"),
    ],
)
def test_characters_become_initials_and_finals(text, expected):
    assert " ".join(read(text).phonemes) == expected


def test_every_reading_that_pypinyin_knows_is_in_the_table():
    from pypinyin import pinyin_dict

    table = symbol_table("v1")
    common = "".join(chr(code) for code in pinyin_dict.pinyin_dict if 0x4E00 <= code <= 0x9FA5)
    pieces = [common[start : start + 100] for start in range(0, len(common), 100)]
    syllables = [
        syllable
        for word in pinyin.read_words([pinyin.Word(piece, "n") for piece in pieces])
        for syllable in word
    ]
    assert len(syllables) == len(common) > 20_000
    pairs = {pinyin.to_symbols(syllable) for syllable in syllables if syllable}
    assert {symbol for pair in pairs for symbol in pair} <= set(table.symbols)


@given(st.text(alphabet="一不了个儿好你我的们看老虎天大小院，。！2３%a 😀𠮷\n-—…", max_size=25))
@settings(max_examples=60, deadline=None)
def test_word2ph_counts_the_phonemes_of_each_character(text):
    reading = read(text)
    assert len(reading.word2ph) == len(reading.normalized)
    assert sum(reading.word2ph) == len(reading.phonemes)
    assert set(reading.word2ph) <= {1, 2}


def test_mixed_text_is_cut_where_its_language_changes():
    phonemes = to_phonemes("我喜欢iPhone 15手机，真的very good。")
    assert [(segment.language, segment.normalized) for segment in phonemes.segments] == [
        ("zh", "我喜欢"),
        ("en", "iPhone"),
        ("zh", "十五手机,真的"),
        ("en", "very good."),
    ]
    assert phonemes.segments[1].word2ph is None
    assert sum(phonemes.segments[2].word2ph) == len(phonemes.segments[2].ids)


# Read by the rule code that Genie-TTS 2.0.2 took from upstream, asking pypinyin for the same words.
AGREED = {
    "目前，广东各地已查获的走私光盘已达３００多万张。": (
        "m u4 q ian2 , g uang3 d ong1 g e4 d i5 y i3 ch a2 h uo4 d e5 z ou3 s i01 g uang1 p an2 "
        "y i3 d a2 s an1 b ai3 d uo1 w an4 zh ang1 ."
    ),
    "最小拈得鸡蛋者，也唱道“圆圆满满”。": (
        "z ui4 x iao3 n ian1 d e5 j i1 d an4 zh e3 , y E3 ch ang4 d ao4 y van2 y van2 m an2 m an3 ."
    ),
    "传统的中小学生足球赛，报名球队逾千支。": (
        "ch uan2 t ong3 d e5 zh ong1 x iao3 x ve2 sh eng5 z u2 q iu2 s ai4 , b ao4 m ing2 q iu2 d ui4 "
        "y v2 q ian1 zh ir1 ."
    ),
    "看看自己孩子所在城市是冷是热，揣测一下他们的日常生活，感觉好像也离他们近了点。": (
        "k an4 k an5 z i04 j i3 h ai2 z i05 s uo3 z ai4 ch eng2 sh ir4 sh ir4 l eng3 sh ir4 r e4 , "
        "ch uai3 c e4 y i2 x ia4 t a1 m en5 d e5 r ir4 ch ang2 sh eng1 h uo2 , "
        "g an3 j ve2 h ao3 x iang4 y E3 l i2 t a1 m en5 j in4 l e5 d ian3 ."
    ),
}


@pytest.mark.parametrize(("text", "expected"), AGREED.items())
def test_sentences_read_as_upstreams_rules_read_them(text, expected):
    assert " ".join(to_phonemes(text, "zh").symbols) == expected

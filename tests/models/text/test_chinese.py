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
    "真羡慕现在的孩子。": "zh en1 x ian4 m u4 x ian4 z ai4 d e5 h ai2 z i05 .",
}


@pytest.mark.parametrize(("text", "expected"), AGREED.items())
def test_sentences_read_as_upstreams_rules_read_them(text, expected):
    assert " ".join(to_phonemes(text, "zh").symbols) == expected

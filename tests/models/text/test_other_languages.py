"""Cantonese, Korean and Japanese, as far as their packages are installed."""

import pytest

from autocompress.models.text import to_phonemes
from autocompress.models.text.korean import jamo, numbers
from autocompress.models.text.korean.pronunciation import pronounce


def test_cantonese_is_read_with_its_own_symbols():
    pytest.importorskip("ToJyutping")
    phonemes = to_phonemes("我哋去飲茶，好唔好？", "yue")
    expected = "Yng Yo5 Yd Yei6 Yh Yeoi3 Yj Yam2 Yc Yaa4 , Yh You2 Ym Ym4 Yh You2 ?"
    assert " ".join(phonemes.symbols) == expected
    [segment] = phonemes.segments
    assert sum(segment.word2ph) == len(segment.ids)


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("국물", "궁물"),
        ("독립", "동닙"),
        ("같이", "가치"),
        ("굳히다", "구치다"),
        ("좋아요", "조아요"),
        ("좋다", "조타"),
        ("많이", "마니"),
        ("값이", "갑씨"),
        ("읽다", "익따"),
        ("신라", "실라"),
        ("꽃", "꼳"),
        ("입학", "이팍"),
        ("희망", "히망"),
        ("뚫는", "뚤른"),
        ("협력", "혐녁"),
        ("삶", "삼"),
    ],
)
def test_korean_syllables_sound_as_the_standard_says(written, heard):
    spoken = pronounce([jamo.split_syllable(char) for char in written], hardens=set())
    assert "".join(map(jamo.join_syllable, spoken)) == heard


def test_a_hard_stem_makes_the_next_consonant_tense():
    spoken = pronounce([jamo.split_syllable(char) for char in "신고"], hardens={0})
    assert "".join(map(jamo.join_syllable, spoken)) == "신꼬"


@pytest.mark.parametrize("code", [0xAC00, 0xB098, 0xD7A3])
def test_hangul_comes_apart_and_together(code):
    assert jamo.join_syllable(jamo.split_syllable(chr(code))) == chr(code)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3개", "세개"),
        ("20살", "스무살"),
        ("2024년", "이천이십사년"),
        ("12,345", "만이천삼백사십오"),
        ("010", "공일공"),
        ("0", "영"),
    ],
)
def test_korean_numbers_are_spoken(written, spoken):
    assert numbers.speak_numbers(written) == spoken


def test_korean_is_read_with_jamo():
    pytest.importorskip("mecab")
    assert "".join(to_phonemes("반갑습니다!", "ko").symbols) == "ㅂㅏㄴㄱㅏㅂㅆㅡㅁㄴㅣㄷㅏ!"


def test_japanese_is_read_with_its_pitch():
    pytest.importorskip("pyopenjtalk")
    rain, candy = to_phonemes("雨が降る。", "ja").symbols, to_phonemes("飴を食べる。", "ja").symbols
    assert rain[:4] == ("a", "]", "m", "e")
    assert candy[:4] == ("a", "[", "m", "e")
    assert not {"[", "]", "UNK"} & set(to_phonemes("雨が降る。", "ja", version="v1").symbols)

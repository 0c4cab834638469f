"""The symbol tables are upstream's, id for id."""

import hashlib

import pytest

from autocompress.errors import TextError
from autocompress.models.text import symbol_table

# Facts about upstream's tables at commit 48b1a01 (2026).
KNOWN_IDS = {
    "!": 0, ",": 1, "-": 2, ".": 3, "?": 4, "SP": 77, "SP2": 78, "SP3": 79, "UNK": 86, "_": 95, "…": 321,
}  # fmt: skip


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus"])
def test_known_symbols_have_upstreams_ids(version):
    table = symbol_table(version)
    assert dict(zip(KNOWN_IDS, table.ids(KNOWN_IDS), strict=True)) == KNOWN_IDS


def test_v1_has_322_symbols_and_later_versions_732():
    assert len(symbol_table("v1")) == 322
    assert {len(symbol_table(version)) for version in ("v2", "v2Pro", "v2ProPlus")} == {732}


def test_v2_extends_v1_by_pitch_marks_korean_and_cantonese():
    v1, v2 = symbol_table("v1").symbols, symbol_table("v2").symbols
    assert v2[:322] == v1
    assert v2[322:324] == ("[", "]")
    assert v2[324:353] == tuple(sorted("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎㄲㄸㅃㅆㅉㅏㅓㅗㅜㅡㅣㅐㅔ空停"))
    assert len(v2[353:]) == 379
    assert all(symbol[0] == "Y" for symbol in v2[353:])


def test_the_whole_table_is_upstreams():
    # SHA-256 of upstream's 732 symbols joined by newlines (text/symbols2.py).
    digest = hashlib.sha256("\n".join(symbol_table("v2").symbols).encode()).hexdigest()
    assert digest == "0771f6cd6f6201e8c2b0de921dc69cc04caf3f346c599d4a41413967d5674da7"


def test_a_symbol_outside_of_the_table_is_unknown():
    assert symbol_table("v1").ids(["Yaa1", "AH0"]) == (86, symbol_table("v1").symbols.index("AH0"))


def test_an_unknown_version_is_refused_with_the_choices():
    with pytest.raises(TextError, match="v2ProPlus"):
        symbol_table("v3")

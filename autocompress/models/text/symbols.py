"""The symbol tables of GPT-SoVITS: which id the models' embeddings give to which phoneme.

Both tables are generated from the alphabets they are made of. Version v1 is one sorted set; v2 and later
keep its ids and add Japanese pitch marks, Korean jamo and Cantonese (upstream's ``text/symbols*.py``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product

from autocompress.errors import TextError

PUNCTUATION = ("!", "?", "…", ",", ".", "-")
UNKNOWN = "UNK"
PAUSES = ("SP", "SP2", "SP3")
PAD = "_"

_words = str.split

MANDARIN_INITIALS = _words("AA EE OO b c ch d f g h j k l m n p q r s sh t w x y z zh")
MANDARIN_FINALS = _words(
    "E En a ai an ang ao e ei en eng er i i0 ia ian iang iao ie in ing iong ir iu o ong ou "
    "u ua uai uan uang ui un uo v van ve vn"
)
JAPANESE = _words(  # I and U are devoiced vowels
    "I N U a b by ch cl d dy e f g gy h hy i j k ky m my n ny o p py r ry s sh t ts u v w y z"
)
ARPABET_VOWELS = _words("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW")
ARPABET_CONSONANTS = _words("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")
ARPABET_UNSTRESSED = ["ER", "IH"]  # the only two vowels that the table also holds without a stress digit

JAPANESE_PITCH = ["[", "]"]
KOREAN = list("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎㄲㄸㅃㅆㅉㅏㅓㅗㅜㅡㅣㅐㅔ空停")
CANTONESE_INITIALS = _words("b c d f g gw h j k kw l m n ng p s t w z")
CANTONESE_FINALS = _words(
    "a aa aai aak aam aan aang aap aat aau ai ak am an ang ap at au e ei ek eng eoi eon eot g i ik im "
    "in ing ip it iu k m n o oe oek oeng oi ok on ong ot ou p t u ui uk un ung ut yu yun yut"
)
CANTONESE_TONELESS_FINALS = _words("a aa ai ak au e o oi ok on ou uk")

VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus")


@dataclass(frozen=True)
class SymbolTable:
    """An ordered alphabet; a symbol's id is its position."""

    version: str
    symbols: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._id_of

    @cached_property
    def _id_of(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols)}

    def ids(self, symbols: Iterable[str]) -> tuple[int, ...]:
        """The ids of ``symbols``; those outside of the table get the id of ``UNK``."""
        unknown = self._id_of[UNKNOWN]
        return tuple(self._id_of.get(symbol, unknown) for symbol in symbols)


def table_version(version: str) -> str:
    """``v1`` or ``v2``: the table that a model of ``version`` was trained with."""
    if version not in VERSIONS:
        raise TextError(
            f"there is no symbol table for version {version!r}. Choose one of: {', '.join(VERSIONS)}."
        )
    return "v1" if version == "v1" else "v2"


def symbol_table(version: str = "v2") -> SymbolTable:
    """The table of a model version; 322 symbols for v1, 732 for every later one."""
    return _build(table_version(version))


@cache
def _build(version: str) -> SymbolTable:
    base = sorted({PAD, *_mandarin(), *JAPANESE, *PUNCTUATION, *PAUSES, UNKNOWN, *_arpabet()})
    later = [] if version == "v1" else [*JAPANESE_PITCH, *sorted(KOREAN), *sorted(_cantonese())]
    return SymbolTable(version, (*base, *later))


def _mandarin() -> list[str]:
    return MANDARIN_INITIALS + [final + tone for final, tone in product(MANDARIN_FINALS, "12345")]


def _arpabet() -> list[str]:
    stressed = [vowel + stress for vowel, stress in product(ARPABET_VOWELS, "012")]
    return stressed + ARPABET_CONSONANTS + ARPABET_UNSTRESSED


def _cantonese() -> list[str]:
    """Each with a leading ``Y``, which keeps them apart from every other alphabet."""
    toned = {final + tone for final, tone in product(CANTONESE_FINALS, "123456")}
    return ["Y" + name for name in toned | set(CANTONESE_INITIALS) | set(CANTONESE_TONELESS_FINALS)]

"""Cantonese text → initials and finals with tones, by ToJyutping (extra ``yue``)."""

from functools import cache
from types import ModuleType

from autocompress.errors import MissingExtraError
from autocompress.models.text.chinese.normalize import is_mark, normalize
from autocompress.models.text.reading import Reading

# In upstream's order, which decides: a vowel can be the "initial", so that aan1 falls into aa and n1.
# The table has no "Yong" or "Yung", and upstream reads those as unknown.
_INITIALS = str.split(
    "aa aai aak aap aat aau ai au ap at ak a p b e ts t dz d kw k gw g f h l m ng n s y w c z j "
    "ong on ou oi ok o uk ung"
)


def read(text: str) -> Reading:
    """The phonemes of Cantonese text: two a character, one a mark."""
    normalized = normalize(text, simplify=False)
    characters: list[str] = []
    phonemes: list[str] = []
    word2ph: list[int] = []
    unreadable: list[str] = []
    for char, jyutping in _jyutping().get_jyutping_list(normalized):
        symbols = (char,) if is_mark(char) else to_symbols(jyutping.split()[0]) if jyutping else ()
        if symbols:
            characters.append(char)
            phonemes.extend(symbols)
            word2ph.append(len(symbols))
        elif not char.isspace():
            unreadable.append(char)
    return Reading("".join(characters), tuple(phonemes), tuple(word2ph), tuple(unreadable))


def to_symbols(jyutping: str) -> tuple[str, str]:
    """``"nei5"`` → Yn, Yei5; a leading Y keeps them apart from Mandarin."""
    syllable, tone = jyutping[:-1], jyutping[-1]
    initial = "ng" if syllable.startswith("nga") else next(filter(syllable.startswith, _INITIALS))
    final = syllable[len(initial) :] or initial[-1]
    return f"Y{initial}", f"Y{final}{tone}"


@cache
def _jyutping() -> ModuleType:
    try:
        import ToJyutping
    except ImportError:
        raise MissingExtraError("Speaking Cantonese", "ToJyutping", "yue") from None
    module: ModuleType = ToJyutping
    return module

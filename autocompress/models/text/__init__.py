"""Text to phoneme ids in the symbol tables of GPT-SoVITS; loads no torch."""

from autocompress.models.text.frontend import Phonemes, Segment, UnknownCharacterWarning, to_phonemes
from autocompress.models.text.sentences import finish_sentence, split_sentences
from autocompress.models.text.symbols import SymbolTable, symbol_table

__all__ = [
    "Phonemes",
    "Segment",
    "SymbolTable",
    "UnknownCharacterWarning",
    "finish_sentence",
    "split_sentences",
    "symbol_table",
    "to_phonemes",
]

"""The benchmarks' student in PyTorch says through the runtime what the exported graphs say."""

import numpy as np
import torch
from tiny_models import tiny_gpt, tiny_sovits, tiny_voice

from autocompress.bundle import Bundle
from benchmarks.student_bundle import student_bundle

TEXT = "Two rivers meet below the town."


def spoken(bundle):
    parts = list(bundle.speak(TEXT, tiny_voice().name, seed=3, language="en"))
    tokens = [int(token) for part in parts for token in part.generation.tokens]
    return tokens, np.concatenate([part.audio for part in parts])


def test_a_student_says_the_bundles_tokens_and_audio(whole_folder):
    tokens, audio = spoken(Bundle.load(whole_folder))
    own_tokens, own_audio = spoken(student_bundle(whole_folder, tiny_gpt(), tiny_sovits()))
    assert own_tokens == tokens
    np.testing.assert_allclose(own_audio, audio, atol=1e-4)  # the order of fp32 sums differs


def test_another_student_says_something_else(whole_folder):
    other = tiny_gpt()
    with torch.no_grad():
        other.ar_predict_layer.weight.neg_()
    assert (
        spoken(student_bundle(whole_folder, other, tiny_sovits()))[0] != spoken(Bundle.load(whole_folder))[0]
    )

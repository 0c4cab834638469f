"""The ablations ask of every technique only what the teacher can follow, at strengths that differ."""

from dataclasses import replace

import pytest

from autocompress.models.config import GptConfig, SovitsConfig, spectral_vocoder
from autocompress.transforms import student_configs
from autocompress.transforms.techniques import GPT_TECHNIQUES, SOVITS_TECHNIQUES
from benchmarks.ablations.strengths import points


@pytest.mark.parametrize("version", ["v2", "v2ProPlus"])
def test_every_point_is_a_candidate_that_the_teacher_can_follow(version):
    gpt, sovits = GptConfig.original(version), SovitsConfig.original(version)
    found = list(points(gpt, sovits))
    assert len({point.candidate.id for point in found}) == len(found)
    for point in found:
        changed = student_configs(gpt, sovits, point.candidate) != (gpt, sovits)
        assert changed == (not point.technique.startswith("storage."))


def test_every_technique_of_the_table_is_ablated():
    sovits = SovitsConfig.original("v2")
    sovits = replace(sovits, spare=spectral_vocoder(sovits.audio))
    found = {point.technique for point in points(GptConfig.original("v2"), sovits)}
    names = {t.name for t in (*GPT_TECHNIQUES, *SOVITS_TECHNIQUES)} - {"gpt.keep"} | {"gpt.depth"}
    prior = {
        f"sovits.prior.{encoder}.{what}"
        for encoder in ("ssl", "text", "encoder2")
        for what in ("depth", "heads", "ffn")
    }
    assert {name for name in names if not name.startswith("sovits.prior")} | prior <= found

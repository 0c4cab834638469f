"""The lighter tier: it fits the full one, or is refused with the reason."""

from dataclasses import replace

import pytest

from autocompress.errors import MalformedError
from autocompress.production.assembly import shaped_student
from autocompress.production.light_tier import export_light_tier
from autocompress.space import Candidate


def test_a_vocoder_that_takes_other_noise_is_refused(teacher, tmp_path) -> None:
    full = shaped_student(teacher, Candidate())
    light = shaped_student(teacher, Candidate({"sovits.vocoder.channels.0": 8}))
    light.sovits.config = replace(light.sovits.config, inter=2 * light.sovits.config.inter)
    with pytest.raises(MalformedError, match=r"lighter SoVITS has inter .* Choose another point"):
        export_light_tier(light, full, tmp_path)
    assert not any(tmp_path.iterdir())

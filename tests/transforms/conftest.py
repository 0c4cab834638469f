"""Tiny teachers for the transforms, and one seeded calibration batch for each half."""

from types import SimpleNamespace

import pytest
from tiny_teachers import gpt_batch, sovits_batch, tiny_gpt, tiny_sovits


@pytest.fixture(scope="session")
def teacher():
    return SimpleNamespace(gpt=tiny_gpt(), sovits=tiny_sovits())


@pytest.fixture(scope="session")
def spoken():
    return SimpleNamespace(gpt=gpt_batch(), sovits=sovits_batch())

"""A corpus of noise: small enough to train on in seconds."""

import pytest

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.training.dataset import Dataset
from tests.tiny_training import noise_dataset, tiny_gpt, tiny_sovits


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return noise_dataset()


@pytest.fixture
def gpt_config() -> GptConfig:
    return tiny_gpt()


@pytest.fixture
def sovits_config() -> SovitsConfig:
    return tiny_sovits()

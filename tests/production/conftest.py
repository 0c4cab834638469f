"""A tiny teacher and what it taught."""

import pytest

from autocompress.production.teaching import Classroom
from tests.tiny_teacher import tiny_teacher


@pytest.fixture(scope="session")
def teacher():
    return tiny_teacher()


@pytest.fixture(scope="session")
def room(teacher, tmp_path_factory) -> Classroom:
    return Classroom(teacher, "tiny", tmp_path_factory.mktemp("lessons"), list(teacher.voices.values()))


@pytest.fixture(scope="session")
def lessons(room):
    """Six utterances."""
    return room.teach(room.topics(6))

"""Genie-TTS's modules without its start-up, which asks for text models and a server."""

import importlib.util
import sys
from pathlib import Path


def without_its_front(site_packages=None) -> None:
    """Make ``genie_tts.X`` importable without running ``genie_tts/__init__.py``."""
    if "genie_tts" in sys.modules:
        return
    if site_packages is None:
        spec = importlib.util.find_spec("genie_tts")
    else:
        root = Path(site_packages) / "genie_tts"
        spec = importlib.util.spec_from_file_location(
            "genie_tts", root / "__init__.py", submodule_search_locations=[str(root)]
        )
    assert spec is not None
    sys.modules["genie_tts"] = importlib.util.module_from_spec(spec)

"""A trained model made ready to ship: two weight files, prompt tokens of every voice, checksums."""

import shutil
from pathlib import Path

import torch

from autocompress.models.audio import load_recording
from autocompress.models.checkpoint import load_sovits
from autocompress.models.content import CONTENT_RATE_HZ
from autocompress.models.reference import write_checksums
from autocompress.models.whisper_content import WhisperContent


def package_model(trained: Path, package: Path) -> None:
    """Put ``trained`` (gpt.ckpt, sovits.pth) into ``package``, which holds voices.toml and its clips.

    The prompt tokens of each voice are written beside its clip, so that the voices need no content encoder.
    """
    for name in ("gpt.ckpt", "sovits.pth"):
        shutil.copyfile(trained / name, package / f"{name}.tmp")
        (package / f"{name}.tmp").replace(package / name)
    sovits, content = load_sovits(package / "sovits.pth"), WhisperContent()
    for clip in sorted((package / "voices").glob("*.opus")):
        features = content(load_recording(clip).at_rate(CONTENT_RATE_HZ))
        tokens = sovits.extract_codes(torch.from_numpy(features)[None])[0]
        clip.with_suffix(".tokens").write_text(" ".join(str(int(token)) for token in tokens) + "\n")
    write_checksums(package)

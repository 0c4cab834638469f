"""What is measured, made once and kept in a folder.

Full-size v2 networks by the goldens' fill rule, our graphs of them, Genie-TTS in an environment of its own,
and what its converter makes of the same checkpoints.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

from genie_package import without_its_front

from autocompress.bundle import Ingredients, write_bundle
from autocompress.bundle.manifest import PREFILL, SOVITS, STEP, AudioSettings, TextSettings
from autocompress.models.checkpoint import load_gpt, load_sovits, save_gpt, save_sovits
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.goldens.rule import fill_by_rule
from autocompress.models.gpt import Gpt
from autocompress.models.onnx import export_graphs, export_step
from autocompress.models.sovits.synthesizer import Sovits

WEIGHT_SEED = 0
GENIE_VERSION, GENIE_ONNXRUNTIME = "2.0.2", "1.22.1"  # the second is what the first pins
STEP_VARIANTS = ("shared", "scatter", "concat")


def prepare_weights(folder: Path) -> tuple[Path, Path]:
    """Both networks at full size as upstream's files, with synthetic weights."""
    folder.mkdir(parents=True, exist_ok=True)
    gpt_path, sovits_path = folder / "gpt.ckpt", folder / "sovits.pth"
    if not gpt_path.is_file():
        gpt = Gpt(GptConfig.original("v2")).eval()
        fill_by_rule(gpt, WEIGHT_SEED, "model.")
        save_gpt(gpt, gpt_path)
    if not sovits_path.is_file():
        sovits = Sovits(SovitsConfig.original("v2")).eval()
        fill_by_rule(sovits, WEIGHT_SEED)
        save_sovits(sovits, sovits_path)
    return gpt_path, sovits_path


def prepare_ours(folder: Path) -> Path:
    """Our three graphs."""
    graphs = folder / "ours"
    if not all((graphs / name).is_file() for name in ("gpt_prefill.onnx", "gpt_step.onnx", "sovits.onnx")):
        gpt_path, sovits_path = prepare_weights(folder)
        export_graphs(load_gpt(gpt_path), load_sovits(sovits_path), graphs)
    return graphs


def prepare_bundle(folder: Path) -> Path:
    """Our graphs as a bundle, as users load it."""
    bundle = folder / "bundle"
    if not (bundle / "manifest.json").is_file():
        graphs, config = prepare_ours(folder), SovitsConfig.original("v2")
        roles = {"gpt_prefill.onnx": PREFILL, "gpt_step.onnx": STEP, "sovits.onnx": SOVITS}
        audio = config.audio
        write_bundle(
            Ingredients(
                files={name: (role, graphs / name) for name, role in roles.items()},
                audio=AudioSettings(
                    audio.sample_rate_hz, audio.hop, config.quantizer.codes, config.gin, config.inter
                ),
                text=TextSettings(config.version, bert=True),
            ),
            bundle,
        )
    return bundle


def prepare_step(folder: Path, cache: str) -> Path:
    """The step graph whose cache grows in this way."""
    path = folder / "ours" / ("gpt_step.onnx" if cache == "shared" else f"step_{cache}.onnx")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        export_step(load_gpt(prepare_weights(folder)[0]), path, cache=cache)
    return path


def prepare_genie_python(folder: Path) -> Path:
    """An environment with Genie-TTS; of its needs only those that its speaking half imports."""
    root = folder / "genie-env"
    python = root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.is_file():
        venv.create(root, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--no-deps", f"genie-tts=={GENIE_VERSION}"], check=True)
        needs = [f"onnxruntime=={GENIE_ONNXRUNTIME}", "onnx", "numpy", "tokenizers", "huggingface_hub"]
        subprocess.run([*install, *needs], check=True)
    return python


def prepare_genie(folder: Path) -> Path:
    """What Genie's converter makes of the checkpoints; it needs torch, so it runs in our environment."""
    graphs = folder / "genie"
    if not (graphs / "vits_fp16.bin").is_file():
        site = subprocess.run(
            [prepare_genie_python(folder), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        gpt_path, sovits_path = prepare_weights(folder)
        here = Path(__file__).resolve()
        command = [sys.executable, here, site, gpt_path.resolve(), sovits_path.resolve(), graphs.resolve()]
        subprocess.run([str(part) for part in command], check=True, cwd=folder)
    return graphs


def _convert(site_packages: str, gpt: str, sovits: str, output: str) -> None:
    without_its_front(site_packages)
    from genie_tts.Converter.v2.Converter import convert

    convert(gpt, sovits, output)
    if not (Path(output) / "vits_fp16.bin").is_file():
        raise SystemExit("Genie's converter failed; its log is above")


if __name__ == "__main__":
    _convert(*sys.argv[1:])

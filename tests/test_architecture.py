"""The shape of the package: layers, public surface, light import."""

import subprocess
import sys
from pathlib import Path

import autocompress
from autocompress import errors


def test_layers_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_every_public_name_can_be_fetched() -> None:
    for name in autocompress.__all__:
        assert getattr(autocompress, name) is not None


def test_import_loads_nothing_heavy() -> None:
    heavy = ["torch", "plotly", "optuna", "pandas", "onnxruntime", "scipy"]
    code = f"import sys, autocompress; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_error_tree_docstring_names_every_error() -> None:
    names = [n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception)]
    missing = [n for n in names if n not in (errors.__doc__ or "")]
    assert missing == []

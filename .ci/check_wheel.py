"""What an installed wheel must do: start quickly, bring its data, plan, list, and load the reference model.

python check_wheel.py            check the installed package; run it away from the sources
python check_wheel.py --extras   print the extras that the package declares
"""

import resource
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

BIN = Path(sys.executable).parent
LINE = "<80MB, <1s on Snapdragon 7 Gen3"
SLOWER = "<80MB, <2s on Snapdragon 7 Gen3"  # what a space without pruning can hold


def main() -> None:
    """Every check in turn; the first that fails ends with its output."""
    if "--extras" in sys.argv:
        print(*(metadata("autocompress").get_all("Provides-Extra") or []))
        return
    where = _output(sys.executable, "-c", "import autocompress; print(autocompress.__file__)").strip()
    assert where.startswith(str(BIN.parent)), f"the sources were imported, not the wheel: {where}"
    _within(0.3, sys.executable, "-c", "import autocompress")
    _within(0.4, str(BIN / "autocompress"), "--help")
    _within(3.0, str(BIN / "autocompress"), "plan", LINE)
    assert "snapdragon-7-gen-3" in _output(str(BIN / "autocompress"), "devices", "list")
    assert "feasible" in _output(str(BIN / "autocompress"), "plan", SLOWER, "--space", "precision-only")
    speak = (
        "import autocompress as ac; teacher = ac.load_teacher('reference'); "
        "print(len(teacher.say('Hello there.', sorted(teacher.voices)[0])))"
    )
    assert int(_output(sys.executable, "-c", speak).split()[-1]) > 1000
    print(f"wheel installed and tried: {where}")


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _within(limit_s: float, *command: str) -> None:
    """Processor time, the better of two: the first start also compiles the modules."""
    spent = min(_cpu_seconds(*command) for _ in range(3))
    print(f"{spent:.2f} s of {limit_s} s: {' '.join(command[1:])}")
    assert spent <= limit_s, f"{command} takes {spent:.2f} s, {limit_s} is the limit"


def _cpu_seconds(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _output(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()

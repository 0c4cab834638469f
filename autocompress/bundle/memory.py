"""Peak memory of loading a bundle and speaking, in a process of its own (``python -m`` this module)."""

import json
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from autocompress.errors import BundleError


@dataclass(frozen=True)
class MemoryUse:
    """Resident bytes: the most while speaking, and of the interpreter with its libraries before loading."""

    peak_bytes: int
    libraries_bytes: int

    @property
    def speaking_bytes(self) -> int:
        """What the bundle itself needs: graphs, caches and working memory."""
        return self.peak_bytes - self.libraries_bytes


def measure_memory(folder: Path, threads: int = 0) -> MemoryUse:
    """Peak memory over the reference workload, measured in a new process."""
    command = [sys.executable, "-m", "autocompress.bundle.memory", str(folder), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise BundleError(f"measuring the memory of {folder} failed: {last[0]}")
    return MemoryUse(**json.loads(done.stdout.splitlines()[-1]))


def resident_peak_bytes() -> int:
    """The most memory that this process has had; /proc knows it without what its parent had before exec."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main(folder: str, threads: str) -> None:
    from autocompress.bundle.graphs import GraphSettings
    from autocompress.bundle.runtime import Bundle
    from autocompress.bundle.workload import run_workload
    from autocompress.models.text import to_phonemes

    to_phonemes("Hello.", "en")  # its tables belong to the libraries
    before = resident_peak_bytes()
    run_workload(Bundle.load(folder, GraphSettings(int(threads))))
    print(json.dumps({"peak_bytes": resident_peak_bytes(), "libraries_bytes": before}))


if __name__ == "__main__":
    _main(*sys.argv[1:3])

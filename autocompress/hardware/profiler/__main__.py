"""``python -m autocompress.hardware.profiler``: where nothing but onnxruntime and numpy is installed."""

import argparse
from pathlib import Path

from autocompress.hardware.profiler.run import profile_machine


def main() -> None:
    """Parse the same options as ``autocompress devices profile``."""
    parser = argparse.ArgumentParser(description="Measure this machine and write its hardware profile.")
    parser.add_argument("--out", type=Path, default=Path("hardware_profiles"), help="folder for the profile")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to measure")
    parser.add_argument("--id", default="local", help="id of the device in its profile")
    given = parser.parse_args()
    path = profile_machine(
        given.out, seconds=60 * given.minutes, device_id=given.id, say=lambda text: print(text, flush=True)
    )
    print(path)


if __name__ == "__main__":
    main()

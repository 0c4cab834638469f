"""What a long benchmark is at, on stderr."""

import sys
import time


def told(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

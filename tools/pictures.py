"""``python -m tools.pictures``: makes the pictures of the README from the program itself.

Needs a screen; without one it starts itself again under a virtual one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "pictures"


def main() -> int:
    """Write every picture."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        xvfb = shutil.which("xvfb-run")
        if xvfb is None:
            print("A screen is needed, or xvfb-run (Debian: apt-get install xvfb).", file=sys.stderr)
            return 2
        command = [xvfb, "-a", "-s", "-screen 0 1920x1200x24", sys.executable, "-m", "tools.pictures"]
        return subprocess.call(command, cwd=ROOT)
    OUT.mkdir(parents=True, exist_ok=True)
    from tools.window_pictures import take

    for path in take(OUT):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""``make demo``: the sample city in a window, or, where there is no screen, as a picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def has_screen() -> bool:
    """Whether a window can be shown here."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> int:
    """Open the sample, or draw it."""
    sys.path.insert(0, str(ROOT))
    if has_screen():
        from viewer.app import main as window

        return window(["--sample"])
    from viewer.cli import run

    out = ROOT / "out" / "stadtforum-demo.png"
    out.parent.mkdir(exist_ok=True)
    language = "de" if os.environ.get("LANG", "").startswith("de") else "en"
    session = ROOT / "assets" / "sample" / f"auenstadt.{language}.stadtforum"
    code = run(["snapshot", str(session), "-o", str(out), "--size", "1920x1080"])
    if code == 0:
        print(f"There is no screen here, so the sample city was drawn into {out}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())

"""``python -m tools.sample [FOLDER]`` writes the sample city (``assets/sample`` by default)."""

import sys
from pathlib import Path

from tools.sample.make import main

main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "assets" / "sample")

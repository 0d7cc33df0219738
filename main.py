"""Start here: ``python main.py city.city.json``. Works from a checkout, with the dependencies installed."""

import multiprocessing
import sys

from viewer.app import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # helper processes of a frozen program start here too
    sys.exit(main())

"""Starts `navigator` as `python -m app`, without leaving Python's path in the current folder."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # the current folder, in which a `secrets.py` beside somebody's documents would be imported
        sys.path[0] = str(Path(__file__).resolve().parents[1])
    from app.command import main

    main()

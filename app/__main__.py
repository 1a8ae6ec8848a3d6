"""`python -m app` is `navigator`, but for what Python has read of the current folder by now."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # the current folder, in which a `secrets.py` beside somebody's documents would be imported
        sys.path[0] = str(Path(__file__).resolve().parents[1])
    from app.cli.main import main

    main()

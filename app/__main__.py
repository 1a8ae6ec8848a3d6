"""`python -m app` is `navigator`."""

from app.cli import main

if __name__ == "__main__":
    main()

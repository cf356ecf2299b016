"""``python -m tbtools``."""

from tbtools.cli import main

if __name__ == "__main__":
    main()

"""Development only: write the next revision from what the models say now.

    python -m services.migrations revision -m "what changes"

The first of all is written anew by deleting `versions/*.py` before.
"""

import argparse
import sys

from services.migrations.migrating import revision


def main() -> None:
    """Read the arguments, write the revision, print its path."""
    parser = argparse.ArgumentParser(prog="python -m services.migrations")
    commands = parser.add_subparsers(required=True)
    writing = commands.add_parser("revision", help="write the next revision from what the models say now")
    writing.add_argument("-m", "--message", required=True, help="what changes, in a few words")
    asked = parser.parse_args()
    sys.stdout.write(f"{revision(asked.message)}\n")


if __name__ == "__main__":
    main()

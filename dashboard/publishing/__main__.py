"""``python -m dashboard.publishing``: the sender alone, without what the board needs in memory."""

from __future__ import annotations

import argparse
import sys

from dashboard.errors import TianfuError
from dashboard.publishing.lease import LEASE_FOR
from dashboard.publishing.run import run_sender
from dashboard.settings import read_settings


def main(words: list[str]) -> int:
    """Run the sender; an error of the user's is one sentence and the exit code of its kind."""
    parser = argparse.ArgumentParser(prog="tianfu sender")
    parser.add_argument("--lease", type=int, default=int(LEASE_FOR.total_seconds()))
    try:
        run_sender(read_settings(), lease_s=parser.parse_args(words).lease)
    except TianfuError as error:
        sys.stderr.write(f"tianfu: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m dashboard.rules``: the rules service alone, without what the board needs in memory."""

from __future__ import annotations

import sys

from dashboard.errors import TianfuError
from dashboard.rules.run import run_rules_service
from dashboard.settings import read_settings


def main() -> int:
    """Serve until told to stop; an error of the user's is one sentence and the exit code of its kind."""
    try:
        run_rules_service(read_settings())
    except TianfuError as error:
        sys.stderr.write(f"tianfu: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How often a fault is tried, and what came of it: printed, and for a run of many kept in a file."""

import json
import os
import sys
from pathlib import Path


def repeats(few: int) -> int:
    """How often: `few` in the suite, as many times more as DUBAN_TEST_REPEATS says."""
    return few * int(os.environ.get("DUBAN_TEST_REPEATS", "1"))


def tell(fault: str, **figures: object) -> None:
    """Say what was counted, past pytest's capture; DUBAN_TEST_FIGURES names a file that collects the lines."""
    line = json.dumps({"fault": fault, **figures}, ensure_ascii=False)
    sys.stdout.write(f"{line}\n")
    if target := os.environ.get("DUBAN_TEST_FIGURES"):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

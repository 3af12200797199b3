"""A worker that does nothing but sweep, over and over, as runs of the flow would on another machine."""

import sys
import traceback

from services.db.failures import is_outage
from services.engine.sweep import sweep
from services.runtime import runtime
from services.serving.logs import configure_logging
from services.serving.signals import StopSignals
from tests.soak.simulated import Present

DEFECT = 3
"""Exit code: something failed that is no outage."""


def main() -> int:
    configure_logging("WARNING")
    present = Present.from_environ()
    with StopSignals() as signals:
        while not signals.stopped:
            try:
                sweep(runtime(), present.now())
            except Exception as problem:
                if not is_outage(problem):
                    traceback.print_exc()
                    return DEFECT
            signals.wait(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())

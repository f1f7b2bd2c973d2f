"""The command `hawkeye`, also `python -m hawkeye`."""

import signal
import sys

from hawkeye import _native


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:2] == ["calibrate"]:
        # It runs frameworks, which are Python.
        from hawkeye import calibrate

        calibrate.main(sys.argv[2:])
        return 0
    # The interpreter's handler would wait for the native code to end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["hawkeye", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

"""The entry point: `backprop` and `python -m backprop_cli`."""

import gc
import sys

from . import interrupted

GARBAGE = 100_000
"""New objects after which garbage is looked for. What loading makes is none: it lives on."""


def main() -> None:
    """Run the command line and exit with its code, quietly even when interrupted while loading."""
    gc.set_threshold(GARBAGE)
    try:
        from .app import run

        code = run()
    except BaseException as error:
        if not interrupted(error):
            raise
        code = 130
    gc.freeze()  # nor is it looked for at exit
    sys.exit(code)


if __name__ == "__main__":
    main()

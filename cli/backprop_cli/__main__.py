"""The entry point: `backprop` and `python -m backprop_cli`."""

import sys


def main() -> None:
    """Run the command line and exit with its code, quietly even when interrupted while loading."""
    try:
        from .app import run

        code = run()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()

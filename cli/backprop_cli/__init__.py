"""The command line of backprop."""

__all__ = ["__version__", "interrupted"]

__version__ = "0.1.0"


def interrupted(error: BaseException | None) -> bool:
    """Whether an error is Ctrl-C or came of it: in a class's making, Python 3.11 wraps it."""
    return isinstance(error, KeyboardInterrupt) or (
        error is not None and interrupted(error.__cause__)
    )

"""`python -m tests.benchmarks`: see the package."""

import argparse

from . import __doc__ as manual
from .report import machine, show

PARTS = ("start", "program", "rows", "arrays", "growth")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks",
        description=manual,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=PARTS, help="one of the five")
    parser.add_argument("--rounds", type=int, help="of every contestant (default: 9, 3, 7, 5)")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--markdown", action="store_true", help="tables for a README")
    asked = parser.parse_args(arguments)
    show(machine(), asked.markdown)
    if asked.only in (None, "start"):
        from . import start

        show(start.measured(asked.rounds or (3 if asked.quick else 9)), asked.markdown)
    if asked.only in (None, "program"):
        from . import program

        sizes = program.SIZES[:2] if asked.quick else program.SIZES
        for shape in program.SHAPES:
            count = asked.rounds or (1 if asked.quick else 3)
            show(program.compared(shape, count, sizes, program.LIMIT), asked.markdown)
    if asked.only in (None, "rows"):
        from . import files, rows

        size = 100_000 if asked.quick else 4_000_000
        for table in rows.measured(asked.rounds or (3 if asked.quick else 7), size):
            show(table, asked.markdown)
        for size in (100_000,) if asked.quick else (1_000_000, 10_000_000):
            show(files.measured(asked.rounds or (1 if asked.quick else 3), size), asked.markdown)
    if asked.only in (None, "arrays"):
        from . import arrays, large

        show(arrays.measured(asked.rounds or (2 if asked.quick else 5)), asked.markdown)
        show(large.measured(asked.rounds or (2 if asked.quick else 15)), asked.markdown)
    if asked.only in (None, "growth"):
        from . import growth

        for table in growth.measured(1_000 if asked.quick else growth.MANY):
            show(table, asked.markdown)


if __name__ == "__main__":
    main()

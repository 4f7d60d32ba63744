"""How fast, beside what else: `python -m tests.benchmarks`.

Five parts, with the machine and every version they were made with. `start`: one gradient from
a shell, as a whole process. `program`: one large program, from 1,000 to 1,000,000 nodes. `rows`:
one neuron at millions of points, in memory and from file to file. `arrays`: programs of a lecture's
size over vectors and matrices. `growth`: how the cost of every
command grows with the program, and with what power of its size.

    python -m tests.benchmarks                    all five, more than an hour
    python -m tests.benchmarks --quick            small sizes, some minutes
    python -m tests.benchmarks --only program     one of start, program, rows, arrays, growth
    python -m tests.benchmarks --rounds 15        more rounds, steadier medians
    python -m tests.benchmarks --markdown         as tables for a README

The peers are an extra, `pip install '.[bench]'`; one that is not installed is named as absent.
PyTorch is not in it, for a plain `torch` may bring
gigabytes of CUDA: install its CPU build, as its own site says. For a fair `start` install without `-e`: the machine's table says which it was.

On a machine that others use, too, only figures taken side by side compare. So every contestant runs
once in every round, in a shuffled order; a ratio is that of two medians of the same rounds; and no
figure is printed of a contestant whose answer was not checked. What runs on one thread is measured
in processor time, which a neighbour disturbs least.
"""

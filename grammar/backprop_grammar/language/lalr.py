"""The tables that drive the parser, which Lark makes from the grammar.

They follow from the grammar alone. So they are made once, when the package is built, and kept
beside the grammar as plain data; where they are missing, or of another grammar, Lark makes them
when they are first needed.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["GRAMMAR", "UNIT", "prepared", "tables"]

GRAMMAR = Path(__file__).with_name("grammar.lark")

UNIT = "only"
"""The method of the rules that hand on their one part, and are left out of the tables."""


@cache
def tables() -> dict[str, Any]:
    """The tables of the grammar, prepared or made now.

    rows: for every state, what to do at each symbol: go to another state, or reduce by a rule,
    where the number is negative. rules: method, size and symbol of what is reduced, to be
    indexed by that negative number. The first state is where a parse begins.
    """
    grammar = GRAMMAR.read_text(encoding="utf-8")
    try:
        stored = json.loads(GRAMMAR.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    if isinstance(stored, dict) and stored.get("grammar") == grammar:
        return stored
    return prepared(grammar)


def prepared(grammar: str) -> dict[str, Any]:
    """The tables of a grammar, made by Lark, with the grammar that they belong to."""
    from lark import Lark
    from lark.grammar import Rule

    lark = Lark(grammar, start="program", parser="lalr", lexer="basic")
    data, memo = lark.memo_serialize([Rule])
    table = data["parser"]["parser"]
    order = sorted(memo)
    rules = [
        [rule["alias"] or rule["origin"]["name"], len(rule["expansion"]), rule["origin"]["name"]]
        for rule in (memo[key] for key in order)
    ]
    rows = {
        state: {
            table["tokens"][symbol]: order.index(arg["@"]) - len(order) if reduce else arg
            for symbol, (reduce, arg) in row.items()
        }
        for state, row in table["states"].items()
    }
    end = table["end_states"]["program"]
    rows[end]["$END"] = end  # the end of the text is taken like any other word
    lead_around_units(rows, rules)
    merge_alike(rows)
    start = table["start_states"]["program"]
    return {"grammar": grammar, "rules": rules, "rows": numbered(rows, start)}


def lead_around_units(rows: dict[int, dict[str, int]], rules: list[list[Any]]) -> None:
    """Leave out the reductions by rules with one part, such as `sum: product`, which do nothing.

    Where a state goes to another at a symbol, it goes to a new one instead, which does at each
    word what is done there after all such reductions. So everything else happens in the same
    order, and the same words are refused.
    """
    units = {k - len(rules): part for k, (method, _, part) in enumerate(rules) if method == UNIT}
    for state in list(rows):
        for symbol, target in list(rows[state].items()):
            if target < 0 or symbol.isupper() or units.keys().isdisjoint(rows[target].values()):
                continue
            row: dict[str, int] = {}
            for word in rows[target]:
                here = target
                while rows[here].get(word) in units:
                    here = rows[state][units[rows[here][word]]]
                assert all(map(str.isupper, rows[here]))  # else it stays on the stack
                if word in rows[here]:
                    row[word] = rows[here][word]
            rows[state][symbol] = len(rows)
            rows[len(rows)] = row


def merge_alike(rows: dict[int, dict[str, int]]) -> None:
    """Lead to one of all states that do the same at every symbol, until no two are alike.

    What a parse does next follows from the rows of the states on its stack, not from their numbers.
    """
    while True:
        first: dict[frozenset[tuple[str, int]], int] = {}
        same = {
            state: first.setdefault(frozenset(row.items()), state) for state, row in rows.items()
        }
        if len(first) == len(rows):
            return
        for state, row in list(rows.items()):
            if same[state] != state:
                del rows[state]
            else:
                rows[state] = {k: same.get(target, target) for k, target in row.items()}


def numbered(rows: dict[int, dict[str, int]], start: int) -> list[dict[str, int]]:
    """The rows that are reached, in an order that is the same whenever they are made."""
    order = [start]
    for state in order:
        for _, target in sorted(rows[state].items()):
            if target >= 0 and target not in order:
                order.append(target)
    return [
        {
            symbol: order.index(target) if target >= 0 else target
            for symbol, target in sorted(rows[state].items())
        }
        for state in order
    ]

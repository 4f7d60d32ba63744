"""The stages of a derivative as statements of a programming language.

An expression is put together from its leaves up, so the moment it nests too deeply for a parser is
known, and what is there by then becomes a statement of its own.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...blocks.definitions import written_out
from ...blocks.matching import Search
from ...errors import BackpropError
from ...language.graph import Condition, Function, Graph
from ...language.precedence import ATOM, INFIX, POWER, SIGNED, SUM, comparison_of
from ...operations.row import Operation
from ...operations.table import ADD, CONSTANTS, IF, NEG, OPERATIONS, POW, SUB
from .careful import careful
from .doubles import Doubles, Holds, chosen, computed, decided, same
from .target import CHOICE, Branch, Fragment, Target, Test

__all__ = ["Lines", "lacks"]

NESTING, HEIGHT = 16, 100
"""Parentheses within each other, and operations within each other, that one statement may have.

C promises 63 parentheses and Python 200; a template brings up to three.
"""

WIDTH = 20
"""Conditions that one statement puts together."""

LARGEST_POWER = 64
"""The largest whole exponent that is written as one."""


class Lines:
    """Statements of a target, in the order they run.

    names: of the nodes of the tape that have one; taken: all names in use. at: numbers of variables
    by name, where there is a point. used: the functions that are called. values: by name, what the
    statements compute at the point. loss: the part in which most digits cancel there, and how much
    of its operands is left.
    """

    def __init__(
        self,
        target: Target,
        tape: Graph,
        names: dict[int, str],
        taken: set[str],
        like: str,
        at: Mapping[str, float],
    ) -> None:
        self.target, self.tape, self.names, self.taken, self.like = target, tape, names, taken, like
        self.values = {name: self.held(same(x)) for name, x in at.items()}
        self.loss = ("", 1.0)
        self.tests: set[str] = set()  # names of conditions
        self.broken: dict[str, str] = {}  # stages that have no number at the point, and why
        self.statements: list[tuple[str, str]] = []
        self.used: set[str] = set()
        self.numbers: set[str] = set()  # names of stages that are made of numbers only
        self.counts: dict[str, int] = {}
        self.search = Search(tape, [False] * len(tape))

    # statements

    def stage(self, name: str, node: int, alias: str = "", result: bool = False) -> None:
        """Append the statement of a stage, and those it needs before it."""
        fragment = self.named(alias) if alias else self.expression(node)
        if result:
            fragment = self.lifted(fragment)
        if fragment.fixed:
            self.numbers.add(name)
        self.values[name] = fragment.number
        if isinstance(fragment.number, str):
            self.broken[name] = fragment.number
        self.statements.append((name, fragment.text))

    def domain(
        self, domain: Sequence[Condition], choices: Sequence[Condition]
    ) -> tuple[str, Holds]:
        """The name of a statement that says whether there is a value; and whether it holds.

        domain: what must hold, in which region; choices: the conditions that open the regions.
        """
        inside: dict[int, list[tuple[str, Holds]]] = {}

        def condition(test: Condition) -> Test:
            sides = (self.expression(test.left), self.expression(test.right))
            return self.test(test.comparison, *sides)

        def together(region: int) -> tuple[str, Holds]:
            parts = inside.get(region, [(self.target.true, True)])
            texts = [text for text, _ in parts]
            while len(texts) > 1:
                groups = [texts[k : k + WIDTH] for k in range(0, len(texts), WIDTH)]
                texts = [self.target.both.join(f"({text})" for text in group) for group in groups]
                if len(texts) > 1:
                    texts = [self.test_named(text) for text in texts]
            return texts[0], next((holds for _, holds in parts if holds is not True), True)

        for test in domain:
            found = condition(test)
            inside.setdefault(test.region, []).append((found.text, found.holds))
        for k in range(len(choices) - 1, -1, -1):
            if inside.keys() & {2 * k + 1, 2 * k + 2}:
                (then, first), (otherwise, second) = together(2 * k + 1), together(2 * k + 2)
                found = condition(choices[k])
                text = self.target.choice.format(test=found.text, then=then, otherwise=otherwise)
                holds = {True: first, False: second}.get(found.holds, found.holds)  # type: ignore[arg-type]
                part = self.test_named(text), holds
                inside.setdefault(choices[k].region, []).append(part)
        text, holds = together(0)
        return self.test_named(text), holds

    def test_named(self, text: str) -> str:
        """The name of a condition, which becomes a statement."""
        if text in self.tests:
            return text
        name = self.fresh("inside") if "inside" in self.taken else "inside"
        self.taken.add(name)
        self.tests.add(name)
        self.statements.append((name, text))
        return name

    def live(self, needed: set[str]) -> list[tuple[str, str]]:
        """The statements from which those names are computed."""
        kept = []
        for name, text in reversed(self.statements):
            if name in needed:
                kept.append((name, text))
                needed |= set(re.findall(r"[A-Za-z_]\w*", text))
        return kept[::-1]

    def fresh(self, letter: str) -> str:
        """A name that is not in use."""
        while True:
            count = self.counts[letter] = self.counts.get(letter, 0) + 1
            if f"{letter}{count}" not in self.taken:
                self.taken.add(f"{letter}{count}")
                return f"{letter}{count}"

    def hoist(self, fragment: Fragment, branch: Branch | None) -> Fragment:
        """A name for a fragment, which becomes a statement; as lazy as the branch it stands in."""
        text = fragment.text
        if branch and self.target.lazy:
            text = f"{fragment.within(SUM)} if {self.guard(branch)} else {self.target.literal(0.0)}"
        name = self.fresh("s")
        self.statements.append((name, text))
        self.values[name] = fragment.number
        return Fragment(name, fixed=fragment.fixed, number=fragment.number)

    def cut(self, fragment: Fragment, branch: Branch | None) -> Fragment:
        """The fragment, or a name for it where it is too deep to go on."""
        deep = fragment.nesting >= NESTING or fragment.height >= HEIGHT
        return self.hoist(fragment, branch) if deep else fragment

    def short(self, fragment: Fragment, branch: Branch | None) -> Fragment:
        """The fragment if it is a name or a number, or a name for it."""
        return (
            fragment
            if fragment.binds >= SIGNED and not fragment.height
            else self.hoist(fragment, branch)
        )

    def guard(self, branch: Branch) -> str:
        """The name of what holds where a branch is evaluated."""
        chain = [branch]
        while not chain[-1].name and chain[-1].outer:
            chain.append(chain[-1].outer)
        for inner in reversed(chain):
            outer = f"{inner.outer.name} and " if inner.outer else ""
            if not inner.test.name:
                inner.test.name = self.fresh("c")
                self.statements.append((inner.test.name, outer + inner.test.text))
            if not inner.name and inner.taken:
                inner.name = inner.test.name
            elif not inner.name:
                inner.name = self.fresh("c")
                self.statements.append((inner.name, f"{outer}not {inner.test.name}"))
        return branch.name

    # expressions

    def expression(self, root: int) -> Fragment:
        """The fragment of a node, down to names and numbers, without recursion."""
        tape = self.tape
        done: list[Fragment] = []
        pending: list[int | Callable[[], None]] = [root]
        branches: list[Branch | None] = [None]

        def close(count: int, make: Callable[[list[Fragment]], Fragment]) -> Callable[[], None]:
            def step() -> None:
                operands = done[len(done) - count :]
                del done[len(done) - count :]
                done.append(self.cut(make(operands), branches[-1]))

            return step

        def choice(comparison: str, then: int, otherwise: int) -> Callable[[], None]:
            def step() -> None:
                test = self.test(comparison, *done[-2:])
                del done[-2:]
                outer = branches[-1]

                def enter(taken: bool) -> Callable[[], None]:
                    return lambda: branches.append(Branch(test, taken, outer))

                def leave() -> None:
                    branches.pop()

                end = close(2, lambda sides: self.choose(test, *sides))
                pending.extend([end, leave, otherwise, enter(False), leave, then, enter(True)])

            return step

        while pending:
            step = pending.pop()
            if not isinstance(step, int):
                step()
                continue
            operation = tape.operations[step]
            if step != root and step in self.names:
                done.append(self.named(self.names[step]))
            elif step in tape.constants:
                done.append(self.leaf(tape.constants[step]))
            elif operation.leaf:
                done.append(self.named(self.names[step]))
            elif step in tape.condition_of:
                left, right, then, otherwise = tape.operands[step]
                pending += [choice(comparison_of(tape, step), then, otherwise), right, left]
            else:
                operands, make = self.reading(operation, step, branches)
                pending += [close(len(operands), make), *reversed(operands)]
        return done.pop()

    def reading(
        self, operation: Operation, node: int, branches: list[Branch | None]
    ) -> tuple[Sequence[int], Callable[[list[Fragment]], Fragment]]:
        """The nodes that a node is written over, and what writes it over their fragments."""
        rewritten = careful(self.search, node)
        if rewritten:
            operand, function = rewritten
            return [operand], lambda fragments: self.body(function, fragments, branches[-1])
        operands = self.tape.operands[node]
        return operands, lambda fragments: self.apply(operation, fragments, branches[-1])

    def leaf(self, value: float | str) -> Fragment:
        """A number or a named constant."""
        if isinstance(value, str):
            number = same(CONSTANTS[value])
            return Fragment(self.target.constants[value], fixed=True, number=number)
        binds = SIGNED if value < 0 else ATOM
        return Fragment(
            self.target.literal(value), binds, fixed=True, number=self.held(same(value))
        )

    def named(self, name: str) -> Fragment:
        return Fragment(name, fixed=name in self.numbers, number=self.values.get(name))

    def test(self, comparison: str, left: Fragment, right: Fragment) -> Test:
        if left.fixed and right.fixed:
            left = self.lifted(left)
        text = f"{left.within(SUM)} {comparison} {right.within(SUM)}"
        nesting = max(left.nested(SUM), right.nested(SUM))
        holds = decided(left.number, right.number, comparison)
        return Test(text, nesting, left.fixed and right.fixed, holds)

    def choose(self, test: Test, then: Fragment, otherwise: Fragment) -> Fragment:
        """An `if` over its two sides."""
        then, otherwise = self.lifted(then), self.lifted(otherwise)
        how = self.target.choice
        call = how[-1] == ")"
        text = how.format(
            test=test.name or test.text,
            then=then.text if call else then.within(SUM),
            otherwise=otherwise.text,
        )
        nesting = max(test.nesting, then.nested(SUM), otherwise.nesting) + call
        height = max(then.height, otherwise.height) + 1
        number = chosen(test.holds, then.number, otherwise.number)
        return Fragment(text, ATOM if call else CHOICE, nesting, height, number=number)

    # operations

    def apply(
        self, operation: Operation, operands: list[Fragment], branch: Branch | None
    ) -> Fragment:
        """An operation over fragments."""
        if operation is NEG:
            return self.negative(operands[0])
        if operation is POW:
            return self.raised(*operands)
        if operation.symbol:
            return self.infix(operation, *operands)
        how = self.target.spelling(operation)
        if not how:
            function = written_out(operation, len(operands))
            if function is None:
                raise BackpropError("name", f"{self.target.name} has no {operation.name}")
            return self.body(function, operands, branch)
        if operation.variadic and "{1}" in how:
            while len(operands) > 1:  # a balanced tree of pairs
                pairs = [operands[k : k + 2] for k in range(0, len(operands), 2)]
                operands = [
                    self.call(how, pair, self.number(operation, pair)) if pair[1:] else pair[0]
                    for pair in pairs
                ]
            return operands[0]
        number = self.number(operation, operands)
        if "{n}" in how:  # an order, a whole number
            order, *operands = operands
            if not order.fixed or not order.text.removesuffix(".0").isdigit():
                raise BackpropError(
                    "name",
                    f"{self.target.name} has {operation.name} for a number as its order only",
                )
            how = how.replace("{n}", order.text.removesuffix(".0"))
        return self.call(how, operands, number)

    def number(self, operation: Operation, operands: Sequence[Fragment]) -> Doubles:
        """What an operation computes at the point."""
        numbers = [operand.number for operand in operands]
        bound = self.target.limits.get(operation.name)
        if bound and isinstance(bound.limit, float):
            operand = numbers[operation.operands.index(bound.operand)]
            if decided(operand, same(bound.limit), bound.relation) is False:
                return f"{self.target.name} has {operation.name} for {bound} only"
        return self.held(computed(operation, numbers, self.target.ulps))

    def held(self, number: Doubles) -> Doubles:
        """The number, if the target does not take it for 0."""
        smallest = self.target.smallest
        if isinstance(number, tuple) and any(0 < abs(x) < smallest for x in number):
            return f"{self.target.name} takes {number[0]!r} for 0"
        return number

    def call(self, how: str, operands: list[Fragment], number: Doubles) -> Fragment:
        """A call of what the target has for an operation; number: what it computes."""
        operands = [self.lifted(operand) for operand in operands]
        texts = [operand.text for operand in operands]
        listed = ", ".join(texts)
        self.used.add(how.split("(")[0])
        text = (
            how.format(*texts, list=listed, count=len(texts)) if "{" in how else f"{how}({listed})"
        )
        return Fragment(
            text,
            ATOM,
            max(operand.nesting for operand in operands) + 1,
            max(operand.height for operand in operands) + 1,
            not self.target.lift and all(operand.fixed for operand in operands),
            number,
        )

    def infix(self, operation: Operation, left: Fragment, right: Fragment) -> Fragment:
        binds, sign, first, second = INFIX[operation.name]
        text = f"{left.within(first)}{sign}{right.within(second)}"
        nesting = max(left.nested(first), right.nested(second))
        height = max(left.height, right.height) + 1
        number = self.number(operation, (left, right))
        if operation in (ADD, SUB) and isinstance(number, tuple):
            sides = [side.number[0] for side in (left, right) if isinstance(side.number, tuple)]
            size = max(map(abs, sides))
            if size and abs(number[0]) < self.loss[1] * size:
                self.loss = text, abs(number[0]) / size
        fixed = left.fixed and right.fixed
        return self.harmless(Fragment(text, binds, nesting, height, fixed, number))

    def harmless(self, fragment: Fragment) -> Fragment:
        """The fragment; nan instead of 1/0 and the like, which Python would refuse in any branch."""
        nan = self.target.constants.get("nan")
        if nan and fragment.fixed and isinstance(fragment.number, str):
            return Fragment(nan, fixed=True, number=fragment.number)
        return fragment

    def negative(self, operand: Fragment) -> Fragment:
        """The opposite; never two signs in a row, which C takes for a decrement."""
        return replace(
            operand,
            text=f"-{operand.within(POWER)}",
            binds=SIGNED,
            nesting=operand.nested(POWER),
            height=operand.height + 1,
            number=self.number(NEG, [operand]),
        )

    def raised(self, base: Fragment, exponent: Fragment) -> Fragment:
        """A power: by an operator, or a call."""
        whole = exponent.text.removesuffix(".0")
        if self.target.power and whole.isdigit() and int(whole) <= LARGEST_POWER:
            exponent = replace(exponent, text=whole)
        elif base.text == self.target.constants["e"]:  # e is no float, so a power would be off
            return self.apply(OPERATIONS["exp"], [exponent], None)
        elif how := self.target.spelling(POW):
            return self.call(how, [base, exponent], self.number(POW, (base, exponent)))
        text = f"{base.within(ATOM)}**{exponent.within(SIGNED)}"
        nesting = max(base.nested(ATOM), exponent.nested(SIGNED))
        height = max(base.height, exponent.height) + 1
        number = self.number(POW, (base, exponent))
        fixed = base.fixed and exponent.fixed
        return self.harmless(Fragment(text, POWER, nesting, height, fixed, number))

    def lifted(self, fragment: Fragment) -> Fragment:
        """What functions take: numbers may have to be made into that."""
        if not fragment.fixed or not self.target.lift:
            return fragment
        text = self.target.lift.format(fragment.text, like=self.like)
        return Fragment(text, ATOM, fragment.nesting + 1, fragment.height, number=fragment.number)

    def body(self, function: Function, operands: list[Fragment], branch: Branch | None) -> Fragment:
        """The body of a function over fragments."""
        body = function.body
        uses = Counter(k for below in body.operands for k in below)
        fragments: list[Fragment] = []
        for node, inner in enumerate(body.operations):
            below = [fragments[k] for k in body.operands[node]]
            if node < len(operands):
                fragment = operands[node] if uses[node] < 2 else self.short(operands[node], branch)
            elif inner.leaf:
                fragment = self.leaf(body.constants[node])
            elif node in body.condition_of:
                test = self.test(comparison_of(body, node), *below[:2])
                fragment = self.choose(test, *below[2:])
            else:
                fragment = self.apply(inner, below, branch)
            fragments.append(self.cut(fragment, branch))
        return fragments[body.output]


def lacks(target: Target, operation: Operation, count: int) -> bool:
    """Whether a target has no way to write an operation on so many operands."""
    if operation.symbol or operation in (NEG, IF) or target.spelling(operation):
        return False
    function = written_out(operation, count)
    if function is None:
        return True
    body = function.body
    return any(
        not inner.leaf and lacks(target, inner, len(below))
        for inner, below in zip(body.operations, body.operands, strict=True)
    )

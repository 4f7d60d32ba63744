// Both passes over plain floats, by the rules in `kernels`. A number is a pair: a float, and a bound
// on its error. Where digits cancel or a number leaves the floats, the bound tells.

const SURE = 1e-12; // of a number that is as good as eval's
const ROUNDED = 2 ** -53, NORMAL = 2 ** -1022, TINY = 2 ** -1074;
const AFAR = 1024; // times an error, to be seen beside the rounding of what it moves
const OPERATORS = new Set(["add", "sub", "mul", "div"]);

const sure = ([x, error]) => Number.isFinite(x) && error <= SURE * Math.abs(x);
const few = (x) => { const t = x * 134217729; return t - (t - x) === x; }; // at most 26 binary digits
const whole = (...xs) => xs.every((x) => Number.isInteger(x) && Math.abs(x) < 2 ** 53);

/** When a value is not rounded, by the names in the table of operations. */
const EXACT = {
  always: () => true,
  at_zero: (xs) => xs.every((x) => x === 0),
  at_one: (xs) => xs[0] === 1,
  integers: (xs, out) => whole(...xs, out),
  average: (xs, out) => whole(...xs, out),
  product: ([x, y], out) => x === 0 || y === 0 || (few(x) && few(y) && Math.abs(out) >= NORMAL),
  quotient: ([x, y], out) => x === 0 || Math.abs(y) === 1 || (whole(x, y, out) && out * y === x),
  root: ([x], out) => whole(x, out) && out * out === x,
  angle: ([y, x]) => y === 0 && x >= 0,
  power: ([x, y], out) => y === 0 || y === 1 || x === 1 || (x === 0 && y > 0) || (y > 0 && whole(x, y, out)),
};

/** What is lost below the normal floats, by a number of that size. */
const lostBelow = (size) => (size < NORMAL ? TINY : 0);

/** A decimal as it was written: exact where it has few binary digits. */
function written(x) {
  const size = Math.abs(x), exact = Number.isInteger(x * 1024) && size < 2 ** 40;
  return [x, exact ? 0 : size * ROUNDED + lostBelow(size)];
}

function plus([x, dx], [y, dy]) {
  const out = x + y, t = out - x;
  return [out, dx + dy + Math.abs(x - (out - t) + (y - t))];
}

function times([x, dx], [y, dy]) {
  const out = x * y, exact = Math.abs(x) === 1 || Math.abs(y) === 1 || EXACT.product([x, y], out);
  const size = Math.abs(out), moved = Math.abs(x) * dy + Math.abs(y) * dx + dx * dy;
  const none = (x === 0 && dx === 0) || (y === 0 && dy === 0) || (dx === 0 && dy === 0);
  return [out, (moved === 0 && !none ? TINY : moved) + (exact ? 0 : size * ROUNDED + lostBelow(size))];
}

/** Whether a result is 0 because an operand is, whatever the error of the other. */
function vanishes({ exact }, xs, errors) {
  const none = xs.map((x, i) => x === 0 && !errors[i]);
  return exact === "product" ? none.some(Boolean) : exact === "quotient" && none[0] && !none[1];
}

/** The error that an operation itself adds. */
function rounding(kernel, xs, errors, out) {
  if (vanishes(kernel, xs, errors)) return 0;
  if (EXACT[kernel.exact]?.(xs, out) && (kernel.exact === "always" || !errors.some(Boolean))) return 0;
  const all = xs.reduce((sum, x) => sum + Math.abs(x), 0), size = Math.abs(out);
  if (kernel.coarse) return (1 + size) * 2e-14 + size * 4e-15 * all;
  if (kernel.variadic) return (all + size) * (8 + xs.length) * ROUNDED + lostBelow(size);
  return size * ROUNDED * (OPERATORS.has(kernel.name) ? 1 : 8) + lostBelow(size);
}

function compare(x, comparison, y) {
  switch (comparison) {
    case "<": return x < y;
    case "<=": return x <= y;
    case ">": return x > y;
    case ">=": return x >= y;
    case "==": return x === y;
    default: return x !== y;
  }
}

/** Both passes of a program at a point: numbers by reference, and remarks where floats cannot vouch. */
function passes(program, point) {
  const { rows, operands, constants, variables, conditions, choices, regions, blocks, edges } = program;
  const numbers = []; // of the nodes; none where a branch is not taken
  const remarks = new Map();
  const remark = (kind, node) => remarks.set(`${kind} ${node}`, { kind, node });

  // the branches

  const taken = new Map([[0, true]]);
  const sides = new Map();
  function holds(k) {
    if (!sides.has(k)) {
      const [left, right, comparison] = conditions[k];
      const [[x, dx], [y, dy]] = [numbers[left], numbers[right]];
      sides.set(k, { holds: compare(x, comparison, y), close: Math.abs(x - y) <= dx + dy });
    }
    return sides.get(k).holds;
  }
  function active(region) {
    const chain = [];
    let around = region;
    for (; !taken.has(around); around = conditions[(around - 1) >> 1][3]) chain.push(around);
    let open = taken.get(around);
    for (const inner of chain.reverse()) {
      open = open && holds((inner - 1) >> 1) === (inner % 2 === 1);
      taken.set(inner, open);
    }
    return open;
  }

  // forward

  for (let node = 0; node < rows.length; node++) {
    if (!rows[node] || !active(regions[node] ?? 0)) continue;
    if (node in constants) numbers[node] = written(constants[node]);
    else if (node in variables) numbers[node] = written(point.get(variables[node]));
    else if (node in choices) {
      numbers[node] = numbers[operands[node][holds(choices[node]) ? 2 : 3]];
      if (sides.get(choices[node]).close) remark("boundary", node);
    } else numbers[node] = apply(node);
  }

  function apply(node) {
    const kernel = kernels[rows[node]], below = operands[node].map((k) => numbers[k]);
    const xs = below.map(([x]) => x), out = kernel.value(...xs) + 0;
    const beyond = kernel.inside && !kernel.inside(...xs);
    if (beyond || (Number.isNaN(out) && !xs.some(Number.isNaN))) {
      remark("domain", node);
      return [NaN, Infinity];
    }
    if (kernel.name === "add") return plus(...below);
    if (kernel.name === "sub") return plus(below[0], [-below[1][0], below[1][1]]);
    const errors = below.map(([, dx]) => dx);
    if (kernel.selects) return [out, Math.max(...below.map(([x, dx]) => (Math.abs(x - out) <= dx ? dx : 0)))];
    const moved = moves(kernel.value, xs, errors, out);
    return [out, rounding(kernel, xs, errors, out) + moved * (jumped(kernel, xs, errors, out, moved) ? AFAR : 1)];
  }

  /** Whether errors lead past a jump: so far they do not move a result that is straight between its jumps. */
  function jumped(kernel, xs, errors, out, moved) {
    if (!kernel.jumps) return false;
    const slopes = kernel.slopes.map((slope) => (typeof slope === "number" ? slope : slope.of(...xs, out)));
    return moved > 2 * errors.reduce((sum, dx, k) => sum + Math.abs(slopes[k]) * dx, 0);
  }

  /** How far errors of what a function is given move its result, up or down. */
  function moves(function_, xs, errors, out) {
    const far = (step) => {
      const distance = Math.abs(function_(...xs.map((x, i) => x + step(i))) - out) / AFAR;
      return Number.isNaN(distance) ? Infinity : distance;
    };
    const moved = (step) => Math.max(far(step), far((i) => -step(i)));
    const steps = errors.map((dx, i) => (dx ? Math.max(AFAR * dx, 2 * ROUNDED * Math.abs(xs[i])) : 0));
    if (!errors.some(Boolean)) return 0;
    if (xs.length > 8) return Math.max(...[1, -1].map((way) => moved((i) => (i % 2 ? way : 1) * steps[i])));
    return steps.reduce((sum, step, k) => (step ? sum + moved((i) => (i === k ? step : 0)) : sum), 0);
  }

  /** A local gradient by its rule: what it is, and how far the errors of what it is made of move it. */
  function sloped(kernel, place, below, result) {
    const slope = kernel.slopes[kernel.variadic ? 0 : place];
    if (typeof slope === "number") return [slope, 0];
    const of = kernel.variadic ? (...ys) => slope.of(ys[place], ...ys) : slope.of;
    const given = [...below, result], args = given.map(([x]) => x), own = of(...args) + 0;
    let error = moves(of, args, given.map(([, dx]) => dx), own);
    if (!slope.plain && !(kernel.exact === "always" && Number.isInteger(own))) {
      const xs = below.map(([x]) => x), exact = EXACT.at_zero(xs) || whole(...args, own);
      if (!exact) error += Math.abs(own) * ROUNDED * 8;
      if (kernel.coarse) error += (1 + Math.abs(own) + Math.abs(result[0])) * 2e-14;
      const beside = of(...args.map((x) => x * (1 + 1e-6))); // is 0, too, where it has vanished
      const vanished = own === 0 && !(Math.abs(beside) >= NORMAL) && (kernel.variadic || !xs.includes(0));
      if (vanished || (own && Math.abs(own) < NORMAL)) error += TINY;
    }
    return [own, error];
  }

  /** Whether a node stands on a kink, as far as that can be told. */
  function kinked(kernel, below, result) {
    const given = [...below, result];
    return (kernel.kinks ?? []).some((edge) => {
      const found = [0, 1, -1].map((side) => edge(...given.map(([x, dx]) => x + side * dx)));
      return found.some((x) => x <= 0) && found.some((x) => x >= 0);
    });
  }

  /** The local gradient at a place; none where the operand is not selected. */
  function local(node, place) {
    const kernel = kernels[rows[node]], below = operands[node].map((k) => numbers[k]);
    if (node in choices) {
      return place === (holds(choices[node]) ? 2 : 3) ? [1, 0] : null;
    }
    const result = numbers[node];
    if (kernel.selects) {
      const [out, error] = result;
      const near = operands[node].filter((k) => Math.abs(numbers[k][0] - out) <= numbers[k][1] + error);
      if (new Set(near).size > 1) remark("tie", node);
      const ties = below.filter(([x]) => x === out).length;
      return below[place][0] === out ? [1 / ties, 0] : null;
    }
    const kink = kinked(kernel, below, result);
    if (kink) remark("kink", node);
    if (kink && kernel.jumps) return [NaN, Infinity];
    const slope = sloped(kernel, place, below, result);
    if (kernel.jumps && !sure(result)) return [slope[0], Infinity];
    return kernel.routes && slope[0] === 0 && !slope[1] && !kink ? null : slope;
  }

  // backward

  function receive(received, node, number) {
    received.set(node, received.has(node) ? plus(received.get(node), number) : number);
  }

  /** The local gradients of a block, through what it hides. */
  function through(node) {
    const received = new Map([[node, [1, 0]]]);
    for (let inner = node; inner >= blocks[node]; inner--) {
      const upstream = received.get(inner);
      if (!upstream || !rows[inner] || inner in constants || inner in variables) continue;
      operands[inner].forEach((operand, place) => {
        if (!numbers[operand] || operand in constants) return;
        const slope = local(inner, place);
        if (slope) receive(received, operand, times(upstream, slope));
      });
    }
    return received;
  }

  const found = new Map(), gradients = new Map([[program.output, written(program.upstream)]]);
  for (let node = program.output; node >= 0; node--) {
    const upstream = gradients.get(node);
    if (!upstream || !(node in edges)) continue;
    const inside = node in blocks ? through(node) : null;
    edges[node].forEach(([place, operand], k) => {
      if (!numbers[operand]) {
        found.set(`l${node}.${k}`, { number: [0, 0] }).set(`c${node}.${k}`, { number: [0, 0], routed: false });
        return;
      }
      const slope = inside ? inside.get(operand) ?? null : local(node, place);
      const sent = slope ? times(upstream, slope) : [0, 0];
      found.set(`l${node}.${k}`, { number: slope ?? [0, 0] });
      found.set(`c${node}.${k}`, { number: sent, routed: slope !== null });
      if (slope) receive(gradients, operand, sent);
    });
  }
  for (const { index } of program.shown) {
    if (!numbers[index]) continue;
    found.set(`v${index}`, { number: numbers[index] });
    found.set(`g${index}`, { number: gradients.get(index) ?? [0, 0] });
  }
  return { found, remarks: [...remarks.values()], numbers };
}

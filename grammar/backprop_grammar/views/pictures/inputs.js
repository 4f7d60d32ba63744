// The inputs that can be changed, and what is said of numbers that the page itself computed.

const program = data.program;
const original = new Map(program ? program.inputs : []);
const here = new Map(original);
const fields = new Map();
let computed = null; // what the passes found; null at the point of the file, whose numbers are certified

const changed = () => [...here].some(([name, x]) => x !== original.get(name));

/** What is known of a number by its reference; none where it does not exist at this point. */
function number(reference) {
  const [text, value, from, routed = 1] = data.numbers[reference];
  if (reference[0] === "r") return { text: computed ? value : text };
  if (!computed) return text === "" ? null : { text, value, from: seenFrom(reference, from), routed, sure: true };
  const found = computed.found.get(reference);
  if (!found) return null;
  return { text: shown(found.number[0]), value: found.number[0], from: seenFrom(reference, from), routed: found.routed ?? 1, sure: sure(found.number) };
}

/** A gradient is seen when the last of those that send to it has sent. */
function seenFrom(reference, from) {
  const senders = reference[0] === "g" ? data.sums[reference.slice(1)] : undefined;
  const steps = (senders ?? []).filter(([edge]) => present(edge)).map(([edge]) => data.numbers[edge][2]);
  return steps.length ? Math.max(...steps) : from;
}

/** Whether anything comes back along an edge at this point, be it 0. */
const present = (edge) => (computed ? computed.found.has(edge) : data.numbers[edge][0] !== "");

// what floats cannot vouch for

const MOST = 3;

function near(node) {
  return program.shown.find(({ index }) => index >= node);
}

function said({ kind, node }) {
  const { name } = near(node), kernel = kernels[program.rows[node]];
  switch (kind) {
    case "domain": return `${kernel.name} has no value at ${name}${kernel.needs ? `: it needs ${kernel.needs}` : ""}.`;
    case "kink": return `${kernel.name} has a kink at ${name}, where a local gradient is a choice.`;
    case "tie": return `The operands of ${kernel.name} tie at ${name}, and share the gradient.`;
    case "boundary": return `The condition of ${name} stands on its boundary.`;
    case "size": return `${name} leaves the range of floats.`;
    default: return `Digits cancel in ${name}.`;
  }
}

/** The first number of each pass that floats cannot vouch for, as a remark. */
function lost() {
  const kindOf = ([x, error]) => (!Number.isFinite(x) || Math.abs(x) < NORMAL ? (x === 0 && error > TINY ? "digits" : "size") : "digits");
  const first = computed.numbers.findIndex((one) => one && !sure(one));
  if (first >= 0) return [{ kind: kindOf(computed.numbers[first]), node: first }];
  const nodes = [...program.shown].reverse();
  const gradient = nodes.find(({ index }) => computed.found.has(`g${index}`) && !sure(computed.found.get(`g${index}`).number));
  return gradient ? [{ kind: "gradient", node: gradient.index }] : [];
}

function doubts() {
  if (!computed) return [];
  const beyond = new Set(computed.remarks.filter(({ kind }) => kind === "domain").map(({ node }) => node));
  const own = lost().filter(({ node }) => !beyond.has(node));
  return [...computed.remarks, ...own].map((remark) =>
    remark.kind === "gradient" ? `Floats lose the gradient of ${near(remark.node).name}.` : said(remark));
}

const command = () => `${data.evaluation} ${[...here].map(([name, x]) => `${name}=${x}`).join(",")}`;

function tellPoint() {
  const reasons = doubts();
  document.body.classList.toggle("changed", computed !== null);
  document.body.classList.toggle("doubtful", reasons.length > 0);
  get("reset").disabled = computed === null;
  const status = get("status");
  const more = reasons.length > MOST ? [` And ${reasons.length - MOST} more.`] : [];
  const text = !computed
    ? ["These numbers are certified. Change an input, and the page computes them again, in plain floats."]
    : reasons.length
    ? [element("b", "", "Plain floats cannot vouch for these numbers. "), reasons.slice(0, MOST).join(" "), ...more]
    : [element("b", "", "Plain floats"), ", computed by this page; by its error bounds, they lose no digits here."];
  status.replaceChildren(...text);
  if (computed && data.evaluation) {
    const code = element("code", "", command()), copy = element("button", "copy", "Copy");
    copy.type = "button";
    copy.addEventListener("click", () => copied(code, copy));
    const line = element("span", "certify", reasons.length ? "This command can:" : "Certified:", code, copy);
    status.append(line);
  }
}

/** Copies a command; where that is not allowed, selects it. */
function copied(code, button) {
  getSelection().selectAllChildren(code);
  navigator.clipboard?.writeText(code.textContent).then(() => { button.textContent = "Copied"; }, () => {});
}

// the inputs

/** How far a slider goes: to a round number beyond twice its value. */
function reach(x) {
  const size = Math.max(Math.abs(x) * 2, 1e-300), power = 10 ** Math.floor(Math.log10(size));
  return x === 0 ? 2 : [1, 2, 5, 10].map((k) => k * power).find((limit) => limit >= size * (1 - 1e-9)) ?? 10 * power;
}

function field(name) {
  const label = element("label", "input"), box = document.createElement("input"), slide = document.createElement("input");
  box.type = "text";
  box.inputMode = "decimal";
  box.autocomplete = "off";
  box.spellcheck = false;
  box.setAttribute("aria-label", `Value of ${name}`);
  slide.type = "range";
  slide.setAttribute("aria-label", `Slide ${name}`);
  label.append(element("span", "name", name), box, slide);
  box.addEventListener("input", () => {
    const text = box.value.trim().replace("\u2212", "-"), x = Number(text);
    const right = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(x);
    box.toggleAttribute("aria-invalid", !right);
    if (right) set(name, x, box);
  });
  box.addEventListener("blur", () => write(name));
  box.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    set(name, Number((here.get(name) + way * step(name)).toPrecision(12)));
  });
  slide.addEventListener("input", () => set(name, Number(slide.value), slide));
  fields.set(name, { box, slide });
  write(name);
  return label;
}

const step = (name) => reach(original.get(name)) / 100;

/** Writes a value into its field, but not where a person is typing or dragging. */
function write(name, busy) {
  const { box, slide } = fields.get(name), x = here.get(name);
  if (box !== busy) {
    box.value = String(x);
    box.toggleAttribute("aria-invalid", false);
  }
  if (slide !== busy) {
    const limit = Math.abs(x) > reach(original.get(name)) ? reach(x) : reach(original.get(name));
    Object.assign(slide, { min: -limit, max: limit, step: limit / 100 });
    slide.value = x;
  }
}

function set(name, x, busy) {
  here.set(name, x);
  write(name, busy);
  compute();
  address();
}

function compute() {
  computed = program && changed() ? passes(program, here) : null;
  refresh();
  tellPoint();
}

function restore(values) {
  for (const name of here.keys()) {
    here.set(name, values.has(name) ? values.get(name) : original.get(name));
    write(name);
  }
  compute();
}

/** The changed inputs as a part of the address, and back. */
const spelled = () => [...here].filter(([name, x]) => x !== original.get(name)).map(([name, x]) => `${name}=${x}`).join(",");

function read(text) {
  const values = new Map();
  for (const binding of text.split(",")) {
    const [name, digits] = binding.split("="), x = Number(digits);
    if (here.has(name) && digits && Number.isFinite(x)) values.set(name, x);
  }
  return values;
}

function openInputs() {
  if (!program || !here.size) return;
  get("inputs").hidden = false;
  document.body.classList.add("computes");
  get("fields").prepend(...[...here.keys()].map(field));
  get("reset").addEventListener("click", () => { restore(new Map()); address(); });
  tellPoint();
}

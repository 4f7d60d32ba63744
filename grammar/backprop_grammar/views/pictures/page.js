// Shows the steps that the page carries as data: it moves and lights things.

const { steps, wires } = data;
const nodes = new Map(data.nodes.map((node) => [node.name, node]));
const get = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const picture = get("picture"), table = get("nodes"), card = get("card"), slider = get("slider");
const vertices = all("#picture .vertex"), rows = all("#nodes tbody tr");
const PACE = 2200; // milliseconds per step when playing: enough to read a chain rule aloud
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let order = steps.map((_, k) => k); // of the steps that there are: none of a branch that is not taken
let current = 0, timer = 0;

// texts

function pieces(line) {
  return line.flatMap(([kind, text, reference, how, name]) => {
    if (kind === "sum") return pieces(sum(reference, text));
    const span = element("span", kind, text);
    if (reference) fillNumber(span, reference, how, name);
    return [span];
  });
}

/** `-4 via q + 2 via r`, and what follows it; empty where no branches meet. */
function sum(node, after) {
  const terms = routed(node), few = terms.length > data.branches + 2 ? terms.slice(0, data.branches) : terms;
  if (terms.length < 2) return [];
  const line = few.flatMap(([edge, name], k) => {
    const { text } = number(edge), minus = k > 0 && text.startsWith("-");
    const sign = k === 0 ? "" : minus ? " - " : " + ";
    return [["", sign], ["gradient", minus ? text.slice(1) : text], ["quiet", ` via ${name}`]];
  });
  if (few.length < terms.length) line.push(["quiet", ` + ${terms.length - few.length} more`]);
  return after ? [...line, ["", after]] : line;
}

const routed = (node) => (data.sums[node] ?? []).filter(([edge]) => number(edge)?.routed);

/** Whether a line is told, by the condition that it may begin with; and the line without that. */
function told(line) {
  const [kind, reference, step] = line[0];
  if (kind === "routed") return number(reference)?.routed && line.slice(1);
  if (kind === "unrouted") return number(reference) && !number(reference).routed && line.slice(1);
  if (kind !== "total") return line;
  const last = seenFrom(`g${reference}`, -1) === Number(step);
  return last && routed(reference).length > 1 && line.slice(1);
}

function element(name, kind, ...children) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...children);
  return made;
}

/** The pieces of a line, in parts between which it is broken where it is too long. */
function parts(line) {
  const cuts = line.flatMap(([, text], i) => (text === " = " ? [i] : []));
  return [0, ...cuts].map((from, i) => element("span", "part", ...pieces(line.slice(from, cuts[i]))));
}

function tell(step) {
  const lines = step.lines.map(told).filter(Boolean);
  const title = step.title ? [element("p", "title", step.stuck && !lines.length ? step.stuck : step.title)] : [];
  get("telling").replaceChildren(...title, ...lines.map((line) => element("p", "", ...parts(line))));
  get("telling").classList.toggle("listing", step.node === "" && step.lines.length > 4);
}

// the picture

const own = { numbers: [], sums: [], dated: [] }; // the elements that show numbers, whatever the step

/** Says of every number of the picture which it is. */
function refer() {
  for (const text of all("#picture .value, #picture .gradient, #picture .contribution")) {
    const { index } = nodes.get(text.dataset.name), wire = wires[text.dataset.wire];
    text.dataset.number = wire ? `c${wire.edge}` : `${text.classList.contains("value") ? "v" : "g"}${index}`;
    text.dataset.of = text.dataset.number;
    text.dataset.room = Math.max(data.room, text.textContent.length);
  }
  Object.assign(own, { numbers: all("[data-number]"), sums: all("[data-sum]"), dated: all("[data-of]") });
}

/** Writes every number as it is at this point, and shows the steps that there are there. */
function refresh() {
  order = steps.flatMap((step, k) => (!step.needs || number(step.needs) ? [k] : []));
  for (const span of own.numbers) fillNumber(span, span.dataset.number, "", "", picture.contains(span));
  for (const span of own.sums) span.replaceChildren(...pieces(sum(span.dataset.sum, "")));
  for (const span of own.dated) label(span, "from", number(span.dataset.of)?.from ?? steps.length);
  findEnds();
  slider.max = order.length - 1;
  const turn = order.findIndex((k) => steps[k].phase === "backward");
  const share = turn < 0 ? 1 : (turn - 0.5) / (order.length - 1);
  slider.style.setProperty("--turn", `${100 * share}%`);
  show(order.findLast((k) => k <= current) ?? 0);
}

/** The card says what the native tooltips say, and no more than has been computed. */
function untitle() {
  const svg = picture.querySelector("svg");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", svg.querySelector("title").textContent);
  svg.removeAttribute("aria-labelledby");
  for (const vertex of vertices) {
    const title = nodes.get(vertex.dataset.name).title.map(([, text]) => text).join("");
    vertex.setAttribute("role", "img");
    vertex.setAttribute("aria-label", title);
  }
  for (const text of all("#picture title, #picture desc")) text.remove();
}

const segments = all("#picture [data-wires]").map((piece) => (
  { piece, drawn: piece.dataset.wires.split(" ").filter(Boolean).map(Number) })); // the output's wire is in no list

/** Gives a class to the pieces of the wires for which the test holds, of one or of all, and to no others. */
function light(kind, test, every = false) {
  const holds = wires.map(test);
  for (const { piece, drawn } of segments) {
    piece.classList.toggle(kind, drawn.length > 0 && (every ? drawn.every((k) => holds[k]) : drawn.some((k) => holds[k])));
  }
}

const mark = (kind, elements, name) => {
  for (const one of elements) one.classList.toggle(kind, name !== "" && one.dataset.name === name);
};

/** Scrolls a box, never the page, until something in it is seen. */
function reveal(box, inner) {
  if (!inner) return;
  const [frame, place] = [box.getBoundingClientRect(), inner.getBoundingClientRect()];
  const head = box.querySelector("thead")?.offsetHeight ?? 0;
  const hidden = (low, high, from, to) => low < from || high > to;
  const move = { behavior: calm.matches ? "auto" : "smooth" };
  if (hidden(place.top, place.bottom, frame.top + head, frame.bottom)) {
    move.top = box.scrollTop + place.top - frame.top - (frame.height - place.height) / 2;
  }
  if (inner.matches(".vertex") && hidden(place.left - 60, place.right + 60, frame.left, frame.right)) {
    move.left = box.scrollLeft + place.left - frame.left - (frame.width - place.width) / 2;
  }
  if ("top" in move || "left" in move) box.scrollTo(move);
}

/** A wire that nothing comes back along looks like all others until the step that says so. */
const shut = (wire) => wire.edge && wire.from <= current && !number(`c${wire.edge}`)?.routed;

/** A branch that is not taken looks alive until its `if` decides. */
function fade() {
  const dead = (name) => current >= (ends.get(name) ?? Infinity);
  for (const vertex of vertices) vertex.classList.toggle("dead", dead(vertex.dataset.name));
  light("dead", (wire) => dead(wire.source) || dead(wire.target), true);
}

const users = new Map(data.nodes.map((node) => [node.name, []]));
for (const wire of wires) users.get(wire.source).push(wire.target);
const ends = new Map(); // of nodes that are not there, the step of what decides so

function findEnds() {
  ends.clear();
  for (const { name, index } of [...data.nodes].reverse()) { // what uses a node stands behind it
    if (number(`v${index}`)) continue;
    const decided = users.get(name).map((user) => ends.get(user) ?? data.numbers[`v${nodes.get(user).index}`][2]);
    ends.set(name, Math.min(...decided));
  }
}

// steps

const place = () => order.indexOf(current);

function show(index) {
  current = index;
  const step = steps[current];
  for (const seen of own.dated) {
    const from = Number(seen.dataset.from);
    seen.classList.toggle("later", from > current);
    seen.classList.toggle("fresh", from === current);
  }
  const sending = step.phase === "backward";
  light("unrouted", shut, true);
  fade();
  light("lit", (wire) => step.phase === "forward" && wire.target === step.node);
  light("sent", (wire) => sending && wire.target === step.node && wire.from === current);
  mark("current", [...vertices, ...rows], step.node);
  reveal(picture, vertices.find((vertex) => vertex.dataset.name === step.node));
  reveal(table, rows.find((row) => row.dataset.name === step.node));
  tell(step);
  controls();
  point(pointed);
}

function controls() {
  const last = order.length - 1;
  slider.value = place();
  slider.setAttribute("aria-valuetext", `step ${place()} of ${last}`);
  get("counter").textContent = `${place()} / ${last}`;
  get("first").disabled = get("back").disabled = place() === 0;
  get("next").disabled = get("last").disabled = place() === last;
}

/** Goes to the step of that place, and says so in the address, so that it can be linked. */
function go(to) {
  show(order[Math.max(0, Math.min(order.length - 1, to))]);
  address();
}

function address() {
  const values = spelled();
  history.replaceState(null, "", `#step=${place()}${values && `&at=${values}`}`);
}

/** Goes where the address leads: to a point, and to a step. */
function follow() {
  const [step, at] = [/[#&]step=(\d{1,6})(?=&|$)/, /[#&]at=([^&]*)/].map((part) => part.exec(location.hash)?.[1]);
  restore(read(at ?? ""));
  show(order[Math.min(order.length - 1, Number(step ?? 0))]);
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(advance, PACE) : 0;
  get("stepper").classList.toggle("playing", on);
  get("play").setAttribute("aria-label", on ? "Pause" : "Play");
}

function advance() {
  go(place() + 1);
  if (place() === order.length - 1) play(false);
}

function toggle() {
  if (!timer && place() === order.length - 1) go(0);
  else if (!timer) go(place() + 1);
  play(!timer);
}

/** The place of a step that a person chose; the play ends there. */
function choose(to) {
  play(false);
  go(to);
}

// the card

let pointed = null;

function point(vertex) {
  pointed = vertex;
  const name = vertex ? vertex.dataset.name : "";
  light("pointed", (wire) => name !== "" && (wire.source === name || wire.target === name));
  mark("pointed", rows, name);
  card.hidden = !vertex;
  if (vertex) {
    fill(nodes.get(name));
    put(vertex.getBoundingClientRect());
  }
}

function fill(node) {
  const list = element("dl", "");
  for (const { label, from, line } of node.card) {
    const known = line.flatMap(([, , reference]) => (reference && data.numbers[reference] ? [number(reference)] : []));
    const later = steps.length > 0 && (known.includes(null) || Math.max(from, ...known.map((one) => one.from ?? 0)) > current);
    if (later && !label) continue; // said once
    const text = later ? [["quiet", "not yet"]] : line;
    list.append(element("dt", "", label), element("dd", "", ...pieces(text)));
  }
  card.replaceChildren(element("p", "", ...pieces(node.title)), list);
}

/** Below what it tells of, or above where there is no room. */
function put(box) {
  const [width, height] = [card.offsetWidth, card.offsetHeight];
  const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), innerWidth - width - 8);
  const below = box.bottom + 14 + height < innerHeight || box.top < height + 14;
  card.style.left = `${left}px`;
  card.style.top = `${below ? box.bottom + 14 : box.top - height - 14}px`;
}

// events

const KEYS = {
  ArrowLeft: () => choose(place() - 1), ArrowRight: () => choose(place() + 1),
  PageUp: () => choose(place() - 1), PageDown: () => choose(place() + 1),
  Home: () => choose(0), End: () => choose(order.length - 1), " ": toggle,
  "+": () => zoom(1.25), "-": () => zoom(0.8), "0": fit,
};

function press(event) {
  if (event.target.closest(".fields")) return;
  const busy = event.target === slider ? event.key !== " " : event.target.matches("button") && event.key === " ";
  if (!(event.key in KEYS) || busy || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  KEYS[event.key]();
}

function listen() {
  for (const vertex of vertices) {
    vertex.setAttribute("aria-describedby", "card");
    vertex.addEventListener("pointerenter", () => point(vertex));
    vertex.addEventListener("focus", () => point(vertex));
    vertex.addEventListener("pointerleave", () => point(null));
    vertex.addEventListener("blur", () => point(null));
  }
  // Tab scrolls to what it focuses, so the card moves along.
  for (const box of [picture, window]) box.addEventListener("scroll", () => point(pointed));
  addEventListener("keydown", (event) => event.key === "Escape" && point(null));
}

function start() {
  document.documentElement.classList.add("live");
  get("stepper").hidden = false;
  get("first").addEventListener("click", () => choose(0));
  get("back").addEventListener("click", () => choose(place() - 1));
  get("next").addEventListener("click", () => choose(place() + 1));
  get("last").addEventListener("click", () => choose(order.length - 1));
  get("play").addEventListener("click", toggle);
  slider.addEventListener("input", () => choose(Number(slider.value)));
  for (const row of rows) row.addEventListener("click", () => choose(order.findLastIndex((k) => k <= row.dataset.step)));
  addEventListener("keydown", press);
  addEventListener("hashchange", () => { play(false); follow(); });
  openInputs();
  follow();
}

// the size of the picture

const drawing = picture.querySelector("svg"), main = document.querySelector("main");
const natural = drawing.viewBox.baseVal.width;
let scale = null; // of the picture; 0 fits it to the width, as it does at first where it is legible then

/** A picture stands beside the table where it fits there, else above it. */
function arrange() {
  const beside = main.clientWidth * (5 / 12) - 20;
  main.classList.toggle("wide", natural * 0.8 > beside);
  main.classList.toggle("narrow", natural * 0.8 <= beside);
  size();
}

const LEGIBLE = 0.62; // below, a picture that fits is too small to be read

function size() {
  if (scale === null && main.clientWidth / natural < LEGIBLE) scale = 0.8;
  picture.classList.toggle("zoomed", scale > 0);
  drawing.style.setProperty("width", scale ? `${natural * scale}px` : "");
  get("scale").textContent = `${Math.round((100 * drawing.getBoundingClientRect().width) / natural)}%`;
  get("fit").disabled = !scale;
}

function zoom(by) {
  const now = drawing.getBoundingClientRect().width / natural;
  scale = Math.max(0.2, Math.min(4, now * by));
  size();
  reveal(picture, vertices.find((vertex) => vertex.dataset.name === steps[current]?.node));
}

function fit() {
  scale = 0;
  size();
}

get("zoom").hidden = false;
get("larger").addEventListener("click", () => zoom(1.25));
get("smaller").addEventListener("click", () => zoom(0.8));
get("fit").addEventListener("click", fit);
addEventListener("resize", arrange);
arrange();
untitle();
listen();
if (steps.length) {
  refer();
  start();
}

"use strict";
// Shows the steps that the page carries as data. It moves and lights things; it computes no number.

const data = JSON.parse(document.getElementById("data").textContent);
const { steps, wires } = data;
const nodes = new Map(data.nodes.map((node) => [node.name, node]));
const get = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const picture = get("picture"), table = get("nodes"), card = get("card"), slider = get("slider");
const vertices = all("#picture .vertex"), rows = all("#nodes tbody tr");
const PACE = 2200; // milliseconds per step when playing: enough to read a chain rule aloud
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let current = 0, timer = 0;

// texts

function pieces(line) {
  return line.map(([kind, text]) => {
    const span = document.createElement("span");
    if (kind) span.className = kind;
    span.textContent = text;
    return span;
  });
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
  const title = step.title ? [element("p", "title", step.title)] : [];
  get("telling").replaceChildren(...title, ...step.lines.map((line) => element("p", "", ...parts(line))));
  get("telling").classList.toggle("listing", step.node === "" && step.lines.length > 4);
}

// the picture

/** Gives every number of the picture the step from which it is seen. */
function date() {
  for (const text of all("#picture .value, #picture .gradient, #picture .contribution, #picture .rule")) {
    const node = nodes.get(text.dataset.name);
    const wire = wires[text.dataset.wire];
    text.dataset.from = wire ? wire.from : text.classList.contains("value") ? node.value : node.gradient;
  }
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
  for (const title of all("#picture title")) title.remove();
}

/** Gives a class to the pieces of the wires for which the test holds, and to no others. */
function light(kind, test) {
  for (const piece of all("#picture [data-wires]")) {
    const own = piece.dataset.wires.split(" ").filter(Boolean); // the output's wire is in no list
    piece.classList.toggle(kind, own.some((wire) => test(wires[wire])));
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

// steps

function show(index) {
  current = Math.max(0, Math.min(steps.length - 1, index));
  const step = steps[current];
  for (const seen of all("[data-from]")) {
    seen.classList.toggle("later", seen.dataset.from > current);
    seen.classList.toggle("fresh", Number(seen.dataset.from) === current);
  }
  const sending = step.phase === "backward";
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
  slider.value = current;
  slider.setAttribute("aria-valuetext", `step ${current} of ${steps.length - 1}`);
  get("counter").textContent = `${current} / ${steps.length - 1}`;
  get("first").disabled = get("back").disabled = current === 0;
  get("next").disabled = get("last").disabled = current === steps.length - 1;
}

/** Goes to a step, and says so in the address, so that it can be linked. */
function go(index) {
  show(index);
  history.replaceState(null, "", `#step=${current}`);
}

function linked() {
  const match = /^#step=(\d{1,6})$/.exec(location.hash);
  return match ? Number(match[1]) : 0;
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(advance, PACE) : 0;
  get("stepper").classList.toggle("playing", on);
  get("play").setAttribute("aria-label", on ? "Pause" : "Play");
}

function advance() {
  go(current + 1);
  if (current === steps.length - 1) play(false);
}

function toggle() {
  if (!timer && current === steps.length - 1) go(0);
  else if (!timer) go(current + 1);
  play(!timer);
}

/** A step that a person chose; the play ends there. */
function choose(index) {
  play(false);
  go(index);
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
    place(vertex.getBoundingClientRect());
  };
}

function fill(node) {
  const list = element("dl", "");
  for (const { label, from, line } of node.card) {
    const later = steps.length > 0 && from > current;
    if (later && !label) continue; // said once
    const text = later ? [["quiet", "not yet"]] : line;
    list.append(element("dt", "", label), element("dd", "", ...pieces(text)));
  }
  card.replaceChildren(element("p", "", ...pieces(node.title)), list);
}

/** Below what it tells of, or above where there is no room. */
function place(box) {
  const [width, height] = [card.offsetWidth, card.offsetHeight];
  const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), innerWidth - width - 8);
  const below = box.bottom + 14 + height < innerHeight || box.top < height + 14;
  card.style.left = `${left}px`;
  card.style.top = `${below ? box.bottom + 14 : box.top - height - 14}px`;
}

// events

const KEYS = {
  ArrowLeft: () => choose(current - 1), ArrowRight: () => choose(current + 1),
  Home: () => choose(0), End: () => choose(steps.length - 1), " ": toggle,
};

function press(event) {
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
  slider.max = steps.length - 1;
  const turn = steps.findIndex((step) => step.phase === "backward");
  const share = turn < 0 ? 1 : (turn - 0.5) / (steps.length - 1);
  slider.style.setProperty("--turn", `${100 * share}%`);
  get("first").addEventListener("click", () => choose(0));
  get("back").addEventListener("click", () => choose(current - 1));
  get("next").addEventListener("click", () => choose(current + 1));
  get("last").addEventListener("click", () => choose(steps.length - 1));
  get("play").addEventListener("click", toggle);
  slider.addEventListener("input", () => choose(Number(slider.value)));
  for (const row of rows) row.addEventListener("click", () => choose(Number(row.dataset.step)));
  addEventListener("keydown", press);
  addEventListener("hashchange", () => { play(false); show(linked()); });
  show(linked());
}

untitle();
listen();
if (steps.length) {
  date();
  start();
}

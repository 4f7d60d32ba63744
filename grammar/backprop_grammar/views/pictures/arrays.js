// What is different over arrays. The functions up to the highlights take the place of those of the
// same name before them: of two declarations in one script the last holds.

// numbers

/** What is known of an array by its reference, or with `@3` of that element; none where it does not exist. */
function number(reference) {
  const [name, place] = reference.split("@"), array = arrays.get(name);
  const from = seenFrom(name, data.numbers[name][2]);
  if (place !== undefined && place !== "caption") return { from, ...entry(array, name, Number(place)) };
  const all = array.refs.map((_, k) => entry(array, name, k));
  const exists = all.filter(({ missing }) => !missing);
  if (!exists.length) return null;
  if (all.length === 1) return { from, ...all[0], routed: routedBack(name, array) };
  const text = place ? caption(array, exists) : inWords(name, array, all, exists);
  return { text, value: "", from, routed: routedBack(name, array), sure: all.every(({ sure }) => sure) };
}

/** An element as it is at this point. */
function entry(array, name, k) {
  if (!computed) return { text: array.texts[k], value: array.values[k], routed: 1, sure: true, missing: array.values[k] === null };
  const found = computed.elements.get(array.refs[k]);
  if (found) return { text: shown(found.number[0]), value: found.number[0], routed: 1, sure: sure(found.number) };
  const missing = name[0] === "v";
  return { text: missing ? "unused" : "0", value: missing ? null : 0, routed: 1, sure: true, missing };
}

/** Whether a node selected anything of an operand. */
function routedBack(name, array) {
  if (!computed || !array.routes) return data.numbers[name][3];
  return Number(array.routes.some((edge) => computed.elements.get(edge)?.routed));
}

function inWords(name, array, all, exists) {
  if (!computed) return data.numbers[name][0];
  if (!array.parts) return bracketed(array.shape, all.map(({ text }) => text), ", ");
  const xs = exists.map(({ value }) => value), low = Math.min(...xs), high = Math.max(...xs);
  if (low === high && xs.length === all.length) return `${array.said}, all ${shown(low)}`;
  const range = `${array.said}, ${shown(low)} to ${shown(high)}`;
  return xs.length === all.length ? `${range}, norm ${shown(Math.hypot(...xs))}` : range;
}

/** The range of a heat map, in few digits. */
function caption(array, exists) {
  if (!computed) return array.caption;
  const xs = exists.map(({ value }) => value), brief = (x) => (data.digits <= 4 ? shown(x) : general(x, 4));
  return [...new Set([Math.min(...xs), Math.max(...xs)].map(brief))].join(" to ");
}

/** The pieces of a line; an array stands in rows and columns. */
function pieces(line) {
  return line.map(([kind, text, reference, how, name]) => {
    if (isGrid(arrays.get(reference))) return gridOf(kind, reference);
    const span = element("span", kind, text);
    if (reference) fillNumber(span, reference, how, name);
    return span;
  });
}

function gridOf(kind, reference) {
  const { shape, refs } = arrays.get(reference), wide = shape.at(-1);
  const cells = refs.map((_, k) => {
    const cell = element("span", "");
    fillNumber(cell, `${reference}@${k}`);
    return cell;
  });
  const lines = Array.from({ length: refs.length / wide }, (_, i) => element("span", "line", ...cells.slice(i * wide, (i + 1) * wide)));
  return element("span", `array ${kind}`, ...lines);
}

// the picture

/** Of something in the picture, which array it shows. */
function shows(piece) {
  const kind = ["value", "gradient", "contribution"].find((one) => piece.classList.contains(one));
  const edge = wires[piece.dataset.wire]?.edge;
  return edge ? `c${edge}` : `${kind[0]}${nodes.get(piece.dataset.name).index}`;
}

/** Says of every number of the picture which it is. */
function refer() {
  for (const text of all("#picture .numbers .value, #picture .numbers .gradient, #picture .numbers .contribution")) {
    const reference = shows(text), array = arrays.get(reference);
    const [i, j] = (text.dataset.place ?? "").split(",").map(Number);
    const place = text.dataset.place ? `@${i * array.shape.at(-1) + j}` : array.parts ? "@caption" : "";
    text.dataset.number = reference + place;
    text.dataset.of = reference;
    text.dataset.room = Math.max(data.room, text.textContent.length);
    if (array.parts) text.dataset.room = Math.max(3 * data.room, text.textContent.length);
  }
  for (const panel of all("#picture g.panel")) panel.dataset.of = panel.dataset.array = shows(panel);
  for (const sign of all("#picture .vertex .gradient")) sign.dataset.of = `g${nodes.get(sign.closest(".vertex").dataset.name).index}`;
  Object.assign(own, { numbers: all("[data-number]"), sums: [], dated: all("[data-of]") });
}

/** Draws the squares of heat maps again: each is as dark as the largest number that it stands for. */
function paint() {
  for (const panel of all("#picture g.panel")) {
    const array = arrays.get(panel.dataset.array);
    if (!array.parts) continue;
    const values = array.refs.map((_, k) => entry(array, panel.dataset.array, k).value ?? 0);
    const most = Math.max(...values.map(Math.abs)) || 1;
    for (const square of panel.querySelectorAll(".square")) square.remove();
    for (const [k, { x, y, side }] of squaresOf(panel, array)) {
      const share = Math.max(-1, Math.min(1, values[largest(array, k, values)] / most));
      if (!share) continue;
      const high = Math.max(1, 0.18 * side), path = document.createElementNS(drawing.namespaceURI, "path");
      const minus = `M${x + 0.2 * side},${y + (side - high) / 2}v${high}h${0.6 * side}v${-high}z`;
      path.setAttribute("class", "square");
      path.setAttribute("shape-rendering", "crispEdges");
      path.setAttribute("fill-opacity", Math.abs(share).toFixed(3));
      path.setAttribute("d", `M${x},${y}h${side}v${side}h${-side}z${share < 0 ? minus : ""}`);
      panel.prepend(path);
    }
  }
}

/** The squares of a heat map: the first element that each stands for, and where it is. */
function squaresOf(panel, { shape, parts }) {
  const frame = panel.querySelector(".lines").getBBox(), wide = shape.at(-1), tall = shape.length > 1 ? shape[0] : 1;
  const across = Math.ceil(wide / parts[1]), down = Math.ceil(tall / parts[0]), side = (frame.width - 1) / across;
  return Array.from({ length: across * down }, (_, n) => {
    const i = Math.floor(n / across), j = n % across;
    return [i * parts[0] * wide + j * parts[1], { x: frame.x + 0.5 + j * side, y: frame.y + 0.5 + i * side, side }];
  });
}

/** Of the elements that a square stands for, the largest. */
function largest({ shape, parts }, first, values) {
  const wide = shape.at(-1), tall = shape.length > 1 ? shape[0] : 1, row = Math.floor(first / wide), column = first % wide;
  let found = first;
  for (let i = row; i < Math.min(row + parts[0], tall); i++) {
    for (let j = column; j < Math.min(column + parts[1], wide); j++) {
      if (Math.abs(values[i * wide + j]) > Math.abs(values[found])) found = i * wide + j;
    }
  }
  return found;
}

// the inputs

/** What an element is called. */
function labelOf(name, place) {
  return place.length ? `${name}[${place.join(",")}]` : name;
}

function compute() {
  computed = null;
  if (program && changed()) {
    const point = new Map();
    for (const [name, value] of here) {
      if (value instanceof Entries) value.places.forEach((place, k) => point.set(labelOf(name, place), value.numbers[k]));
      else point.set(name, value);
    }
    const { found, remarks, numbers } = passes(program, point);
    computed = { found: new Map([...arrays.keys()].map((name) => [name, null])), elements: found, remarks, numbers };
    for (const { index } of program.shown) {
      const gradient = found.get(`g${index}`);
      if (gradient) computed.found.set(`g${index}`, gradient);
    }
  }
  refresh();
  paint();
  tellPoint();
}

function restore(values) {
  for (const name of here.keys()) {
    here.set(name, values.has(name) ? values.get(name) : original.get(name));
    rewrite(name);
  }
  compute();
}

function rewrite(name) {
  const own = fields.get(name);
  if (own?.rewrite) own.rewrite();
  else if (own) write(name);
}

function openInputs() {
  if (!program || !here.size) return;
  get("inputs").hidden = false;
  document.body.classList.add("computes");
  const changeable = [...here.keys()].filter((name) => !program.fixed.includes(name));
  get("fields").prepend(...changeable.map((name) => (here.get(name) instanceof Entries ? fieldsOf(name) : field(name))));
  get("reset").addEventListener("click", () => { restore(new Map()); address(); });
  tellPoint();
}

/** One field per element; of a large array one for the element that is chosen. */
function fieldsOf(name) {
  const { isLarge, shape, places, width } = here.get(name), group = element("div", "input entries");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", name);
  group.append(element("span", "name", name));
  if (isLarge) return chosenField(name, group);
  const grid = element("div", "grid"), boxes = places.map((place, k) => box(name, () => k, place));
  grid.style.setProperty("grid-template-columns", `repeat(${width}, minmax(3.25rem, 5rem))`);
  grid.append(...boxes);
  group.append(grid);
  fields.set(name, { boxes, rewrite: (busy) => boxes.forEach((one, k) => one !== busy && fillBox(one, here.get(name).numbers[k])) });
  rewrite(name);
  return group;
}

/** A field for one element of a large array: which, and its number. */
function chosenField(name, group) {
  const { shape, places, width } = here.get(name), where = document.createElement("input");
  let k = 0;
  const number = box(name, () => k, places[0]);
  where.type = "text";
  where.className = "where";
  where.autocomplete = "off";
  where.setAttribute("aria-label", `Place in ${name}`);
  const choose = (to) => {
    k = to;
    where.value = places[k].join(",");
    where.toggleAttribute("aria-invalid", false);
    number.setAttribute("aria-label", `Value of ${labelOf(name, places[k])}`);
    fillBox(number, here.get(name).numbers[k]);
    markAt(`v${indexOf(name)}@${k}`);
  };
  where.addEventListener("input", () => {
    const place = where.value.split(",").map((text) => (/^\s*\d+\s*$/.test(text) ? Number(text) : NaN));
    const right = place.length === shape.length && place.every((i, axis) => i < shape[axis]);
    where.toggleAttribute("aria-invalid", !right);
    if (right) choose(place.length > 1 ? place[0] * width + place[1] : place[0]);
  });
  group.append(element("span", "", "["), where, element("span", "", "]"), number, element("span", "quiet", `of ${shape.join("x")}; or choose it in the picture`));
  fields.set(name, { choose, rewrite: (busy) => number !== busy && fillBox(number, here.get(name).numbers[k]) });
  where.value = places[0].join(",");
  rewrite(name);
  return group;
}

/** A field for an element; which: that one's place on the list of all. */
function box(name, which, place) {
  const made = document.createElement("input");
  Object.assign(made, { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false });
  made.setAttribute("aria-label", `Value of ${labelOf(name, place)}`);
  const change = (x, busy) => {
    const next = here.get(name).with(which(), x), first = original.get(name);
    here.set(name, next.numbers.every((own, k) => own === first.numbers[k]) ? first : next);
    fields.get(name).rewrite(busy);
    compute();
    address();
  };
  made.addEventListener("input", () => {
    const text = made.value.trim().replace("\u2212", "-"), x = Number(text);
    const right = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(x);
    made.toggleAttribute("aria-invalid", !right);
    if (right) change(x, made);
  });
  made.addEventListener("blur", () => fillBox(made, here.get(name).numbers[which()]));
  made.addEventListener("focus", () => markAt(`v${indexOf(name)}@${which()}`));
  made.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key], k = which();
    if (!way) return;
    event.preventDefault();
    change(Number((here.get(name).numbers[k] + (way * reach(original.get(name).numbers[k])) / 100).toPrecision(12)));
  });
  return made;
}

function fillBox(one, x) {
  one.value = String(x);
  one.toggleAttribute("aria-invalid", false);
}

function indexOf(name) {
  return nodes.get(name)?.index;
}

function read(text) {
  const values = new Map(), plain = text.replaceAll("'", "").replaceAll("%20", "");
  for (const [, name, digits] of plain.matchAll(/([^=,[\]]+)=([^=]*?)(?=,[^=,[\]]+=|$)/g)) {
    if (!here.has(name) || program.fixed.includes(name)) continue;
    const first = original.get(name), numbers = digits.split(/[[\],\s]+/).filter(Boolean).map(Number);
    const count = first instanceof Entries ? first.numbers.length : 1;
    if (numbers.length !== count || !numbers.every(Number.isFinite)) continue;
    values.set(name, first instanceof Entries ? new Entries({ shape: first.shape, numbers }) : numbers[0]);
  }
  return values;
}

// the highlights: what an element was computed from, found on the tape, so that no operation has a rule

const tape = program ? { operands: program.operands, users: usersOf(program.operands) } : null;
const cells = new Map(); // of each array, the nodes of the tape that its elements are
for (const [name, { refs }] of arrays) {
  if (/^va\d+$/.test(name)) cells.set(name.slice(1), refs.map((one) => Number(one.slice(1))));
}

function usersOf(operands) {
  const users = operands.map(() => []);
  operands.forEach((below, node) => below.forEach((k) => users[k].push(node)));
  return users;
}

/** The elements of some arrays that a walk over the tape comes to first. */
function reached(start, next, names) {
  const ends = new Map(); // a node of the tape may be an element of several
  for (const name of names) cells.get(name)?.forEach((node, k) => ends.set(node, [...(ends.get(node) ?? []), [name, k]]));
  const found = [], seen = new Set(), pending = ends.has(start) ? [start] : [...next[start]];
  while (pending.length) {
    const node = pending.pop();
    if (seen.has(node)) continue;
    seen.add(node);
    if (ends.has(node)) found.push(...ends.get(node));
    else pending.push(...(next[node] ?? []));
  }
  return found;
}

/** What an element was computed from: references of elements. */
function origins(reference) {
  const [name, place] = reference.split("@"), kind = name[0], index = name.slice(1), k = Number(place);
  const node = Number(arrays.get(name).refs[k].slice(1).split(".")[0]);
  const copy = data.copies.find(([own]) => own === index.replace(/u$/, ""));
  if (kind === "v" && copy) return cells.get(copy[1]).flatMap((one, i) => (one === node ? [`v${copy[1]}@${i}`] : []));
  if (kind === "v") {
    const found = reached(node, tape.operands, data.operands[index] ?? []);
    const copies = data.copies.filter(([, , target]) => target === index).map(([own]) => own);
    return [...found.map(([one, i]) => `v${one}@${i}`), ...copies.map((own) => `v${own}@${k}`)];
  }
  if (copy && (kind === "g" || index.endsWith("u"))) return [`g${copy[2]}@${k}`];
  const targets = kind === "c" ? [index.split(".")[0]] : Object.keys(data.operands).filter((user) => data.operands[user].includes(index));
  const found = reached(node, tape.users, targets);
  const copies = kind === "c" ? [] : data.copies.filter(([, operand]) => operand === index);
  const stretched = copies.flatMap(([own, , target]) => found.filter(([one]) => one === target).map(([, i]) => `g${own}@${i}`));
  return [...found.map(([one, i]) => `g${one}@${i}`), ...stretched];
}

// where elements stand

const marks = document.createElementNS(drawing.namespaceURI, "g");
let marked = ""; // the element under the pointer, or in focus

function markAt(reference) {
  marked = reference;
  marks.replaceChildren();
  for (const cell of all(".of:not(.mark), .at:not(.mark)")) cell.classList.remove("of", "at");
  const [name] = reference.split("@");
  if (!tape || !arrays.has(name)) return;
  const chosen = new Map(origins(reference).map((one) => [one, "of"]));
  chosen.set(reference, "at");
  for (const [one, kind] of chosen) {
    if (number(one).from > current) continue;
    for (const place of standing(one)) {
      marks.append(rectangle(`mark ${kind}`, place));
    }
    if (arrays.get(one.split("@")[0]).parts) continue;
    for (const cell of all(`#nodes [data-number="${one}"], #telling [data-number="${one}"]`)) cell.classList.add(kind);
  }
}

function rectangle(kind, { x, y, width, height, rx = 0 }) {
  const rect = document.createElementNS(drawing.namespaceURI, "rect");
  rect.setAttribute("class", kind);
  for (const [key, length] of Object.entries({ x, y, width, height, rx })) rect.setAttribute(key, length);
  return rect;
}

const spots = new Map(); // of each element the texts of the picture that show it

/** Where an element stands in the picture. */
function standing(reference) {
  const texts = spots.get(reference) ?? [];
  const found = texts.map((text) => {
    const { x, y, width, height } = text.getBBox();
    return { x: x - 3, y: y - 0.5, width: width + 6, height: height + 1, rx: 3 };
  });
  const [name, k] = reference.split("@"), array = arrays.get(name);
  for (const panel of array.parts ? panels.get(name) ?? [] : []) {
    const square = squaresOf(panel, array).find(([first]) => stands(array, first, Number(k)));
    if (square) found.push({ x: square[1].x, y: square[1].y, width: square[1].side, height: square[1].side, rx: 1 });
  }
  return found;
}

/** Whether a square that begins with an element stands for another. */
function stands({ shape, parts }, first, k) {
  const wide = shape.at(-1), down = Math.floor(k / wide) - Math.floor(first / wide), across = (k % wide) - (first % wide);
  return down >= 0 && down < parts[0] && across >= 0 && across < parts[1];
}

const panels = new Map();

function listenToElements() {
  marks.setAttribute("class", "marks");
  drawing.querySelector(".numbers").before(marks);
  for (const panel of all("#picture g.panel")) {
    const name = panel.dataset.array;
    panels.set(name, [...(panels.get(name) ?? []), panel]);
    if (arrays.get(name).parts) panel.append(rectangle("under", panel.querySelector(".lines").getBBox())); // under the pointer everywhere
  }
  for (const text of all("#picture [data-number]")) {
    const reference = single(text.dataset.number);
    if (reference) spots.set(reference, [...(spots.get(reference) ?? []), text]);
  }
  for (const box of [picture, table, get("telling")]) {
    box.addEventListener("pointermove", (event) => over(event));
    box.addEventListener("pointerdown", (event) => over(event));
    box.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && leave());
  }
  picture.addEventListener("click", (event) => chooseAt(elementAt(event), event.pointerType !== "touch"));
  walkable();
}

/** The reference of one element, also of an array that has but one. */
function single(reference) {
  if (/@\d+$/.test(reference)) return reference;
  return arrays.get(reference)?.refs.length === 1 ? `${reference}@0` : "";
}

/** The element at a place on the screen. */
function elementAt(event) {
  const text = event.target.closest("[data-number]");
  if (text && text.dataset.number.includes("@caption") === false) return single(text.dataset.number);
  const panel = event.target.closest("g.panel");
  if (!panel || !arrays.get(panel.dataset.array).parts) return "";
  const array = arrays.get(panel.dataset.array), to = drawing.getScreenCTM().inverse();
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(to);
  const square = squaresOf(panel, array).find(([, own]) => x >= own.x && x < own.x + own.side && y >= own.y && y < own.y + own.side);
  if (!square) return "";
  const values = array.refs.map((_, k) => entry(array, panel.dataset.array, k).value ?? 0);
  return `${panel.dataset.array}@${largest(array, square[0], values)}`;
}

function over(event) {
  const reference = elementAt(event);
  if (reference === marked) return;
  if (!reference) return leave();
  markAt(reference);
  if (picture.contains(event.target)) tellElement(reference, event.target.getBoundingClientRect(), event);
}

function leave() {
  if (!marked) return;
  markAt("");
  if (!pointed) card.hidden = true;
}

/** What the card says of an element. */
function tellElement(reference, box, { clientX, clientY } = {}) {
  const [name, k] = reference.split("@"), array = arrays.get(name), known = number(reference);
  if (known.from > current) return;
  const node = data.nodes.find(({ index }) => index === name.slice(1).replace(/u$/, "")) ?? sourceOf(name);
  const wide = array.shape.at(-1), place = array.shape.length > 1 ? [Math.floor(k / wide), k % wide] : array.shape.length ? [Number(k)] : [];
  const kinds = { v: "value", g: "gradient", c: "gradient" };
  const title = element("p", "", element("span", "name", labelOf(node.name, place)));
  const list = element("dl", "");
  const rows = name[0] === "v" && arrays.has(`g${name.slice(1)}`) ? [["value", name], ["gradient", `g${name.slice(1)}`]] : [[{ v: "value", g: "gradient", c: "gets" }[name[0]], name]];
  for (const [label, one] of rows) {
    const own = number(`${one}@${k}`);
    const text = own.from > current ? element("span", "quiet", "not yet") : element("span", kinds[one[0]], own.text);
    list.append(element("dt", "", label), element("dd", "", text));
  }
  card.replaceChildren(title, list);
  card.hidden = false;
  put(array.parts && clientX !== undefined ? new DOMRect(clientX - 6, clientY - 6, 12, 12) : box);
}

/** The node that receives what an edge sends. */
function sourceOf(name) {
  const wire = wires.find(({ edge }) => `c${edge}` === name);
  return nodes.get(wire?.source) ?? { name: "" };
}

/** An element of an input is changed in its field. go: whether to go there, which on a phone opens the keys. */
function chooseAt(reference, go) {
  const [name, k] = reference.split("@");
  const node = data.nodes.find(({ index }) => `v${index}` === name), own = node && fields.get(node.name);
  if (!own) return;
  if (own.choose) own.choose(Number(k));
  else if (go) (own.boxes?.[k] ?? own.box)?.focus({ preventScroll: true });
}

// the keys: each array is one stop, in which arrows walk from element to element

function walkable() {
  for (const [reference, texts] of spots) {
    const [name, k] = reference.split("@"), { refs, shape } = arrays.get(name);
    for (const text of texts) {
      if (refs.length === 1) continue;
      const kind = { v: "value", g: "gradient", c: "contribution" }[name[0]];
      const i = Math.floor(k / shape.at(-1)), j = k % shape.at(-1);
      text.setAttribute("tabindex", k === "0" ? 0 : -1);
      text.setAttribute("role", "img");
      text.setAttribute("aria-label", `${kind} ${text.dataset.name}[${shape.length > 1 ? `${i},${j}` : j}] ${text.textContent}`);
      text.addEventListener("focus", () => { markAt(reference); tellElement(reference, text.getBoundingClientRect()); });
      text.addEventListener("blur", leave);
      text.addEventListener("keydown", (event) => walk(event, name, Number(k), shape));
    }
  }
}

function walk(event, name, k, shape) {
  const wide = shape.at(-1), step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wide, ArrowDown: wide }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const sideways = Math.abs(step) === 1 && Math.floor((k + step) / wide) !== Math.floor(k / wide);
  if (!sideways) spots.get(`${name}@${k + step}`)?.[0].focus();
}

if (steps.length) listenToElements();

const data = JSON.parse(document.getElementById("data").textContent);
const sheets = [...document.querySelectorAll(".sheet")];

/* The answers of a sheet, which its text does not show. */
function opened(sheet, key) {
  const bytes = Uint8Array.from(atob(sheet), (c) => c.charCodeAt(0));
  const letters = new TextEncoder().encode(key);
  return JSON.parse(new TextDecoder().decode(bytes.map((x, k) => x ^ letters[k % letters.length])));
}

/* A number as a person writes it, with half a unit of its last digit and its significant digits; by the
   rules of quiz/reading.py, without formulas. */
const DECIMAL = /^[+-]? ?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?$/i;
const SCIENTIFIC = /^([+-]? ?(?:[0-9]+\.?[0-9]*|\.[0-9]+)) ?[*x\u00b7\u00d7] ?10 ?(?:\^|\*\*) ?\(?([+-]?[0-9]{1,3})\)?$/i;
const COMMA = /^([+-]? ?[0-9]*),([0-9]+)(e[+-]?[0-9]{1,3})?$/i;

function read(text) {
  let plain = text.trim();
  if (plain.length > 200) return { why: "write a number, such as 0.25 or 1/4" };
  plain = plain.replace(/[\u2010-\u2013\u2212\ufe63]/g, "-").replace(/[\u200b-\u200f\u2060\ufeff]/g, "");
  plain = plain.replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  plain = plain.trim().replace(/^'/, "").replace(/^=/, "").trim();
  if (!plain) return null;
  if (/^[+-]? ?[\u00bc-\u00be\u2150\u2151\u2153-\u215e]$/.test(plain)) plain = plain.normalize("NFKC");
  const quotient = plain.split(/ ?[/\u2044\u00f7] ?/);
  if (quotient.length === 2 && quotient.every((part) => DECIMAL.test(part))) {
    const number = plainNumber(quotient[0]) / plainNumber(quotient[1]);
    return Number.isFinite(number) ? { number, half: 1e-12 * Math.abs(number), digits: 15 } : { why: "this is no number" };
  }
  const comma = COMMA.exec(plain);
  if (comma && comma[2].length === 3 && !["", "0"].includes(comma[1].replace(/^[+-]? ?/, ""))) {
    return { why: "write a point: a comma may stand for thousands" };
  }
  const power = SCIENTIFIC.exec(plain);
  if (comma) plain = `${comma[1]}.${comma[2]}${comma[3] || ""}`;
  else if (power) plain = `${power[1]}e${power[2]}`;
  if (!DECIMAL.test(plain)) return { why: "write a number, such as 0.25 or 1/4" };
  const [body, exponent] = plain.toLowerCase().split("e");
  const decimals = (body.split(".")[1] || "").length;
  const digits = body.replace(/[^0-9]/g, "").replace(/^0+/, "").length;
  const number = plainNumber(plain);
  if (Math.abs(number) >= 1e300 || (digits && Math.abs(number) <= 1e-300)) return { why: "this is no number" };
  return { number, half: 0.5 * 10 ** (Number(exponent || 0) - decimals), digits };
}

function plainNumber(text) {
  return Number(text.replace(" ", ""));
}

/* As quiz/marking.py judges. */
const EXACTLY = 1e-9;

function judged(right, exact, answer) {
  const off = Math.abs(answer.number - right);
  if (off <= (exact ? EXACTLY : data.near) * Math.abs(right)) return "right";
  if (off <= answer.half * (1 + EXACTLY)) {
    if (answer.digits >= data.fewest) return "right to the digits written";
    if (answer.digits && !exact) return "too few digits";
  }
  return "";
}

/* The verdict on an answer, and the number of the mistake that leads to it. */
function marked(blank, answer) {
  const numbers = blank.wrongs.map(([number]) => number);
  const verdict = judged(blank.answer, blank.exact, answer);
  if (verdict === "right") return [verdict, -1];
  if (verdict) {
    const same = numbers.findIndex((x) => Math.abs(answer.number - x) <= EXACTLY * Math.abs(x));
    return same < 0 ? [verdict, -1] : ["wrong", same];
  }
  for (const wanted of ["right", "right to the digits written"]) {
    const found = numbers.findIndex((x) => judged(x, blank.exact, answer) === wanted);
    if (found >= 0) return ["wrong", found];
  }
  return ["wrong", -1];
}

function said(box, kind, text) {
  box.classList.remove("right", "wrong", "told");
  if (kind) box.classList.add(kind);
  box.querySelector(".said").textContent = text;
}

function check(box, blank) {
  const answer = read(box.querySelector("input").value);
  if (!answer) return said(box, "", "");
  if (answer.why) return said(box, "told", answer.why);
  const [verdict, found] = marked(blank, answer);
  if (verdict === "too few digits") return said(box, "told", "too few digits: write 3");
  if (verdict !== "wrong") return said(box, "right", verdict);
  said(box, "wrong", found < 0 ? "not yet" : `not yet: ${blank.wrongs[found][1]}`);
}

function hint(box, blank) {
  const shown = Number(box.dataset.hints || 0);
  const text = blank.hints[Math.min(shown, blank.hints.length - 1)];
  box.dataset.hints = shown + 1;
  said(box, "told", text);
  box.querySelector(".hint").textContent = shown + 1 < blank.hints.length ? "next hint" : "answer shown";
}

sheets.forEach((sheet, place) => {
  const blanks = opened(data.sheets[place], sheet.dataset.key);
  const inputs = [...sheet.querySelectorAll("input")];
  const boxes = inputs.map((input) => input.closest(".blank"));
  const score = () => {
    const right = boxes.filter((box) => box.classList.contains("right")).length;
    const filled = inputs.some((input) => input.value);
    sheet.querySelector(".score").textContent = filled ? `${right} of ${boxes.length} are right` : "";
  };
  inputs.forEach((input, k) => {
    const blank = blanks[Number(input.dataset.blank)];
    input.addEventListener("change", () => { check(boxes[k], blank); score(); });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      check(boxes[k], blank);
      score();
      if (boxes[k].classList.contains("right") && inputs[k + 1]) inputs[k + 1].focus();
    });
    boxes[k].querySelector(".hint").addEventListener("click", () => hint(boxes[k], blank));
  });
});

const chooser = document.getElementById("chooser");
let current = 0;
function show(place) {
  current = Math.max(0, Math.min(sheets.length - 1, place));
  sheets.forEach((sheet, k) => { sheet.hidden = k !== current; });
  document.getElementById("which").textContent = `${current + 1} of ${sheets.length}`;
}
if (sheets.length > 1) {
  chooser.hidden = false;
  document.getElementById("previous").addEventListener("click", () => show(current - 1));
  document.getElementById("next").addEventListener("click", () => show(current + 1));
  show(0);
}

const data = JSON.parse(document.getElementById("data").textContent);
const sheets = [...document.querySelectorAll(".sheet")];

/* The answers of a sheet, which its text does not show. */
function opened(sheet, key) {
  const bytes = Uint8Array.from(atob(sheet), (c) => c.charCodeAt(0));
  const letters = new TextEncoder().encode(key);
  return JSON.parse(new TextDecoder().decode(bytes.map((x, k) => x ^ letters[k % letters.length])));
}

/* A number as a person writes it, with half a unit of its last digit and how many digits it has. */
function read(text) {
  let plain = text.replace(/[\u2212\u2013]/g, "-").replace(/\s/g, "");
  if (!plain) return null;
  const quotient = /^([+-]?[0-9.]+)\/([+-]?[0-9.]+)$/.exec(plain);
  if (quotient) {
    const number = Number(quotient[1]) / Number(quotient[2]);
    return Number.isFinite(number) ? { number, half: 1e-12 * Math.abs(number), digits: 15 } : { why: "this is no number" };
  }
  const comma = /^([+-]?[0-9]*),([0-9]+)$/.exec(plain);
  if (comma && comma[2].length === 3 && !["", "0"].includes(comma[1].replace(/^[+-]/, ""))) {
    return { why: "write a point: a comma may stand for thousands" };
  }
  if (comma) plain = comma[1] + "." + comma[2];
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(plain)) {
    return { why: "write a number, such as 0.25 or 1/4" };
  }
  const [body, exponent] = plain.toLowerCase().split("e");
  const decimals = (body.split(".")[1] || "").length;
  const digits = body.replace(/[^0-9]/g, "").replace(/^0+/, "").length;
  return { number: Number(plain), half: 0.5 * 10 ** (Number(exponent || 0) - decimals), digits };
}

function judged(right, exact, answer) {
  const off = Math.abs(answer.number - right);
  if (off <= (exact ? 1e-9 : data.near) * Math.abs(right)) return "right";
  if (off <= answer.half * (1 + 1e-9) && answer.digits >= data.fewest) return "right to the digits written";
  return "";
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
  const verdict = judged(blank.answer, blank.exact, answer);
  if (verdict) return said(box, "right", verdict);
  const wrong = blank.wrongs.find(([number]) => judged(number, blank.exact, answer));
  said(box, "wrong", wrong ? `not yet: ${wrong[1]}` : "not yet");
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

// How numbers are written: their digits, and their places in the page.

/** A number as it is shown: with the digits, or the decimals, that the file has. */
function shown(x) {
  if (!Number.isFinite(x)) return "?";
  if (!data.decimals) return general(x, data.digits);
  if (Math.abs(x) >= 1e15) return general(x, 6);
  const text = rounded(x, "toFixed", data.digits);
  return /[1-9]/.test(text) ? text : text.replace("-", "");
}

/** A number rounded to that many digits behind the point: of two that are as near, to the even one. */
function rounded(x, form, digits) {
  if (!/5(e|$)/.test(x[form](digits + 1))) return x[form](digits);
  const [whole, exact, power = ""] = x[form](100).split(/[.e]/);
  const cut = digits ? `${whole}.${exact.slice(0, digits)}` : whole;
  const even = /^50*$/.test(exact.slice(digits)) && /[02468]$/.test(cut);
  return even ? cut + (power && `e${power}`) : x[form](digits);
}

/** Like Python's `g`. */
function general(x, digits) {
  if (x === 0) return "0";
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const [mantissa, power] = rounded(x, "toExponential", digits - 1).split("e"), exponent = Number(power);
  if (exponent >= -4 && exponent < digits) return short(rounded(x, "toFixed", digits - 1 - exponent));
  return `${short(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Writes the number of that reference, as it is at this point; drawn: in the picture. */
function fillNumber(span, reference, how, name = "", drawn = false) {
  const found = number(reference);
  let text = found?.text ?? name;
  if (found && reference[0] === "c") {
    if (!found.routed) text = "0";
    if (!drawn) span.className = found.routed ? "gradient" : "quiet";
  }
  if (how === "beside" && found && /^-|\^/.test(text)) text = `(${text})`;
  if (drawn) {
    text = text.replaceAll("-", "\u2212");
    fitted(span, text);
  }
  if (span.textContent !== text) span.textContent = text;
  span.classList.toggle("unsure", found?.sure === false);
  label(span, "number", reference);
  label(span, "value", found && reference[0] !== "r" ? String(found.value) : undefined);
}

/** Makes a number of the picture smaller where it is longer than its room. */
function fitted(span, text) {
  const share = span.dataset.room / text.length;
  if (share < 1) span.style.setProperty("--fit", share);
  else span.style.removeProperty("--fit");
}

/** Sets what an element carries as data, where it is not that already. */
function label(span, key, text) {
  if (text === undefined) delete span.dataset[key];
  else if (span.dataset[key] !== String(text)) span.dataset[key] = text;
}

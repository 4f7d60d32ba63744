// Arrays: which numbers of the program that the page computes their elements are.

/** An array of the point. As text it is as a command takes it. */
class Entries {
  constructor({ shape, numbers }) {
    Object.assign(this, { shape, numbers });
  }

  /** Itself with another number at a place. */
  with(k, x) {
    return new Entries({ shape: this.shape, numbers: this.numbers.map((own, i) => (i === k ? x : own)) });
  }

  get width() {
    return this.shape.at(-1);
  }

  get places() {
    return this.numbers.map((_, k) => (this.shape.length > 1 ? [Math.floor(k / this.width), k % this.width] : [k]));
  }

  get isLarge() {
    return this.shape.some((n) => n > WRITTEN_OUT);
  }

  toString() {
    return `'${bracketed(this.shape, this.numbers.map(String))}'`;
  }
}

const WRITTEN_OUT = 6; // rows, or columns, of the largest array that is written out

/** Texts of elements as programs write arrays: [[1, 2], [3, 4]]. */
function bracketed(shape, texts, comma = ",") {
  if (!shape.length) return texts[0];
  if (shape.length === 1) return `[${texts.join(comma)}]`;
  const rows = Array.from({ length: shape[0] }, (_, i) => texts.slice(i * shape[1], (i + 1) * shape[1]));
  return `[${rows.map((row) => `[${row.join(comma)}]`).join(comma)}]`;
}

const arrays = new Map(Object.entries(data.arrays));
const isGrid = (array) => array !== undefined && array.refs.length > 1 && !array.parts;
for (const input of data.program?.inputs ?? []) {
  if (typeof input[1] === "object") input[1] = new Entries(input[1]);
}

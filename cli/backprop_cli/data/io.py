"""Tables: reading points row by row, and writing them with columns added.

What is not a number of the program is text that goes through untouched. So CSV is read as text, a
line of JSON keeps its own text, and only the variables are ever parsed.

Polars reads and writes, a batch at a time, in order, on several threads; its parser of floats is
right to the last bit and its printer shortest, which a test holds it to.
"""

import codecs
import errno
import io
import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import prod
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

from backprop_grammar.errors import BackpropError, shorten, suggestion, usage, visible

from ..screens.diagnostics import refusal

if TYPE_CHECKING:
    import polars

    from backprop_grammar.batch.decimals import Decimals  # for types only: it loads NumPy

__all__ = [
    "COMMA",
    "FORMATS",
    "LINE",
    "OF_LISTS",
    "PACKED",
    "RENAME",
    "ROW",
    "TEXTS",
    "check_separator",
    "check_writable",
    "columns_of",
    "decimals",
    "elements",
    "fields",
    "first_value",
    "floats",
    "format_of",
    "joined",
    "library",
    "list_type",
    "listed",
    "no_texts",
    "part",
    "reading",
    "scan",
    "taken",
    "texts",
    "whole_columns",
    "write",
]

FORMATS = {"csv": ".csv", "tsv": ".tsv", "jsonl": ".jsonl", "parquet": ".parquet"}
"""The formats by name, with the suffix of the files that are written."""
CELLS = ("csv", "tsv")
"""Those in which a row is cells with a separator between them."""
COMMA = ","
"""What separates the cells of CSV where nothing else is said."""
SUFFIXES = {suffix: name for name, suffix in FORMATS.items()} | {".ndjson": "jsonl", ".tab": "tsv"}
PACKED = (".gz", ".zst")
"""What the reader unpacks by itself."""

DIGITS = 15
"""Two numbers of so many digits are never nearest to the same float."""

ROW = "\0row"
"""The column of row numbers, from 0; no file has one of that name."""
RENAME = "give what is added another name: --columns value=f,d_x=slope,status"
"""The way out where a column has the name of an added one."""
LINE = "\0line"
"""The column that holds the lines of a JSON Lines file."""
OTHER_FORMAT = "is it in the format of its suffix? --from names another"
QUOTED = (
    "a quote in it is not closed, or stands inside a cell",
    'double it, or quote the cell: "a ""b"" c"',
)
READERS_WORDS = {
    "is not properly escaped": QUOTED,
    "CSV malformed": QUOTED,
    "found more fields": ("a row has more fields than the header", OTHER_FORMAT),
    "invalid utf-8": ("it is not UTF-8 text", "save it as UTF-8"),
    "File out of specification": ("it is no Parquet file, or not a whole one", OTHER_FORMAT),
    "end of file": ("it ends too early", "is the file whole?"),
    "error sending request": ("nothing answers there", "check the address"),
}
"""A part of what the reader says -> what that means, and what to do."""
NUMBER = re.compile(r"\(os error ([0-9]+)\)")
OF_WRITING = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that only writing has."""


TEXTS = "String[]"
"""The type of a key of JSON Lines that holds a list."""
OF_LISTS = ("List", "Array", TEXTS)
"""How the types of columns begin that hold lists."""

PART = "\0"
"""Between the name of a column of lists and the number of an element of them, row by row."""


def part(column: str, k: int) -> str:
    """What an element of a column of lists is called."""
    return f"{column}{PART}{k}"


def whole_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns that some columns and parts of columns are of, each once."""
    return tuple(dict.fromkeys(name.partition(PART)[0] for name in names))


class NumberText(str):
    """A number of JSON as it is written."""

    __slots__ = ()


DECODER = json.JSONDecoder(parse_float=NumberText, parse_int=NumberText, parse_constant=NumberText)
DOUBTFUL = r"\\u00[0-7]|\\u[dD][89abAB]|[eE]-0*[1-9][0-9][0-9]|0{200}"
"""Lines that the quick reader of JSON is not given: with a letter of a key escaped, half a
character, or a number that may be too small for a float."""
LONG = "[0-9.]{17}"
"""What lines have in them where a number has more than DIGITS."""


def library() -> Any:
    """The polars module. Raises BackpropError that says how to install it.

    NumPy is loaded before it: polars would load it on the first thread that asks, which two threads
    cannot do at once.
    """
    try:
        import numpy  # noqa: F401
        import polars
    except ModuleNotFoundError as error:
        message = f"tables are read with {error.name}, which is not installed"
        raise usage(message, "pip install 'backprop-cli[data]'") from None
    return polars


def format_of(path: str, name: str, option: str, default: str = "") -> str:
    """The format that an option names, or a path's suffix; a default where it says none.

    Raises BackpropError where there is none such.
    """
    listed = ", ".join(FORMATS)
    if name:
        if name not in FORMATS:
            hint = suggestion(name, FORMATS, f"the formats are {listed}")
            raise usage(f"{option} {shorten(name)} is no format", hint)
        return name
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    form = SUFFIXES.get(suffixes[-1] if suffixes else "", default)
    if not form:
        raise usage(f"the format of {shorten(path)} is unknown", f"name it with {option}: {listed}")
    return form


@contextmanager
def reading(path: str) -> Iterator[None]:
    """The reader's complaints in our words. Raises BackpropError for them."""
    pl = library()
    try:
        yield
    except pl.exceptions.NoDataError:
        hint = "a table has at least a header"
        raise BackpropError("file", f"{path} is empty", hint=hint) from None
    except pl.exceptions.PolarsError as error:
        check_system(error, path)
        reason, hint = meaning(error, OTHER_FORMAT)
        raise BackpropError("file", f"cannot read {path}: {reason}", hint=hint) from None
    except OSError as error:
        check_system(error, path)
        reason, hint = meaning(error, "check the name of the file")
        raise usage(f"cannot read {path}: {reason}", hint) from None


def meaning(error: Exception, hint: str) -> tuple[str, str]:
    """What the reader complains about, and what to do; hint: where nothing better is known."""
    text = str(error).strip()
    known = (words for part, words in READERS_WORDS.items() if part in text)
    return next(known, (text.splitlines()[0].lower(), hint))


def check_system(error: Exception, path: str) -> None:
    """Raise the error of the system that the reader met: it tells the number, perhaps in its text.

    As it is where that is one of writing, and as a BackpropError otherwise.
    """
    number = NUMBER.search(str(error))
    code = getattr(error, "errno", None) or (int(number[1]) if number else 0)
    if not code:
        return
    met = OSError(code, os.strerror(code))
    if code in OF_WRITING:
        raise met from None
    raise usage(f"cannot read {path}: {refusal(met)}", "check the name of the file") from None


def separated(form: str, separator: str) -> str:
    """What stands between the cells of a format, given what does in CSV."""
    return "\t" if form == "tsv" else separator


def scan(path: str, form: str, separator: str = COMMA) -> "polars.LazyFrame":
    """A file's rows, to be read when they are asked for, numbered in the column ROW.

    separator: of CSV.
    """
    pl = library()
    frame: polars.LazyFrame
    if form == "parquet":
        frame = pl.scan_parquet(path, glob=False)
    elif form == "jsonl":
        frame = pl.scan_lines(path, name=LINE, glob=False)
    else:
        between = separated(form, separator)
        frame = pl.scan_csv(path, infer_schema=False, separator=between, glob=False)
    return frame.with_row_index(ROW)


def columns_of(path: str, form: str, name: str, separator: str = COMMA) -> dict[str, str]:
    """A file's columns: name -> type, String for text; of JSON Lines, the first line's keys.

    name: what the file is called. separator: of CSV.

    Raises BackpropError where there are two of one name, or the file can't be read.
    """
    with reading(name):
        frame = scan(path, form, separator)
        if form == "jsonl":
            first = frame.head(1).collect()[LINE]
            values = parsed(first[0], 0, name) if len(first) else {}
            return {k: TEXTS if isinstance(x, list) else "String" for k, x in values.items()}
        columns = {
            column: str(kind) for column, kind in frame.collect_schema().items() if column != ROW
        }
        between = separated(form, separator)
        header = Counter(() if form == "parquet" else header_of(path, between))
    twice = next((column for column, count in header.items() if count > 1), None)
    if twice is not None:
        which = f"columns {shorten(twice)}" if twice else "columns without a name"
        hint = "give each column a name of its own"
        raise BackpropError("file", f"{name} has two {which}", hint=hint)
    return columns


def header_of(path: str, separator: str) -> tuple[str, ...]:
    """The names in the first row of a table of text, which the reader makes different."""
    pl = library()
    frame = pl.scan_csv(
        path,
        infer_schema=False,
        separator=separator,
        glob=False,
        has_header=False,
        truncate_ragged_lines=True,
        n_rows=1,
    )
    return tuple(name or "" for row in frame.collect().rows() for name in row)


def check_separator(separator: str, forms: Collection[str] = CELLS) -> None:
    """Raise BackpropError for what separates no cells, and where no file is CSV; forms: of files."""
    if separator == COMMA:
        return
    shown = shorten(visible(separator))
    if separator in ("\t", "\\t", "tab"):
        raise usage("cells with tabs between them are tsv", "write --from tsv")
    if (
        len(separator) != 1
        or not separator.isascii()
        or separator.isalnum()
        or separator in '.-+"\r\n'
    ):
        hint = 'it is one character that is in no number, such as ";" or "|"'
        raise usage(f"--separator {shown or 'nothing'} separates no cells", hint)
    if "csv" not in forms:
        raise usage("--separator is what stands between the cells of csv", "leave it out")


def check_writable(columns: dict[str, str], name: str, form: str) -> None:
    """Raise BackpropError where a format cannot hold a file's column; columns: name -> type."""
    for column, kind in columns.items():
        nested = kind.startswith(("List", "Array", "Struct"))
        text = form in CELLS and (nested or kind.startswith("Duration"))
        binary = kind in ("Binary", "Object") or (nested and "Binary" in kind)
        if form != "parquet" and (text or binary):
            held = f"the column {shorten(column)} of {name} holds {shorten(kind)}"
            hint = "write it with --to parquet, or drop the column"
            raise usage(f"{held}, which {form} cannot", hint)


def first_value(path: str, form: str, name: str, column: str) -> Any:
    """What stands in a column in the first row of a file, None where there is no row.

    name: what the file is called.
    """
    with reading(name):
        if form == "jsonl":
            lines = scan(path, form).head(1).collect()[LINE]
            return parsed(lines[0], 0, name).get(column) if len(lines) else None
        values = scan(path, form).select(column).head(1).collect().to_series().to_list()
    return values[0] if values else None


def parsed(line: str, row: int, path: str) -> dict[str, Any]:
    """A line of JSON Lines. Raises BackpropError where it is no object."""
    try:
        value = DECODER.decode(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise wrong_line(path, row, "this is no JSON object", "JSON Lines has an object per line")
    return value


def wrong_line(path: str, row: int, reason: str, hint: str) -> BackpropError:
    """The error of a line of JSON Lines; row: from 0."""
    return BackpropError("file", f"{path}, line {row + 1}: {reason}", hint=hint)


def fields(
    frame: "polars.DataFrame",
    path: str,
    names: Sequence[str],
    added: Collection[str],
    more: bool,
    lists: Collection[str] = (),
) -> "polars.DataFrame":
    """The values of some keys in lines of JSON, as text; null where there is none.

    added: keys that will be added; more: whether a line may have further ones. lists: keys of
    lists, whose numbers are not to be cut. Raises BackpropError where a line is no object, or has a
    key that it may not have.
    """
    pl = library()
    cut = bool(lists) and frame[LINE].str.contains(LONG).any()
    if more and not cut and not doubtful(frame[LINE], names, added):
        keys = pl.Struct(dict.fromkeys([*names, *added], pl.String))
        with suppress(pl.exceptions.PolarsError):  # its reader is fast, ours says what is wrong
            quick = frame[LINE].str.json_decode(keys)
            table = quick.struct.unnest()
            clear = all(table[name].null_count() == frame.height for name in added)
            if clear and table.height == frame.height and not quick.null_count():
                return as_written(table.select(names), frame[LINE])
    rows = []
    for number, line in zip(frame[ROW], frame[LINE], strict=True):
        row = parsed(line, number, path)
        for name in row:
            if name in added:
                raise wrong_line(path, number, f"there is a {shorten(name)} already", RENAME)
            if not more and name not in names:
                hint = "the rows of a table have the same columns; write JSON Lines"
                raise wrong_line(path, number, f"the first line has no {shorten(name)}", hint)
        try:
            rows.append([text_of(row.get(name)) for name in names])
        except RecursionError:
            raise wrong_line(path, number, "this is nested too deep", "flatten it") from None
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")  # type: ignore[no-any-return]


def as_written(table: "polars.DataFrame", lines: "polars.Series") -> "polars.DataFrame":
    """The fields of lines of JSON, of which the quick reader has cut the long numbers."""
    pl = library()
    long = lines.str.contains(LONG)
    if not long.any():
        return table
    for name in table.columns:
        key = re.escape(json.dumps(name, ensure_ascii=False))
        said = lines.str.extract(f"{key}[ \\t\\r]*:[ \\t\\r]*(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)")
        same = said.cast(pl.Float64, strict=False) == table[name].cast(pl.Float64, strict=False)
        table = table.with_columns(table[name].zip_with(~(long & same).fill_null(False), said))
    return table


def doubtful(lines: "polars.Series", names: Sequence[str], added: Collection[str]) -> bool:
    """Whether the quick reader might not see what is wrong with a line, or with a tiny number.

    It takes the first of a key's values, JSON means the last; it cannot tell null from no key.
    """
    keys = {
        name: f"{re.escape(json.dumps(name, ensure_ascii=False))}[ \\t\\r]*:"
        for name in (*names, *added)
    }
    twice = (f"{keys[name]}.*{keys[name]}" for name in names)
    parts = [DOUBTFUL, *twice, *(keys[name] for name in added)]
    patterns = ("|".join(parts[k : k + 50]) for k in range(0, len(parts), 50))
    return any(lines.str.contains(pattern).any() for pattern in patterns)


def floats(column: "polars.Series", name: str = "") -> tuple["polars.Series", dict[int, str]]:
    """A column as float64, and what is wrong with those of its numbers that are missing or lost.

    name: what the program calls it, if something else. Text is read as the nearest float, integers
    and decimals are rounded to it.
    """
    pl = library()
    name = name or column.name
    if column.dtype.is_decimal():
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        column = column.str.strip_chars(" \t")
    result = column.cast(pl.Float64, strict=False)
    wrong = {}
    for row in (~result.is_finite()).fill_null(True).arg_true():
        text = column[row]
        if text is None or text == "":
            wrong[row] = f"{name} is missing"
        elif result[row] is None:
            wrong[row] = f'{name} is not a number: "{shorten(visible(text))}"'
        else:
            wrong[row] = f"{name} is not finite"
    if column.dtype == pl.String and (result == 0).any():
        lost = ((result == 0) & column.str.contains("^[^eE]*[1-9]")).arg_true()
        for row in lost:
            wrong[row] = f'{name} is too small a number: "{shorten(visible(column[row]))}"'
        result = result.scatter(lost, None)
    return result, wrong


def elements(
    column: "polars.Series", shape: tuple[int, ...], name: str
) -> tuple[list["polars.Series"], dict[int, str]]:
    """The elements of a column of lists, row by row, and the rows that hold none of that shape.

    column: of lists, or of texts such as [1, 2]. name: what the program calls it.
    """
    pl = library()
    size, width = prod(shape), shape[-1]
    what = f"vector of {size}" if len(shape) == 1 else f"{shape[0]}x{width} matrix"
    wrong = dict[int, str]()
    if column.dtype == pl.String:
        row = rf"\s*\[[^\[\],]*(?:,[^\[\],]*){{{width - 1}}}\]\s*"
        form = row if len(shape) == 1 else rf"\s*\[{row}(?:,{row}){{{shape[0] - 1}}}\]\s*"
        right = column.str.contains(f"^(?:{form})$")
        told = column.str.replace_all(r"[\[\]\s]", "").str.split(",")
        each = pl.element().str.strip_chars('"')
        told = told.list.eval(pl.when(each != "null").then(each))
    else:
        told = column.cast(nested(column.dtype, len(shape)))
        right = told.list.len() == shape[0]
        if len(shape) == 2:
            inner = told.list.eval(pl.element().list.len() == width)
            right &= inner.list.all()
            told = told.list.eval(pl.element().list.explode())
    for k in (~right).fill_null(False).arg_true():
        wrong[k] = f"{name} is no {what}: {shorten(visible(told_of(column[k])))}"
    for k in column.is_null().arg_true():
        wrong[k] = f"{name} is missing"
    told = told.zip_with(right.fill_null(False), pl.Series([None], dtype=told.dtype))
    return [told.list.get(k, null_on_oob=True) for k in range(size)], wrong


def of_classes(column: "polars.Series", size: int) -> tuple[list["polars.Series"], dict[int, str]]:
    """Labels as a column for each class, 1 where it is theirs, and what is wrong with which rows."""
    numbers, wrong = floats(column)
    right = (numbers == numbers.floor()) & numbers.is_between(0, size - 1)
    for k in (~right).fill_null(False).arg_true():
        wrong.setdefault(k, f"{column.name} is no label from 0 to {size - 1}: {shorten(visible(str(column[k])))}")  # fmt: skip
    numbers = numbers.set(~right.fill_null(False), None)
    return [(numbers == k).cast(library().Int8) for k in range(size)], wrong


def told_of(value: Any) -> str:
    """A value of a column of lists as text."""
    return str(value.to_list() if hasattr(value, "to_list") else value)


def nested(kind: Any, depth: int) -> Any:
    """The type of a list, or a list of lists, of what an array holds."""
    pl, inner = library(), kind
    for _ in range(depth):
        inner = inner.inner
    for _ in range(depth):
        inner = pl.List(inner)
    return inner


def taken(
    table: "polars.DataFrame",
    columns: Mapping[str, str],
    lists: Mapping[str, tuple[int, ...]],
    labels: Mapping[str, int],
) -> tuple[dict[str, "polars.Series"], dict[int, str]]:
    """The columns of some names, and what is wrong with rows of the columns of lists and labels.

    columns: name -> column, or part of one. lists: columns of lists -> the shapes in them. labels:
    columns of labels -> how many classes they name.
    """
    parts: dict[str, polars.Series] = {}
    wrong = dict[int, str]()
    for column, shape in lists.items():
        series, reasons = elements(table[column], shape, column)
        parts |= {part(column, k): one.alias(part(column, k)) for k, one in enumerate(series)}
        wrong |= reasons
    for column, size in labels.items():
        series, reasons = of_classes(table[column], size)
        parts |= {part(column, k): one.alias(part(column, k)) for k, one in enumerate(series)}
        wrong |= reasons
    return {
        name: parts[column] if column in parts else table[column]
        for name, column in columns.items()
    }, wrong


def listed(table: "polars.DataFrame", shapes: Mapping[str, tuple[int, ...]]) -> "polars.DataFrame":
    """A table with columns of lists for the columns of their elements; shapes: in the former."""
    pl = library()
    for column, shape in shapes.items():
        names = [part(column, k) for k in range(prod(shape))]
        place = table.columns.index(names[0])
        flat = table.select(pl.concat_arr(names)).to_series().explode()
        series = flat.reshape((table.height, *shape)).cast(list_type(shape)).alias(column)
        table = table.drop(names).insert_column(place, series)
    return table


def list_type(shape: tuple[int, ...]) -> Any:
    """The type of columns whose rows hold arrays of numbers."""
    pl = library()
    kind = pl.Float64()
    for _ in shape:
        kind = pl.List(kind)
    return kind


def texts(column: "polars.Series", numbers: "polars.Series") -> "polars.Series":
    """The texts of the numbers that are not the shortest ones of their floats, null for the others.

    column: as it was read, of which ``floats`` made the numbers. A float stands for itself.
    """
    pl = library()
    if column.dtype.is_float():
        from decimal import Decimal  # takes milliseconds to load

        exactly = [None if x is None else str(Decimal(x)) for x in numbers]
        return pl.Series(column.name, exactly, dtype=pl.String)  # type: ignore[no-any-return]
    text = column.cast(pl.String).str.strip_chars(" \t")
    longer = (text.str.len_bytes() > DIGITS).fill_null(False)
    if longer.any():
        longer &= (text != numbers.cast(pl.String)).fill_null(False)
    return text.set(~longer, None) if longer.any() else no_texts(len(text))


def no_texts(rows: int) -> "polars.Series":
    """The texts of numbers that all are what their floats print."""
    pl = library()
    return pl.repeat(None, rows, dtype=pl.String, eager=True)  # type: ignore[no-any-return]


def decimals(numbers: "polars.Series", texts: "polars.Series") -> "Decimals":
    """A column of decimals; see ``texts``."""
    from backprop_grammar.batch.decimals import Decimals  # needs NumPy

    values = numbers.to_numpy()
    if texts.null_count() == len(texts):
        return Decimals(values)
    return Decimals(values, texts.is_not_null().to_numpy(), texts)


def text_of(value: Any) -> str | None:
    """A value of JSON as text: of a string its characters, of anything else its JSON."""
    if not isinstance(value, str):
        return None if value is None else json_text(value)
    return value.encode(errors="backslashreplace").decode()  # half a character is no text


def json_text(value: Any) -> str:
    """A value as JSON, its numbers as they were."""
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{json.dumps(k, ensure_ascii=False)}: {json_text(v)}" for k, v in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def joined(lines: "polars.Series", added: "polars.DataFrame") -> "polars.DataFrame":
    """Lines of JSON with further keys, whose own text stays as it is."""
    pl = library()
    line = pl.col(LINE).str.strip_prefix("\ufeff").str.strip_chars()
    head = line.str.head(-1).str.strip_chars_end()
    comma = pl.when(head == "{").then(pl.lit("")).otherwise(pl.lit(","))
    tail = pl.struct(added.columns).struct.json_encode().str.slice(1)
    return added.with_columns(lines).select((head + comma + tail).alias(LINE))


def write(
    frame: "polars.LazyFrame", stream: IO[bytes], form: str, lines: bool, separator: str = COMMA
) -> None:
    """Compute the rows and write them, in order.

    lines: they are lines of JSON already. separator: of CSV.
    """
    place: Any = VisibleStream(stream) if stream.isatty() else stream
    if lines:
        frame.sink_csv(place, include_header=False, quote_style="never")
    elif form == "parquet":
        frame.sink_parquet(place)
    elif form == "jsonl":
        frame.sink_ndjson(place)
    else:
        frame.sink_csv(place, separator=separated(form, separator))


class VisibleStream(io.RawIOBase):
    """A terminal's stream on which the characters that it would obey are seen instead."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write the bytes of a text; cells and lines end as they do in a file."""
        text = self.decoder.decode(bytes(data))
        rows = ("\t".join(map(visible, row.split("\t"))) for row in text.split("\n"))
        self.stream.write("\n".join(rows).encode(errors="backslashreplace"))
        return len(data)

    def flush(self) -> None:
        self.stream.flush()

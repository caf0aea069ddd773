"""What a person most likely meant where the text could not be parsed: one rule a mistake, the first that fits speaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lark.exceptions import UnexpectedInput

from ..errors import Diagnostic, Label
from ..report import nearest
from ..spans import Source
from .borrowed import attribute_help
from .lines import OPENING, Chunk, open_bracket
from .stumble import Stumble, end_of, stumble_of
from .words import ITEM_WORDS, RESERVED, STATEMENT_WORDS

_CURES = {
    "&": "write `and`; of the bits of whole numbers `bit_and(a, b)`",
    "|": "write `or`; of the bits of whole numbers `bit_or(a, b)`",
    "!": "write `not`, or `!=` for unequal",
    "~": "write `not`; of the bits of whole numbers `bit_not(a)`",
    "^": "a power is written `**`; of the bits of whole numbers `bit_xor(a, b)`",
    "'": 'strings stand in double quotes, `"..."`',
    ";": "one line holds one statement",
    "\\": "lines may be broken inside brackets",
    "\t": "indent with blanks only",
    ".": "a number has digits on both sides of its point, and values have no attributes",
}

_FOREIGN = {
    "def": "a kernel starts with `kernel`, a named expression with `fn`",
    "while": "loops run over dimensions: `for k of K:`",
    "return": "results are written: `c[m, n] = ...`",
    "import": "functions of another file come with `from FILE import NAME`",
    "with": "there is no `with`",
    "class": "there are no classes",
}

_VALUE = {"NAME", "INT", "FLOAT", "LPAR"}
_ENDS = ("$END", "_NL", "_DEDENT")
_OPERATOR = {"SIGN", "TIMES", "POWER", "COMPARE", "_AND", "_OR"}
_SPELLED = {
    "NAME": "a name",
    "INT": "a whole number",
    "FLOAT": "a number",
    "DOC": "a string",
    "_NL": "the end of the line",
    "_INDENT": "an indented block",
    "_DEDENT": "the end of the block",
    "$END": "the end",
    "_ARROW": "`->`",
    "_DOTS": "`..`",
    "LEADING": "`...`",
    "_ASSIGN": "`=`",
    "AUGMENTED": "`+=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
}


def explain(error: UnexpectedInput, chunk: Chunk, source: Source) -> Diagnostic:
    """The one diagnostic for a text that could not be parsed."""
    stumble = stumble_of(error, chunk, source)
    return next(diagnostic for rule in RULES if (diagnostic := rule(stumble)))


# --- rules, in the order in which they are asked ----------------------------------------------------------------------


def _unclosed(at: Stumble) -> Diagnostic | None:
    offset = open_bracket(at.before)
    if offset is None:
        return None
    line = at.before.count("\n", 0, offset) + 1
    if line == at.line and at.kind not in _ENDS:
        return None
    bracket = at.before[offset]
    column = offset - (at.before.rfind("\n", 0, offset) + 1) + 1
    others = (Label(at.span(), "this does not fit inside it"),) if at.kind not in _ENDS else ()
    close = OPENING[bracket]
    return Diagnostic("TK105", f"this `{bracket}` is never closed", at.span(line, column, 1), f"expected `{close}`", "", others)


def _character(at: Stumble) -> Diagnostic | None:
    if at.kind:
        return None
    if at.found == '"':
        return Diagnostic("TK109", "this string is never closed", at.span(), 'expected `"` or `"""`')
    shown = f"`{at.found}`" if at.found.isprintable() else f"U+{ord(at.found):04X}"
    return Diagnostic("TK108", f"{shown} is no character of the language", at.span(), help=_CURES.get(at.found, ""))


def _bracket(at: Stumble) -> Diagnostic | None:
    if at.found not in OPENING.values():
        return None
    offset = open_bracket(at.before)
    if offset is None:
        return Diagnostic("TK105", f"this `{at.found}` closes nothing", at.span())
    if OPENING[at.before[offset]] == at.found:
        return None
    line, column = at.before.count("\n", 0, offset) + 1, offset - at.before.rfind("\n", 0, offset)
    others = (Label(at.span(line, column, 1), "opened here"),)
    close = OPENING[at.before[offset]]
    return Diagnostic("TK105", f"`{at.found}` does not close `{at.before[offset]}`", at.span(), f"expected `{close}`", "", others)


def _foreign(at: Stumble) -> Diagnostic | None:
    word = _first_word(at)
    if word is None or word[1] not in _FOREIGN:
        return None
    column, text = word
    span = at.span(column=column, width=len(text))
    return Diagnostic("TK106", f"`{text}` is no word of the language", span, help=_FOREIGN[text])


def _reserved(at: Stumble) -> Diagnostic | None:
    match = re.match(r"[ ]*([A-Za-z_]\w*)(?=\s*[-+*/]?=(?!=))", at.text)
    if match is None or match.group(1) not in RESERVED:
        return None
    word = match.group(1)
    span = at.span(column=match.start(1) + 1, width=len(word))
    return Diagnostic("TK115", f"`{word}` is a word of the language and names nothing else", span, "expected a name")


def _misspelt_start(at: Stumble) -> Diagnostic | None:
    word = _first_word(at)
    if word is None or word[1] in RESERVED:
        return None
    column, text = word
    meant = nearest(text, ITEM_WORDS if column == 1 else STATEMENT_WORDS)
    if meant is None:
        return None
    span = at.span(column=column, width=len(text))
    return Diagnostic("TK106", f"`{text}` starts no statement", span, help=f"did you mean `{meant}`?")


def _first_word(at: Stumble) -> tuple[int, str] | None:
    """The column and the word with which the line starts, if no statement about a name follows it."""
    match = re.match(r"([ ]*)([A-Za-z_]\w*)(?=\s+[A-Za-z_0-9]|\s*:|\s*$)", at.text)
    return (match.end(1) + 1, match.group(2)) if match else None


def _misspelt(at: Stumble) -> Diagnostic | None:
    if at.kind != "NAME":
        return None
    meant = nearest(at.found, (each[1:].lower() for each in at.accepts if re.fullmatch(r"_[A-Z]{2,}", each)))
    if meant is None or meant in ("nl", "indent", "dedent"):
        return None
    return Diagnostic("TK106", f"`{at.found}` does not belong here", at.span(), help=f"did you mean `{meant}`?")


def _no_colon(at: Stumble) -> Diagnostic | None:
    if at.kind not in ("_NL", "$END") or "COLON" not in at.accepts:
        return None
    return Diagnostic("TK102", "a `:` is missing at the end of this line", at.span(), "expected `:`")


def _no_results(at: Stumble) -> Diagnostic | None:
    if "_ARROW" not in at.accepts:
        return None
    return Diagnostic("TK122", "a kernel says what it gives", at.span(), "expected `->`", "write `-> c: T[M, N]:`")


def _range(at: Stumble) -> Diagnostic | None:
    match = re.match(r"[ ]*for +\w+ +(?:in|of) +(range) *\(", at.text)
    if match is None:
        return None
    span = at.span(column=match.start(1) + 1, width=5)
    help = "write `for r in 0..3:` to count 0, 1, 2, or `for k of K:` to step through a dimension"
    return Diagnostic("TK126", "`range` belongs to Python", span, help=help)


def _range_ends(at: Stumble) -> Diagnostic | None:
    match = re.search(r"[:\]\w] +in +(?:[\[(]?[^\[\](),:{}]*)$", at.before)
    heading = at.chunk.text.startswith("kernel") and "->" not in at.before
    if match is None or not heading or at.found not in (",", ":", "[", "{"):
        return None
    return Diagnostic("TK130", "a range is written with `..`", at.span(), "", "write `x: T[N] in 0..1`; both ends are included")


def _slice(at: Stumble) -> Diagnostic | None:
    offset = open_bracket(at.before)
    if at.kind != "COLON" or offset is None or at.before[offset] != "[":
        return None
    help = "name the axis, which says what is covered: `x[m, N]`; one further on is `x[m + 1, N]`"
    return Diagnostic("TK127", "an index is no slice", at.span(), "expected an axis or a position", help)


def _attribute(at: Stumble) -> Diagnostic | None:
    match = re.compile(r"\.([A-Za-z_]\w*)").match(at.text, at.column - 1)
    if at.found != "." or match is None or not re.search(r"[\w)\]]$", at.before):
        return None
    owner = re.search(r"([A-Za-z_]\w*)$", at.before)
    help = attribute_help(owner.group(1) if owner else "", match.group(1))
    return Diagnostic("TK128", f"values have no attribute `{match.group(1)}`", at.span(width=len(match.group())), help=help)


def _tune_equals(at: Stumble) -> Diagnostic | None:
    if at.kind != "_ASSIGN" or not re.match(r"[ ]*tune +\w+ *=", at.text):
        return None
    return Diagnostic("TK129", "a tuning parameter has choices", at.span(), "expected `in`", "write `tune TK in {64, 128} = 64`")


def _loop_in(at: Stumble) -> Diagnostic | None:
    match = re.match(r"[ ]*for +\w+ +(in)\b", at.text)
    if at.kind != "COLON" or "_DOTS" not in at.accepts or match is None:
        return None
    span = at.span(column=match.start(1) + 1, width=2)
    return Diagnostic("TK121", "`in` counts, and `of` steps through a dimension", span, "expected `of`")


def _single_equals(at: Stumble) -> Diagnostic | None:
    if at.kind != "_ASSIGN":
        return None
    if open_bracket(at.before) is not None:
        return Diagnostic("TK103", "arguments have no names", at.span(), help="give them by position, or compare with `==`")
    if re.match(r" *axis\b", at.text):
        return Diagnostic("TK103", "`=` binds, and an axis is named by what it runs over", at.span(), "expected `of`")
    return Diagnostic("TK103", "`=` binds, and this place compares", at.span(), "expected `==`")


def _indentation(at: Stumble) -> Diagnostic | None:
    if at.kind == "_INDENT":
        return Diagnostic("TK113", "this line is indented and no block starts here", at.span(column=1, width=len(at.found)))
    if at.accepts == {"_INDENT"}:
        line, column = end_of(at.chunk.text.split("\n")[: max(1, at.line - (at.kind != "$END"))])
        return Diagnostic("TK112", "a block of statements is missing", at.span(line, column, 1), "expected an indented block")
    return None


def _anything(at: Stumble) -> Diagnostic:
    found = {"_NL": "the line ends here", "$END": "the text ends here", "_DEDENT": "the block ends here"}.get(at.kind)
    what = found or f"`{at.found}` does not belong here"
    wanted = list(_expected(at.accepts))
    note = f"expected {' or '.join([', '.join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)}" if wanted else ""
    return Diagnostic("TK101", what, at.span(), note, _cure(at))


def _cure(at: Stumble) -> str:
    """Help with what belongs to Python and not here."""
    return "choose between values with `where(condition, a, b)`" if at.kind == "_IF" else ""


def _expected(accepts: frozenset[str]) -> Iterator[str]:
    rest = set(accepts)
    if rest >= _VALUE:
        rest -= {*_VALUE, "_TRUE", "_FALSE", "_NOT", "SIGN"}
        yield "a value"
    if rest & _OPERATOR:
        rest -= {*_OPERATOR, "LPAR", "_LIKE"}
        yield "an operator"
    for each in sorted(rest):
        yield _SPELLED.get(each) or f"`{each.strip('_').lower()}`"


RULES: tuple[Callable[[Stumble], Diagnostic | None], ...] = (
    _unclosed,
    _attribute,
    _character,
    _bracket,
    _foreign,
    _reserved,
    _indentation,
    _range,
    _range_ends,
    _slice,
    _tune_equals,
    _loop_in,
    _no_colon,
    _misspelt_start,
    _misspelt,
    _no_results,
    _single_equals,
    _anything,
)

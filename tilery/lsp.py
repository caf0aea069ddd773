"""The language server: mistakes as one types, values and their bytes, definitions, completion, layout. Needs the extra `lsp`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from .dsl.errors import Diagnostic, SourceErrors
from .dsl.inspection import completions, definition_at, value_at
from .dsl.module import Examined, examine
from .dsl.spans import Span
from .dsl.text.formatter import format_text

server = LanguageServer("tilery", version("tilery"))

_KINDS = {
    "axis": lsp.CompletionItemKind.Variable,
    "value": lsp.CompletionItemKind.Value,
    "function": lsp.CompletionItemKind.Function,
    "type": lsp.CompletionItemKind.TypeParameter,
    "keyword": lsp.CompletionItemKind.Keyword,
}


def _examined(document: TextDocument) -> Examined:
    return examine(document.source, document.uri, to_fs_path(document.uri))


def _place(document: TextDocument, position: lsp.Position) -> tuple[int, int]:
    """Line and column as our spans count them: from 1, in characters."""
    inside = document.position_codec.position_from_client_units(document.lines, position)
    return inside.line + 1, inside.character + 1


def _range(document: TextDocument, span: Span) -> lsp.Range:
    start, end = lsp.Position(span.line - 1, span.column - 1), lsp.Position(span.end_line - 1, span.end_column - 1)
    return document.position_codec.range_to_client_units(document.lines, lsp.Range(start, end))


# --- mistakes ---------------------------------------------------------------------------------------------------------


@server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
def _opened(ls: LanguageServer, params: lsp.DidOpenTextDocumentParams) -> None:
    _publish(ls, params.text_document.uri)


@server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
def _changed(ls: LanguageServer, params: lsp.DidChangeTextDocumentParams) -> None:
    _publish(ls, params.text_document.uri)


def _publish(ls: LanguageServer, uri: str) -> None:
    document = ls.workspace.get_text_document(uri)
    found = _examined(document)
    mine = [each for each in (*found.errors, *found.warnings) if each.span.source.name == uri]
    shown = [_diagnostic(document, each) for each in mine]
    ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, document.version))


def _diagnostic(document: TextDocument, each: Diagnostic) -> lsp.Diagnostic:
    message = "\n".join(part for part in (each.message, each.note, each.help and f"help: {each.help}") if part)
    related = [
        lsp.DiagnosticRelatedInformation(lsp.Location(document.uri, _range(document, label.span)), label.note)
        for label in each.others
        if label.span.source.name == document.uri
    ]
    severity = lsp.DiagnosticSeverity.Error if each.severity == "error" else lsp.DiagnosticSeverity.Warning
    return lsp.Diagnostic(_range(document, each.span), message, severity, each.code, None, "tilery", None, related)


# --- questions --------------------------------------------------------------------------------------------------------


@server.feature(lsp.TEXT_DOCUMENT_HOVER)
def _hover(ls: LanguageServer, params: lsp.HoverParams) -> lsp.Hover | None:
    document = ls.workspace.get_text_document(params.text_document.uri)
    found = value_at(_examined(document), *_place(document, params.position))
    if found is None:
        return None
    span, text = found
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), _range(document, span))


@server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
def _definition(ls: LanguageServer, params: lsp.DefinitionParams) -> lsp.Location | None:
    document = ls.workspace.get_text_document(params.text_document.uri)
    span = definition_at(_examined(document), document.source, *_place(document, params.position))
    if span is None or span.source.name == "prelude.tk":
        return None
    if span.source.name == document.uri:
        return lsp.Location(document.uri, _range(document, span))
    # Another file, named by its path; its columns are taken as they are.
    start, end = lsp.Position(span.line - 1, span.column - 1), lsp.Position(span.end_line - 1, span.end_column - 1)
    return lsp.Location(Path(span.source.name).resolve().as_uri(), lsp.Range(start, end))


@server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["[", "("]))
def _completion(ls: LanguageServer, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    document = ls.workspace.get_text_document(params.text_document.uri)
    line, column = _place(document, params.position)
    before = document.lines[line - 1][: column - 1] if line <= len(document.lines) else ""
    in_brackets = before.rfind("[") > before.rfind("]")
    order = {"axis": "0" if in_brackets else "1", "value": "1", "function": "2", "type": "3", "keyword": "4"}
    words = completions(_examined(document), document.source, line)
    return [
        lsp.CompletionItem(each.text, kind=_KINDS[each.kind], detail=each.detail or None, sort_text=order[each.kind] + each.text)
        for each in words
    ]


@server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
def _formatting(ls: LanguageServer, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
    document = ls.workspace.get_text_document(params.text_document.uri)
    try:
        text = format_text(document.source, document.uri)
    except SourceErrors:
        return None
    everything = lsp.Range(lsp.Position(0, 0), lsp.Position(len(document.lines) + 1, 0))
    return [lsp.TextEdit(everything, text)] if text != document.source else []


def main() -> None:
    """Serves on standard input and output."""
    server.start_io()


if __name__ == "__main__":
    main()

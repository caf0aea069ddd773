"""The language server, asked by a real client over its standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

TEXT = """fn twice(x) = x + x

kernel f(a: f32[M, K], b: f32[K, N]) -> c: f32[M, N]:
    tile m of M by 64, n of N by 32:
        acc = zeros[m, n]
        for k of K:
            acc += a[m, k] @ b[k, n]
        c[m, n] = twice(acc)
"""

Ask = Callable[["Editor"], Awaitable[None]]


class Editor:
    """An open document in a client."""

    def __init__(self, uri: str) -> None:
        self.client = LanguageClient("test", "1")
        self.uri = uri
        self.version = 0
        self.published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.published.put_nowait(params)

    async def start(self, text: str) -> list[lsp.Diagnostic]:
        await self.client.start_io(sys.executable, "-m", "tilery.lsp")
        await self.client.initialize_async(lsp.InitializeParams(lsp.ClientCapabilities()))
        self.client.initialized(lsp.InitializedParams())
        item = lsp.TextDocumentItem(self.uri, "tk", 0, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return await self.diagnostics()

    async def diagnostics(self) -> list[lsp.Diagnostic]:
        return list((await asyncio.wait_for(self.published.get(), 60)).diagnostics)

    async def change(self, text: str) -> list[lsp.Diagnostic]:
        self.version += 1
        document = lsp.VersionedTextDocumentIdentifier(self.version, self.uri)
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(document, [lsp.TextDocumentContentChangeWholeDocument(text)])
        )
        return await self.diagnostics()

    @property
    def document(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)

    async def hover(self, line: int, column: int) -> str:
        found = await self.client.text_document_hover_async(lsp.HoverParams(self.document, lsp.Position(line, column)))
        assert found is not None and isinstance(found.contents, lsp.MarkupContent)
        return found.contents.value

    async def definition(self, line: int, column: int) -> tuple[str, int, int]:
        place = lsp.DefinitionParams(self.document, lsp.Position(line, column))
        found = await self.client.text_document_definition_async(place)
        assert isinstance(found, lsp.Location)
        return found.uri, found.range.start.line, found.range.start.character

    async def completions(self, line: int, column: int) -> dict[str, lsp.CompletionItem]:
        place = lsp.CompletionParams(self.document, lsp.Position(line, column))
        found = await self.client.text_document_completion_async(place)
        assert isinstance(found, list)
        return {each.label: each for each in found}

    async def formatted(self) -> str | None:
        options = lsp.DocumentFormattingParams(self.document, lsp.FormattingOptions(4, True))
        found = await self.client.text_document_formatting_async(options)
        return found[0].new_text if found else None


def session(folder: Path, ask: Ask, text: str = TEXT) -> None:
    """Runs `ask` on an open document without mistakes."""

    async def run() -> None:
        editor = Editor((folder / "main.tk").as_uri())
        try:
            assert await editor.start(text) == []
            await ask(editor)
        finally:
            await editor.client.shutdown_async(None)
            editor.client.exit(None)
            await editor.client.stop()  # type: ignore[no-untyped-call]

    asyncio.run(asyncio.wait_for(run(), 120))


def test_mistakes_as_one_types(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        (mistake,) = await editor.change(TEXT.replace("zeros[m, n]", "zeros[m, q]"))
        assert (mistake.code, mistake.severity) == ("TK201", lsp.DiagnosticSeverity.Error)
        assert (mistake.range.start.line, mistake.range.start.character, mistake.range.end.character) == (4, 23, 24)
        assert "`q` is no axis" in mistake.message
        (warning,) = await editor.change(
            TEXT.replace("twice(acc)", "acc").replace("acc = zeros", "other = 1\n        acc = zeros")
        )
        assert (warning.code, warning.severity) == ("TK290", lsp.DiagnosticSeverity.Warning)
        assert await editor.change(TEXT) == []
        # Columns count UTF-16 units: the clef is two of them.
        (mistake,) = await editor.change(
            'kernel f(x: f32[M]) -> y: f32[M]:\n    "\N{MUSICAL SYMBOL G CLEF}" + z\n    y[M] = x[M]\n'
        )
        assert mistake.range.start.line == 1 and mistake.range.start.character in (4, 9)

    session(tmp_path, ask)


def test_hover_shows_axes_type_and_bytes(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        assert await editor.hover(6, 13) == "```tk\nacc: f32[m, n]\n```\n8 KiB"
        assert await editor.hover(6, 20) == "```tk\nf32[m, k]\n```\n64 x k x 4 bytes: 32 KiB with tiles of 128"
        assert "f32[m, n]" in await editor.hover(6, 27)
        assert "positions of `K`" in await editor.hover(5, 13)
        broken = TEXT.replace("twice(acc)", "twise(acc)")
        assert len(await editor.change(broken)) == 1
        assert await editor.hover(6, 13) == "```tk\nacc: f32[m, n]\n```\n8 KiB"

    session(tmp_path, ask)


def test_definitions(tmp_path: Path) -> None:
    (tmp_path / "parts.tk").write_text("fn once(x) = x\n\nfn other(x) = 1 * x\n")

    async def ask(editor: Editor) -> None:
        assert await editor.definition(6, 29) == (editor.uri, 2, 23)
        assert await editor.definition(6, 24) == (editor.uri, 5, 12)
        assert (await editor.definition(7, 24))[1:] == (6, 12)
        assert await editor.definition(7, 19) == (editor.uri, 0, 3)
        assert (await editor.definition(5, 17))[1:] == (2, 19)
        assert await editor.change("from parts import other\n" + TEXT.replace("twice(acc)", "other(acc)")) == []
        uri, line, _ = await editor.definition(8, 19)
        assert uri.endswith("parts.tk") and line == 2

    session(tmp_path, ask)


HELD = """kernel f(x: f32[M, N]) -> y: f32[M, N]:
    axis P of N
    tile m of M:
        for n of N:
            row[m, n] = x[m, n]
        y[m, N] = row - max[P](row[m, P])
"""


def test_tiles_in_parts_and_axes_of_another_name(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        assert await editor.change(HELD) == []
        assert (await editor.hover(4, 13)).startswith("```tk\nrow: f32[m, N]\n```")
        assert "every position of `N`" in await editor.hover(1, 10)
        assert (await editor.definition(5, 28))[1:] == (1, 9)
        assert (await editor.definition(5, 19))[1:] == (4, 12)
        words = await editor.completions(5, 20)
        assert {"P", "row"} <= set(words) and words["P"].kind == lsp.CompletionItemKind.Variable

    session(tmp_path, ask)


def test_completion_of_axes_and_functions(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        await editor.change(TEXT.replace("a[m, k] @", "a["))
        words = await editor.completions(6, 21)
        assert {"m", "n", "k", "M", "N", "K", "acc", "a", "twice", "gelu", "exp", "bf16", "tile"} <= set(words)
        assert words["k"].kind == lsp.CompletionItemKind.Variable and (words["k"].sort_text or "") < (
            words["exp"].sort_text or ""
        )
        assert words["twice"].detail == "fn twice(x)"

    session(tmp_path, ask)


LEADING = """kernel f(x: f32[..., N], bias: f32[1 or ..., V], V: int = 4) -> y: f32[..., N]:
    tile r of ...:
        if V == 4:
            shift = 0.5
        elif V == 1:
            shift = x[r, N]
        else:
            shift = sum[V](bias[r, V])
        y[r, N] = x[r, N] + shift
"""


def test_leading_axes_and_constants_as_sizes(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        assert "positions of `...`" in await editor.hover(1, 9)
        assert "f32[r, V]" in await editor.hover(7, 30)
        assert "f32[r, N]" in await editor.hover(8, 30)
        assert (await editor.definition(1, 15))[1:] == (0, 16)
        assert (await editor.definition(7, 25))[1:] == (0, 49)
        words = await editor.completions(8, 9)
        assert {"...", "N", "V", "r", "elif"} <= set(words) and words["..."].detail == "a dimension"

    session(tmp_path, ask, LEADING)


def test_layout(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        assert await editor.formatted() is None
        await editor.change(TEXT.replace("acc = zeros", "acc=zeros").replace("(x)", "( x )"))
        assert await editor.formatted() == TEXT
        await editor.change("kernel f(")
        assert await editor.formatted() is None

    session(tmp_path, ask)


@pytest.mark.parametrize("text", ["", "kernel", "kernel f(x: T[", "\t\t", "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = x["])
def test_half_a_text(text: str) -> None:
    from tilery.dsl.inspection import completions, definition_at, value_at
    from tilery.dsl.module import examine

    examined = examine(text)
    for line in range(4):
        assert completions(examined, text, line)
        for column in range(12):
            value_at(examined, line, column)
            definition_at(examined, text, line, column)

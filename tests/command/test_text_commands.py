"""`tilery fmt` and `tilery explain-error` as commands."""

from pathlib import Path

from click.testing import CliRunner

from tilery.command.cli import main

TIDY = "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = x[M]\n"


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(each) for each in words])
    return result.exit_code, result.stdout, result.stderr


def test_a_file_is_rewritten_once(tmp_path: Path) -> None:
    path = tmp_path / "f.tk"
    path.write_bytes(TIDY.replace(" = ", "=").replace("\n", "\r\n").encode())
    code, _, told = run("fmt", path, "--check")
    assert code == 1 and "would change" in told
    code, shown, _ = run("fmt", path, "--diff")
    assert code == 1 and "+    y[M] = x[M]" in shown
    assert run("fmt", path)[:2] == (0, f"formatted {path}\n") and path.read_bytes() == TIDY.encode()
    assert run("fmt", path) == (0, "", "") and run("fmt", path, "--check")[0] == 0


def test_mistakes_are_told_and_other_files_done(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.tk", tmp_path / "good.tk"
    bad.write_text("kernel f(:\n")
    good.write_text(TIDY.replace(" = ", "="))
    code, _, told = run("fmt", bad, good)
    assert code == 1 and "TK1" in told and good.read_text() == TIDY and bad.read_text() == "kernel f(:\n"
    assert run("fmt", tmp_path / "missing.tk")[0] == 2


def test_the_page_of_a_code() -> None:
    code, page, _ = run("explain-error", "TK310")
    assert code == 0 and page.startswith("# TK310") and "## Right" in page
    assert run("explain-error", "TK9")[0] == 2

"""No text of a file steers the terminal: neither escapes nor characters that turn the direction of writing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import tilery
from tilery.command.cli import main
from tilery.dsl.visible import steers, visible

NASTY = "\x1b[2J\x1b]0;mine\x07 \u202eabc\u2066 \x9b31m\r"
KERNEL = f'''
kernel add(x: f32[N], y: f32[N]) -> z: f32[N]:
    """Adds {NASTY} numbers."""
    require N < 100, "few {NASTY} numbers"
    reference:
        z[N] = x[N] + y[N]
    tile n of N:
        s = x[n] + y[n]
        print("sum {NASTY}", s)
        z[n] = s
'''.replace("\r", "")


def words(*given: object) -> str:
    result = CliRunner().invoke(main, [str(each) for each in given])
    assert "internal error" not in result.output, result.output
    return result.stdout + result.stderr


@pytest.fixture
def add(tmp_path: Path) -> Path:
    path = tmp_path / "add.tk"
    path.write_text(KERNEL, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("check", "--json"),
        ("run", "N=9"),
        ("run", "N=900"),
        ("run", "N=9", "--json"),
        ("simulate", "N=9"),
        ("explain", "N=9"),
        ("show", "N=9", "--stage", "checked"),
        ("freeze", "N=9"),
        ("run", "N=9", f"Q{NASTY}=9"),
        ("chips", f"trn{NASTY}"),
    ],
)
def test_what_is_printed_of_a_file_is_seen(add: Path, command: tuple[str, ...]) -> None:
    name, *rest = command
    printed = words(name, *([] if name == "chips" else [add]), *rest)
    # The file itself, given to nobody's terminal, is written as it is.
    kept = {"freeze": set(KERNEL)}.get(name, set())
    assert not {each for each in printed if steers(each)} - kept
    assert printed.strip()


def test_a_title_of_a_chip_is_seen(tmp_path: Path) -> None:
    shipped = Path(tilery.__file__).parents[1] / "backends" / "trainium" / "chips" / "trn2.toml"
    text = shipped.read_text(encoding="utf-8")
    line = next(each for each in text.split("\n") if each.startswith("title"))
    title = json.dumps(f"mine {NASTY}").replace("\\u001b", "\\u001B")
    (tmp_path / "mine.toml").write_text(text.replace(line, f"title = {title}"), encoding="utf-8")
    printed = words("chips", tmp_path / "mine.toml")
    assert "mine ␛[2J" in printed
    assert not any(steers(each) for each in printed)


def test_json_is_the_same_data(add: Path) -> None:
    printed = words("check", add, "--json")
    assert "\x1b" in json.loads(printed)["kernels"][0]["doc"]


def test_the_message_of_an_error_is_seen_in_python_too(add: Path) -> None:
    with pytest.raises(tilery.TileryError) as raised:
        tilery.load(add).add.simulate(N=900)
    assert "few ␛[2J" in str(raised.value)


@given(st.text())
def test_columns_stay_what_they_are(text: str) -> None:
    assert len(visible(text)) == len(text)
    assert not any(steers(each) for each in visible(text))
    assert visible(visible(text)) == visible(text)

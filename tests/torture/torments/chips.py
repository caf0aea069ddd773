"""Chip files with numbers that no chip has, types that a field has not, and contradictions."""

from __future__ import annotations

import json
import random
from pathlib import Path

from .. import nasty
from ..seen import Ended, call, judge
from ..torment import ROOT, Fault, Torment

SHIPPED = sorted((ROOT / "backends" / "trainium" / "chips").glob("*.toml"))
KERNELS = {
    "softmax": ["M=130", "N=70", "T=bf16"],
    "matmul": ["M=130", "K=60", "N=70", "T=bf16"],
    "attention": ["H=1", "S=40", "D=16", "L=50", "T=bf16"],
}
USES = [
    ["simulate"],
    ["simulate", "--json"],
    ["run", "--exact"],
    ["explain"],
    ["show", "--stage", "engine"],
    ["autotune"],
    ["compare"],
]


def value(choose: random.Random) -> str:
    """What a field is set to, as TOML: mostly a number."""
    if choose.random() < 0.75:
        return nasty.number(choose)
    deep = choose.choice([3, 3000])
    return choose.choice(
        [
            json.dumps(choose.choice(nasty.WORDS)),
            "true",
            "[]",
            "{}",
            "[1]",
            '["bf16", "bf16"]',
            "2026-07-22",
            "[" * deep + "]" * deep,
        ]
    )


def damaged(choose: random.Random) -> str:
    """The text of a shipped chip with a few of its lines changed."""
    lines = choose.choice(SHIPPED).read_text(encoding="utf-8").splitlines()
    for _ in range(choose.choice([1, 1, 1, 2, 4])):
        at = choose.choice([place for place, line in enumerate(lines) if " = " in line])
        name = lines[at].split(" = ")[0]
        match choose.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                lines.insert(at, f"{name}x = {value(choose)}")
            case 3:
                lines.insert(at, f"[{choose.choice(nasty.WORDS)}]")
            case _:
                lines[at] = f"{name} = {value(choose)}"
    return "\n".join(lines)


def use(choose: random.Random, folder: Path) -> None:
    """A command with such a chip, or with a shipped one and `--what-if`."""
    path = folder / "mine.toml"
    text = damaged(choose) if choose.random() < 0.9 else choose.randbytes(80).decode("latin-1")
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    judge(call(["chips", str(path)]), {"mine.toml": text})
    chip = ["--chip", str(path)] if choose.random() < 0.8 else what_if(choose)
    timed(judge(call(command(choose, folder, chip)), {"mine.toml": text}), text)


def command(choose: random.Random, folder: Path, chip: list[str]) -> list[str]:
    """Something that asks the chip."""
    name = choose.choice(list(KERNELS))
    kernel = folder / f"{name}.tk"
    kernel.write_text((ROOT / "kernels" / f"{name}.tk").read_text())
    use = choose.choice(USES)
    if use[0] == "compare":
        chip = ["--chips", chip[1], "--budget", "0.2s"] if chip[0] == "--chip" else ["--chips", "trn1", "--budget", "0.2s", *chip]
    if use[0] == "autotune":
        chip = [*chip, "--trials", "2", "--budget", "1s"]
    if use[0] == "run":
        chip = chip if chip[0] == "--chip" else []
    return [*use, str(kernel), *KERNELS[name], *chip]


def what_if(choose: random.Random) -> list[str]:
    """`--what-if` with a field that there is, or one that there is not."""
    lines, section, fields = SHIPPED[0].read_text(encoding="utf-8").splitlines(), "", []
    for line in lines:
        section = line.strip("[]") + "." if line.startswith("[") else section
        fields += [section + line.split(" = ")[0]] if " = " in line else []
    change = choose.choice(["", "", "*", "/", "+", "-"]) + nasty.word(choose)
    return ["--what-if", f"{choose.choice([*fields, 'x.y', ''])}={change}"]


def timed(ended: Ended, text: str) -> None:
    """A latency that is told is a number above 0."""
    if "--json" in ended.words and ended.words[0] == "simulate" and ended.code == 0:
        found = json.loads(ended.out).get("latency_us")
        if not (isinstance(found, (int, float)) and found > 0):
            raise Fault(f"a latency of {found}\n{ended}", {"mine.toml": text})


CHIPS = Torment("chips", "chip files and --what-if with impossible numbers, wrong types, contradictions", use, limit_s=60)

"""How long the main job takes, and how quick `import tilery` and `tilery --help` are.

Run: `.venv/bin/python benchmarks/main_job.py`. Prints a line each: the measured time, and the most it may be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TILERY = [sys.executable, "-m", "tilery"]
MAIN_JOB = ["autotune", str(ROOT / "kernels/matmul.tk"), "M=2048", "K=4096", "N=14336", "T=bf16", "--chip", "trn2", "--json"]


def timed(command: list[str]) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def quickest(command: list[str], times: int = 7) -> float:
    return min(timed(command)[0] for _ in range(times))


def main() -> None:
    bare_s = quickest([sys.executable, "-c", "pass"])
    import_s = quickest([sys.executable, "-c", "import tilery"]) - bare_s
    print(f"import tilery   {import_s:7.3f} s on top of Python's own start, at most 0.2 s")
    print(f"tilery --help   {quickest([*TILERY, '--help']):7.3f} s, at most 0.4 s")
    with tempfile.TemporaryDirectory() as folder:
        wall_s, output = timed([*TILERY, *MAIN_JOB, "--output", str(Path(folder) / "matmul.tuned.json")])
    result = json.loads(output)
    print(f"main job        {wall_s:7.1f} s, at most 60 s")
    print(f"                {result['latency_us']:,.1f} us, {result['gain']:.2f}x the default")
    print(f"                {result['evaluated']:,} timed of {result['feasible']:,} feasible of {result['space']:,}")


if __name__ == "__main__":
    main()

"""The page of a tuning: whole, valid on its own, and in a browser without an error or a sideways scroll at any width."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tilery.command.cli import main
from tilery.tuner.space import feasibility

KERNELS = Path(__file__).parents[2] / "kernels"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
# As root, without a screen, and without the calls home that a browser makes when it starts.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


def report(path: Path, *words: object) -> Result:
    given = ["autotune", *words, "--output", path.with_suffix(".json"), "--report", path]
    return CliRunner().invoke(main, [str(each) for each in given])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of one objective, and one of a front."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        # Fewer structures than usual: the page is what is tested.
        patch.setattr(feasibility, "SAMPLE", 24, raising=False)
        patch.setattr(feasibility, "STRUCTURES", 24, raising=False)
        made = {
            "one": (KERNELS / "softmax.tk", "M=1024", "N=2048", "--trials", "40"),
            "front": (KERNELS / "matmul.tk", *("M=512", "K=512", "N=1024", "--trials", "40", "--objective", "latency,energy")),
        }
        for name, words in made.items():
            done = report(folder / f"{name}.html", *words)
            assert done.exit_code == 0, done.output
    return {name: folder / f"{name}.html" for name in made}


class Outline(HTMLParser):
    """The headings, what is loaded from elsewhere, and tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)
        elsewhere = (value or "" for name, value in attributes if name in ("src", "href", "xlink:href"))
        self.loaded += [each for each in elsewhere if not each.startswith("#")]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in ("meta", "link", "br", "img"):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_holds_everything_and_loads_nothing(pages: dict[str, Path]) -> None:
    for name, path in pages.items():
        text = path.read_text(encoding="utf-8")
        outline = Outline()
        outline.feed(text)
        assert not outline.open
        assert all(each.startswith("data:") for each in outline.loaded)
        assert not re.search(r"url\((?!#)|@import|<script", text)
        said = " ".join(outline.text)
        for word in (
            "What mattered",
            "Convergence",
            "Slices",
            "timeline",
            "roofline",
            "Runners-up",
            "The space",
            "why no further",
        ):
            assert word in said, word
        kernel = "softmax.tk M=1024 N=2048" if name == "one" else "matmul.tk M=512 K=512 N=1024"
        assert f"{kernel} T=bf16 --chip trn2" in said
        assert "--trials 40" in said
        assert re.search(r"tilery \d+\.\d+", said)
        assert ("To choose from" in said) == (name == "front")
        assert ("Feasible region" in said) == (name == "front"), "one tile size alone makes no region"


def test_clipping_paths_of_the_figures_do_not_meet(pages: dict[str, Path]) -> None:
    text = pages["front"].read_text(encoding="utf-8")
    assert text.count("<svg") >= 7
    figures = text.split("<svg")[1:]
    ids = [set(re.findall(r'clipPath id="([^"]+)"', each)) for each in figures]
    assert sum(map(len, ids)) == len(set().union(*ids))


def test_what_a_report_needs_is_said_before_the_search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = report(tmp_path / "r.html", KERNELS / "softmax.tk", "M=128", "N=128", "--measure", "true")
    assert measured.exit_code == 2
    assert "--report is about a search by the model" in measured.stderr
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    missing = report(tmp_path / "r.html", KERNELS / "softmax.tk", "M=128", "N=128")
    assert missing.exit_code == 2
    assert "pip install 'tilery[plot]'" in missing.stderr


def test_a_page_that_cannot_be_written_costs_no_result(tmp_path: Path) -> None:
    words = ("autotune", KERNELS / "softmax.tk", "M=128", "N=128", "--trials", "3", "--output", tmp_path / "x.json")
    done = CliRunner().invoke(main, [str(each) for each in (*words, "--report", tmp_path / "nowhere" / "r.html")])
    assert done.exit_code == 2
    assert "cannot write" in done.stderr
    assert (tmp_path / "x.json").is_file()


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium and its driver are not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for each in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(each)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        started = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            yield started
        finally:
            started.quit()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["one", "front"])
def test_it_is_read_at_every_width(browser: webdriver.Chrome, pages: dict[str, Path], name: str, width: int, dark: bool) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(pages[name].as_uri())
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    ask = browser.execute_script
    inner, scrolled = ask("return [innerWidth, document.documentElement.scrollWidth]")
    assert inner == width
    assert scrolled <= width
    # Nothing outside a frame of its own sticks out, and every figure has a size.
    sticking = """
        return [...document.querySelectorAll('main > *, section > *, .card')].filter(
            each => each.getBoundingClientRect().right > innerWidth).map(each => each.outerHTML.slice(0, 80))"""
    assert ask(sticking) == []
    heights = ask("return [...document.querySelectorAll('figure svg')].map(each => each.getBoundingClientRect().height)")
    assert len(heights) >= 5
    assert min(heights) > 120
    ink, page = ask("return ['color', 'backgroundColor'].map(name => getComputedStyle(document.body)[name])")
    assert (_brightness(ink) > _brightness(page)) == dark


def _brightness(colour: str) -> int:
    """Of `rgb(1, 2, 3)`."""
    return sum(map(int, re.findall(r"\d+", colour)[:3]))

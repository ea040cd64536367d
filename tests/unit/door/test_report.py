"""The page about a run: what stands in it, that it needs nothing else, and how a real browser shows it."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from bgnest import door
from PIL import Image
from typer.testing import CliRunner

from network.cli.main import app
from network.door import reporting

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
OFFLINE = "--disable-component-update --disable-sync --host-resolver-rules=MAP_*_~NOTFOUND --virtual-time-budget=8000"
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A run of cells that fire at given rates, and its page."""
    changes = {
        "network.small_network": "multapses",
        "network.dopamine": 0.5,
        "simulation.mock": {"rate": 10.0, "rates": {"STN": 30.0}},
        "recording.traces": {},
    }
    experiment = door.load("lindahl2016/activation_control", changes=changes, n_neurons=1000, t_sim=300, t_presim=0)
    run = experiment.run(out=tmp_path_factory.mktemp("report") / "a <run>", progress=False)
    (run.path / "figures").mkdir()
    Image.new("RGB", (60, 40), "white").save(run.path / "figures/raster.png")  # drawing is another test's
    return run.report()


def first_of_audit(folder):
    """First item of what the run has read back."""
    content = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    return [path for path, _ in reporting._leaves(content)][:1]


class Texts(HTMLParser):
    """Headings, texts of table cells, and addresses of what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings, self.cells, self.loads, self._open = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._open = tag
        self.loads += [value for name, value in attrs if name in ("src", "href") and not value.startswith("#")]

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open in ("h1", "h2", "h3"):
            self.headings.append(data)
        elif self._open == "td":
            self.cells.append(data)


def test_it_says_what_the_run_is_and_how_to_repeat_it(report):
    page = report.read_text(encoding="utf-8")
    found = Texts(page)
    parts = ["Verdict and rates", "Activity", "Differences to the published network", "The network", "Time and memory"]
    assert [h for h in found.headings if h in (*parts, "Audit", "Provenance", "How to repeat it")] == [
        *parts,
        "Audit",
        "Provenance",
        "How to repeat it",
    ]
    assert {"A: Model summary", "G: Parameters as they are written", "References"} <= set(found.headings)
    assert {"network.dopamine", "0.5", *first_of_audit(report.parent)} <= set(found.cells)
    assert "MSN D1" in found.cells and "not judged at this size" in page
    assert f"bgnest run '{report.parent}/params.yaml' --threads 1 --out again" in html.unescape(page)
    assert f"bgnest rerun '{report.parent}'" in html.unescape(page)
    assert "Recorded spikes" not in page  # a table of what this network has not
    assert "<run>" not in page  # names of users are no HTML


def test_it_loads_nothing(report):
    page = report.read_text(encoding="utf-8")
    assert all(address.startswith("data:") for address in Texts(page).loads)
    assert not re.search(r"@import|url\((?!data:)", page.partition("<style>")[2].partition("</style>")[0])
    assert len(page) < 4_000_000


def test_the_command_writes_it_where_it_is_asked_for(report, tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "bokeh_here", lambda: False)
    out = tmp_path / "new" / "page.html"
    done = CliRunner().invoke(app, ["report", str(report.parent), "--out", str(out)], catch_exceptions=False)
    assert done.output.strip() == str(out)
    page = out.read_text(encoding="utf-8")
    assert reporting.NEEDS_BOKEH in html.unescape(page) and len(page) < 500_000


def test_a_run_without_spikes_and_links_has_a_page(tmp_path):
    changes = {
        "simulation.mock": {"rate": 1.0},
        "projections.*.enabled": False,
        "recording.spikes": [],
        "recording.traces": {},
    }
    experiment = door.load("lindahl2016/activation_control", changes=changes, n_neurons=9000, t_sim=20, t_presim=0)
    run = experiment.run(out=tmp_path / "run", progress=False)
    assert "No spikes were recorded." in run.report(figures=False).read_text(encoding="utf-8")


def chromium(tmp_path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [word.replace("_", " ") if "MAP" in word else word for word in f"{QUIET} {OFFLINE}".split()]
    command = [str(CHROMIUM), *words, f"--user-data-dir={tmp_path / 'profile'}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=dict(os.environ))


PROBE = """
<script>
addEventListener("load", () => setTimeout(() => {
  const result = {errors: window.errors, roots: (window.Bokeh ? Bokeh.documents.length : 0)};
  const back = () => getComputedStyle(document.body).backgroundColor;
  result.first = back();
  document.getElementById("theme").click();
  result.second = back();
  result.folded = document.querySelectorAll("details:not([open])").length;
  document.getElementById("unfold").click();
  result.unfolded = document.querySelectorAll("details:not([open])").length;
  const lines = Bokeh.documents[0]._all_models ? [...Bokeh.documents[0]._all_models.values()] : [];
  const glyphs = lines.filter((one) => one.type === "GlyphRenderer" && one.name === "STN");
  glyphs[0].visible = false;
  result.wide = document.documentElement.scrollWidth > innerWidth + 1;
  const focus = [...document.querySelectorAll("a, button, summary, [tabindex]")].every((one) => one.tabIndex >= 0);
  result.reachable = focus;
  setTimeout(() => {  // links between figures are promises
  result.hidden = glyphs.map((one) => one.visible);
  const said = document.createElement("pre");
  said.id = "probe";
  said.textContent = JSON.stringify(result);
  document.body.append(said);
  }, 1000);
}, 3000));
</script></body>"""
LISTEN = """<head><script>
window.errors = []; addEventListener("error", (event) => window.errors.push(event.message));
</script>"""


@needs_chromium
def test_a_browser_without_network_runs_it(report, tmp_path):
    pytest.importorskip("bokeh")
    page = report.read_text(encoding="utf-8").replace("<head>", LISTEN, 1)
    probed = tmp_path / "probed.html"
    before, _, after = page.rpartition("</body>")
    probed.write_text(before + PROBE + after, encoding="utf-8")
    done = chromium(tmp_path, "--window-size=1280,900", "--dump-dom", probed.as_uri())
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr
    result = json.loads(html.unescape(found[1]))
    assert result["errors"] == [] and result["roots"] == 1
    assert {result["first"], result["second"]} == {"rgb(255, 255, 255)", "rgb(20, 23, 27)"}
    assert result["folded"] > 5 and result["unfolded"] == 0
    assert result["hidden"] == [False, False]  # what is hidden in the raster is hidden in the rates
    assert result["reachable"] and not result["wide"]


@needs_chromium
def test_it_is_seen_in_both_themes_and_printed(report, tmp_path):
    corners = []
    for scheme in ("1", "0"):  # light, dark
        picture = tmp_path / f"{scheme}.png"
        blink = f"--blink-settings=preferredColorScheme={scheme}"
        chromium(tmp_path, blink, "--window-size=800,600", f"--screenshot={picture}", report.as_uri())
        with Image.open(picture) as image:
            shown = image.convert("RGB")
        corners.append(shown.getpixel((5, 5)))
        assert len(shown.getcolors(600 * 800) or ()) > 20  # there is something to see
    assert corners == [(255, 255, 255), (20, 23, 27)]
    chromium(tmp_path, f"--print-to-pdf={tmp_path / 'page.pdf'}", "--no-pdf-header-footer", report.as_uri())
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")

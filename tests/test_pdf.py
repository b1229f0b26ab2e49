"""The PDF beside a report: really printed, whole or not at all, several at once, and over at once on Ctrl-C."""

from __future__ import annotations

import functools
import json
import multiprocessing.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from drawings import one_workflow
from engagement import PHASE, lives, make_workspace, wait_for, write_notebook

from playbook.errors import RunError
from playbook.io import doctor
from playbook.report import batch, drawing, figures, jobs, page, pdf


@pytest.fixture
def chromium():
    """Skip without a Chromium; on CI, where there must be one, fail."""
    if not doctor.chromium():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("CI=true and no Chromium is installed")
        pytest.skip("no Chromium is installed")


@pytest.fixture
def scratch(monkeypatch):
    """A folder of this test's own for temporary files, here and in the processes it starts."""
    multiprocessing.util.get_temp_dir()  # kept for this process's whole life: not in here
    with tempfile.TemporaryDirectory(prefix="t") as place:
        monkeypatch.setenv("TMPDIR", place)
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield Path(place)


@pytest.fixture
def no_chromium(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(doctor.NAMED_CHROMIUM, raising=False)


def script(folder, text):
    """A program in Chromium's place; `$out` is where the PDF goes."""
    path = folder / "chromium-stand-in"
    path.write_text(
        f'#!/bin/sh\nfor word in "$@"; do case $word in --print-to-pdf=*) out=${{word#*=}};; esac; done\n{text}\n'
    )
    path.chmod(0o755)
    return path


def sheets(path):
    """The words of each printed page, without their spaces."""
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", "-enc", "UTF-8", path, "-"], capture_output=True, text=True, check=True
        ).stdout
        return ["".join(sheet.split()) for sheet in text.split("\f")[:-1]]
    pypdf = pytest.importorskip("pypdf", reason="neither pdftotext nor pypdf is installed")
    return ["".join(sheet.extract_text().split()) for sheet in pypdf.PdfReader(path).pages]


def book(name):
    """An executed notebook with a chart, as a batch leaves it."""
    figure = figures.hours_at_stake(one_workflow("Newsletters"))
    shown = {"output_type": "display_data", "metadata": {}, "data": {drawing.MIME: json.loads(figure.to_json())}}
    cell = {"cell_type": "code", "metadata": {}, "source": "chart()", "execution_count": 1, "outputs": [shown]}
    title = {"cell_type": "markdown", "metadata": {}, "source": f"# {name}"}
    return {"cells": [title, cell], "metadata": {"papermill": {"input_path": f"{name}.ipynb"}}, "nbformat": 4}


# --- what is printed


@pytest.mark.browser
def test_the_printed_report_has_page_numbers_and_the_made_up_line_on_every_page(chromium, tmp_path, monkeypatch):
    facts = {"organisation": "Nordlicht", "team": "Content", "phase": "1 Audit", "made_up": True}
    html = page.write(tmp_path / "r.html", page.bind([book("10_a"), book("20_b")], title="Phase 1", facts=facts))
    # Chromium cannot open its socket in a folder with a long name.
    long = tmp_path / ("temporary files " * 5)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    texts = sheets(pdf.write(html, tmp_path / "r.pdf"))
    # a cover, then each notebook on a new page
    assert len(texts) == 3
    for i, text in enumerate(texts, start=1):
        assert f"{i}/3" in text
        assert "Made-upsample" in text
        assert "Nordlicht·Content" in text
    assert "Newsletters" in texts[1], "the chart is drawn: the name of its bar is on the page"


@pytest.mark.browser
@pytest.mark.slow
def test_a_run_prints_each_report_beside_it_and_the_next_run_only_what_changed(
    chromium, tmp_path, scratch, monkeypatch
):
    monkeypatch.setattr(jobs, "kit_digest", lambda _: "this kit")  # also when somebody edits the kit meanwhile
    workspace = make_workspace(tmp_path / "acme", "alpha", "beta")
    write_notebook(workspace.folder, "10_page", "print('the figures of', team)")
    first = batch.run(workspace, ["9"], pdf=True)
    alpha, beta = first.printed
    assert alpha == workspace.folder / "reports" / "alpha" / f"{PHASE}.pdf"
    assert "thefiguresofalpha" in "".join(sheets(alpha))
    assert "thefiguresofbeta" in "".join(sheets(beta))
    assert not list(scratch.glob("playbook-pdf-*")), "no browser's profile stays behind"

    times = alpha.stat().st_mtime_ns
    beta.unlink()
    again = batch.run(workspace, ["9"], pdf=True)
    assert again.printed == first.printed
    assert beta.is_file()
    assert alpha.stat().st_mtime_ns == times
    assert not batch.run(workspace, ["9"]).printed


# --- what goes wrong


def test_without_a_browser_a_run_stops_before_it_begins_and_says_what_to_do(no_chromium, tmp_path):
    workspace = make_workspace(tmp_path / "acme", "alpha")
    write_notebook(workspace.folder, "10_page")
    with pytest.raises(RunError, match=r"--pdf: no Chromium or Chrome found .*PLAYBOOK_CHROMIUM .*playbook doctor"):
        batch.run(workspace, ["9"], pdf=True)
    assert not list((workspace.folder / "reports").iterdir())
    (check,) = [check for check in doctor.checks(tmp_path) if check.name == "Chromium"]
    assert not check.ok
    assert "no PDF of a report" in check.cost


def test_a_report_that_is_not_there_is_not_printed(tmp_path):
    with pytest.raises(RunError, match=r"r\.html: no such report"):
        pdf.write(tmp_path / "r.html", tmp_path / "r.pdf")


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo it is broken >&2; exit 3", "made no PDF; it said: it is broken"),
        (": > $out", "made no PDF; it said: nothing"),
        ("echo half > $out; sleep 60", "was not done after 0.5 seconds"),
    ],
)
def test_a_browser_that_makes_no_pdf_leaves_the_one_before_and_says_which(tmp_path, monkeypatch, does, said):
    monkeypatch.setenv(doctor.NAMED_CHROMIUM, str(script(tmp_path, does)))
    monkeypatch.setattr(pdf, "SECONDS", 0.5)
    html = page.write(tmp_path / "r.html", page.bind([book("10_a")], title="Phase 1"))
    made = tmp_path / "r.pdf"
    made.write_text("the one before")
    with pytest.raises(RunError) as refused:
        pdf.write(html, made)
    assert said in str(refused.value)
    assert str(made) in str(refused.value)
    assert made.read_text() == "the one before"
    assert not list(tmp_path.glob(".*"))


def test_one_report_that_cannot_be_printed_does_not_stop_the_others(tmp_path, monkeypatch):
    does = 'case "$*" in *bad*) exit 1;; *) echo printed > $out;; esac'
    monkeypatch.setenv(doctor.NAMED_CHROMIUM, str(script(tmp_path, does)))
    reports = [page.write(tmp_path / f"{name}.html", "x") for name in ("a", "bad", "c")]
    with pytest.raises(RunError, match=r"1 of 3 not printed; the HTML reports are complete\n.*bad\.pdf"):
        pdf.beside(reports, 2)
    assert [path.name for path in sorted(tmp_path.glob("*.pdf"))] == ["a.pdf", "c.pdf"]


# --- Ctrl-C


@pytest.mark.slow
def test_ctrl_c_while_printing_ends_the_browser_and_keeps_the_reports(tmp_path, scratch):
    workspace = make_workspace(tmp_path / "acme", "alpha")
    write_notebook(workspace.folder, "10_page", "print('here')")
    told = tmp_path / "pid"
    stand_in = script(tmp_path, f"echo $$ > {told}.new; mv {told}.new {told}; sleep 600")
    running = subprocess.Popen(
        [sys.executable, "-m", "playbook", "run", "9", "--pdf", "-w", workspace.folder],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, doctor.NAMED_CHROMIUM: str(stand_in)},
        # A shell starts what it puts in the background with Ctrl-C ignored, and the tests may run there.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    wait_for(lambda: told.exists() or running.poll() is not None)
    assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert re.search("stopped; what was finished is kept", said)
    assert not lives(int(told.read_text()))
    assert not list(scratch.glob("playbook-pdf-*"))
    report = workspace.folder / "reports" / "alpha" / f"{PHASE}.html"
    assert "here" in report.read_text()
    assert not report.with_suffix(".pdf").exists()

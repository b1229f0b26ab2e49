"""The report: one file without a network, complete, marked where it failed, and safe whatever the data say."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from drawings import one_workflow
from hypothesis import given
from hypothesis import strategies as st

from playbook.errors import ParameterError, RunError
from playbook.io.doctor import chromium
from playbook.report import clean, drawing, figures, page, show

EVIL = "</script><script>alert('x')</script>\"'&<img src=http://x.org/a.png onerror=alert(1)>"
FACTS = {"organisation": "Nordlicht", "team": "Content", "phase": "1 Audit", "made_on": dt.date(2026, 11, 22)}


def no_browser() -> None:
    """Skip without a Chromium; on CI, where there must be one, fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail("CI=true and no Chromium is installed")
    pytest.skip("no Chromium is installed")


def markdown(text: str, *tags: str) -> dict:
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": text}


def code(*outputs: dict, source: str = "1 + 1", tags: tuple[str, ...] = ()) -> dict:
    metadata = {"tags": list(tags)}
    return {"cell_type": "code", "metadata": metadata, "source": source, "execution_count": 3, "outputs": list(outputs)}


def data(**kinds) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("__", "/"): v for k, v in kinds.items()}}


def drawn(figure) -> dict:
    spec = json.loads(figure.to_json())
    return {"output_type": "display_data", "metadata": {}, "data": {drawing.MIME: spec, "text/plain": "Figure()"}}


def broken(ename="KeyError", evalue="'pods'") -> dict:
    return {
        "output_type": "error",
        "ename": ename,
        "evalue": evalue,
        "traceback": ["\x1b[0;31mKeyError\x1b[0m: 'pods'"],
    }


def notebook(*cells: dict, name: str = "10_inventory.ipynb", **metadata) -> dict:
    return {"cells": list(cells), "metadata": {"papermill": {"input_path": name}, **metadata}, "nbformat": 4}


def chart(name: str = "Reports"):
    return figures.hours_at_stake(one_workflow(name))


def bind(*notebooks: dict, **more) -> str:
    return page.bind(notebooks, **{"title": "Phase 1", "facts": FACTS, **more})


def body(html: str) -> str:
    return html.partition("<main")[2].partition("</main>")[0]


class Elements(HTMLParser):
    """Collects what a browser would see: elements with their attributes, scripts left out of the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_code_is_not_in_the_report_unless_asked_for():
    book = notebook(code(data(text__plain="2"), source="secret_sum(1, 1)"))
    assert "secret_sum" not in bind(book)
    assert "secret_sum" in bind(book, show_code=True)
    assert '<details class="code">' in bind(book, show_code=True)


@pytest.mark.parametrize(
    ("tag", "code_shown", "output_shown"),
    [("remove-cell", False, False), ("hide-input", False, True), ("remove-output", True, False), ("other", True, True)],
)
def test_cell_tags_are_obeyed(tag, code_shown, output_shown):
    html = bind(notebook(code(data(text__plain="the-output"), source="the_code()", tags=(tag,))), show_code=True)
    assert ("the_code()" in html) is code_shown
    assert ("the-output" in html) is output_shown


def test_injected_parameters_stay_hidden_even_with_code():
    html = bind(notebook(code(source='workspace = "/home/me"', tags=("injected-parameters",))), show_code=True)
    assert "/home/me" not in html


def test_a_failure_is_told_even_where_outputs_are_removed():
    assert "KeyError" in body(bind(notebook(code(broken(), tags=("remove-output",)))))


def test_a_failed_cell_is_marked_and_listed_on_top():
    html = bind(notebook(markdown("# The pods"), code(broken()), name="20_pods.ipynb"))
    assert "This report is not complete" in html
    assert '<li><a href="#20-pods">The pods</a>: cell 3: KeyError: &#x27;pods&#x27;</li>' in html
    assert "This page failed here, in cell 3." in body(html)
    assert "\x1b" not in html


def test_a_notebook_that_died_without_a_mark_is_listed_too():
    html = bind(notebook(markdown("# Pods"), playbook={"status": "failed", "error": "DeadKernelError: killed"}))
    assert "This report is not complete" in html
    assert "DeadKernelError: killed" in body(html)


def test_an_error_a_notebook_expects_is_shown_and_is_no_failure():
    html = bind(notebook(code(broken(), tags=("raises-exception",)), markdown("and on")))
    assert "not complete" not in html
    assert "failed here" not in html
    assert "<pre>KeyError: &#x27;pods&#x27;</pre>" in body(html)


def test_a_notebook_that_was_run_twice_says_so():
    twice = bind(notebook(markdown("# Pods"), playbook={"status": "done", "runs": 2}))
    assert "was run twice: its process died the first time" in body(twice)
    assert "not complete" not in twice
    assert "run twice" not in bind(notebook(markdown("# Pods"), playbook={"status": "done", "runs": 1}))


def test_a_whole_report_says_nothing_of_failures():
    assert "not complete" not in bind(notebook(markdown("# Fine")))


def test_plotly_is_inside_once_and_only_when_there_is_a_figure():
    two = bind(notebook(code(drawn(chart()), drawn(chart()))), notebook(code(drawn(chart())), name="20.ipynb"))
    assert two.count(drawing.plotly_js()[:200]) == 1
    assert two.count("<figure data-plot=") == 3
    assert len(set(re.findall(r'<figure data-plot="([^"]+)"', two))) == 3
    assert len(bind(notebook(markdown("# No figure")))) < 60_000


def test_a_figure_is_a_named_picture_with_its_numbers_as_a_table():
    html = body(bind(notebook(code(drawn(chart())))))
    label = re.search(r'role="img" aria-label="([^"]+)"', html)[1]
    assert label.startswith(
        "12 hours a month are in the inventory; 100\u00a0% of the 12 with a target level are in work"
    )
    assert "n = 1 row" in label
    numbers = re.search(r'<details class="numbers">.*?</details>', html)[0]
    assert "<td>Reports</td><td>12</td>" in numbers


def test_numbers_stored_as_bytes_are_read_for_the_table():
    # two float64, 1.5 and 2.5, little-endian: how plotly writes a numpy array
    spec = {"data": [{"x": {"dtype": "f8", "bdata": "AAAAAAAA+D8AAAAAAAAEQA=="}, "y": ["a", "b"], "type": "bar"}]}
    html = drawing.figure(spec, "f")
    assert "<td>a</td><td>1.50</td>" in html
    assert "<td>b</td><td>2.50</td>" in html


def test_headings_have_unique_anchors_across_notebooks_and_are_in_the_contents():
    books = [notebook(markdown("# Page\n\n## What this says\n\n### Häh & <so>"), name=f"{i}0_x.ipynb") for i in (1, 2)]
    html = bind(*books)
    ids = [attrs["id"] for _, attrs in Elements(html).seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    for anchor in re.findall(r'href="#([^"]+)"', html):
        assert anchor in ids
    assert html.count(">What this says</a>") == 2


def test_the_outline_of_headings_has_no_hole():
    html = bind(notebook(markdown("# A\n\n## B\n\n### C"), code(data(text__markdown="# loud"))))
    depths = [int(tag[1]) for tag, _ in Elements(html).seen if re.fullmatch("h[1-6]", tag)]
    assert depths.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(depths))


def test_a_link_to_another_notebook_leads_to_its_place_and_an_unknown_one_nowhere():
    piece = show.next_step("On", "../x/20_spectrum.ipynb")._repr_html_()
    gone = show.next_step("Off", "99_none.ipynb")._repr_html_()
    html = bind(notebook(code(data(text__html=piece), data(text__html=gone))), notebook(name="20_spectrum.ipynb"))
    assert '<a href="#20-spectrum">On</a>' in html
    assert "99_none" not in html


def test_facts_are_shown_and_empty_ones_left_out():
    html = bind(notebook(), facts={**FACTS, "dates": None, "people_asked": 7})
    assert "<dt>Made on</dt><dd>22 Nov 2026</dd>" in html
    assert "<dt>People asked</dt><dd>7</dd>" in html
    assert "Dates" not in html


def test_a_made_up_sample_says_so_on_screen_and_on_each_printed_page():
    html = bind(notebook(), facts={**FACTS, "made_up": True})
    assert '<p class="made-up screen" role="note">Made-up sample' in html
    assert re.search(r"@page\{[^}]*\}@bottom-left\{content:\"Made", html)
    assert "ade-up sample" not in bind(notebook(), facts={**FACTS, "made_up": False})


def test_the_use_limitation_is_on_every_report_and_the_index():
    for html in (bind(notebook()), page.index([], title="Reports")):
        assert "individual&#x27;s employment" in html or "individual's employment" in html


def test_outputs_of_each_kind_are_shown_the_richest_first():
    html = body(
        bind(
            notebook(
                code(
                    data(text__plain="poor", text__html="<b>rich</b>"),
                    data(text__markdown="*soft*"),
                    data(**{"image__svg+xml": "<svg/>"}, text__plain="drawn"),
                    data(image__png="aGk=\n", text__plain="photo"),
                    data(**{"application__vnd.jupyter.widget-view+json": {}}, text__plain="a slider at 3"),
                    {"output_type": "stream", "name": "stdout", "text": ["10 %\r", "100 %\n"]},
                )
            )
        )
    )
    assert "<b>rich</b>" in html
    assert "poor" not in html
    assert "<em>soft</em>" in html
    assert 'src="data:image/svg+xml;base64,' in html
    assert 'src="data:image/png;base64,aGk="' in html
    assert "a slider at 3" in html
    assert '<pre class="stream">100 %' in html


def test_a_picture_attached_to_a_cell_travels_with_it():
    cell = {**markdown("![plan](attachment:p.png)"), "attachments": {"p.png": {"image/png": "aGk="}}}
    assert 'src="data:image/png;base64,aGk="' in body(bind(notebook(cell)))


def test_style_carried_by_a_notebook_is_not_repeated():
    piece = show.header("Why?")._repr_html_()
    assert bind(notebook(code(data(text__html=piece)))).count("<style") == 1


HOSTILE = [
    "<script>alert(1)</script>kept",
    '<img src="http://x.org/a.png" alt="kept">',
    '<img src=x onerror="alert(1)" alt="kept">',
    '<a href="javascript:alert(1)">kept</a>',
    '<a href="https://x.org">kept</a>',
    '<svg onload=alert(1)><image href="http://x.org/a.png"/></svg>kept',
    "<svg/onload=alert(1)>kept",
    '<iframe src="https://x.org"></iframe>kept',
    '<link rel="stylesheet" href="https://x.org/a.css">kept',
    "<style>@import url(https://x.org/a.css)</style>kept",
    '<div style="background:url(https://x.org/a.png)">kept</div>',
    '<div style="background:u\\72l(https://x.org/a.png)">kept</div>',
    '<meta http-equiv="refresh" content="0;url=https://x.org">kept',
    '<base href="https://x.org/">kept',
    '<form action="https://x.org"><button formaction="https://x.org">kept</button></form>',
    '<video poster="https://x.org/a.png"><source src="https://x.org/a.mp4">kept</video>',
    '<object data="https://x.org/a.swf"></object>kept',
    '<img srcset="https://x.org/a.png 2x" alt="kept">',
    '<table background="https://x.org/a.png"><tr><td>kept</td></tr></table>',
    "<p id=report>kept</p>",
]


@pytest.mark.parametrize("markup", HOSTILE)
def test_what_an_output_would_run_or_fetch_is_taken_out_and_its_words_kept(markup):
    html = body(bind(notebook(code(data(text__html=markup)))))
    assert "kept" in html
    for tag, attrs in Elements(html).seen:
        assert tag not in {"script", "style", "iframe", "link", "meta", "base", "form", "object", "video", "source"}
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href", "srcset", "data", "action", "poster", "background"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/"))
        assert "url(" not in (attrs.get("style") or "")
        assert attrs.get("id") != "report"


@given(st.text(alphabet=st.sampled_from(list("<>/=\"'! -&;#abimgsrconecriptyluh:()\n")), max_size=60))
def test_nothing_that_runs_passes_however_it_is_written(text):
    for tag, attrs in Elements(clean.markup(text)).seen:
        assert tag not in clean.DROPPED
        assert not [name for name in attrs if name.startswith("on")]
        assert not (attrs.get("src") or "").startswith("http")


@pytest.mark.parametrize(
    ("text", "clean_text"),
    [
        ('<div style="position:fixed;top:0">cover</div>', "<div>cover</div>"),
        (r'<b style="background:u\72l(http://x)">b</b>', "<b>b</b>"),
        ("<select><option>a", "a"),
        ("<noframes>", ""),
        ("a</div></div></section></main>", "a"),
        ("<div><p>one<p>two", "<div><p>one<p>two</div>"),
        ("<div><b>x</div></div>", "<div><b>x</b></div>"),
        ('<a href="#there">x', '<a href="#there">x</a>'),
    ],
)
def test_no_output_covers_swallows_or_leaves_its_place_in_the_report(text, clean_text):
    assert clean.markup(text) == clean_text


@given(
    st.lists(
        st.sampled_from(["<div>", "</div>", "<p>", "</section>", "<table>", "<b>", "</b>", "x", "<br>"]), max_size=12
    )
)
def test_what_an_output_opens_it_closes(pieces):
    text = clean.markup("".join(pieces))
    for tag in ("div", "section", "table"):
        assert text.count(f"<{tag}>") == text.count(f"</{tag}>")


def test_a_wide_table_of_a_notebook_scrolls_by_itself():
    html = page.bind([notebook(code(data(text__html="<table><tr><td>1</td></tr></table>")))], title="T")
    assert '<div class="pb-scroll" role="region" aria-label="Table" tabindex="0"><table>' in html


def test_harmless_markup_passes_untouched():
    piece = show.table(pd.DataFrame({"workflow": ["x"], "target_level": [4.0]}), caption="A")._repr_html_()
    assert clean.markup(piece) == piece


def test_untrusted_text_in_titles_facts_and_failures_is_escaped():
    book = notebook(
        markdown(f"# Safe\n\n{EVIL}"), code(broken(EVIL, EVIL), data(text__plain=EVIL)), name=f"{EVIL}.ipynb"
    )
    html = bind(book, title=EVIL, subtitle=EVIL, facts={**FACTS, "team": EVIL, "phase": 'x"}</style><script>1'})
    scripts = [tag for tag, _ in Elements(html).seen if tag == "script"]
    assert not scripts
    assert "<img" not in html
    assert html.count("</style>") == 1


def test_untrusted_text_in_a_figure_cannot_close_its_script():
    html = bind(notebook(code(drawn(chart(EVIL)))))
    outside = html.replace(drawing.plotly_js(), "")
    assert "alert('x')</script>" not in outside
    raw = {"data": [{"x": [1], "y": [EVIL], "name": EVIL}], "layout": {"title": {"text": EVIL}}}
    made = drawing.figure(raw, "f")
    assert made.count("</script>") == 1
    assert [tag for tag, _ in Elements(made).seen].count("script") == 1
    assert "img" not in [tag for tag, _ in Elements(made).seen]


def test_nothing_in_a_report_or_the_index_points_outside_the_file():
    book = notebook(
        markdown("# A\n\nSee [there](https://example.org/a) and ![picture](http://example.org/b.png)"),
        code(drawn(chart()), data(text__html='<a href="https://example.org">x</a>')),
    )
    own = bind(book).replace(drawing.plotly_js(), "")
    index = page.index([{"team": "a", "phase": 1, "status": "done", "link": "a/1.html"}], title="Reports")
    for html in (own, index):
        assert not re.search(r"(?:src|href|action|poster|data)\s*=\s*[\"']?\s*(?:https?:)?//", html, re.IGNORECASE)
        assert not re.search(r"url\s*\(\s*[\"']?\s*(?:https?:)?//|@import", html, re.IGNORECASE)
    assert "https://example.org/a" in own


def test_the_page_forbids_all_but_its_own_scripts():
    html = bind(notebook(code(drawn(chart()))))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy.startswith("default-src &#39;none&#39;")
    assert policy.count("sha256-") == 2
    assert "script-src &#39;none&#39;" in bind(notebook())


def test_the_document_has_landmarks_language_and_a_way_past_the_contents():
    tags = [tag for tag, _ in Elements(bind(notebook(markdown("# A")))).seen]
    assert {"header", "nav", "main", "footer"} <= set(tags)
    html = bind(notebook())
    assert '<html lang="en">' in html
    assert '<a class="skip" href="#report">' in html
    assert ":focus-visible" in html


def rows() -> list[dict]:
    return [
        {
            "team": "b",
            "name": "Brand",
            "phase": 1,
            "status": "done",
            "link": "b/1.html",
            "gates_met": 3,
            "gates_total": 4,
        },
        {"team": "b", "name": "Brand", "phase": 2, "status": "failed", "link": "b/2.html", "error": "cell 6: KeyError"},
        {"team": "a", "name": EVIL, "phase": 1, "status": "not run"},
    ]


def test_the_index_shows_each_team_once_with_its_phases_gates_and_links():
    html = page.index(
        rows(), title="Reports", facts=FACTS, headlines={"b": [("hours", "214 a month")]}, portfolio="p.html"
    )
    assert html.count('<li class="card">') == 2
    assert '<a href="b/1.html">1 Audit and experiment</a>' in html
    assert "Gate: 3 of 4 conditions met" in html
    assert "<dt>hours</dt><dd><b>214</b> <small>a month</small></dd>" in html
    assert "cell 6: KeyError" in html
    assert 'href="p.html"' in html
    assert not [tag for tag, _ in Elements(html).seen if tag in {"script", "img"}]


def test_an_index_without_reports_says_what_to_do():
    assert "playbook run" in page.index([], title="Reports")


def test_the_index_refuses_a_link_that_leaves_the_folder():
    with pytest.raises(ParameterError):
        page.index([{"team": "a", "phase": 1, "link": "https://x.org"}], title="Reports")


def test_a_page_is_written_whole(tmp_path):
    made = page.write(tmp_path / "new" / "r.html", "größe\n")
    assert made.read_bytes() == "größe\n".encode()
    assert [path.name for path in made.parent.iterdir()] == ["r.html"]


def test_a_page_that_cannot_be_written_leaves_the_old_one_and_no_rest(tmp_path, monkeypatch):
    target = page.write(tmp_path / "r.html", "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        page.write(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


@pytest.fixture
def browser():
    program = chromium()
    if not program:
        no_browser()
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        started = play.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.mark.browser
def test_a_report_opens_without_a_network_and_draws_every_figure(browser, tmp_path):
    hostile = data(text__html="".join(HOSTILE))
    book = notebook(
        markdown("# A\n\n![x](http://example.org/b.png)"), code(drawn(chart()), drawn(chart(EVIL)), hostile)
    )
    path = page.write(tmp_path / "r.html", bind(book, title=EVIL, facts={**FACTS, "made_up": True}))
    asked, complaints = [], []
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.route(
        "**/*",
        lambda route: (
            asked.append(route.request.url) or route.abort()
            if not route.request.url.startswith("file:")
            else route.continue_()
        ),
    )
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
    tab.goto(path.as_uri())
    tab.wait_for_function("document.querySelectorAll('figure .svg-container').length === 2")
    assert tab.locator("figure .main-svg:first-child").count() == 2
    assert tab.locator("figure .bars path").count() >= 2
    assert asked == []
    assert complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.browser
def test_on_a_phone_the_title_of_a_figure_stays_in_the_picture(browser, tmp_path):
    path = page.write(tmp_path / "r.html", bind(notebook(code(drawn(chart()))), title="T", facts=FACTS))
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto(path.as_uri())
    tab.wait_for_function("document.querySelectorAll('figure .svg-container').length === 1")
    ends = "[...document.querySelectorAll('figure')].map(f => [f.querySelector('.gtitle'), f].map(e => e.getBoundingClientRect().right))"
    for title, figure in tab.evaluate(ends):
        assert title <= figure
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390

"""Tests of the step summary: its content, and that no text from the API becomes markup."""

from __future__ import annotations

import html
import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from watcher.core.statuses import ImportStatus, Outcome
from watcher.reports.documents import ImportDocument, ResultDocument, TransitionDocument
from watcher.reports.github.gantt import MAX_BARS, gantt
from watcher.reports.github.summary import MAX_ROWS, escape, step_summary

HOSTILE = [
    "a|b",
    "a\\|b",
    "`code` ``",
    "<script>alert(1)</script>",
    "%%{init: {'theme': 'dark'}}%%",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "*b* _i_ __u__ ~~s~~ $x$",
    "&lt;&#60;",
    "a\nb\r\n```\n# h",
    "##[error]x ::error::y",
    "section title",
    "style: a#b; classDef x:#f;",
    "<!-- -->",
    "</code>",
    "\\",
    "größe",
]

BAR = re.compile(r"([A-Za-z0-9_. #;-]+) :((done|crit|milestone), )*\d{4}-\d\d-\d\d [\d:]{8}\.\d{3}, \d+ms")


def document(
    *statuses: tuple[str, float],
    outcome: Outcome = Outcome.COMPLETE,
    in_state: float = 0.0,
    message: str = "complete after 9s",
    segment: str = "big-spenders",
) -> ImportDocument:
    """Return an import with statuses, each with the second in which it began."""
    transitions = tuple(
        TransitionDocument(
            from_=None, to=status, at="2026-01-05T10:00:00.120Z", elapsed_s=at, in_state_s=None, expected=True
        )
        for status, at in statuses
    )
    return ImportDocument(
        target=f"p/e/{segment}/i",
        project="p",
        environment="e",
        segment=segment,
        import_id="i",
        outcome=outcome,
        exit_code=0 if outcome in {Outcome.COMPLETE, Outcome.REACHED} else 3,
        status=statuses[-1][0] if statuses else None,
        in_state_s=in_state,
        mode=None,
        created_at=None,
        files=(),
        transitions=transitions,
        polls=3,
        throttled=0,
        errors=0,
        elapsed_s=9.0,
        message=message,
    )


def result(*imports: ImportDocument) -> ResultDocument:
    """Return the result of imports."""
    worst = max(imports, key=lambda document: document.exit_code or 0)
    return ResultDocument(
        outcome=worst.outcome,
        exit_code=worst.exit_code,
        elapsed_s=9.0,
        message=worst.message,
        imports=list(imports),
    )


def rendered(markdown: str) -> str:
    """Return the HTML of a page, with raw HTML like on GitHub."""
    return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize("status", HOSTILE)
def test_text_stays_text(status: str) -> None:
    """A hostile status is one cell of the table and contains no markup."""
    stopped = document((status, 1.0), outcome=Outcome.STOPPED, message=f"stopped: {status}. Look")
    page = rendered(step_summary(result(stopped)))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page, re.DOTALL)
    assert len(cells) == 7
    assert cells[2] == f"<code>{html.escape(status, quote=False)}</code>"
    (quoted,) = re.findall(r"<blockquote>\n<p>(.*?)</p>\n</blockquote>", page, re.DOTALL)
    assert html.unescape(quoted) == f"stopped: {status}. Look"
    assert "<" not in quoted


@pytest.mark.parametrize("text", ["https://evil.example/", "www.evil.example", "@octocat", ":tada:", "#123"])
def test_no_text_becomes_a_link(text: str) -> None:
    """The characters that GitHub turns into links are written as references."""
    assert text not in escape(f"see {text} now")
    assert html.unescape(escape(text)) == text


def test_ordinary_text_stays_readable() -> None:
    """Harmless text is not escaped, so that the source stays readable."""
    text = "timed out: --timeout 20m ran out; last status in_progress, for 5m. Look at it, or give it longer."
    assert escape(text) == text


@pytest.mark.parametrize("status", HOSTILE)
def test_a_chart_has_only_bars(status: str) -> None:
    """No status becomes Mermaid's grammar: each line is a bar with the status as its label."""
    chart = gantt([document((status, 0.0), ("ready", 2.0))])
    assert chart is not None
    bars = [BAR.fullmatch(line) for line in chart.splitlines()[4:]]
    assert len(bars) == 2
    assert bars[0] is not None
    label = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), bars[0][1])
    assert label == f'"{status}" 2s'


def test_a_chart_of_seconds_and_of_hours() -> None:
    """Bars follow each other without a gap, in milliseconds, and the axis fits the duration."""
    short = gantt([document(("preparing", 0.12), ("ready", 0.2), ("complete", 0.95))])
    assert short == (
        "gantt\ndateFormat YYYY-MM-DD HH:mm:ss.SSS\naxisFormat %-S.%L s\ntodayMarker off\n"
        "preparing 80ms :done, 2000-01-01 00:00:00.120, 80ms\n"
        "ready 750ms :done, 2000-01-01 00:00:00.200, 750ms\n"
        "complete :milestone, 2000-01-01 00:00:00.950, 0ms\n"
    )
    long = gantt(
        [document(("preparing", 1.0), ("ready", 90_000.5), outcome=Outcome.TIMEOUT, in_state=7200.0)]
    )
    assert long is not None
    assert "axisFormat day %-j %Hh\n" in long
    assert "ready 2h :crit, 2000-01-02 01:00:00.500, 7200000ms\n" in long


@pytest.mark.parametrize(
    ("length", "axis"),
    [(9.9, "%-S.%L s"), (10.0, "%M:%S"), (3599.0, "%M:%S"), (3600.0, "%H:%M"), (86_400.0, "day %-j %Hh")],
)
def test_the_axis_fits_the_duration(length: float, axis: str) -> None:
    """No two ticks of an axis look the same."""
    chart = gantt([document(("ready", 0.0), in_state=length)])
    assert chart is not None
    assert f"\naxisFormat {axis}\n" in chart


@pytest.mark.parametrize("imports", [[], [document()], [document(("complete", 1.0))]])
def test_no_chart_of_a_moment(imports: list[ImportDocument]) -> None:
    """An import that was not seen, or complete at the first poll, has nothing to draw."""
    assert gantt(imports) is None


def test_a_chart_is_cut() -> None:
    """An import with endless transitions stays within GitHub's limit, and the page says so."""
    statuses = [("x" * 60 if second % 2 else "#" * 60, float(second)) for second in range(500)]
    page = step_summary(result(document(*statuses)))
    chart = re.search("```mermaid\n(.*?)```", page, re.DOTALL)
    assert chart is not None
    assert len(chart[1]) < 50_000
    assert chart[1].count(" :") == MAX_BARS
    assert "The chart shows only 60 of 500 bars." in page


def test_a_success_needs_no_message() -> None:
    """The table is enough; a failure with exit code 0 has a sign of its own."""
    page = step_summary(result(document(("complete", 1.0))))
    assert page.startswith("### ✅ LaunchDarkly import: complete\n")
    assert "complete after 9s" not in page
    forgiven = document(("stopped", 1.0), outcome=Outcome.STOPPED, message="stopped: x")
    forgiven = msgspec.structs.replace(forgiven, exit_code=0)
    page = step_summary(result(forgiven))
    assert page.startswith("### ⚠️ LaunchDarkly import: stopped\n")
    assert "> stopped: x\n" in page


def test_several_imports_share_an_axis() -> None:
    """Each has a section with the number of its row."""
    unseen = document(outcome=Outcome.NOT_FOUND, message="there is no such import")
    stopped = document(("preparing", 1.0), ("stopped", 5.0), outcome=Outcome.STOPPED, message="stopped: x")
    complete = document(("preparing", 1.0), ("complete", 5.0), segment="a-segment-of-a-very-long-name")
    page = step_summary(result(complete, unseen, stopped))
    assert page.startswith(
        "### ❌ 3 LaunchDarkly imports: 1 complete, 1 not_found, 1 stopped (exit code 3)\n"
    )
    assert "| 1 | <code>p/e/big-spenders/i</code> | not_found | not seen |" in page
    assert "- **import 1**: there is no such import\n- **import 2**: stopped: x\n" in page
    assert re.findall("section .*", page) == [
        "section 2 big-spenders",
        "section 3 a-segment-of-a-ve...",
    ]


def test_the_rows_are_limited() -> None:
    """Failures come first, and imports without a row are counted."""
    complete = [document(("complete", 1.0)) for _ in range(3000)]
    stopped = [document(("stopped", 1.0), outcome=Outcome.STOPPED, message="stopped: x") for _ in range(3)]
    page = step_summary(result(*complete, *stopped))
    assert page.count("<code>p/e/") == MAX_ROWS
    assert page.index("| 3 | <code>p/e/big-spenders/i</code> | stopped |") < page.index("| complete |")
    assert f"Not shown: {3003 - MAX_ROWS} complete.\n" in page
    assert len(page) < 100_000


def test_known_statuses_need_no_quotes() -> None:
    """No known status is a keyword of Mermaid."""
    for status in ImportStatus:
        chart = gantt([document((status.value, 0.0), in_state=1.0)])
        assert chart is not None
        assert f"\n{status} 1s :" in chart

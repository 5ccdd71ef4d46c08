"""The forms of a report: one HTML file, Markdown with charts beside it, a terminal."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as TerminalTable
from rich.text import Text

from actor_oauth.bench.report import svg
from actor_oauth.bench.report.document import (
    Bars,
    Lines,
    Report,
    Section,
    Table,
    Timeline,
)

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child, details td { text-align: left; }
svg { width: 100%; height: auto; margin: 0.5rem 0; }
.good { color: #059669; } .bad { color: #dc2626; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dd { margin: 0; }
"""

_GOOD: Final = "Nothing wrong was found."


def chart_of(block: Lines | Bars | Timeline) -> str:
    """Draw a chart as SVG."""
    match block:
        case Lines():
            return svg.lines(block)
        case Bars():
            return svg.bars(block)
        case Timeline():
            return svg.timeline(block)


def to_html(report: Report) -> str:
    """Give a report as one HTML file that loads nothing."""
    conditions = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in report.conditions.items()
    )
    body = "\n".join(_section_html(section) for section in report.sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(report.title)}</h1>\n<dl>{conditions}</dl>\n{body}\n"
        "</body></html>\n"
    )


def _section_html(section: Section) -> str:
    verdict = "" if section.problems is None else _verdict_html(section.problems)
    blocks = "\n".join(
        _table_html(block) if isinstance(block, Table) else chart_of(block)
        for block in section.blocks
    )
    return (
        f"<h2>{escape(section.title)}</h2>\n<p>{escape(section.text)}</p>\n"
        f"{verdict}\n{blocks}"
    )


def _verdict_html(problems: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<ul class="bad">{items}</ul>' if items else f'<p class="good">{_GOOD}</p>'


def _table_html(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        inner = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    rows = "".join(row(cells, "td") for cells in table.rows)
    title = escape(table.title)
    caption = "" if table.is_detail else f"<caption>{title}</caption>"
    html = (
        f"<table>{caption}<thead>{row(table.columns, 'th')}</thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    if table.is_detail:
        return f"<details><summary>{title}</summary>{html}</details>"
    return html


def to_markdown(sections: Sequence[Section], folder: str) -> tuple[str, dict[str, str]]:
    """Give sections as Markdown.

    Args:
        sections: Of one report or several.
        folder: Where the charts will be, relative to the text.

    Returns:
        The text, and each chart's SVG by its file's name.
    """
    charts: dict[str, str] = {}
    text = "\n".join(_section_markdown(section, folder, charts) for section in sections)
    return text, charts


def _section_markdown(section: Section, folder: str, charts: dict[str, str]) -> str:
    lines = [f"## {section.title}", "", section.text, ""]
    if section.problems is not None:
        lines += [f"- **{problem}**" for problem in section.problems] or [_GOOD]
        lines.append("")
    for block in section.blocks:
        if isinstance(block, Table):
            lines += [*_table_markdown(block), ""]
            continue
        name = _file_name(f"{section.title} {block.title}")
        charts[name] = chart_of(block)
        lines += [f"![{block.title}]({folder}/{name})", ""]
    return "\n".join(lines)


def _table_markdown(table: Table) -> Iterator[str]:
    if table.is_detail:
        yield f"<details><summary>{table.title}</summary>"
    else:
        yield f"**{table.title}**"
    yield ""
    yield "| " + " | ".join(table.columns) + " |"
    alignment = "---|" if table.is_detail else "---:|"
    yield "|---|" + alignment * (len(table.columns) - 1)
    for cells in table.rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    if table.is_detail:
        yield ""
        yield "</details>"


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") + ".svg"


def to_terminal(report: Report) -> RenderableType:
    """Give a report's tables and problems, for a terminal."""
    parts: list[RenderableType] = []
    for section in report.sections:
        parts.append(Text(f"\n{section.title}", style="bold"))
        tables = [block for block in section.blocks if isinstance(block, Table)]
        parts += [_terminal_table(table) for table in tables]
        parts += [Text(problem, style="red") for problem in section.problems or ()]
    return Group(*parts)


def _terminal_table(table: Table) -> TerminalTable:
    shown = TerminalTable(
        title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for number, heading in enumerate(table.columns):
        shown.add_column(heading, justify="right" if number else "left")
    for cells in table.rows:
        shown.add_row(*(Text(cell) for cell in cells))
    return shown


def conditions_table(conditions: Mapping[str, str]) -> Table:
    """Give the conditions of a run as a table."""
    return Table(
        title="Conditions", columns=["what", "value"], rows=list(conditions.items())
    )

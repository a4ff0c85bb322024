"""Tables and folded text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from aggregator.cli.terminal import draw, fold, make_table


@pytest.mark.parametrize("width", [20, 33, 80])
def test_folded_text_keeps_all_characters(width: int) -> None:
    text = "小米汽车三日上午公布了新款小米 SU7 的价格。 The battery-maker's very-long-unbreakable-compound-word " * 3
    lines = [line.plain for line in fold(Text(text), width)]
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(cell_len, lines)) <= width


def test_tables_print_markup_literally(capsys: pytest.CaptureFixture[str]) -> None:
    table = make_table("name", ">count", "why")
    table.add_row("[red]x[/red]", "1", ":smile: [link=http://x]y[/link]")
    draw(table)
    assert capsys.readouterr().out == "name          count  why\n[red]x[/red]      1  :smile: [link=http://x]y[/link]\n"

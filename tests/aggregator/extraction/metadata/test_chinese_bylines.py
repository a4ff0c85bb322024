"""Bylines in Chinese text give the names of reporters, then of authors, then of editors."""

import pytest
from lxml.html import document_fromstring

from aggregator.extraction.metadata.chinese_bylines import find_chinese_byline

TEXT = "去年冬天，第一座充电站建到了海拔一千二百米的村口。"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("记者 李文山 报道", ["李文山"]),
        ("（记者 李文山、王小明）", ["李文山", "王小明"]),
        ("作者：王小明", ["王小明"]),
        ("（李文山）", ["李文山"]),
        ("责任编辑：王小明", ["王小明"]),
        ("责任编辑：王小明\n记者：李文山", ["李文山"]),
        ("一座新的充电站", []),
    ],
)
def test_first_byline_gives_its_names(line: str, names: list[str]) -> None:
    assert find_chinese_byline(document_fromstring(f"<body><p>{TEXT}</p><p>{line}</p></body>")) == names


def test_page_without_chinese_text_has_no_chinese_byline() -> None:
    assert find_chinese_byline(document_fromstring("<body><p>The plant opens.</p><p>记者 李文山</p></body>")) == []

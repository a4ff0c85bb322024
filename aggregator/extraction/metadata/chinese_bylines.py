"""Find bylines in Chinese text, where names have two or three characters and no spaces around them."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶"
    "黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳"
    "管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇呂盧鍾譚陸範賈韋鄒閻龍賀顧龔萬錢嚴湯龐顏倪莊聶魯歐關蘭寧紀淩畢單駱藍遊華滿費衛應"
)
_CHINESE_NAME = rf"[{_SURNAMES}][\u4e00-\u9fff·]{{1,2}}"
_CHINESE_NAMES = rf"({_CHINESE_NAME}(?:[\s、，,]{{1,3}}{_CHINESE_NAME}){{0,5}})"
_AFTER_CHINESE_NAMES = (
    r"(?=\s*(?:[^\u4e00-\u9fff\s]|$|\n|发自|報道|报道|摄|文|通讯员|综合|整理|编辑|/|[\u4e00-\u9fff]{2,6}报道))"
)
_CHINESE_BYLINES = (
    re.compile(rf"(?:记者|記者)(?:[ 　]|\s*[:：]\s*)?{_CHINESE_NAMES}{_AFTER_CHINESE_NAMES}"),
    re.compile(rf"(?:作者|撰文|采写|文/|文／|撰稿)\s*[:：/／]?\s*{_CHINESE_NAMES}{_AFTER_CHINESE_NAMES}"),
    re.compile(rf"[（(]\s*{_CHINESE_NAMES}(?:\s*[\u4e00-\u9fff]{{2,6}}报道)?\s*[)）]\s*(?:\n|$)"),
    re.compile(rf"(?:责任编辑|责编|編輯|编辑)\s*[:：]\s*{_CHINESE_NAMES}{_AFTER_CHINESE_NAMES}"),
)
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]{8}")
_MAX_TEXT_LENGTH = 60_000


def find_chinese_byline(tree: HtmlElement) -> list[str]:
    """Return the names of the first byline; an empty list without one.

    Bylines of reporters win, then of authors, then names in brackets at the end of a line, then of editors.
    """
    body = tree.find("body")
    if body is None:
        return []
    text = "\n".join(line for part in body.itertext() if (line := part.strip()))[:_MAX_TEXT_LENGTH]
    if not _HAN_RUN.search(text):
        return []
    for pattern in _CHINESE_BYLINES:
        byline = pattern.search(text)
        if byline:
            return re.split(r"[\s、，,]+", byline[1])
    return []

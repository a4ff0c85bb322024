"""Canonical keys of URLs and digests of texts; pure, standard library only.

Keys are for comparison, never for fetching. Spellings that lead to the same page on nearly every site share a key.
Whatever a site may distinguish is kept: the path's case, a non-default port, query parameters unknown as tracking.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache
from hashlib import sha256

# fmt: off
TRACKING_PARAMETERS = frozenset([
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid", "twclid", "ttclid",
    "igshid", "igsh", "li_fat_id", "rb_clickid", "wickedid", "srsltid", "epik", "_ga", "_gl", "__twitter_impression",
    "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp", "hsctatracking", "vero_id",
    "vero_conv", "oly_anon_id", "oly_enc_id", "ml_subscriber", "ml_subscriber_hash", "s_cid", "cmpid", "ncid", "ocid",
    "icid", "spm", "scm", "share_token", "sfnsn", "sr_share", "guccounter", "guce_referrer", "guce_referrer_sig",
    "ref_src", "ref_url", "sref", "at_medium", "at_campaign", "at_custom1", "wt_mc", "wt_zmc", "xtor", "ito",
    "pk_campaign", "pk_kwd", "pk_source", "pk_medium", "feedtype", "feedname",
])
"""Query parameters that track readers and do not affect the page (compared in lower case)."""
# fmt: on
TRACKING_PREFIXES = ("utm_", "piwik_", "mtm_", "matomo_", "hsa_", "at_recipient", "ns_mchannel", "ns_campaign")
SESSION_PARAMETERS = frozenset(
    ["phpsessid", "jsessionid", "sessionid", "session_id", "cfid", "cftoken", "zenid", "oscsid"]
)
SESSION_PREFIXES = ("aspsessionid",)

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.I | re.A)
_TRIM = re.compile(r"[\x00-\x20\x7f]+")
_PORT = re.compile(r":(\d*)$")
_VARIANT_HOSTS = {"www": "", "m": "m", "mobile": "m", "amp": "amp"}
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})|%")
_UNSAFE_PATH = re.compile(rb"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_UNSAFE_QUERY = re.compile(rb"[^A-Za-z0-9\-._~!$'()*+,;:@/?%=]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES = re.compile(r"/{2,}")
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.I | re.A)
_INDEX_PAGE = re.compile(r"/(?:index\.(?:html?|php|shtml|xhtml|aspx?|jsp)|default\.aspx?)?$", re.I | re.A)
_AMP_SUFFIX = re.compile(r"(?:(?<=/)amp|\.amp|(?<=\.)amp\.html?)$", re.I | re.A)
_HOST = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d+)?")
_NOT_IN_LABEL = re.compile(r"[\x00-,./:-@\[-^`{-\x7f]")
_HOST_PREFIX = re.compile(r"[^/?]*")

_SEPARATORS = re.compile(
    r"[\s!-/:-@\[-`{-~\u00a1-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2000-\u206f\u2e00-\u2e5d\u3000-\u3004"
    r"\u3008-\u3020\u3030\u303d\u30fb\ufe10-\ufe1f\ufe30-\ufe4f\ufeff]+"
)

_ASCII_SEPARATORS = str.maketrans(dict.fromkeys(string.punctuation + string.whitespace, " "))


def url_key(url: str) -> str:
    """Return the canonical form of a URL without scheme, `host[:port][/path][?query]`; idempotent.

    Returns an empty key if the URL names no valid host.
    """
    return _canonical(url)[0]


def variant_key(url: str) -> str:
    """Return the variant of the page that a URL requests: "" for the plain page, "m" mobile, "amp" AMP."""
    return _canonical(url)[1]


def host_of(key: str) -> str:
    """Return the host of a key, with its port."""
    match = _HOST_PREFIX.match(key)
    return match.group() if match else ""


def is_root(key: str) -> bool:
    """Return whether a key names a whole site instead of a page."""
    return host_of(key) == key


def key_digest(key: str) -> str:
    """Return the SHA-256 of a key in hex."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def text_digest(text: str) -> str:
    """Return the SHA-256 in hex of a text's words, ignoring case, width, white space and punctuation."""
    return sha256(fold_text(text).encode("utf-8", "surrogatepass")).hexdigest()


def fold_text(text: str) -> str:
    """Normalise case and width of a text and separate its words by single spaces."""
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII_SEPARATORS).split())
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SEPARATORS.sub(" ", text).strip()


@lru_cache(maxsize=4096)
def _canonical(url: str) -> tuple[str, str]:
    scheme, rest = _without_scheme(_TRIM.sub("", url).replace("\\", "/"))
    rest = rest.partition("#")[0]
    cut = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
    host, host_variant = _canonical_host(rest[:cut])
    path, _, query = rest[cut:].partition("?")
    path, path_variant = _canonical_path(path)
    query, query_variant = _canonical_query(query)
    if not _HOST.fullmatch(host):
        return "", ""
    key = scheme + host + path + ("?" + query if query else "")
    return key, "amp" if "amp" in (host_variant, path_variant, query_variant) else host_variant


def _without_scheme(url: str) -> tuple[str, str]:
    """Return the scheme unless it is http or https, and the rest of the URL."""
    scheme = ""
    while match := _SCHEME.match(url):
        url = url[match.end() :]
        if (name := match.group(1).lower()) not in ("http", "https"):
            scheme = name + "://"
    return scheme, url.lstrip("/") if not scheme else url


def _canonical_host(authority: str) -> tuple[str, str]:
    host = authority.rpartition("@")[2].replace("\u3002", ".").rstrip(".")
    while (port := _PORT.search(host)) and port.group(1) in ("", "80", "443"):
        host = host[: port.start()].rstrip(".")
    host = _ascii_host(host)
    variant = ""
    while True:
        first, _, rest = host.partition(".")
        if first not in _VARIANT_HOSTS or "." not in rest.strip("."):
            return host, variant
        variant = variant or _VARIANT_HOSTS[first]
        host = rest


def _ascii_host(host: str) -> str:
    port = _PORT.search(host)
    name = host[: port.start()] if port else host
    name = name.rstrip(".").lower()
    if not name.isascii():
        name = ".".join(_encode_label(label) for label in unicodedata.normalize("NFKC", name).lower().split("."))
    return name.rstrip(".") + (port.group() if port else "")


def _encode_label(label: str) -> str:
    if label.isascii() or _NOT_IN_LABEL.search(label):
        return label
    try:
        return label.encode("idna").decode("ascii").lower()
    except UnicodeError:  # too long, or a script that the codec does not know
        return "xn--" + label.encode("punycode", "replace").decode("ascii").lower()


def _canonical_path(path: str) -> tuple[str, str]:
    path = _SLASHES.sub("/", _normalize_escapes(_PATH_SESSION.sub("", path), _UNSAFE_PATH))
    if "/." in path:
        path = _without_dots(path)
    variant = ""
    while True:
        shorter = _INDEX_PAGE.sub("", path)
        if amp := _AMP_SUFFIX.search(shorter):
            shorter, variant = shorter[: amp.start()].rstrip("."), "amp"
        if shorter == path:
            return path, variant
        path = shorter


def _without_dots(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return "/" + "/".join(segments)


def _canonical_query(query: str) -> tuple[str, str]:
    pairs, variant = [], ""
    for pair in query.replace("&amp;", "&").split("&"):
        pair = _normalize_escapes(pair, _UNSAFE_QUERY).replace("%20", "+")
        name, _, value = pair.partition("=")
        name = name.lower()
        if name == "amp" or (name == "outputtype" and value.lower() == "amp"):
            variant = "amp"
        elif pair and not _is_ignored_parameter(name):
            pairs.append(pair)
    return "&".join(sorted(pairs)), variant


def _is_ignored_parameter(name: str) -> bool:
    return (
        name in TRACKING_PARAMETERS
        or name in SESSION_PARAMETERS
        or name.startswith(TRACKING_PREFIXES)
        or name.startswith(SESSION_PREFIXES)
    )


def _normalize_escapes(text: str, unsafe: re.Pattern[bytes]) -> str:
    """Normalise percent-encoding (RFC 3986): decode unreserved characters, encode unsafe ones, hex in upper case."""
    if "%" in text:
        text = _ESCAPE.sub(_normalize_escape, text)
    data = text.encode("utf-8", "replace")
    if unsafe.search(data):
        data = unsafe.sub(lambda match: b"%%%02X" % match.group()[0], data)
    return data.decode("ascii")


def _normalize_escape(match: re.Match[str]) -> str:
    digits = match.group(1)
    if digits is None:
        return "%25"
    char = chr(int(digits, 16))
    return char if char in _UNRESERVED else "%" + digits.upper()

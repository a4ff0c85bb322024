"""When two addresses, or two texts, are the same: canonical keys and digests, pure and standard library only.

A key is for comparing and never for fetching. Two spellings that lead to the same page on
nearly every site share one key; what a site could mean by a difference is kept: the path's
case, a port of its own, query parameters that are not known to be tracking.
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
"""Query parameters that say how a reader came, never what is shown (compared in lower case)."""
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
    """An address in canonical form, without scheme: `host[:port][/path][?query]`; the key of a key is itself.

    What names no host that could be asked has the empty key.
    """
    return _canonical(url)[0]


def variant_key(url: str) -> str:
    """Which twin of its key's page an address asks for: "" the plain one, "m" mobile, "amp" AMP."""
    return _canonical(url)[1]


def host_of(key: str) -> str:
    """The host (with its port) of a key."""
    found = _HOST_PREFIX.match(key)
    return found.group() if found else ""


def is_root(key: str) -> bool:
    """Whether a key names a whole site and not a page of it."""
    return host_of(key) == key


def key_digest(key: str) -> str:
    """SHA-256 of a key, in hex."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 in hex of a text's words: case, width, white space and punctuation make no difference."""
    return sha256(fold_text(text).encode("utf-8", "surrogatepass")).hexdigest()


def fold_text(text: str) -> str:
    """A text's words in one case and width, one space between them."""
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII_SEPARATORS).split())
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _SEPARATORS.sub(" ", text).strip()


@lru_cache(maxsize=4096)
def _canonical(url: str) -> tuple[str, str]:
    scheme, rest = _without_scheme(_TRIM.sub("", url).replace("\\", "/"))
    rest = rest.partition("#")[0]
    cut = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
    host, host_twin = _canonical_host(rest[:cut])
    path, _, query = rest[cut:].partition("?")
    path, path_twin = _canonical_path(path)
    query, query_twin = _canonical_query(query)
    if not _HOST.fullmatch(host):
        return "", ""
    key = scheme + host + path + ("?" + query if query else "")
    return key, "amp" if "amp" in (host_twin, path_twin, query_twin) else host_twin


def _without_scheme(url: str) -> tuple[str, str]:
    """The scheme if it is another than http and https, and what follows it."""
    kept = ""
    while found := _SCHEME.match(url):
        url = url[found.end() :]
        if (name := found.group(1).lower()) not in ("http", "https"):
            kept = name + "://"
    return kept, url.lstrip("/") if not kept else url


def _canonical_host(authority: str) -> tuple[str, str]:
    host = authority.rpartition("@")[2].replace("\u3002", ".").rstrip(".")
    while (port := _PORT.search(host)) and port.group(1) in ("", "80", "443"):
        host = host[: port.start()].rstrip(".")
    host = _ascii_host(host)
    twin_found = ""
    while True:
        first, _, rest = host.partition(".")
        if first not in _VARIANT_HOSTS or "." not in rest.strip("."):
            return host, twin_found
        twin_found = twin_found or _VARIANT_HOSTS[first]
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
    except UnicodeError:  # too long, or of a script that is younger than the codec
        return "xn--" + label.encode("punycode", "replace").decode("ascii").lower()


def _canonical_path(path: str) -> tuple[str, str]:
    path = _SLASHES.sub("/", _normalize_escapes(_PATH_SESSION.sub("", path), _UNSAFE_PATH))
    if "/." in path:
        path = _without_dots(path)
    found = ""
    while True:
        shorter = _INDEX_PAGE.sub("", path)
        if amp := _AMP_SUFFIX.search(shorter):
            shorter, found = shorter[: amp.start()].rstrip("."), "amp"
        if shorter == path:
            return path, found
        path = shorter


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def _canonical_query(query: str) -> tuple[str, str]:
    kept, found = [], ""
    for pair in query.replace("&amp;", "&").split("&"):
        pair = _normalize_escapes(pair, _UNSAFE_QUERY).replace("%20", "+")
        name, _, value = pair.partition("=")
        name = name.lower()
        if name == "amp" or (name == "outputtype" and value.lower() == "amp"):
            found = "amp"
        elif pair and not _is_ignored_parameter(name):
            kept.append(pair)
    return "&".join(sorted(kept)), found


def _is_ignored_parameter(name: str) -> bool:
    return (
        name in TRACKING_PARAMETERS
        or name in SESSION_PARAMETERS
        or name.startswith(TRACKING_PREFIXES)
        or name.startswith(SESSION_PREFIXES)
    )


def _normalize_escapes(text: str, unsafe: re.Pattern[bytes]) -> str:
    """Percent-encoding as RFC 3986 has it: needless escapes undone, missing ones made, hex in upper case."""
    if "%" in text:
        text = _ESCAPE.sub(_normalize_escape, text)
    data = text.encode("utf-8", "replace")
    if unsafe.search(data):
        data = unsafe.sub(lambda found: b"%%%02X" % found.group()[0], data)
    return data.decode("ascii")


def _normalize_escape(found: re.Match[str]) -> str:
    digits = found.group(1)
    if digits is None:
        return "%25"
    char = chr(int(digits, 16))
    return char if char in _UNRESERVED else "%" + digits.upper()

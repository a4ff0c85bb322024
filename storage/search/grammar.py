"""Temporary."""

from storage.search.prepare import prepare
from storage.search.syntax import *


def read(text):
    text = text.replace("\0", "")
    nodes = []
    for w in text.split():
        if w.startswith("topic:"):
            nodes.append(Named(field="topic", name=w[6:].strip('"')))
        else:
            nodes.append(Words(text=w))
    ok = [n for n in nodes if not isinstance(n, Words) or prepare(n.text)] or nodes
    ok = list(dict.fromkeys(ok))
    return Asked(node=All(nodes=tuple(ok)) if len(ok) > 1 else ok[0] if ok else None)


def spell(a):
    return " ".join(getattr(n, "text", "") or f'topic:"{n.name}"' for n in leaves(a.node))

"""Reads a report in tests: elements, headings and links of a page that must be sound XML too."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

OUTSIDE = re.compile(r"""(?:src|xlink:href|srcset|poster|data)\s*=\s*["'](?!data:)|url\(|@import""")


def read(html: str) -> ElementTree.Element:
    """The page's root; fails where any text of the user's has broken out of its place."""
    return ElementTree.fromstring(html)


def name_of(element: ElementTree.Element) -> str:
    return element.tag.split("}")[-1]


def text_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def problems(html: str) -> list[str]:
    """What would keep some reader from the page, or make it load something."""
    root = read(html)
    found = [name_of(e) for e in root.iter() if name_of(e) in ("script", "link", "iframe", "object", "embed", "form")]
    found += [f"{name} of {name_of(e)}" for e in root.iter() for name in e.attrib if name.lower().startswith("on")]
    found += OUTSIDE.findall(html)
    levels = [int(name_of(e)[1]) for e in root.iter() if re.fullmatch("h[1-6]", name_of(e))]
    found += [f"h{after} after h{before}" for before, after in pairwise(levels) if after > before + 1]
    found += ["not one h1"] * (levels.count(1) != 1)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    found += [f"id {name} twice" for name in set(ids) if ids.count(name) > 1]
    links = [str(e.get("href")) for e in root.iter() if name_of(e) == "a"]
    found += [link for link in links if link.startswith("#") and link[1:] not in ids]
    found += [link for link in links if not link.startswith(("#", "https://"))]
    found += ["img without words" for e in root.iter() if name_of(e) == "img" and not e.get("alt")]
    found += ["svg without words" for e in _drawings(root) if e.get("role") != "img" or not e.get("aria-label")]
    found += ["th without scope" for e in root.iter() if name_of(e) == "th" and not e.get("scope")]
    return found


def _drawings(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The outermost pictures."""
    inner = {part for e in root.iter() if name_of(e) == "svg" for part in e.iter() if part is not e}
    return [e for e in root.iter() if name_of(e) == "svg" and e not in inner]

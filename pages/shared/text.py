"""Texts that other people chose, as Streamlit shows them without acting on them: no markup, no link, no picture."""

from __future__ import annotations

import re

_SAFE = re.compile(r"(?!.*www\.)(?![-+=]{2,}$)(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[-+=.,;/()'\"{}%?!])*:?")
"""A word on which no kind of Markdown acts, nor Streamlit's own directives, icons, emoji and arrows."""
_BEGINS_A_LIST = re.compile(r"[-+=]|\d+[.)]")
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_INVISIBLE = dict.fromkeys([*range(0x80, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
"""C1 controls, and what turns the direction in which a text is read."""


def visible(text: str) -> str:
    """The text with control characters as their pictures, such as \u241b for an escape; line ends and tabs stay."""
    return text.replace("\r\n", "\n").translate(_CONTROLS | _INVISIBLE)


def as_text(text: str) -> str:
    """Markdown that shows the text as it stands, in one line: words that Markdown might act on become code."""
    words = visible(text).split()
    shown = [word if _SAFE.fullmatch(word) else _code(word) for word in words]
    if words and _BEGINS_A_LIST.fullmatch(words[0]):
        shown[0] = _code(words[0])
    return " ".join(shown)


def _code(word: str) -> str:
    """A code span, with the sentence's own marks behind it. Nothing in it is acted on: its fence is longer than any."""
    content = word.rstrip(".,;") or word
    fence = "`" * (max((len(run) for run in re.findall("`+", content)), default=0) + 1)
    space = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{space}{content}{space}{fence}{word.removeprefix(content)}"

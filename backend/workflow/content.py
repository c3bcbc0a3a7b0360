"""What executions were given and what they returned, whoever started them: JSON of any kind, or no JSON at all."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_DEEPEST = 32
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_content(text: str | None) -> Any:
    """The value of a JSON text, or the text where it is no JSON or nested more than 32 deep; None where it is empty.

    Its texts are clean, and what is no finite number, which JSON does not have, is a text.
    """
    if not text:
        return None
    try:
        return _showable(json.loads(text), _DEEPEST)
    except (ValueError, RecursionError):  # a number of 5,000 digits is a ValueError too
        return clean(text)


def clean(text: str) -> str:
    """The text without lone surrogates: JSON can write them, UTF-8 cannot, nor can any table or page."""
    return _SURROGATE.sub("\ufffd", text)


def cause_message(cause: str) -> str:
    """What went wrong, of an error's cause: Lambda's is JSON with the exception's message in it."""
    content = read_content(cause)
    return str(content["errorMessage"]) if isinstance(content, dict) and "errorMessage" in content else clean(cause)


def _showable(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (dict, list)) and not levels:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        return {clean(name): _showable(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_showable(item, levels - 1) for item in value]
    return value

"""Inference ids: what InvokeEndpoint takes of an execution's name. ClassifyImage derives them in the same way."""

from __future__ import annotations

import hashlib
import re

_MAX_LENGTH = 64
"""Source: botocore's model of InvokeEndpoint, InferenceId; an execution's name may have 80 characters."""
_DIGITS = 16
_MARK = "~"
"""Between the beginning of a name and its digest. Names cannot have it, so no derived id is taken for a name."""
_MAX_NAME = 80
_FORBIDDEN = re.compile(r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]""")
"""Source: Step Functions API reference, StartExecution, parameter `name`."""


def inference_id(name: str) -> str:
    """The name itself where it fits: at most 64 characters, of ASCII. Else its beginning, and a digest of the whole."""
    if len(name) <= _MAX_LENGTH and name.isascii():
        return name
    beginning = re.sub(r"[^!-~]+", "-", name)[: _MAX_LENGTH - len(_MARK) - _DIGITS]
    return f"{beginning}{_MARK}{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def is_derived(identifier: str) -> bool:
    """Whether this is the id of an execution whose name does not fit."""
    return re.fullmatch(f"[!-~]*{_MARK}[0-9a-f]{{{_DIGITS}}}", identifier) is not None


def is_execution_name(text: str) -> bool:
    """Whether an execution can be called so; Step Functions says of what cannot be that it is malformed."""
    return 1 <= len(text) <= _MAX_NAME and not _FORBIDDEN.search(text)

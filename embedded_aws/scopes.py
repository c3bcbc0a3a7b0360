"""Which service a request must be signed for: the one that would answer it.

The scope of a signature names a service. A service of AWS answers only what is signed for it, so a request signed for
S3 moves nothing but S3. Here one process answers for many services, and chooses among them by header and path too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

SignedFor = Callable[[str, str, str], bool]
"""Whether a scope's service is the one that answers, by service, decoded path and `X-Amz-Target` (empty for none)."""

_MINISTACK_PATHS = (
    (r"/v20180820/", {"s3"}),
    (r"/WriteGetObjectResponse$", {"s3-object-lambda"}),
    (r"/iceberg", {"glue", "s3tables"}),
    (r"/(?:Execute|BatchExecute|BeginTransaction|CommitTransaction|RollbackTransaction)$", {"rds-data"}),
    (r"/v2/email", {"ses"}),
    (r"/v2/?$|/v2/_catalog$|/v2/.*(?:/blobs/|/manifests/|/tags/list$)", {"ecr"}),
    (r"/restapis/.*/_user_request_", {"execute-api"}),
    (r"/(?:oauth2/(?:authorize|token|user[Ii]nfo)|logout)$", {"cognito-idp"}),
)
"""Paths that MiniStack (1.5.33) answers whatever the request is signed for; no other service of it has such a path."""
_ANY_MINISTACK_PATH = re.compile("|".join(pattern for pattern, _ in _MINISTACK_PATHS), re.DOTALL)
_SCOPES_WITHOUT_NAME = {"bedrock-agentcore", "execute-api", "s3-object-lambda"}
"""Scopes that MiniStack serves and that its table of services does not name."""


def sagemaker(service: str, _path: str, _target: str) -> bool:
    """SageMaker's control plane, its runtime and what else belongs to it all sign as `sagemaker`."""
    return service == "sagemaker"


def ministack() -> SignedFor:
    """For MiniStack's services, by its own table of them: a target decides there before the scope does."""
    from ministack.core.router import SERVICE_PATTERNS  # in MiniStack's own process it is loaded anyway

    targets = _targets(SERVICE_PATTERNS)
    any_target = tuple(prefix for prefixes in targets.values() for prefix in prefixes)

    def signed_for(service: str, path: str, target: str) -> bool:
        if service not in targets:
            return False
        if target.startswith(any_target) and not target.startswith(targets[service]):
            return False
        return _ANY_MINISTACK_PATH.match(path) is None or service in _scopes_of(path)

    return signed_for


def _targets(patterns: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The beginnings of a service's targets, by the scope that it is signed for."""
    prefixes: dict[str, list[str]] = defaultdict(list, {scope: [] for scope in _SCOPES_WITHOUT_NAME})
    for service, known in patterns.items():
        prefixes[known.get("credential_scope", service)] += known.get("target_prefixes", [])
    return {scope: tuple(values) for scope, values in prefixes.items()}


def _scopes_of(path: str) -> set[str]:
    return next(scopes for pattern, scopes in _MINISTACK_PATHS if re.match(pattern, path, re.DOTALL))

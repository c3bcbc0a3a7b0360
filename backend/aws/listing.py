"""What SageMaker lists of a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from backend.aws.environment import Environment

_PAGE_SIZE = 100


def stamped_names(
    environment: Environment, operation: Literal["list_endpoint_configs", "list_training_jobs"], member: str, name: str
) -> Iterator[str]:
    """The names that `Names.stamped` made, newest first: another project's may begin like ours. As boto3 raises.

    `member` is the list in the operation's answer, `name` what an item of it has its name under.
    """
    paginator: Any = environment.sagemaker.get_paginator(operation)
    pages = paginator.paginate(
        NameContains=f"{environment.project}-",
        SortBy="CreationTime",
        SortOrder="Descending",
        PaginationConfig={"PageSize": _PAGE_SIZE},
    )
    for page in pages:
        for item in page[member]:
            if environment.names.is_stamped(item[name]):
                yield item[name]

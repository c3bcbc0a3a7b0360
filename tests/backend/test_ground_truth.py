"""Labels as SageMaker keeps them: found by inference id, read once, and never invented."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from backend import cleanup, foundation
from backend.aws.environment import Environment
from backend.errors import AccessDenied
from backend.ground_truth import GroundTruth, write_labels
from tests import answers
from tests.projects import of_project

AT = datetime(2026, 3, 4, 5, 59, tzinfo=UTC)


@pytest.fixture
def project(environment: Environment) -> Iterator[Environment]:
    own = of_project(environment, "scones-truth")
    foundation.deploy_foundation(own)
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))


def put(project: Environment, key: str, content: bytes) -> None:
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=content)


def test_a_label_is_written_as_the_developer_guide_has_it(project: Environment) -> None:
    """Source: "Ingest Ground Truth labels and merge them with predictions"."""
    write_labels(project, "some", AT.astimezone(timezone(timedelta(hours=-7))), {"a-1": "bicycle", "b": "other"})
    key = "ground-truth/2026/03/04/05/some.jsonl"
    lines = project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read().decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "groundTruthData": {"data": label, "encoding": "CSV"},
            "eventMetadata": {"eventId": name},
            "eventVersion": "0",
        }
        for name, label in (("a-1", "bicycle"), ("b", "other"))
    ]


def test_labels_are_found_by_inference_id_and_the_later_one_counts(project: Environment) -> None:
    write_labels(project, "z-first", AT, {"a": "bicycle", "b": "bicycle"})
    write_labels(project, "a-later", AT + timedelta(hours=1), {"b": "motorcycle"})
    assert GroundTruth().labels(project, ["a", "b", "c"]) == {"a": "bicycle", "b": "motorcycle"}


def test_what_was_read_is_read_again_only_where_it_was_replaced(project: Environment) -> None:
    truth, read = GroundTruth(), Counter[str]()

    def count(params: dict[str, Any], **_: Any) -> None:
        read[params["url_path"]] += 1

    write_labels(project, "one", AT, {"a": "bicycle"})
    write_labels(project, "two", AT, {"b": "bicycle"})
    event = "before-call.s3.GetObject"
    project.s3.meta.events.register(event, count)
    try:
        assert truth.labels(project, ["a", "b"]) == {"a": "bicycle", "b": "bicycle"}
        write_labels(project, "two", AT, {"b": "motorcycle"})
        assert truth.labels(project, ["a", "b"]) == {"a": "bicycle", "b": "motorcycle"}
        put(project, "ground-truth/2026/03/04/05/three.jsonl", b"")
        project.s3.delete_object(Bucket=project.bucket, Key="ground-truth/2026/03/04/05/one.jsonl")
        assert truth.labels(project, ["a", "b"]) == {"b": "motorcycle"}
    finally:
        project.s3.meta.events.unregister(event, count)
    assert sorted(read.values()) == [1, 1, 2]


def test_lines_of_another_kind_are_left_out(project: Environment) -> None:
    line = b'{"groundTruthData":{"data":"bicycle","encoding":"CSV"},"eventMetadata":{"eventId":"a"},"eventVersion":"0"}'
    others = [b"", b"not JSON", b"\xff\xfe", b"{}", b"[]", line.replace(b'"a"', b"7"), line[:-9], line + b"x"]
    put(project, "ground-truth/2026/03/04/05/any.jsonl", b"\n".join([*others, line.replace(b'"a"', b'"b"'), b""]))
    assert GroundTruth().labels(project, ["a", "b", "7"]) == {"b": "bicycle"}


def test_without_a_bucket_nothing_is_known_and_one_that_cannot_be_read_is_no_missing_one(
    environment: Environment, project: Environment
) -> None:
    assert GroundTruth().labels(of_project(environment, "scones-no-truth"), ["a"]) == {}
    write_labels(project, "one", AT, {"a": "bicycle"})
    for operation in ("ListObjectsV2", "GetObject"):
        truth = GroundTruth()
        with answers.changed(project.s3, operation, answers.denied), pytest.raises(AccessDenied):
            truth.labels(project, ["a"])
        assert truth.labels(project, ["a"]) == {"a": "bicycle"}

"""Manifests of training channels, changed at random: the objects they name are read, or the job fails in a sentence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from threading import Event
from typing import Any

import pytest

pytest.importorskip("hypothesis", reason="it comes with requirements-test.txt")
from hypothesis import given
from hypothesis import strategies as st

from backend.aws.environment import Environment
from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.training import states
from embedded_aws.sagemaker.training.channels import download_channel
from embedded_aws.sagemaker.training.failures import TrainingFailed
from tests.embedded_aws.sagemaker.examples import ROLE_ARN, channel
from tests.embedded_aws.sagemaker.scripted import Jobs
from tests.mutating import repeated, run, with_changes

LONG = {
    "LONG": "n" * 300,
    "LONGER": "n" * 2000,
    "HUGE": "k" * 70_000,
    "DEEP": "d/" * 400 + "x",
    "HUGE BUCKET": f"s3://{'b' * 300}/",
}
"""What stands for what: a failure's words stay short."""
KEYS = ("a.png", "deep/b.png", "deep/deeper/c.png", "vélo.png", "x", "Дом/я.png", "with space+%2F?#.png", "x.manifest")
ODD_ENTRIES: tuple[Any, ...] = (
    *("../evil", "deep/../a.png", "..", ".", "", "/etc/passwd", "./a.png", "deep/", "deep//b.png", "missing.png"),
    *("nul\0.png", "half \ud800.png", "line\nfeed.png", "x/y", "LONG", "LONGER", "HUGE", "DEEP"),
    *(0, -1.5, None, True, [], ["a.png"], {}, {"prefix": "a.png"}, 10**30),
)
ODD_PREFIXES: tuple[Any, ...] = (
    *("", "s3://", "s3:///", "nothing", "s3://there-is-no-such-bucket/", "s3://Not_A_Bucket!/", "s3://b\0/"),
    "s3://\ud800/",
    *("s3://arn:aws:s3:us-east-1:123456789012:accesspoint:point/", "s3://arn:aws:s3:::bucket/", "s3://arn:aws/"),
    *("s3://bucket--use1-az4--x-s3/", "s3://../", "s3://.", "HUGE BUCKET", "https://example.com/a/", "file:///etc/"),
    *(1, None, [], {}),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1251")
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from([b'"', b"[", b"]", b"{", b"}", b",", b"\\u0000", b"\\ud800", b"\xff\xfe", b"\0", b"../"]),
            st.sampled_from([b"x", b"9", b'{"a":', b"NaN", b"-Infinity", b"\xef\xbb\xbf"]),
        ),
        st.sampled_from([1, 1, 1, 5000, 50_000]),
        st.integers(0, 8),
    ),
    max_size=3,
)
PYTHONS_WORDS = ("object has no", "not supported", "concatenate", "must be", "recursion", "digits", "surrogates")
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


class Stored:
    """A bucket's prefix with a few objects, each holding its own key, and the manifest that is handed in."""

    def __init__(self, environment: Environment, bucket: str) -> None:
        self._s3 = environment.s3
        self._bucket = bucket
        self.prefix = f"s3://{bucket}/fuzzed/"
        self.uri = f"s3://{bucket}/fuzzed.manifest"
        for key in KEYS:
            self._s3.put_object(Bucket=bucket, Key=f"fuzzed/{key}", Body=f"fuzzed/{key}".encode())

    def hand_in(self, content: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key="fuzzed.manifest", Body=content)

    def outcome(self, content: bytes) -> dict[str, str] | str:
        """The files that a job reads by a manifest of this content, or the reason for which it fails."""
        self.hand_in(content)
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "channel"
            folder.mkdir()
            try:
                download_channel(self._s3, manifest_channel(self.uri), ROLE_ARN, folder, Event())
            except TrainingFailed as failure:
                return str(states.ended(JOB, "Failed", str(failure)).body["FailureReason"])
            finally:
                assert list(Path(parent).iterdir()) == [folder]
            return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


JOB = StoredResource("training-job", "fuzzed", "arn")


def manifest_channel(uri: str) -> dict[str, Any]:
    description = channel("train", uri)
    description["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    return description


@pytest.fixture(scope="module")
def stored(environment: Environment, bucket: str) -> Stored:
    return Stored(environment, bucket)


def check(stored: Stored, content: bytes) -> dict[str, str] | str:
    outcome = stored.outcome(content)
    if isinstance(outcome, str):
        assert outcome.startswith("ClientError: Data download failed:")
        assert outcome.encode()  # half a character would break whatever shows it
        assert not any(words in outcome for words in PYTHONS_WORDS), outcome
    else:
        assert outcome
        assert all(text == f"fuzzed/{path}" for path, text in outcome.items())
    return outcome


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\xd8\xd8",
        b"[" * 5000,
        b'[{"prefix": "s3://arn:aws:s3:us-east-1:123456789012:accesspoint:point/"}, "a.png"]',
        b'[{"prefix": "s3://\\ud800/"}, "../a.png"]',
        b'[{"prefix": "s3://b/"}, "%s"]' % (b"k" * 70_000),
    ],
    ids=["nothing", "UTF-16", "deep", "access point", "half a character", "long"],
)
def test_a_job_of_a_manifest_that_names_nothing_says_so(
    stored: Stored, jobs: Jobs, unique_name: str, content: bytes
) -> None:
    stored.hand_in(content)
    jobs.perform("CreateTrainingJob", **jobs.request(unique_name) | {"InputDataConfig": [manifest_channel(stored.uri)]})
    ended = jobs.ended(unique_name)
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith(f"ClientError: Data download failed:The manifest {stored.uri} is not ")
    assert ended["FailureReason"].encode()


def test_an_object_that_a_manifest_names_and_nobody_stored_is_named(stored: Stored) -> None:
    outcome = stored.outcome(json.dumps([{"prefix": stored.prefix}, "a.png", "missing.png"]).encode())
    assert f"Unable to read {stored.prefix}missing.png" in outcome


def run_all(examples: int, stored: Stored) -> None:
    """A third of the examples each: manifests as people write them, lists of odd things, and anything at all."""

    @given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=6), st.sampled_from(ENCODINGS), CHANGES)
    def as_people_write_them(entries: list[str], encoding: str, changes: list[tuple[float, bytes, int, int]]) -> None:
        written = json.dumps([{"prefix": stored.prefix}, *entries], ensure_ascii=False).encode(encoding, "replace")
        outcome = check(stored, with_changes(written, repeated(changes)))
        if not changes and encoding.startswith("utf"):
            assert outcome == {entry: f"fuzzed/{entry}" for entry in entries}

    @given(
        st.one_of(st.just(stored.prefix), st.sampled_from(ODD_PREFIXES)),
        st.lists(st.one_of(st.sampled_from(KEYS), st.sampled_from(ODD_ENTRIES), ANY_JSON), max_size=3),
        st.booleans(),
        CHANGES,
    )
    def of_odd_things(
        prefix: Any, entries: list[Any], is_ascii: bool, changes: list[tuple[float, bytes, int, int]]
    ) -> None:
        first, *others = [LONG.get(item, item) if isinstance(item, str) else item for item in (prefix, *entries)]
        written = json.dumps([{"prefix": first}, *others], ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
        check(stored, with_changes(written, repeated(changes)))

    @given(st.one_of(st.binary(), ANY_JSON.map(lambda value: json.dumps(value).encode())), CHANGES)
    def anything(content: bytes, changes: list[tuple[float, bytes, int, int]]) -> None:
        check(stored, with_changes(content, repeated(changes)))

    run(examples // 3 + 1, as_people_write_them, of_odd_things, anything)


def test_a_manifest_that_was_changed_at_random_is_read_or_fails_the_job_in_a_sentence(stored: Stored) -> None:
    run_all(120, stored)


@pytest.mark.slow
def test_10_000_manifests_that_were_changed_at_random_are_read_or_fail_the_job_in_a_sentence(stored: Stored) -> None:
    run_all(10_000, stored)

"""Captured records between their endpoint and S3: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.config import Config

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.capture.captured import AGE, NOW, Spooled


def test_a_file_is_named_by_its_first_record(spooled: Spooled) -> None:
    spooled.append("first")
    spooled.append("second", NOW + timedelta(seconds=50))
    spooled.upload()
    (key,) = spooled.objects()
    name = rf"{spooled.prefix}/bikes/AllTraffic/2024/10/15/14/05-12-996-([0-9a-f-]{{36}})\.jsonl"
    assert re.fullmatch(name, key)
    assert spooled.delivered() == ["first", "second"]


def test_the_name_is_in_utc(spooled: Spooled) -> None:
    spooled.append("first", NOW.astimezone())
    spooled.upload()
    assert "/2024/10/15/14/05-12-996-" in spooled.objects()[0]


def test_each_variant_and_destination_has_files_of_its_own(spooled: Spooled) -> None:
    spooled.append("first")
    spooled.append("second", variant="other")
    spooled.append("third", endpoint="scooters")
    spooled.append("fourth", uri=f"{spooled.uri}/elsewhere/")
    spooled.upload()
    places = {key.removeprefix(f"{spooled.prefix}/").partition("/2024")[0] for key in spooled.objects()}
    assert places == {"bikes/AllTraffic", "bikes/other", "scooters/AllTraffic", "elsewhere/bikes/AllTraffic"}


@pytest.mark.parametrize("prefix", ["captured.jsonl", "records.open", "a/../b", "x" * 300, "caf\xe9 \r?"])
def test_any_prefix_will_do(spooled: Spooled, prefix: str) -> None:
    spooled.append("first", uri=f"{spooled.uri}-{prefix}")
    spooled.append("second")
    spooled.spool.close()
    spooled.reopen()
    assert spooled.upload()
    (key,) = spooled.objects(f"{spooled.prefix}-")
    assert key.startswith(f"{spooled.prefix}-{prefix}/bikes/AllTraffic/2024/")
    assert spooled.delivered() == ["second"]


def test_a_file_is_uploaded_when_it_is_old_enough(spooled: Spooled) -> None:
    spooled.append("first")
    spooled.spool.roll(NOW + timedelta(seconds=AGE - 0.001))
    spooled.spool.upload(spooled.s3)
    assert spooled.objects() == []
    spooled.spool.roll(NOW + timedelta(seconds=AGE))
    spooled.spool.upload(spooled.s3)
    assert spooled.delivered() == ["first"]


def test_a_file_is_closed_when_it_is_large_enough(
    environment: Environment, bucket: str, tmp_path: Path, unique_name: str
) -> None:
    spooled = Spooled(tmp_path / "small", environment.s3, bucket, unique_name, max_bytes=4_000)
    for number in range(4):
        spooled.append(str(number), input=bytes(2_000))
    spooled.spool.upload(spooled.s3)
    assert (len(spooled.objects()), spooled.delivered()) == (2, ["0", "1", "2", "3"])


def test_only_the_files_of_an_endpoint_are_closed_with_it(spooled: Spooled) -> None:
    spooled.append("first")
    spooled.append("second", endpoint="scooters")
    spooled.spool.close("bikes")
    spooled.spool.upload(spooled.s3)
    assert spooled.delivered() == ["first"]


def test_what_is_in_s3_is_not_uploaded_again(spooled: Spooled) -> None:
    spooled.append("first")
    spooled.upload()
    (key,) = spooled.objects()
    spooled.s3.delete_object(Bucket=spooled.bucket, Key=key)
    spooled.upload()
    spooled.reopen()
    spooled.upload()
    assert spooled.objects() == []
    assert list(spooled.folder.iterdir()) == []


def test_records_wait_while_s3_is_out_of_reach(spooled: Spooled, environment: Environment) -> None:
    once = Config(retries={"total_max_attempts": 1})
    nowhere = environment.session.client("s3", endpoint_url="http://127.0.0.1:1", config=once)
    spooled.append("first")
    spooled.spool.close()
    assert not spooled.spool.upload(nowhere)
    spooled.append("second")
    assert spooled.upload()
    assert spooled.delivered() == ["first", "second"]


def test_a_bucket_that_is_missing_holds_up_no_other(spooled: Spooled, unique_name: str) -> None:
    spooled.append("first", uri=f"s3://{unique_name}/captured")
    spooled.append("second")
    assert not spooled.upload()
    assert spooled.delivered() == ["second"]
    spooled.s3.create_bucket(Bucket=unique_name)
    assert spooled.upload()
    (item,) = spooled.s3.list_objects_v2(Bucket=unique_name)["Contents"]
    spooled.s3.delete_object(Bucket=unique_name, Key=item["Key"])
    spooled.s3.delete_bucket(Bucket=unique_name)


def test_a_name_that_no_bucket_can_have_holds_up_no_other(spooled: Spooled) -> None:
    spooled.append("first", uri="s3://..")
    spooled.append("second")
    assert not spooled.upload()
    assert spooled.delivered() == ["second"]

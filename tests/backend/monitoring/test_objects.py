"""Capture files of a bucket and of a folder: what is listed, and what is read."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import obstore
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore, S3Store

from backend.aws.environment import Environment
from backend.errors import CaptureMissing, CaptureUnavailable
from backend.monitoring import objects as reading
from backend.monitoring.layout import Stream
from backend.monitoring.objects import (
    BrokenFile,
    CaptureObject,
    Listed,
    Place,
    fetch,
    fetch_line,
    fetch_parts,
    list_all,
    list_recent,
    open_place,
)
from backend.monitoring.places import BucketPlace, FolderPlace, Stored
from backend.monitoring.sources import CaptureSource, project_source

Put = Callable[[str, bytes], None]
SINCE = datetime(2026, 1, 2, 3, 30, tzinfo=UTC)
OLD, NEW = "2026/01/02/02", "2026/01/02/03"
LINES = b'{"a": 1}\n{"b": 22}\n\n{"c": 333}\n'


@pytest.fixture(params=["memory", "folder", "s3"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if kind == "folder":
        (tmp_path / "files").mkdir()
        return FolderPlace(tmp_path / "files")
    if kind == "memory":
        return BucketPlace(MemoryStore(), "captured/")
    captures: Environment = request.getfixturevalue("captures")
    return open_place(captures, CaptureSource(f"s3://{captures.bucket}/captured/"))


@pytest.fixture
def put(place: Place) -> Put:
    """Put a file where the place has it, at a key below its prefix."""

    def put_file(key: str, content: bytes) -> None:
        if isinstance(place, FolderPlace):
            path = place.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        else:
            assert isinstance(place, BucketPlace)
            obstore.put(place.store, place.prefix + key, content)

    return put_file


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One old file is enough to ask for later ones."""
    monkeypatch.setattr(reading, "_WORTH_A_REQUEST", 1)


def item_of(place: Place) -> CaptureObject:
    [listed] = list_all(place)
    [item] = listed.files
    return item


def keys(place: Place, listing: Iterable[Listed]) -> list[str]:
    return [item.key.removeprefix(place.prefix) for listed in listing for item in listed.files]


# What is listed


def test_every_capture_file_is_listed_with_its_stream_in_the_order_of_keys(place: Place, put: Put) -> None:
    expected = {
        "a.jsonl": Stream("", ""),
        "b/AllTraffic/2026/01/02/03/x.jsonl": Stream("b", "AllTraffic"),
        "b.jsonl": Stream("", ""),
        "b0.jsonl": Stream("", ""),
        "variant/2026/01/02/03/x.jsonl.gz": Stream("", "variant"),
        "über/v%20 1/2026/01/02/03/😀.jsonl": Stream("über", "v%20 1"),
        "ﬀ.jsonl": Stream("", ""),
        "😀.jsonl": Stream("", ""),
    }
    for key in expected:
        put(key, LINES)
    [listed] = list_all(place)
    assert (listed.after, listed.until, listed.unrecognised) == ("", None, [])
    assert keys(place, [listed]) == sorted(expected, key=str.encode)
    assert {item.key.removeprefix(place.prefix): item.stream for item in listed.files} == expected
    assert {item.size for item in listed.files} == {len(LINES)}
    now = datetime.now(UTC)
    assert all(timedelta(0) <= now - item.delivered_at < timedelta(minutes=5) for item in listed.files)
    assert all(fetch(place, item) == LINES for item in listed.files)


def test_what_is_no_capture_file_is_named(place: Place, put: Put) -> None:
    for key in ("readme.txt", "scones/AllTraffic/x.jsonl", "scones/AllTraffic/2026/01/02/x.jsonl", "a.jsonl"):
        put(key, LINES)
    [listed] = list_all(place)
    assert keys(place, [listed]) == ["a.jsonl"]
    assert sorted(item.name.removeprefix(place.prefix) for item in listed.unrecognised) == [
        "readme.txt",
        "scones/AllTraffic/2026/01/02/x.jsonl",
        "scones/AllTraffic/x.jsonl",
    ]


def test_an_empty_place_is_an_empty_range_of_all_keys(place: Place) -> None:
    assert list(list_all(place)) == list(list_recent(place, SINCE)) == [Listed("", None)]


def test_what_is_beside_a_prefix_is_not_listed() -> None:
    store = MemoryStore()
    for key in ("captured/a.jsonl", "captured-too/b.jsonl", "captured.jsonl", "c.jsonl"):
        obstore.put(store, key, LINES)
    place = BucketPlace(store, "captured/")
    assert keys(place, list_all(place)) == ["a.jsonl"]


def test_a_long_listing_comes_in_ranges_that_follow_each_other(
    place: Place, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_LISTED_AT_ONCE", 3)
    names = [f"{number}.jsonl" for number in range(7)]
    for name in names:
        put(name, LINES)
    ranges = list(list_all(place))
    assert keys(place, ranges) == names
    assert [len(listed.files) for listed in ranges] == [3, 3, 1]
    ends = [place.prefix + "2.jsonl", place.prefix + "5.jsonl"]
    assert [(listed.after, listed.until) for listed in ranges] == list(zip(["", *ends], [*ends, None], strict=True))


# What is new


@pytest.mark.usefixtures("impatient")
def test_old_hours_of_every_stream_are_passed_over(place: Place, put: Put) -> None:
    streams = ("a/v1", "a/v2", "b/v1", "only-a-variant", "more/folders/c/v1")
    for stream in streams:
        for hour in ("2025/12/31/23", OLD, NEW, "2026/02/01/00"):
            for name in "xyz":
                put(f"{stream}/{hour}/{name}.jsonl", LINES)
    put("stray.jsonl", LINES)
    put("a/readme.txt", LINES)
    ranges = list(list_recent(place, SINCE))
    recent = {
        f"{stream}/{hour}/{name}.jsonl" for stream in streams for hour in (NEW, "2026/02/01/00") for name in "xyz"
    }
    first = {f"{stream}/2025/12/31/23/x.jsonl" for stream in streams}  # that told that there are old ones
    assert set(keys(place, ranges)) == recent | first | {"stray.jsonl"}
    assert [item.name for listed in ranges for item in listed.unrecognised] == [f"{place.prefix}a/readme.txt"]
    assert [listed.after.removeprefix(place.prefix) for listed in ranges[1:]] == sorted(f"{s}/{NEW}/" for s in streams)


@given(
    st.lists(st.tuples(st.sampled_from(["a/v", "a/w", "b", "c/d/e/v", ""]), st.integers(0, 30)), max_size=40),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(0, 30),
)
def test_ranges_hold_all_that_is_in_them_and_all_that_is_new(
    files: list[tuple[str, int]], patience: int, at_once: int, hours: int
) -> None:
    """What a store may take for deleted is exactly what is in a range and not there."""
    store, start = MemoryStore(), datetime(2026, 1, 30, tzinfo=UTC)
    present = set()
    for number, (stream, hour) in enumerate(files):
        key = f"{stream}/{start + timedelta(hours=hour):%Y/%m/%d/%H}/{number}.jsonl" if stream else f"{number}.jsonl"
        obstore.put(store, key, b"x")
        present.add(key)
    since = start + timedelta(hours=hours, minutes=59)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_WORTH_A_REQUEST", patience)
        patch.setattr(reading, "_LISTED_AT_ONCE", at_once)
        ranges = list(list_recent(BucketPlace(store), since))
    listed_before = ""
    for listed in ranges:
        assert listed.after >= listed_before
        listed_before = listed.until or "\U0010ffff"
        inside = {key for key in present if key > listed.after and (listed.until is None or key <= listed.until)}
        assert [item.key for item in listed.files] == sorted(inside)
    assert ranges[-1].until is None
    first = since.strftime("%Y/%m/%d/%H")
    recent = {key for key in present if key.count("/") == 0 or "/".join(key.split("/")[-5:-1]) >= first}
    assert recent <= {item.key for listed in ranges for item in listed.files}


@pytest.mark.usefixtures("impatient")
def test_the_hour_is_the_one_of_utc(place: Place, put: Put) -> None:
    for hour in (OLD, NEW):
        put(f"a/v/{hour}/x.jsonl", LINES)
        put(f"a/v/{hour}/y.jsonl", LINES)
    there = SINCE.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert keys(place, list_recent(place, there)) == [
        f"a/v/{hour}" for hour in (f"{OLD}/x.jsonl", f"{NEW}/x.jsonl", f"{NEW}/y.jsonl")
    ]
    with pytest.raises(ValueError, match="zone"):
        list_recent(place, datetime(2026, 1, 2))


def test_however_many_old_files_cost_no_more_than_some() -> None:
    """Each request gives a thousand keys of a bucket that is only told, not made."""
    asked: list[str] = []

    class Told(BucketPlace):
        def files(self, after: str = "") -> Iterator[Any]:
            asked.append(after)
            start = datetime(2020, 1, 1, tzinfo=UTC)
            for number in range(100_000):
                hour = start + timedelta(minutes=number)
                key = f"a/v/{hour:%Y/%m/%d/%H}/{number:07}.jsonl"
                if key > after:
                    served.append(key)
                    yield Stored(key, "1", hour, 10)

    served: list[str] = []
    last = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=99_999)
    ranges = list(list_recent(Told(MemoryStore()), last - timedelta(hours=1)))
    assert len(asked) == 2
    assert len(served) < 1000
    assert ranges[-1].files[-1].key == served[-1]


# Keys that no capture file has


@pytest.mark.parametrize("page_keys", [1, 1000])
@pytest.mark.parametrize("name", ["x\ny.jsonl", "x//y.jsonl", "x/../y.jsonl", "x\x01.jsonl"])
def test_a_strange_key_ends_no_listing(captures: Environment, name: str, page_keys: int) -> None:
    opened = open_place(captures, project_source(captures))
    assert isinstance(opened, BucketPlace)
    list_page = opened.list_page
    assert list_page is not None
    place = replace(opened, list_page=lambda after: list_page(after)[:page_keys])
    hour = f"data_capture/e/v/{NEW}"
    for key in (f"{hour}/a.jsonl", f"{hour}/{name}", f"{hour}/z.jsonl", f"data_capture/z/v/{NEW}/a.jsonl"):
        captures.s3.put_object(Bucket=captures.bucket, Key=key, Body=LINES)
    for ranges in (list(list_all(place)), list(list_recent(place, SINCE))):
        assert keys(place, ranges) == [f"e/v/{NEW}/a.jsonl", f"e/v/{NEW}/z.jsonl", f"z/v/{NEW}/a.jsonl"]
        [strange] = (item for listed in ranges for item in listed.unrecognised)
        assert strange.name.isprintable()
        assert strange.name.startswith(f"{hour}/x")


@pytest.mark.parametrize("status", [200, 403])
def test_a_bucket_of_another_region_is_asked_there(captures: Environment, status: int) -> None:
    """S3 says to everybody where a bucket is. Source: its API reference, "HeadBucket"."""
    url = f"s3://elsewhere-{status}-{captures.project}/"

    def answer(**_: object) -> Any:
        headers: Any = {"x-amz-bucket-region": "eu-west-1"}
        return AWSResponse("", status, headers, SimpleNamespace(stream=list))

    events = captures.s3.meta.events
    events.register("before-send.s3.HeadBucket", answer)
    try:
        place = open_place(captures, CaptureSource(url))
    finally:
        events.unregister("before-send.s3.HeadBucket", answer)
    assert isinstance(place, BucketPlace)
    assert isinstance(place.store, S3Store)
    assert place.store.config.get("region") == "eu-west-1"


def test_an_open_bucket_is_used_again(captures: Environment) -> None:
    own, whole = project_source(captures), CaptureSource(f"s3://{captures.bucket}/")
    assert open_place(captures, own) is open_place(captures, own)
    assert open_place(captures, own) is not open_place(captures, whole)


def test_objects_that_stand_for_folders_are_passed_over(captures: Environment) -> None:
    for key in ("data_capture/", "data_capture/e/", f"data_capture/e/v/{NEW}/"):
        captures.s3.put_object(Bucket=captures.bucket, Key=key, Body=b"")
    captures.s3.put_object(Bucket=captures.bucket, Key="data_capture/e.jsonl", Body=LINES)  # comes before e/
    place = open_place(captures, project_source(captures))
    [listed] = list_all(place)
    assert (keys(place, [listed]), listed.unrecognised) == (["e.jsonl"], [])


def test_an_object_with_content_that_is_named_like_a_folder_is_named(
    captures: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("data_capture/e/", "data_capture/e.jsonl"):
        captures.s3.put_object(Bucket=captures.bucket, Key=key, Body=LINES)
    place = open_place(captures, project_source(captures))
    [listed] = list_all(place)
    assert keys(place, [listed]) == ["e.jsonl"]
    assert [item.name for item in listed.unrecognised] == ["data_capture/e"]
    monkeypatch.setattr(reading, "_LISTED_AT_ONCE", 1)
    assert [listed.until for listed in list_all(place)] == ["data_capture/e.jsonl", None]


def test_the_projects_bucket_is_empty_before_it_exists(captures: Environment) -> None:
    captures.s3.delete_bucket(Bucket=captures.bucket)
    assert list(list_all(open_place(captures, project_source(captures)))) == [Listed("", None)]


def test_another_bucket_or_folder_that_is_gone_is_an_error(captures: Environment, tmp_path: Path) -> None:
    """Else what was read from it would be forgotten."""
    for url in ("s3://no-such-bucket-anywhere/x/", f"{(tmp_path / 'gone').as_uri()}/"):
        with pytest.raises(CaptureUnavailable, match="remove this source"):
            list(list_all(open_place(captures, CaptureSource(url))))


def test_a_bucket_that_is_deleted_after_it_was_opened_is_an_error(captures: Environment) -> None:
    bucket = f"{captures.bucket}-soon-gone"
    captures.s3.create_bucket(Bucket=bucket)
    place = open_place(captures, CaptureSource(f"s3://{bucket}/"))
    captures.s3.delete_bucket(Bucket=bucket)
    with pytest.raises(CaptureUnavailable, match="remove this source"):
        list(list_all(place))


def test_a_bucket_that_does_not_answer_is_an_error() -> None:
    store = S3Store(
        "nowhere",
        endpoint="http://127.0.0.1:1",
        region="us-east-1",
        access_key_id="a",
        secret_access_key="b",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    place = BucketPlace(store, "", "s3://nowhere/")
    item = CaptureObject("a.jsonl", "1", SINCE, 100)
    for action in (lambda: list(list_all(place)), lambda: fetch(place, item), lambda: list(fetch_parts(place, item))):
        with pytest.raises(CaptureUnavailable, match="Try again"):
            action()


# Links and other files of a folder


@pytest.fixture
def folder(tmp_path: Path) -> FolderPlace:
    (tmp_path / "files").mkdir()
    return FolderPlace(tmp_path / "files")


def etag_of(path: Path) -> str:
    found = path.stat()
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def test_nothing_is_reached_through_a_link(folder: FolderPlace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jsonl").write_bytes(LINES)
    (folder.folder / "link.jsonl").symlink_to(outside / "secret.jsonl")
    (folder.folder / "v").symlink_to(outside)
    (folder.folder / "again").symlink_to(folder.folder)
    [listed] = list_all(folder)
    assert listed.files == []
    assert sorted(item.name for item in listed.unrecognised) == ["again", "link.jsonl", "v"]


def test_a_file_that_became_a_link_is_not_read(folder: FolderPlace, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    hour = folder.folder / "v" / NEW
    hour.mkdir(parents=True)
    (hour / "a.jsonl").write_bytes(LINES)
    item = item_of(folder)
    (hour / "a.jsonl").rename(secret)  # the same file: its ETag would be right
    (hour / "a.jsonl").symlink_to(secret)
    assert fetch(folder, item) is None
    (hour / "a.jsonl").unlink()
    hour.rmdir()
    secret.rename(tmp_path / "a.jsonl")
    hour.symlink_to(tmp_path)
    assert fetch(folder, item) is None


def test_only_capture_files_of_the_folder_are_read(folder: FolderPlace, tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_bytes(LINES)
    (folder.folder / "id_rsa").write_bytes(LINES)
    for key in ("../secret.jsonl", str(tmp_path / "secret.jsonl"), "id_rsa", "x/../../secret.jsonl"):
        path = folder.folder / key
        etag = etag_of(path if path.exists() else tmp_path / "secret.jsonl")
        with pytest.raises(CaptureMissing):
            fetch_line(folder, key, etag, 0, 5)


def test_a_pipe_in_a_folder_is_named_and_not_waited_for(folder: FolderPlace) -> None:
    (folder.folder / "a.jsonl").write_bytes(LINES)
    item = item_of(folder)
    (folder.folder / "a.jsonl").unlink()
    os.mkfifo(folder.folder / "a.jsonl")
    [listed] = list_all(folder)
    assert (listed.files, [item.name for item in listed.unrecognised]) == ([], ["a.jsonl"])
    assert fetch(folder, item) is None
    assert fetch(folder, replace(item, etag=etag_of(folder.folder / "a.jsonl"))) is None


def test_a_name_that_is_no_text_is_named_in_escapes(folder: FolderPlace) -> None:
    Path(os.fsdecode(os.fsencode(folder.folder) + b"/\xff.jsonl")).write_bytes(LINES)
    [listed] = list_all(folder)
    assert listed.files == []
    assert [item.name for item in listed.unrecognised] == ["\\udcff.jsonl"]


def test_folders_in_folders_have_an_end(folder: FolderPlace) -> None:
    deep = folder.folder.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "a.jsonl").write_bytes(LINES)
    [listed] = list_all(folder)
    assert [set(item.name) for item in listed.unrecognised] == [{"d", "/"}]


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be read by root")
def test_a_folder_that_cannot_be_read_is_an_error(folder: FolderPlace) -> None:
    """Else what was read from it would be forgotten."""
    (folder.folder / "a").mkdir(mode=0o000)
    with pytest.raises(CaptureUnavailable, match="Permission denied"):
        list(list_all(folder))


def test_a_file_without_a_believable_time_was_written_when_it_came(folder: FolderPlace) -> None:
    """Archives that are built to be the same each time have no times."""
    (folder.folder / "a.jsonl").write_bytes(LINES)
    os.utime(folder.folder / "a.jsonl", (1, 1))
    assert datetime.now(UTC) - item_of(folder).delivered_at < timedelta(minutes=5)


def test_a_real_endpoints_files_are_read_from_their_folder(captures: Environment, captured_files: Path) -> None:
    """Against the same files, read with json alone."""
    place = open_place(captures, CaptureSource(f"{captured_files.resolve().as_uri()}/"))
    [listed] = list_all(place)
    assert {item.stream for item in listed.files} == {
        Stream("image-classification-2024-10-15-12-46-27-184", "AllTraffic")
    }
    expected = {
        str(path.relative_to(captured_files)): [json.loads(line) for line in path.read_text().splitlines()]
        for path in captured_files.rglob("*.jsonl")
    }
    contents = {item.key: fetch(place, item) or b"" for item in listed.files}
    assert {key: [json.loads(line) for line in content.splitlines()] for key, content in contents.items()} == expected
    assert (len(expected), sum(map(len, expected.values()))) == (12, 22)


# What is read


def replace_file(place: Place, put: Put, key: str) -> None:
    put(key, b"another\n")


def delete_file(place: Place, put: Put, key: str) -> None:
    if isinstance(place, FolderPlace):
        (place.folder / key).unlink()
    else:
        assert isinstance(place, BucketPlace)
        obstore.delete(place.store, place.prefix + key)


@pytest.mark.parametrize("change", [replace_file, delete_file])
def test_a_file_that_is_not_what_was_listed_is_not_read(
    place: Place, put: Put, change: Callable[[Place, Put, str], None]
) -> None:
    put("a.jsonl", LINES)
    item = item_of(place)
    change(place, put, "a.jsonl")
    assert fetch(place, item) is None
    with pytest.raises(CaptureMissing, match=r"a\.jsonl was deleted or replaced"):
        fetch_line(place, item.key, item.etag, 0, 5)
    with pytest.raises(CaptureMissing, match=r"a\.jsonl was deleted or replaced"):
        list(fetch_parts(place, item))


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_replaced_between_its_parts_is_not_read_on(place: Place, put: Put, packed: bool) -> None:
    content = os.urandom(5 * 1024**2).replace(b"\n", b"") + b"\n"  # more than is read ahead
    put("a.jsonl", gzip.compress(LINES + content) if packed else LINES + content)
    parts = fetch_parts(place, item_of(place), part_bytes=len(LINES))
    assert next(parts) == LINES
    replace_file(place, put, "a.jsonl")
    with pytest.raises(CaptureMissing, match="replaced"):
        next(parts)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_gzip_is_unpacked_whatever_the_name(place: Place, put: Put, name: str, packed: bool) -> None:
    put(name, gzip.compress(LINES) if packed else LINES)
    item = item_of(place)
    assert fetch(place, item) == LINES
    assert b"".join(fetch_parts(place, item)) == LINES
    offset = 0
    for line in LINES.splitlines(keepends=True):
        assert fetch_line(place, item.key, item.etag, offset, len(line)) == line
        offset += len(line)
    assert fetch_line(place, item.key, item.etag, 10_000, 5) == b""


def test_gzip_may_have_several_members(place: Place, put: Put) -> None:
    put("a.jsonl.gz", gzip.compress(LINES) + gzip.compress(LINES))
    assert fetch(place, item_of(place)) == LINES * 2
    assert b"".join(fetch_parts(place, item_of(place))) == LINES * 2


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(LINES)[:-9],
        gzip.compress(LINES)[:5],
        gzip.compress(LINES)[:-8] + b"12345678",
        gzip.compress(LINES) + b"garbage",
        b"\x1f\x8b" + b"x" * 100,
        gzip.compress(LINES)[:10] + b"\xff" * 30,
    ],
    ids=["cut in its end", "cut in its header", "of another sum", "garbage behind", "no gzip", "no deflate"],
)
def test_damaged_gzip_is_a_broken_file(place: Place, put: Put, content: bytes) -> None:
    put("a.jsonl.gz", content)
    item = item_of(place)
    for read in (fetch, lambda place, item: list(fetch_parts(place, item))):
        with pytest.raises(BrokenFile, match="gzip is damaged"):
            read(place, item)


def test_what_unpacks_to_too_much_is_a_broken_file(monkeypatch: pytest.MonkeyPatch) -> None:
    place = BucketPlace(MemoryStore())
    obstore.put(place.store, "a.jsonl.gz", gzip.compress(b"x" * 999 + b"\n" + b"y" * 4 * 1024**2))
    monkeypatch.setattr(reading, "_MOST_AT_ONCE", 4 * 1024**2)
    monkeypatch.setattr(reading, "_MOST_UNPACKED", 4 * 1024**2)
    with pytest.raises(BrokenFile, match="more than 4 MiB"):
        fetch(place, item_of(place))
    with pytest.raises(BrokenFile, match="more than 4 MiB"):
        list(fetch_parts(place, item_of(place)))


def test_a_bomb_is_given_up_before_it_is_in_memory() -> None:
    """300 MiB in 300 KiB, against the limits as they are."""
    place = BucketPlace(MemoryStore())
    obstore.put(place.store, "a.jsonl", gzip.compress(bytes(1024**2)) * 300)
    with pytest.raises(BrokenFile, match="more than 256 MiB"):
        fetch(place, item_of(place))
    with pytest.raises(BrokenFile, match="line of more than 64 MiB"):
        list(fetch_parts(place, item_of(place)))


def test_a_line_that_is_too_long_is_a_broken_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LONGEST_LINE", 1024**2)
    place = BucketPlace(MemoryStore())
    for content, is_broken in ((b"x" * (1024**2 - 1) + b"\n", False), (LINES + b"x" * (1024**2 + 1) + b"\n", True)):
        obstore.put(place.store, "a.jsonl", content)
        parts = fetch_parts(place, item_of(place), part_bytes=1000)
        if is_broken:
            with pytest.raises(BrokenFile, match="line of more than 1 MiB"):
                list(parts)
        else:
            assert b"".join(parts) == content


@given(st.lists(st.binary(max_size=30), max_size=20).map(b"\n".join), st.integers(1, 50), st.booleans())
def test_parts_are_the_file_cut_at_ends_of_lines(content: bytes, part_bytes: int, packed: bool) -> None:
    place = BucketPlace(MemoryStore())
    if content.startswith(b"\x1f\x8b") and not packed:
        return
    obstore.put(place.store, "a.jsonl", gzip.compress(content) if packed else content)
    parts = list(fetch_parts(place, item_of(place), part_bytes))
    assert b"".join(parts) == content
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert all(parts)


def test_what_is_large_is_told_by_its_size() -> None:
    def is_large(key: str, size: int) -> bool:
        return CaptureObject(key, "1", SINCE, size).is_large

    assert [is_large("a.jsonl", size) for size in (0, 16 * 1024**2, 16 * 1024**2 + 1)] == [False, False, True]
    assert [is_large("a.jsonl.gz", size) for size in (0, 1024**2, 1024**2 + 1)] == [False, False, True]


def test_a_large_file_is_read_with_few_requests_and_little_memory(captures: Environment) -> None:
    content = b"".join(b'{"n": %d, "x": "%s"}\n' % (n, b"x" * 1000) for n in range(40_000))  # 41 MB
    captures.s3.put_object(Bucket=captures.bucket, Key="data_capture/a.jsonl", Body=content)
    place = open_place(captures, project_source(captures))
    requests: list[tuple[int, int] | None] = []

    class Counted:
        prefix = place.prefix
        files = staticmethod(place.files)

        def read(self, key: str, etag: str, span: tuple[int, int] | None = None) -> bytes:
            requests.append(span)
            return place.read(key, etag, span)

    parts = list(fetch_parts(Counted(), item_of(place)))
    assert b"".join(parts) == content
    assert max(map(len, parts)) <= 17 * 1024**2
    assert len(requests) <= 7

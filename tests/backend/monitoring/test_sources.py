"""The sources that a person adds, and what is kept of them."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from backend.errors import AccessDenied, ConfigurationError, InvalidCaptureSource, NotFound
from backend.monitoring.sources import (
    CaptureSource,
    add_source,
    cache_path,
    list_sources,
    name_classes,
    project_source,
    remove_source,
)
from tests.projects import of_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "captured files"
    made.mkdir()
    return made


def kept_file(environment: Environment) -> Path:
    [path] = (environment.settings.state_dir / "sources").glob("*.json")
    return path


def test_the_projects_own_bucket_is_the_first_source(captures: Environment, folder: Path) -> None:
    own = project_source(captures)
    assert (own.bucket, own.prefix, own.folder) == (captures.bucket, "data_capture/", None)
    added = add_source(captures, str(folder))
    assert list_sources(captures) == [own, added]


def test_asking_for_the_sources_keeps_nothing(captures: Environment) -> None:
    assert list_sources(captures) == [project_source(captures)]
    assert not (captures.settings.state_dir / "sources").exists()


@pytest.mark.parametrize("ending", ["", "/", "///"])
def test_a_bucket_and_prefix_is_a_source(captures: Environment, ending: str) -> None:
    source = add_source(captures, f"  s3://{captures.bucket}/team/captured{ending} ", [" bicycle ", "motorcycle"])
    assert source == CaptureSource(f"s3://{captures.bucket}/team/captured/", ("bicycle", "motorcycle"))
    assert (source.bucket, source.prefix, source.folder) == (captures.bucket, "team/captured/", None)
    assert list_sources(captures)[1:] == [source]


def test_a_whole_bucket_is_a_source(captures: Environment) -> None:
    source = add_source(captures, f"s3://{captures.bucket}")
    assert (source.url, source.prefix) == (f"s3://{captures.bucket}/", "")


def test_a_folder_is_a_source_by_its_path_and_by_its_url(captures: Environment, folder: Path) -> None:
    source = add_source(captures, str(folder))
    assert (source.folder, source.bucket, source.prefix, source.name) == (folder, "", "", str(folder))
    remove_source(captures, source)
    assert add_source(captures, folder.as_uri()) == source
    assert source.url == folder.as_uri() + "/"


def test_no_source_is_there_twice(captures: Environment, folder: Path, tmp_path: Path) -> None:
    add_source(captures, str(folder))
    link = tmp_path / "link"
    link.symlink_to(folder)
    same = (f"{folder}/", folder.as_uri(), f"{folder.parent}/./{folder.name}", str(link))
    for text in (*same, project_source(captures).url, project_source(captures).url.rstrip("/")):
        with pytest.raises(InvalidCaptureSource, match="among the sources already"):
            add_source(captures, text)
    assert len(list_sources(captures)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "captured",
        "~/captured",
        "file://host/captured",
        "https://bucket.s3.amazonaws.com/",
        "s3://",
        "s3://Bucket_/x",
        "s3:///x",
        "s3://bucket//x",
        "s3://bucket/a/../b",
        "s3://bucket/a\nb",
        "s3://bucket/" + "a" * 2000,
        "/no/such/folder",
        "/dev/null",
        "file:///%00",
    ],
)
def test_what_is_no_source_is_refused(captures: Environment, text: str) -> None:
    with pytest.raises(InvalidCaptureSource):
        add_source(captures, text)
    assert len(list_sources(captures)) == 1


def test_a_bucket_that_does_not_exist_is_refused(captures: Environment) -> None:
    with pytest.raises(NotFound, match="no-such-bucket-anywhere"):
        add_source(captures, "s3://no-such-bucket-anywhere/captured")
    assert len(list_sources(captures)) == 1


def test_a_bucket_that_may_not_be_listed_is_refused(captures: Environment) -> None:
    def deny(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "ListObjectsV2")

    events = captures.s3.meta.events
    events.register("before-send.s3.ListObjectsV2", deny)
    try:
        with pytest.raises(AccessDenied, match=r"s3://somebody-elses/captured/.*permission"):
            add_source(captures, "s3://somebody-elses/captured")
    finally:
        events.unregister("before-send.s3.ListObjectsV2", deny)


def test_a_removed_source_is_forgotten_with_what_was_read_from_it(captures: Environment, folder: Path) -> None:
    source = add_source(captures, str(folder))
    cache = cache_path(captures, source)
    cache.parent.mkdir(parents=True)
    cache.touch()
    for _ in range(2):
        remove_source(captures, source)
        assert not cache.exists()
        assert list_sources(captures) == [project_source(captures)]
    assert folder.exists()


def test_the_projects_own_source_stays(captures: Environment) -> None:
    with pytest.raises(InvalidCaptureSource, match="cannot be removed"):
        remove_source(captures, project_source(captures))
    with pytest.raises(InvalidCaptureSource, match="its dataset"):
        name_classes(captures, project_source(captures), ["a"])


def test_classes_can_be_named_later_and_numbered_again(captures: Environment, folder: Path) -> None:
    source = add_source(captures, str(folder))
    named = name_classes(captures, source, ["bicycle", "motorcycle"])
    assert list_sources(captures)[1] == named == CaptureSource(source.url, ("bicycle", "motorcycle"))
    assert name_classes(captures, named, []) == list_sources(captures)[1] == source


def test_classes_of_what_is_no_source_cannot_be_named(captures: Environment, folder: Path) -> None:
    with pytest.raises(InvalidCaptureSource, match="Add it first"):
        name_classes(captures, CaptureSource(folder.as_uri() + "/"), ["a"])


@pytest.mark.parametrize("labels", [["a", "a"], [""], ["a", " "], ["a\nb"], ["a" * 201], [str(n) for n in range(1001)]])
def test_names_that_tell_no_classes_apart_are_refused(captures: Environment, folder: Path, labels: list[str]) -> None:
    with pytest.raises(InvalidCaptureSource):
        add_source(captures, str(folder), labels)
    assert len(list_sources(captures)) == 1


def test_sources_are_those_of_one_project(captures: Environment, folder: Path) -> None:
    add_source(captures, str(folder))
    assert len(list_sources(of_project(captures, "another"))) == 1


def test_sources_survive_the_deletion_of_the_cache(captures: Environment, folder: Path) -> None:
    add_source(captures, str(folder))
    assert captures.cache_dir not in kept_file(captures).parents


def test_sources_are_kept_from_other_users(captures: Environment, folder: Path) -> None:
    add_source(captures, str(folder))
    assert stat.S_IMODE(kept_file(captures).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"sources": [{}]}', b'{"sources": [{"url": 1}]}', b"\xff", b'{"sources": [], "x": 1}'],
)
def test_a_damaged_list_is_an_error_that_names_it_and_is_not_written_over(
    captures: Environment, folder: Path, content: bytes
) -> None:
    add_source(captures, str(folder))
    path = kept_file(captures)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=path.name):
        list_sources(captures)
    with pytest.raises(ConfigurationError, match=path.name):
        add_source(captures, f"s3://{captures.bucket}/")
    assert path.read_bytes() == content


def test_sources_that_are_added_at_once_are_all_kept(captures: Environment, tmp_path: Path) -> None:
    folders = [tmp_path / f"folder-{number}" for number in range(12)]
    for folder in folders:
        folder.mkdir()
    threads = [threading.Thread(target=add_source, args=(captures, str(folder))) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {source.folder for source in list_sources(captures)[1:]} == set(folders)


def test_each_source_has_a_cache_of_its_own(captures: Environment) -> None:
    urls = ["s3://bucket/a/", "s3://bucket/A/", "s3://bucket/a/b/", "s3://bucket/a-b/", "file:///bucket/a/"]
    paths = [cache_path(captures, CaptureSource(url)) for url in urls]
    assert len({str(path).lower() for path in paths}) == len(urls)
    assert {path.parent for path in paths} == {captures.cache_dir}
    assert cache_path(captures, CaptureSource(urls[0], ("named",))) == paths[0]

"""What paths tell of capture files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backend.monitoring.layout import Stream, hour_folder, locate, recognise

NAME = "57-16-435-40718543-6e96-42b7-881c-ff4c3c9dc4c9.jsonl"
NO_STREAM = Stream("", "")


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        (f"scones/AllTraffic/2024/10/15/14/{NAME}", Stream("scones", "AllTraffic")),
        (f"scones/AllTraffic/2024/10/15/14/{NAME}.gz", Stream("scones", "AllTraffic")),
        (f"team/data capture/schön/v-1/2024/02/29/00/{NAME}", Stream("schön", "v-1")),
        (f"2023/2024/2024/10/15/23/{NAME}", Stream("2023", "2024")),
        (f"AllTraffic/2024/10/15/14/{NAME}", Stream("", "AllTraffic")),
        (f"2024/10/15/14/{NAME}", NO_STREAM),
        (NAME, NO_STREAM),
        ("a.jsonl.gz", NO_STREAM),
    ],
)
def test_a_capture_file_is_recognised_in_every_layout(path: str, stream: Stream) -> None:
    assert recognise(path) == stream


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        ".jsonl",
        "readme.txt",
        "a.json",
        "a.JSONL",
        "a.jsonl.bz2",
        f"/{NAME}",
        f"scones/{NAME}",
        f"scones/AllTraffic/{NAME}",
        f"scones/AllTraffic/2024/10/15/{NAME}",
        f"scones/AllTraffic/2024/10/15/14/05/{NAME}",
        f"scones/AllTraffic/2024/10/15/24/{NAME}",
        f"scones/AllTraffic/2024/13/15/14/{NAME}",
        f"scones/AllTraffic/2023/02/29/14/{NAME}",
        f"scones/AllTraffic/2024/1/15/14/{NAME}",
        f"scones/AllTraffic/٢٠٢٤/10/15/14/{NAME}",
        f"scones/AllTraffic/+024/10/15/14/{NAME}",
        f"scones/AllTraffic/0000/10/15/14/{NAME}",
        f"scones//2024/10/15/14/{NAME}",
        f"scones/./2024/10/15/14/{NAME}",
        f"../scones/AllTraffic/2024/10/15/14/{NAME}",
        f"scones/All\nTraffic/2024/10/15/14/{NAME}",
        f"scones/AllTraffic/2024/10/15/14/a\n{NAME}",
        f"scones/AllTraffic/2024/10/15/14/\udc80{NAME}",
    ],
)
def test_what_no_capture_file_is_called_is_not_recognised(path: str) -> None:
    assert recognise(path) is None


def test_a_file_tells_its_hour_and_where_the_hours_of_its_stream_are() -> None:
    located = locate(f"team/scones/AllTraffic/2024/10/15/14/{NAME}")
    assert located is not None
    assert (located.hour, located.folder) == (datetime(2024, 10, 15, 14, tzinfo=UTC), "team/scones/AllTraffic/")
    assert hour_folder(located, datetime(2025, 1, 2, 3, 4, tzinfo=UTC)) == "team/scones/AllTraffic/2025/01/02/03/"


def test_a_file_by_itself_tells_no_hour() -> None:
    located = locate(NAME)
    assert located is not None
    assert located.hour is None

"""Locations in S3, as requests name them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Uri:
    """A bucket, and a key or key prefix in it."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Uri:
        """Read `s3://bucket/key`. The request was validated, so that a scheme and a bucket are there."""
        bucket, _, key = uri.partition("://")[2].partition("/")
        return cls(bucket, key)

    def below(self, path: str) -> S3Uri:
        """The location at a relative path below this one."""
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{path}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

"""Objects of the project's bucket on their way: written, copied and listed by obstore, and by boto3 where that cannot.

For an image of some kilobytes boto3 takes 2.6 ms of CPU, obstore 0.3. What obstore fails at is asked for again through
boto3, which knows a moved endpoint, takes any key, and says in AWS's words what was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from backend.aws.bucket import list_objects
from backend.aws.environment import Environment
from backend.aws.object_store import open_store

_FAILED = (BaseError, OSError, ValueError)
"""What obstore raises: its own errors, Python's for what is not there, and that for a key that it cannot take."""


@dataclass(frozen=True)
class Transfer:
    """The project's bucket; its calls may come from several threads, and raise as boto3's do."""

    environment: Environment
    store: S3Store

    @classmethod
    def of(cls, environment: Environment) -> Transfer:
        return cls(environment, open_store(environment.session, environment.s3, environment.bucket))

    def put(self, key: str, content: bytes, content_type: str) -> str:
        """Write an object; returns the ETag that S3 gave it, without its quotes."""
        try:
            attributes = {"Content-Type": content_type}
            put = obstore.put(self.store, key, content, attributes=attributes, use_multipart=False)
            return (put["e_tag"] or "").strip('"')
        except _FAILED:
            s3, bucket = self.environment.s3, self.environment.bucket
            return s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)["ETag"].strip('"')

    def copy(self, source: str, key: str) -> None:
        """Copy an object within the bucket: nothing of it goes up."""
        try:
            obstore.copy(self.store, source, key)
        except _FAILED:
            bucket = self.environment.bucket
            self.environment.s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source})

    def etags(self, prefix: str) -> dict[str, str]:
        """The ETag of each object below a prefix, by its key without the prefix."""
        try:
            pages = obstore.list(self.store, prefix, chunk_size=1000)
            return {
                item["path"].removeprefix(prefix): (item["e_tag"] or "").strip('"') for page in pages for item in page
            }
        except _FAILED:
            return {
                item["Key"].removeprefix(prefix): item["ETag"].strip('"')
                for item in list_objects(self.environment, prefix)
            }

"""What a container leaves behind: packed and brought to S3."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, ParamValidationError

from embedded_aws.sagemaker.s3_uri import S3Uri
from embedded_aws.sagemaker.training.failures import TrainingFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_COMPRESSION = 5  # weights hardly shrink: more costs seconds and saves nothing


def upload_folder(s3: S3Client, folder: Path, archive: Path, destination: S3Uri) -> None:
    """Pack all that a folder holds into `archive`, paths relative to the folder, and upload it.

    Raises TrainingFailed when S3 does not take it: for a bucket that does not exist, for example.
    """
    with tarfile.open(archive, "w:gz", compresslevel=_COMPRESSION) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    try:
        s3.upload_file(str(archive), destination.bucket, destination.key)
    except (S3UploadFailedError, ClientError, ParamValidationError) as error:
        raise TrainingFailed(f"ClientError: Artifact upload failed:{error}") from error

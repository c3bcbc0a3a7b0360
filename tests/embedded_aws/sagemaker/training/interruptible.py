"""An embedded AWS that may be killed, with two images to train on for as long as it takes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from backend.aws.environment import Environment, open_environment
from backend.settings import Settings
from tests.embedded_aws.sagemaker.examples import training_request

BUCKET = "interruptible"


@contextmanager
def interruptible_aws(state_dir: Path) -> Iterator[Environment]:
    """The embedded AWS on a folder of its own, with the training set in its bucket."""
    settings = Settings(environment="embedded", state_dir=state_dir, project="scones-interruptible")
    with closing(open_environment(settings)) as environment:
        environment.s3.create_bucket(Bucket=BUCKET)
        for index in range(2):
            environment.s3.put_object(Bucket=BUCKET, Key=f"images/{index}.png", Body=png(200 * index))
        environment.s3.put_object(Bucket=BUCKET, Key="all.lst", Body=b"0\t0\t0.png\n1\t1\t1.png\n")
        yield environment


def png(brightness: int) -> bytes:
    """A grey image of 32 x 32 pixels."""
    content = io.BytesIO()
    Image.new("RGB", (32, 32), (brightness,) * 3).save(content, "PNG")
    return content.getvalue()


def job_request(name: str, epochs: int) -> dict[str, Any]:
    """A CreateTrainingJob request for the two images; a hundred thousand epochs take hours."""
    images, manifest = f"s3://{BUCKET}/images/", f"s3://{BUCKET}/all.lst"
    channels = {"train": images, "validation": images, "train_lst": manifest, "validation_lst": manifest}
    request = training_request(name, BUCKET, channels)
    request["HyperParameters"] |= {"epochs": str(epochs), "num_training_samples": "2", "mini_batch_size": "2"}
    return request

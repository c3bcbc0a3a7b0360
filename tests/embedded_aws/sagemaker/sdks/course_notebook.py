# mypy: ignore-errors
"""The calls of the course's notebook, with version 2 of the SageMaker SDK, in an interpreter of its own.

`python course_notebook.py NAME ROLE BUCKET CHANNELS HYPERPARAMETERS` trains, deploys with data capture, asks for two
predictions of an image of the validation channel, downloads what was captured, and deletes model and endpoint. Channels
(name to URI) and hyperparameters are JSON objects. The last line printed is another: the `job`, the `predictions` and
the captured `records`.
Source: Udacity, "Build a ML Workflow For Scones Unlimited On Amazon SageMaker".
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import sagemaker
from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import IdentitySerializer

CAPTURE_SECONDS = 60


def main(name: str, role: str, bucket: str, channels: str, hyperparameters: str) -> None:
    session = sagemaker.Session(default_bucket=bucket)
    classifier = Estimator(
        image_uris.retrieve(framework="image-classification", region=session.boto_region_name),
        role,
        instance_count=1,
        instance_type="ml.p3.2xlarge",
        base_job_name=name,
        output_path=f"s3://{bucket}/models",
        sagemaker_session=session,
    )
    classifier.set_hyperparameters(**json.loads(hyperparameters))
    data = json.loads(channels)
    classifier.fit(
        inputs={
            channel: TrainingInput(s3_data=uri, content_type="application/x-image") for channel, uri in data.items()
        }
    )
    captured = f"s3://{bucket}/captured"
    deployment = classifier.deploy(
        initial_instance_count=1,
        instance_type="ml.m5.xlarge",
        endpoint_name=name,
        data_capture_config=DataCaptureConfig(
            enable_capture=True, sampling_percentage=100, destination_s3_uri=captured
        ),
    )
    predictor = Predictor(deployment.endpoint_name, sagemaker_session=session)
    predictor.serializer = IdentitySerializer("image/png")
    payload = S3Downloader.read_bytes(f"{data['validation']}0.png", sagemaker_session=session)
    predictions = [json.loads(predictor.predict(payload)) for _ in range(2)]
    records = download(f"{captured}/{name}/AllTraffic", len(predictions), session)
    predictor.delete_model()
    predictor.delete_endpoint()
    report = {"job": classifier.latest_training_job.name, "predictions": predictions, "records": records}
    print(f"\n{json.dumps(report)}", flush=True)  # the SDK's waiting left dots on the line


def download(uri: str, count: int, session: sagemaker.Session) -> list[dict]:
    """The captured records, once there are that many: they come to S3 some seconds after the answers."""
    deadline = time.monotonic() + CAPTURE_SECONDS
    while True:
        with tempfile.TemporaryDirectory() as folder:
            S3Downloader.download(uri, folder, sagemaker_session=session)
            lines = [line for path in Path(folder).rglob("*.jsonl") for line in path.read_text().splitlines()]
        if len(lines) >= count or time.monotonic() > deadline:
            return [json.loads(line) for line in lines]
        time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])

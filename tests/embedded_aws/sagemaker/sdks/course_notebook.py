# mypy: ignore-errors
"""The cells of the course's notebook, with version 2 of the SageMaker SDK, in an interpreter of its own.

`python course_notebook.py NAME ROLE BUCKET CHANNELS HYPERPARAMETERS` stages the images of two channels in a bucket of
its own, trains, deploys with data capture, asks for two predictions, runs three images through a published solution's
Lambdas and state machine, reads what was captured as the notebook's chart does, and deletes all of it. Channels (name
to URI) and hyperparameters are JSON objects. The last line printed is another: `job`, `endpoint`, `bucket`, the
`predictions`, the `executions`, and the chart's `times` and `confidences`.
Source: Udacity, "Build a ML Workflow For Scones Unlimited On Amazon SageMaker", starter.ipynb. Other than there, the
images are at hand, the bucket's name and the role are given (the SDK asks AWS itself for an account), and the SDK's
upload stands for `aws s3 sync`, which has a test of its own.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import boto3
import jsonlines
import pandas as pd
import sagemaker
from botocore.client import BaseClient
from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import IdentitySerializer

sys.path.insert(0, str(Path(__file__).parents[1] / "course"))
import solutions

CAPTURE_SECONDS = 60
EXECUTION_SECONDS = 120


def main(name: str, role: str, _bucket: str, channels: str, hyperparameters: str) -> None:
    session = sagemaker.Session(default_bucket=f"sagemaker-{name}")
    bucket = session.default_bucket()  # which makes it
    with tempfile.TemporaryDirectory() as opened:
        folder = Path(opened)
        stage(session, bucket, json.loads(channels), folder)
        model = train(session, bucket, role, name, json.loads(hyperparameters))
        endpoint = deploy(model, bucket)
        predictor = Predictor(endpoint_name=endpoint, sagemaker_session=session)
        predictor.serializer = IdentitySerializer("image/png")
        payload = (folder / "test" / "0.png").read_bytes()
        predictions = [json.loads(predictor.predict(payload)) for _ in range(2)]
        executions = run_workflow(name, role, endpoint, [generate_test_case(bucket) for _ in range(3)])
        times, confidences = observe(session, bucket, endpoint, 5, folder / "captured_data")
    predictor.delete_model()
    predictor.delete_endpoint()
    boto3.resource("s3").Bucket(bucket).objects.all().delete()
    boto3.resource("s3").Bucket(bucket).delete()
    report = {
        "job": model.latest_training_job.name,
        "endpoint": endpoint,
        "bucket": bucket,
        "predictions": predictions,
        "executions": executions,
        "times": times,
        "confidences": confidences,
    }
    print(f"\n{json.dumps(report)}", flush=True)  # the SDK's waiting left dots on the line


def stage(session: sagemaker.Session, bucket: str, channels: dict[str, str], folder: Path) -> None:
    for split, channel in (("train", "train"), ("test", "validation")):
        S3Downloader.download(channels[channel], str(folder / split), sagemaker_session=session)
        session.upload_data(str(folder / split), bucket, split)
        names = sorted(path.name for path in (folder / split).iterdir())
        frame = pd.DataFrame({"filenames": names, "labels": [int(name.split(".")[0]) % 2 for name in names]})
        frame["row"] = range(len(frame))
        frame["s3_path"] = frame["filenames"]
        frame[["row", "labels", "s3_path"]].to_csv(folder / f"{split}.lst", sep="\t", index=False, header=False)
        boto3.Session().resource("s3").Bucket(bucket).Object(f"{split}.lst").upload_file(str(folder / f"{split}.lst"))


def train(session: sagemaker.Session, bucket: str, role: str, name: str, hyperparameters: dict[str, str]) -> Estimator:
    model = Estimator(
        image_uri=image_uris.retrieve(framework="image-classification", region=boto3.Session().region_name),
        role=role,
        instance_count=1,
        instance_type="ml.p3.2xlarge",
        base_job_name=name,
        output_path=f"s3://{bucket}/models/image_model",
        sagemaker_session=session,
    )
    model.set_hyperparameters(**hyperparameters)
    keys = {"train": "train/", "validation": "test/", "train_lst": "train.lst", "validation_lst": "test.lst"}
    inputs = {
        channel: TrainingInput(s3_data=f"s3://{bucket}/{key}", content_type="application/x-image")
        for channel, key in keys.items()
    }
    model.fit(inputs=inputs, logs=True)
    return model


def deploy(model: Estimator, bucket: str) -> str:
    capture = DataCaptureConfig(
        enable_capture=True,
        sampling_percentage=100,
        destination_s3_uri=f"s3://{bucket}/data_capture",
        capture_options=["Input", "Output"],
    )
    return model.deploy(
        initial_instance_count=1, instance_type="ml.m5.xlarge", data_capture_config=capture
    ).endpoint_name


def generate_test_case(bucket: str) -> str:
    """An execution's input for one of the test images."""
    objects = boto3.resource("s3").Bucket(bucket).objects.filter(Prefix="test/")
    key = random.choice([item.key for item in objects])  # noqa: S311
    return json.dumps({"image_data": "", "s3_bucket": bucket, "s3_key": key})


def run_workflow(name: str, role: str, endpoint: str, inputs: list[str]) -> list[dict]:
    """Status and output of an execution for each input, one after the other."""
    functions, machines = boto3.client("lambda"), boto3.client("stepfunctions")
    codes = (solutions.SERIALIZE, solutions.CLASSIFY % endpoint, solutions.FILTER % "0.0")
    arns = [
        functions.create_function(
            FunctionName=f"{name}-{number}",
            Runtime="python3.8",
            Role=role,
            Handler="lambda_function.lambda_handler",
            Code={"ZipFile": zipped(code)},
            Timeout=60,
        )["FunctionArn"]
        for number, code in enumerate(codes)
    ]
    machine = machines.create_state_machine(name=name, definition=solutions.by_retry(arns), roleArn=role)
    ended = [run_execution(machines, machine["stateMachineArn"], given) for given in inputs]
    machines.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    for arn in arns:
        functions.delete_function(FunctionName=arn)
    return ended


def run_execution(machines: BaseClient, machine: str, given: str) -> dict:
    execution = machines.start_execution(stateMachineArn=machine, input=given)
    deadline = time.monotonic() + EXECUTION_SECONDS
    while (found := machines.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return {"status": found["status"], "output": json.loads(found.get("output", "null"))}


def zipped(code: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("lambda_function.py", code)
    return content.getvalue()


def observe(session: sagemaker.Session, bucket: str, endpoint: str, count: int, folder: Path) -> tuple[list, list]:
    """The chart's axes, once so many inferences were captured: they come to S3 some seconds after the answers."""
    deadline = time.monotonic() + CAPTURE_SECONDS
    while True:
        S3Downloader.download(
            f"s3://{bucket}/data_capture/{endpoint}/AllTraffic", str(folder), sagemaker_session=session
        )
        records = []
        for path in folder.rglob("*.jsonl"):
            with jsonlines.open(path) as lines:
                records += list(lines)
        if len(records) >= count or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    observed = sorted(map(simple_getter, records), key=lambda pair: pair[1])
    return [at for _, at in observed], [max(inference) for inference, _ in observed]


def simple_getter(record: dict) -> tuple[list[float], str]:
    return json.loads(record["captureData"]["endpointOutput"]["data"]), record["eventMetadata"]["inferenceTime"]


if __name__ == "__main__":
    main(*sys.argv[1:])

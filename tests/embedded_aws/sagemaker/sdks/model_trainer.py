# mypy: ignore-errors
"""ModelTrainer of the SageMaker SDK's version 3, as its documentation uses it, in an interpreter of its own.

`python model_trainer.py NAME ROLE BUCKET CHANNELS HYPERPARAMETERS` trains, with the log on the screen. Channels (name
to URI) and hyperparameters are JSON objects.
"""

from __future__ import annotations

import json
import logging
import sys

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData


def main(name: str, role: str, bucket: str, channels: str, hyperparameters: str) -> None:
    logging.basicConfig(level=logging.INFO)  # the SDK shows the job's log as messages of its own
    trainer = ModelTrainer(
        training_image=image_uris.retrieve("image-classification", region="us-east-1"),
        base_job_name=name,
        role=role,
        sagemaker_session=Session(boto_session=boto3.Session(), default_bucket=bucket),
        hyperparameters=json.loads(hyperparameters),
        compute=Compute(instance_type="ml.p3.2xlarge", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
        input_data_config=[
            InputData(channel_name=channel, data_source=uri, content_type="application/x-image")
            for channel, uri in json.loads(channels).items()
        ],
    )
    trainer.train(wait=True, logs=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

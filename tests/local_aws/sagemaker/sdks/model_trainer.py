# mypy: ignore-errors
"""ModelTrainer of the SageMaker SDK's version 3, as its documentation uses it, in an interpreter of its own.

`python model_trainer.py NAME ROLE BUCKET PREFIX` trains on the images and manifests below the prefix, with the log on
the screen.
"""

from __future__ import annotations

import logging
import sys

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData

KEYS = {"train": "train/", "validation": "validation/", "train_lst": "train.lst", "validation_lst": "validation.lst"}
HYPERPARAMETERS = {
    "num_layers": 20,
    "image_shape": "3,32,32",
    "num_classes": 2,
    "num_training_samples": 16,
    "mini_batch_size": 8,
    "epochs": 1,
}


def main(name: str, role: str, bucket: str, prefix: str) -> None:
    logging.basicConfig(level=logging.INFO)  # the SDK shows the job's log as messages of its own
    trainer = ModelTrainer(
        training_image=image_uris.retrieve("image-classification", region="us-east-1"),
        base_job_name=name,
        role=role,
        sagemaker_session=Session(boto_session=boto3.Session(), default_bucket=bucket),
        hyperparameters=HYPERPARAMETERS,
        compute=Compute(instance_type="ml.p3.2xlarge", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
        input_data_config=[
            InputData(
                channel_name=channel,
                data_source=f"s3://{bucket}/{prefix}/{key}",
                content_type="application/x-image",
            )
            for channel, key in KEYS.items()
        ],
    )
    trainer.train(wait=True, logs=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

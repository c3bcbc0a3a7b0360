"""What requests of these tests are made of."""

from __future__ import annotations

from typing import Any

IMAGE_URI = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
ROLE_ARN = "arn:aws:iam::000000000000:role/service-role/sagemaker"


def channel(name: str, uri: str) -> dict[str, Any]:
    """A channel of images below a prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": "application/x-image", "DataSource": {"S3DataSource": source}}


def variant(model: str, **members: Any) -> dict[str, Any]:
    """A production variant that serves a model."""
    return {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    } | members


def training_request(name: str, bucket: str, channels: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A CreateTrainingJob request for a ResNet-20 on sixteen images, which trains in seconds."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IMAGE_URI, "TrainingInputMode": "File"},
        "RoleArn": ROLE_ARN,
        "HyperParameters": {
            "num_layers": "20",
            "image_shape": "3,28,28",
            "num_classes": "2",
            "num_training_samples": "16",
            "mini_batch_size": "8",
            "epochs": "1",
        },
        "InputDataConfig": [channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    } | changes

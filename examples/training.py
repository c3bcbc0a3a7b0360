"""A training job of SageMaker's built-in image classification on the staged images, and its validation accuracy."""

from datetime import UTC, datetime

import boto3
from sagemaker.core import image_uris

from examples.names import account, bucket, project, region, tags

dataset = "20260131-093012-123456-notebook"
instance_type, hours = "ml.g4dn.xlarge", 24  # and after how long SageMaker stops the job
hyperparameters = {
    "num_layers": "20",
    "epochs": "30",
    "mini_batch_size": "32",
    "optimizer": "nag",
    "learning_rate": "0.02",
    "weight_decay": "0.005",
    "augmentation_type": "crop",
    "lr_scheduler_step": "10,20",
    "lr_scheduler_factor": "0.1",
    "num_classes": "3",
    "num_training_samples": "1531",
    "image_shape": "3,28,28",
}
channels = {
    "train": "train/",
    "validation": "validation/",
    "train_lst": "train.lst",
    "validation_lst": "validation.lst",
}

sagemaker = boto3.client("sagemaker")
partition = boto3.Session().get_partition_for_region(region)
training_job = f"{project}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
sagemaker.create_training_job(
    TrainingJobName=training_job,
    RoleArn=f"arn:{partition}:iam::{account}:role/{project}-sagemaker-{region}",
    AlgorithmSpecification={
        "TrainingImage": image_uris.retrieve("image-classification", region=region),
        "TrainingInputMode": "File",
    },
    HyperParameters=hyperparameters,
    InputDataConfig=[
        {
            "ChannelName": channel,
            "ContentType": "application/x-image",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": f"s3://{bucket}/datasets/{dataset}/{path}",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
        for channel, path in channels.items()
    ],
    OutputDataConfig={"S3OutputPath": f"s3://{bucket}/models"},
    ResourceConfig={"InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": 50},
    StoppingCondition={"MaxRuntimeInSeconds": hours * 3600},
    Tags=tags,
)
sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=training_job, WaiterConfig={"Delay": 5})
ended = sagemaker.describe_training_job(TrainingJobName=training_job)
print(training_job, ended["TrainingJobStatus"], ended["ModelArtifacts"]["S3ModelArtifacts"])
for metric in ended.get("FinalMetricDataList", []):
    print(metric["MetricName"], metric["Value"])

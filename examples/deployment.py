"""A trained model behind the project's endpoint, which keeps what it is asked and what it answers in the bucket."""

from datetime import UTC, datetime

import boto3
from sagemaker.core import image_uris

from examples.names import account, bucket, project, region, tags

training_job = "scones-unlimited-20260131-093012-123456"
instance_type, instance_count = "ml.m5.xlarge", 1
capture_percent, capture_destination = 100, None  # None captures to the folder that Monitoring reads

sagemaker = boto3.client("sagemaker")
partition = boto3.Session().get_partition_for_region(region)
artifact = sagemaker.describe_training_job(TrainingJobName=training_job)["ModelArtifacts"]["S3ModelArtifacts"]
name = f"{project}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
sagemaker.create_model(
    ModelName=name,
    PrimaryContainer={
        "Image": image_uris.retrieve("image-classification", region=region),
        "ModelDataUrl": artifact,
    },
    ExecutionRoleArn=f"arn:{partition}:iam::{account}:role/{project}-sagemaker-{region}",
    Tags=tags,
)
sagemaker.create_endpoint_config(
    EndpointConfigName=name,
    ProductionVariants=[
        {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": instance_type,
            "InitialInstanceCount": instance_count,
            "InitialVariantWeight": 1.0,
        }
    ],
    DataCaptureConfig={
        "EnableCapture": capture_percent > 0,
        "InitialSamplingPercentage": capture_percent,
        "DestinationS3Uri": capture_destination or f"s3://{bucket}/data_capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    },
    Tags=tags,
)
endpoints = sagemaker.list_endpoints(NameContains=project)["Endpoints"]
if project in [endpoint["EndpointName"] for endpoint in endpoints]:
    sagemaker.update_endpoint(EndpointName=project, EndpointConfigName=name)  # without losing a request
else:
    sagemaker.create_endpoint(EndpointName=project, EndpointConfigName=name, Tags=tags)
sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=project, WaiterConfig={"Delay": 5})
print(project, sagemaker.describe_endpoint(EndpointName=project)["EndpointConfigName"])

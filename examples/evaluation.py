"""How many of the test images the deployed model gets right, asked at an endpoint of its own that captures nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import boto3

from examples.names import bucket, project, tags

dataset = "20260131-093012-123456-notebook"
labels = ["bicycle", "motorcycle", "other"]

s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
served = sagemaker.describe_endpoint(EndpointName=project)["EndpointConfigName"]
variant = sagemaker.describe_endpoint_config(EndpointConfigName=served)["ProductionVariants"][0]
name = f"{project}-evaluation-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=tags)
sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 5})

runtime = boto3.client("sagemaker-runtime")


def ask(line):
    """The true class of an image of the list file, and the probability of each class."""
    _, index, path = line.split("\t")
    image = s3.get_object(Bucket=bucket, Key=f"datasets/{dataset}/test/{path}")["Body"].read()
    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="application/x-image", Body=image)
    return int(index), json.loads(answer["Body"].read())


try:
    listing = s3.get_object(Bucket=bucket, Key=f"datasets/{dataset}/test.lst")["Body"].read().decode()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, listing.splitlines()))
finally:
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
for index, label in enumerate(labels):
    of_class = [probabilities for true, probabilities in answers if true == index]
    right = sum(max(probabilities) == probabilities[index] for probabilities in of_class)
    print(f"{label}: {right} of {len(of_class)} right")

"""One image through the state machine, and what came of it."""

import json
import time
import uuid

import boto3

from examples.names import account, bucket, project, region

image = "datasets/20260131-093012-123456-notebook/test/bicycle_s_000030.png"

stepfunctions = boto3.client("stepfunctions")
partition = boto3.Session().get_partition_for_region(region)
execution = stepfunctions.start_execution(
    stateMachineArn=f"arn:{partition}:states:{region}:{account}:stateMachine:{project}",
    name=f"notebook-{uuid.uuid4().hex[:16]}",
    input=json.dumps({"s3_bucket": bucket, "s3_key": image}),
)["executionArn"]
while (ended := stepfunctions.describe_execution(executionArn=execution))["status"] == "RUNNING":
    time.sleep(1)
if ended["status"] == "SUCCEEDED":
    verdict = json.loads(ended["output"])
    print(f"{verdict['predicted_label']}, {verdict['confidence']:.3f}: passed on")
else:
    print(ended["status"], ended.get("error"), ended.get("cause"))

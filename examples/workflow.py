"""The three Lambda functions and the state machine, for the project's endpoint, its labels and a threshold."""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from examples.names import account, bucket, project, region, tags

labels = ["bicycle", "motorcycle", "other"]
threshold = 0.93

s3 = boto3.client("s3")
partition = boto3.Session().get_partition_for_region(region)
version = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"  # CloudFormation sees new code by its new key
parameters = {
    "Project": project,
    "Bucket": bucket,
    "EndpointName": project,
    "Labels": json.dumps(labels),
    "Threshold": str(threshold),
    "TopicArn": f"arn:{partition}:sns:{region}:{account}:{project}-notifications",
}
for parameter, folder in {
    "SerializeImageCode": "serialize_image",
    "ClassifyImageCode": "classify_image",
    "FilterInferenceCode": "filter_inference",
}.items():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in Path("lambdas", folder).glob("*.py"):
            archive.write(path, path.name)
    parameters[parameter] = f"code/{folder}-{version}.zip"
    s3.put_object(Bucket=bucket, Key=parameters[parameter], Body=packed.getvalue())
for parameter, name in {"DefinitionKey": "state_machine", "FanOutDefinitionKey": "fan_out"}.items():
    parameters[parameter] = f"code/{name}-{version}.asl.json"
    s3.put_object(Bucket=bucket, Key=parameters[parameter], Body=Path(f"workflow/{name}.asl.json").read_bytes())

cloudformation = boto3.client("cloudformation")
stack = {
    "StackName": f"{project}-workflow",
    "TemplateBody": Path("workflow/workflow.yaml").read_text(),
    "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    "Capabilities": ["CAPABILITY_NAMED_IAM"],
    "Tags": tags,
}
try:
    cloudformation.describe_stacks(StackName=stack["StackName"])
except ClientError:
    cloudformation.create_stack(**stack)
    done = "stack_create_complete"
else:
    cloudformation.update_stack(**stack)
    done = "stack_update_complete"
cloudformation.get_waiter(done).wait(StackName=stack["StackName"], WaiterConfig={"Delay": 2})
for output in cloudformation.describe_stacks(StackName=stack["StackName"])["Stacks"][0]["Outputs"]:
    print(output["OutputKey"], output["OutputValue"])

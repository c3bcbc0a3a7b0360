"""Solutions of the course's third step as people publish them: three Lambdas, and state machines around them.

Written for this project after the published ones' shape, with what they have in common: a literal /tmp/image.png, bytes
in a result, an envelope of status code and body, a threshold in the code, an exception of one's own.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

SERIALIZE = """
import json
import boto3
import base64

s3 = boto3.client('s3')

def lambda_handler(event, context):
    key = event['s3_key']
    bucket = event['s3_bucket']

    boto3.resource('s3').Bucket(bucket).download_file(key, '/tmp/image.png')

    with open('/tmp/image.png', 'rb') as f:
        image_data = base64.b64encode(f.read())

    print('Event:', event.keys())
    return {
        'statusCode': 200,
        'body': {'image_data': image_data, 's3_bucket': bucket, 's3_key': key, 'inferences': []}
    }
"""

CLASSIFY = """
import json
import base64
import boto3

ENDPOINT = '%s'
runtime = boto3.client('sagemaker-runtime')

def lambda_handler(event, context):
    image = base64.b64decode(event['body']['image_data'])
    response = runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType='image/png', Body=image)
    event['body']['inferences'] = response['Body'].read().decode('utf-8')
    return {'statusCode': 200, 'body': event['body']}
"""

FILTER = """
import json

THRESHOLD = %s

class ThresholdConfidenceNotMet(Exception):
    pass

def lambda_handler(event, context):
    inferences = json.loads(event['body']['inferences'])
    meets_threshold = max(inferences) > THRESHOLD
    if not meets_threshold:
        raise ThresholdConfidenceNotMet('THRESHOLD_CONFIDENCE_NOT_MET')
    return {'statusCode': 200, 'body': event['body']}
"""

_RETRY = [
    {
        "ErrorEquals": ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"],
        "IntervalSeconds": 1,
        "MaxAttempts": 3,
        "BackoffRate": 2,
    }
]


def by_retry(arns: list[str]) -> str:
    """As the console's editor makes it: the invoke integration, its payload taken on, a Retry for Lambda's trouble."""
    names = ["Serialize Image Data", "Image Classification", "Filter Low Confidence"]
    states: dict[str, Any] = {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "OutputPath": "$.Payload",
            "Parameters": {"Payload.$": "$", "FunctionName": f"{arn}:$LATEST"},
            "Retry": _RETRY,
        }
        for name, arn in zip(names, arns, strict=True)
    }
    for name, following in pairwise(names):
        states[name]["Next"] = following
    states[names[-1]]["End"] = True
    return json.dumps({"Comment": "Image classification", "StartAt": names[0], "States": states})


def by_retry_of_its_own(arns: list[str]) -> str:
    """As the one before, and the filter is asked twice more when the model was not sure."""
    machine = json.loads(by_retry(arns))
    again = {"ErrorEquals": ["ThresholdConfidenceNotMet"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}
    machine["States"]["Filter Low Confidence"]["Retry"] = [*_RETRY, again]
    return json.dumps(machine)


def by_catch(arns: list[str]) -> str:
    """Functions named by their ARNs; a Catch by the exception's name says that it was not sure."""
    states: dict[str, Any] = {
        "Serialize": {"Type": "Task", "Resource": arns[0], "Next": "Classify"},
        "Classify": {"Type": "Task", "Resource": arns[1], "Next": "Filter"},
        "Filter": {
            "Type": "Task",
            "Resource": arns[2],
            "Retry": [{"ErrorEquals": ["ThresholdConfidenceNotMet"], "MaxAttempts": 0}],
            "Catch": [
                {"ErrorEquals": ["ThresholdConfidenceNotMet"], "ResultPath": "$.error", "Next": "Not sure"},
                {"ErrorEquals": ["States.ALL"], "Next": "Broken"},
            ],
            "End": True,
        },
        "Not sure": {"Type": "Fail", "Error": "NotSure", "Cause": "The model was not sure enough"},
        "Broken": {"Type": "Fail", "Error": "Broken", "Cause": "Something else"},
    }
    return json.dumps({"StartAt": "Serialize", "States": states})


def with_map(arns: list[str]) -> str:
    """Many images in one execution: the challenge of the course."""
    iterator = json.loads(by_retry(arns))
    states = {
        "Each image": {
            "Type": "Map",
            "ItemsPath": "$.images",
            "MaxConcurrency": 12,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}} | iterator,
            "End": True,
        }
    }
    return json.dumps({"StartAt": "Each image", "States": states})


def in_jsonata(arns: list[str]) -> str:
    """The newer query language, with variables."""
    serialize, classify, judge = arns
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Output": "{% $states.result.Payload %}"}
    states: dict[str, Any] = {
        "Serialize": invoke
        | {
            "Arguments": {"FunctionName": serialize, "Payload": "{% $states.input %}"},
            "Assign": {"key": "{% $states.input.s3_key %}"},
            "Next": "Classify",
        },
        "Classify": invoke
        | {"Arguments": {"FunctionName": classify, "Payload": "{% $states.input %}"}, "Next": "Filter"},
        "Filter": invoke
        | {
            "Arguments": {"FunctionName": judge, "Payload": "{% $states.input %}"},
            "Output": {"key": "{% $key %}", "body": "{% $states.result.Payload.body %}"},
            "End": True,
        },
    }
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": "Serialize", "States": states})

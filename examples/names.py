"""What this project calls its things, wherever it runs."""

import boto3

project = "scones-unlimited"
region = boto3.Session().region_name
account = boto3.client("sts").get_caller_identity()["Account"]
bucket = f"{project}-{account}-{region}"
tags = [{"Key": "scones:project", "Value": project}]

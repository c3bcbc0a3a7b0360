"""An AWS account, as `aws configure` or your administrator set it up."""

import os

profile, region = "default", "us-east-1"
os.environ |= {"AWS_PROFILE": profile, "AWS_DEFAULT_REGION": region}

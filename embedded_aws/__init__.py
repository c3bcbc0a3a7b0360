"""An AWS of our own on this machine: MiniStack and our SageMaker, started on first use, on 127.0.0.1 only."""

from embedded_aws.errors import EmbeddedAwsError
from embedded_aws.handle import EmbeddedAws, start
from embedded_aws.installation import ACCOUNT, REGION

__all__ = ["ACCOUNT", "REGION", "EmbeddedAws", "EmbeddedAwsError", "start"]

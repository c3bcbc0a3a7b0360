"""An AWS of our own on this machine: MiniStack and our SageMaker, started on first use, on 127.0.0.1 only."""

from backend.local_aws.handle import LocalAws, start
from backend.local_aws.installation import ACCOUNT, REGION

__all__ = ["ACCOUNT", "REGION", "LocalAws", "start"]

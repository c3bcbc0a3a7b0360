"""What everything of a project is called: resources, ARNs, log groups, and the prefixes in its bucket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

PROJECT_TAG = "scones:project"

DATASETS_PREFIX = "datasets/"
MODELS_PREFIX = "models/"
CAPTURES_PREFIX = "data_capture/"
CODE_PREFIX = "code/"
UPLOADS_PREFIX = "uploads/"
TRAFFIC_PREFIX = "traffic/"
GROUND_TRUTH_PREFIX = "ground-truth/"
REVIEW_PREFIX = "review/"
ALERTS_PREFIX = "alerts/"
DRIFT_PREFIX = "drift/"
BATCHES_PREFIX = "batches/"
PIPELINE_PREFIX = "pipeline/"
BUCKET_PREFIXES = frozenset(
    {
        DATASETS_PREFIX,
        MODELS_PREFIX,
        CAPTURES_PREFIX,
        CODE_PREFIX,
        UPLOADS_PREFIX,
        TRAFFIC_PREFIX,
        GROUND_TRUTH_PREFIX,
        REVIEW_PREFIX,
        ALERTS_PREFIX,
        DRIFT_PREFIX,
        BATCHES_PREFIX,
        PIPELINE_PREFIX,
    }
)
"""All that this project puts into its bucket is below one of these."""

TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
"""Of all training jobs of the account, whoever's they are: SageMaker's own name."""

_STAMP = "%Y%m%d-%H%M%S-%f"
_STAMPED = r"-\d{8}-\d{6}-\d{6}"


@dataclass(frozen=True)
class Names:
    """The names of one project in one account and region."""

    project: str
    account: str
    region: str
    partition: str
    """The ARN's second part: `aws`, `aws-cn`..."""

    @property
    def bucket(self) -> str:
        return f"{self.project}-{self.account}-{self.region}"

    @property
    def foundation_stack(self) -> str:
        """The stack with the bucket, the roles and the notification topic with its inbox."""
        return f"{self.project}-foundation"

    @property
    def workflow_stack(self) -> str:
        """The stack with the Lambdas and the state machine."""
        return f"{self.project}-workflow"

    @property
    def endpoint(self) -> str:
        """One endpoint a project: a newer model replaces the older one behind the same name."""
        return self.project

    @property
    def endpoint_log_group(self) -> str:
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"

    def evaluation_endpoint(self) -> str:
        """A name that nothing has yet, for an endpoint that is there while a model is evaluated, with what it serves.

        Of the project with the longest name it has 62 characters; SageMaker takes 63.
        """
        return f"{self.project}-evaluation-{stamp()}"

    def is_evaluation_log_group(self, name: str) -> bool:
        """Whether an endpoint that `evaluation_endpoint` named wrote to this log group."""
        return re.fullmatch(re.escape(f"{self.endpoint_log_group}-evaluation") + _STAMPED, name) is not None

    @property
    def sagemaker_role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.project}-sagemaker-{self.region}"

    @property
    def topic_arn(self) -> str:
        """Where notifications go."""
        return self._arn("sns", f"{self.project}-notifications")

    @property
    def state_machine_arn(self) -> str:
        return self._arn("states", f"stateMachine:{self.project}")

    def execution_arn(self, name: str) -> str:
        """The ARN of an execution of the state machine."""
        return self._arn("states", f"execution:{self.project}:{name}")

    @property
    def fan_out_arn(self) -> str:
        """The state machine that sends many images through the other."""
        return f"{self.state_machine_arn}-fan-out"

    def fan_out_execution_arn(self, name: str) -> str:
        return self._arn("states", f"execution:{self.project}-fan-out:{name}")

    def function(self, folder: str) -> str:
        """The Lambda function whose code is in `lambdas/<folder>`."""
        return f"{self.project}-{folder.replace('_', '-')}"

    def function_arn(self, folder: str) -> str:
        return self._arn("lambda", f"function:{self.function(folder)}")

    def stamped(self) -> str:
        """A name that nothing has yet, for a training job or a model: the time is in it, to the microsecond."""
        return f"{self.project}-{stamp()}"

    def is_stamped(self, name: str) -> bool:
        """Whether `stamped` made this name; not one of a project whose name only begins like ours."""
        return re.fullmatch(re.escape(self.project) + _STAMPED, name) is not None

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def stamp() -> str:
    """The time now (UTC), to the microsecond, as names hold it: later ones sort behind earlier ones."""
    return f"{datetime.now(UTC):{_STAMP}}"

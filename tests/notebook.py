"""Runs the code that "Show the code" shows, step after step, each from the start; run by tests as a process of its own.

Arguments: the project, the state folder, the place, and a JSON object of what to fill in, by step. The last line
printed is a JSON list of what was asked for on AWS, where requests are recorded and answered from a table.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3

from backend.aws.environment import Environment, Session
from backend.examples import Example, Place, example_code
from backend.settings import Settings

ACCOUNT, REGION = "123456789012", "eu-west-1"
_MADE = ("dataset", "training_job")
"""What a step names and a later one needs."""
_VERDICT = {"predicted_label": "bicycle", "confidence": 0.97}


class Recorder:
    """Answers requests as AWS documents its answers, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def answer(self, model: Any, params: dict[str, Any], request_signer: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        body = params["body"]
        self.asked.append(
            {
                "operation": model.name,
                "host": params["url"].split("/")[2],
                "service": request_signer.signing_name,
                "body": body.decode(errors="replace") if isinstance(body, bytes) else str(body),
            }
        )
        change = "UPDATE" if any(item["operation"] == "UpdateStack" for item in self.asked) else "CREATE"
        known: dict[str, dict[str, Any]] = {
            "GetCallerIdentity": {"Account": ACCOUNT},
            "ListBuckets": {"Buckets": []},
            "DescribeStacks": {"Stacks": [{"StackStatus": f"{change}_COMPLETE", "Outputs": []}]},
            "DescribeTrainingJob": {
                "TrainingJobStatus": "Completed",
                "ModelArtifacts": {"S3ModelArtifacts": "s3://somewhere/model.tar.gz"},
            },
            "ListEndpoints": {"Endpoints": []},
            "DescribeEndpoint": {"EndpointStatus": "InService", "EndpointConfigName": "a-config"},
            "DescribeEndpointConfig": {"ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "a-model"}]},
            "GetObject": {"Body": BytesIO(b"0\t1\tsome.png")},
            "InvokeEndpoint": {"Body": BytesIO(b"[0.1, 0.8, 0.1]")},
            "StartExecution": {"executionArn": "an-execution"},
            "DescribeExecution": {"status": "SUCCEEDED", "output": json.dumps(_VERDICT)},
        }
        return SimpleNamespace(status_code=200, headers={}), known.get(model.name, {})


def run(environment: Environment, place: Place, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Every step in turn; what each named that a later one needs is filled in there."""
    made: dict[str, Any] = {}
    for example in Example:
        given = dict(values.get(example, {}))
        needed = {name: made[name] for name in _MADE if name in made and f'\n{name} = "' in _file(example)}
        if example is Example.SUBMISSION and "dataset" in made:
            given["image"] = f"datasets/{made['dataset']}/test/{given['image']}"
        code = example_code(environment, example, place, given | needed)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(code, f"{example}.py", "exec"), namespace)  # noqa: S102  what is under test
        made |= {name: namespace[name] for name in _MADE if name in namespace}


def _file(example: Example) -> str:
    return Path("examples", f"{example}.py").read_text(encoding="utf-8")


def main() -> None:
    project, state_dir, place, values = sys.argv[1:]
    settings = Settings(environment="embedded", state_dir=Path(state_dir), project=project)
    session = Session(aws_access_key_id="example", aws_secret_access_key="example", region_name=REGION)
    environment = Environment(session, REGION, ACCOUNT, settings)
    recorder = Recorder()
    if place == Place.AWS:
        boto3.DEFAULT_SESSION = boto3.Session()
        boto3.DEFAULT_SESSION.events.register("before-call", cast("Any", recorder.answer))  # it may answer
    run(environment, Place(place), json.loads(values))
    print(json.dumps(recorder.asked))


if __name__ == "__main__":
    main()

"""The same for other tools: what is violated, and a baseline, in Model Monitor's files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from backend import alerts, monitoring
from backend.aws.environment import Environment
from backend.errors import EndpointNotInService
from backend.evaluation import Evaluation
from backend.monitoring import Selection
from pages.shared import reads
from pages.shared.environment import action

_EVALUATION: Final = "The evaluation of the deployed model"
_RECORDS: Final = "The last 7 days of captured records"
_DAYS: Final = timedelta(days=7)


def draw_files(environment: Environment) -> None:
    """Where the files are, and a way to write the baseline's."""
    with st.expander("Files for other tools", icon=":material/description:"):
        st.markdown(
            "As SageMaker Model Monitor writes them: `constraint_violations.json` has the rules that are in ALARM now, "
            "and is written whenever one changes; `statistics.json` and `constraints.json` describe a baseline, and "
            "are written here."
        )
        st.code(f"s3://{environment.bucket}/{alerts.MODEL_MONITOR_PREFIX}", language=None)
        chosen = st.radio("Baseline", [_EVALUATION, _RECORDS], key="alerts.baseline", horizontal=True)
        if st.button("Write baseline", icon=":material/save:", key="alerts.write_baseline"):
            with action("Baseline written"):
                alerts.write_baseline(environment, _baseline(environment, of_evaluation=chosen == _EVALUATION))


def _baseline(environment: Environment, *, of_evaluation: bool) -> alerts.Baseline:
    if of_evaluation:
        return alerts.baseline_of_evaluation(_evaluation(environment))
    now = datetime.now(UTC)
    selection = Selection(now - _DAYS, now + timedelta(days=1))
    source = monitoring.project_source(environment)
    return alerts.baseline_of_records(environment, source, selection, reads.classes_of(environment, None))


def _evaluation(environment: Environment) -> Evaluation:
    """Raises EndpointNotInService where no model is deployed, or it was not evaluated."""
    endpoint = reads.describe_endpoint(environment)
    job = endpoint.training_job if endpoint else None
    evaluation = reads.read_evaluation(environment, job) if job else None
    if evaluation is None:
        raise EndpointNotInService("The deployed model was not evaluated. Evaluate it on the Evaluation page first.")
    return evaluation

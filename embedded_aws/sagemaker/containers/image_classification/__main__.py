"""The container's two commands: `python -m embedded_aws.sagemaker.containers.image_classification train|serve`."""

from __future__ import annotations

import logging
import signal
import sys

from embedded_aws.sagemaker.containers.image_classification import artifact, training
from embedded_aws.sagemaker.containers.image_classification.container import Container, Stop, UserError, log_to_stdout


def main(command: str) -> int:
    """Returns the exit code: 0 when all went well, 1 when not; a job's reason is then in output/failure."""
    container, log = Container.from_environment(), log_to_stdout()
    if command == "train":
        return _train(container, log)
    from embedded_aws.sagemaker.containers.image_classification import serving  # late: a training needs no web server

    return serving.serve(container, log)


def _train(container: Container, log: logging.Logger) -> int:
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        artifact.save(training.train(container, log, stop), container.model)
    except UserError as error:
        return _fail(container, log, f"ClientError: {error}")
    except Exception as error:
        log.exception("Training failed.")
        return _fail(container, log, f"AlgorithmError: {error!r}")
    return 0


def _fail(container: Container, log: logging.Logger, reason: str) -> int:
    log.error(reason)
    container.report_failure(reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Runs containers one after the other, each in a process forked off this one, which has PyTorch loaded already.

Loading it takes longer than a test's training. Reads a JSON line for each run, with `base`, `seed` and `output`, a file
for what the container writes; answers with its exit code, a line each.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

import torch._dynamo  # noqa: F401  the first optimizer of a process loads it, which takes as long as the rest

from embedded_aws.sagemaker.containers.image_classification.__main__ import main


def run(base: str, seed: str, output: str) -> int:
    """The exit code of a container that trains in the folder `base`."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        os.environ.update(SAGEMAKER_BASE_DIR=base, SEED=seed)
        code = main("train")
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    for line in sys.stdin:
        print(run(**json.loads(line)), flush=True)

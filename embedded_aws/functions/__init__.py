"""Python functions of Lambda as AWS runs them: by its own runtime, each execution environment with its own /tmp."""

from embedded_aws.functions.adapter import install

__all__ = ["install"]

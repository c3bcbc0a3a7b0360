"""What tests of the workflow share with those of its Lambdas."""

from tests.lambdas.conftest import load_handler

__all__ = ["load_handler"]

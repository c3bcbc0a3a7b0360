"""Benchmarks: `python -m benchmarks NAME` measures, and prints its figures as one JSON object, last."""

"""A SageMaker without Docker: its control plane, its runtime, its jobs and its endpoints."""

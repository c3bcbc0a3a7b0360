"""What stands in for containers: processes under SageMaker's contract, and their logs."""

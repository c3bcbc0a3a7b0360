"""Training jobs: from channels in S3 to a model in S3."""

"""Data capture: records from the answer to S3, once each."""

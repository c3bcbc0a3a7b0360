"""SageMaker's built-in image-classification algorithm, in PyTorch, under SageMaker's container contract."""

IMAGE_REPOSITORY = "image-classification"
"""The repository in the URI of the training and serving image that stands for this algorithm."""

METRIC_DEFINITIONS = {
    "train:accuracy": r"Epoch\[\d+\] Train-accuracy=([0-9.]+)",
    "validation:accuracy": r"Epoch\[\d+\] Validation-accuracy=([0-9.]+)",
}
"""Each metric's regular expression with one group, as SageMaker finds it in the log."""

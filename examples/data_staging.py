"""From a CIFAR-100 archive to PNG images in the bucket, with the list files that SageMaker's algorithm reads."""

import io
import json
import pickle
import random
import tarfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import boto3
import numpy as np
from PIL import Image

from examples.names import bucket, project, region, tags

archive = "cifar-100-python.tar.gz"  # https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz
labels = ["bicycle", "motorcycle"]
others = 1.5  # of images of other classes for one of a chosen class; 0 leaves the class `other` out
synthetic = False  # whether the images are drawn, as the offline sample's are

# The bucket, and a stack with SageMaker's role, the notification topic and its inbox.
s3 = boto3.client("s3")
place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
if bucket not in [item["Name"] for item in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=bucket, **place)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
cloudformation = boto3.client("cloudformation")
foundation = {
    "StackName": f"{project}-foundation",
    "TemplateBody": Path("workflow/foundation.yaml").read_text(),
    "Parameters": [
        {"ParameterKey": "Project", "ParameterValue": project},
        {"ParameterKey": "Bucket", "ParameterValue": bucket},
    ],
    "Capabilities": ["CAPABILITY_NAMED_IAM"],
    "Tags": tags,
}
try:
    cloudformation.create_stack(**foundation)
except cloudformation.exceptions.AlreadyExistsException:
    pass
else:
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=foundation["StackName"], WaiterConfig={"Delay": 2}
    )

# A pickle runs what is in it: read only archives that you trust. (The app reads them in a process that may do nothing.)
with tarfile.open(archive) as tar:
    files = {Path(member.name).name: member for member in tar.getmembers() if member.isfile()}
    meta, train, test = (
        pickle.load(tar.extractfile(files[name]), encoding="bytes") for name in ("meta", "train", "test")
    )
fine_labels = [name.decode() for name in meta[b"fine_label_names"]]


def choose(rows):
    """(name, index of its class, pixels) of the images of the chosen classes, and of a draw from all others."""
    chosen, rest = [], []
    for name, fine_label, pixels in zip(rows[b"filenames"], rows[b"fine_labels"], rows[b"data"], strict=True):
        label = fine_labels[fine_label]
        if label in labels:
            chosen.append((name.decode(), labels.index(label), pixels))
        else:
            rest.append((f"{label}.{name.decode()}", len(labels), pixels))
    drawn = min(len(rest), round(others * len(chosen) / len(labels)))
    return chosen + random.Random(0).sample(rest, drawn)


# Every eighth training image is kept to choose the best epoch by; the test images are for the evaluation.
training = choose(train)
splits = {"train": [], "validation": [], "test": choose(test)}
for number, image in enumerate(training):
    splits["train" if number % 8 else "validation"].append(image)
names = [*labels, "other"] if any(index == len(labels) for _, index, _ in training) else labels

dataset = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-notebook"


def upload(split, image):
    """One image as PNG: its 3072 bytes are a 32 x 32 plane of red, one of green and one of blue."""
    name, _, pixels = image
    png = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)).save(png, "PNG")
    s3.put_object(Bucket=bucket, Key=f"datasets/{dataset}/{split}/{name}", Body=png.getvalue(), ContentType="image/png")


with ThreadPoolExecutor(8) as pool:
    for split, images in splits.items():
        list(pool.map(partial(upload, split), images))
        listing = "".join(f"{row}\t{index}\t{name}\n" for row, (name, index, _) in enumerate(images))
        s3.put_object(Bucket=bucket, Key=f"datasets/{dataset}/{split}.lst", Body=listing.encode())

# What the app reads: what is in the dataset, and that it is the current one.
description = {
    "dataset_id": dataset,
    "source": f"A notebook, from {Path(archive).name}",
    "synthetic": synthetic,
    "labels": names,
    "counts": {
        split: {label: sum(index == number for _, index, _ in images) for number, label in enumerate(names)}
        for split, images in splits.items()
    },
    "bucket": bucket,
    "prefix": f"datasets/{dataset}/",
    "staged_at": datetime.now(UTC).isoformat(),
}
s3.put_object(Bucket=bucket, Key=f"datasets/{dataset}/dataset.json", Body=json.dumps(description).encode())
s3.put_object(Bucket=bucket, Key="datasets/current.json", Body=json.dumps({"dataset_id": dataset}).encode())
print(dataset, description["counts"])

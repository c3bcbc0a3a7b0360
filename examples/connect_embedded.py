"""The embedded AWS of this folder, which the app and this notebook share. Run it where the project is."""

import os
from pathlib import Path

import embedded_aws

state_dir = ".scones"
os.environ |= embedded_aws.start(Path(state_dir)).variables()

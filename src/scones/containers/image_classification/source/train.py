"""The entry point of a training job on AWS's PyTorch image."""

import sys

from scones.containers.image_classification import job

sys.exit(job.main())

"""The entry point of a training job on AWS's PyTorch image."""

import sys

from scones.algorithm import job

sys.exit(job.main())

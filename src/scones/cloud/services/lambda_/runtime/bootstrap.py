"""The program of an execution environment: AWS's runtime client, with the module search path of AWS.

The client is imported before the function's folder is added to the path, as in AWS's own bootstrap, so that a function
may have a module named `json` or `logging` without breaking its runtime. This file's folder is removed from the path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.path[0] == str(Path(__file__).parent):
    del sys.path[0]

from awslambdaric.__main__ import main

if __name__ == "__main__":
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *os.environ["SCONES_LAYER_PATH"].split(os.pathsep)]
    del os.environ["SCONES_LAYER_PATH"]
    main([sys.argv[0], sys.argv[1]])

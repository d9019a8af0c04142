"""The program of an execution environment: AWS's runtime client, with a path of modules as on AWS.

The client is imported before the function's folder joins the path, as AWS's own bootstrap does: a function may have a
module called `json` or `logging` without breaking its runtime. This file's own folder is on the path of no function.
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

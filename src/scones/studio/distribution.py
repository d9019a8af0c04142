"""The packages of the workspace's SDK v2 environment, in the versions of an image of SageMaker Distribution.

Source: SageMaker Distribution 2.14.10 (cpu) of 7 August 2026, the last series with SDK v2 and Python 3.11:
https://github.com/aws/sagemaker-distribution, build_artifacts/v2/v2.14/v2.14.10/cpu.env.out.

Not taken from the image:

- awscli: the image has AWS CLI 2, which is not on PyPI.
- boto3, botocore, aiobotocore and s3fs: the image has boto3 1.40.70, but the SDK on PyPI requires boto3 1.42.2 or
  later, and the image's aiobotocore and s3fs do not work with such a release.
- jsonlines: the image does not have it.
- numpy for Python 3.13 and later: NumPy 1.26.4 cannot be installed there.
- sagemaker: the image has 2.257.0, whose package on PyPI lacks a file, so that each import prints a traceback. 2.257.1
  has the file.
- PyTorch, TensorFlow, AutoGluon and other large packages: a notebook that needs them installs them.
"""

from __future__ import annotations

MATPLOTLIB = "matplotlib==3.10.9"
PANDAS = "pandas==2.3.3"
PACKAGES = (
    "aiobotocore>=3,<4",  # first, so that pip chooses boto3 and awscli to match; see environments.py
    "altair==5.5.0",
    "awscli",
    "boto3",
    "imageio==2.37.0",
    "ipykernel==7.3.0",
    "ipython==8.37.0",
    "ipywidgets==8.1.8",
    "joblib==1.5.3",
    "jsonlines",
    MATPLOTLIB,
    "numpy==1.26.4; python_version < '3.13'",
    "numpy>=2.1; python_version >= '3.13'",
    PANDAS,
    "pillow==11.3.0",
    "plotly==6.0.1",
    "requests==2.34.2",
    "s3fs>=2025",
    "scikit-learn==1.7.2",
    "scipy==1.16.3",
    "seaborn==0.13.2",
    "tqdm==4.70.0",
    "sagemaker==2.257.1",
)

"""Write and read objects with s3fs, pyarrow, pandas and awswrangler, and report what was read."""

import json
import os
import uuid

import awswrangler
import boto3
import pandas
import pyarrow
import pyarrow.parquet
import s3fs
from pyarrow import fs

bucket = f"frames-{uuid.uuid4().hex[:12]}"
boto3.client("s3").create_bucket(Bucket=bucket)
frame = pandas.DataFrame({"n": [1, 2, 3]})

files = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
with files.open(f"{bucket}/s3fs.txt", "w") as file:
    file.write("hello")
listed = files.ls(bucket, refresh=True)

where = {"endpoint_override": os.environ["AWS_ENDPOINT_URL"], "region": os.environ["AWS_REGION"]}
arrow = fs.S3FileSystem(**where, request_timeout=120, connect_timeout=120)  # a busy machine needs more than 3 s
pyarrow.parquet.write_table(pyarrow.table({"n": [1, 2, 3]}), f"{bucket}/arrow.parquet", filesystem=arrow)

frame.to_csv(f"s3://{bucket}/pandas.csv", index=False)
frame.to_parquet(f"s3://{bucket}/pandas.parquet")
awswrangler.s3.to_parquet(frame, path=f"s3://{bucket}/wrangled/", dataset=True)
print(
    json.dumps(
        {
            "s3fs": [files.cat(f"{bucket}/s3fs.txt").decode(), len(listed)],
            "pyarrow": pyarrow.parquet.read_table(f"{bucket}/arrow.parquet", filesystem=arrow)["n"].to_pylist(),
            "pandas": [
                pandas.read_csv(f"s3://{bucket}/pandas.csv")["n"].sum().item(),
                pandas.read_parquet(f"s3://{bucket}/pandas.parquet")["n"].sum().item(),
            ],
            "awswrangler": awswrangler.s3.read_parquet(f"s3://{bucket}/wrangled/", dataset=True)["n"].sum().item(),
        }
    )
)

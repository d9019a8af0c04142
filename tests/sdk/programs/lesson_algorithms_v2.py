"""The lessons' use of AWS's algorithms: XGBoost with a batch transform, BlazingText with an endpoint."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import sagemaker
from results import report
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import JSONSerializer

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket, region = session.default_bucket(), session.boto_region_name


def uploaded(text: str, name: str) -> str:
    Path(name).write_text(text)
    return session.upload_data(name, bucket=bucket, key_prefix="lessons")


# Houses: the price first, then two features, without a header, as the algorithm requires.
rooms, age = np.random.default_rng(0).uniform(0, 1, (2, 300))
houses = pd.DataFrame({"price": 10 * rooms - 4 * age + 20, "rooms": rooms, "age": age})
train = uploaded(houses[:200].to_csv(header=False, index=False), "train.csv")
validation = uploaded(houses[200:250].to_csv(header=False, index=False), "validation.csv")
test = uploaded(houses[250:].drop(columns="price").to_csv(header=False), "test.csv")
xgb = Estimator(
    sagemaker.image_uris.retrieve("xgboost", region, version="1.5-1"),
    role,
    instance_count=1,
    instance_type="ml.m5.large",
    volume_size=5,
    output_path=f"s3://{bucket}/lessons/models",
    sagemaker_session=session,
)
xgb.set_hyperparameters(
    max_depth=5,
    eta=0.2,
    gamma=4,
    min_child_weight=6,
    subsample=0.8,
    objective="reg:squarederror",
    early_stopping_rounds=10,
    num_round=60,
)
channels = {"train": train, "validation": validation}
xgb.fit({name: TrainingInput(s3_data=uri, content_type="csv") for name, uri in channels.items()})
transformer = xgb.transformer(
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    output_path=f"s3://{bucket}/lessons/predictions",
)
transformer.transform(
    test, content_type="text/csv", split_type="Line", input_filter="$[1:]", join_source="Input", output_filter="$[0,-1]"
)
session.download_data(".", bucket, "lessons/predictions/test.csv.out")
prices = pd.read_csv("test.csv.out", header=None, index_col=0)[1]
report("transformed rows", len(prices))
report("mean error", float((prices - houses["price"][250:]).abs().mean()))

# Reviews: a label and the words of a sentence per line.
reviews = [
    f"__label__{label} this scone was {words} on day {day % 9}"
    for day in range(100)
    for label, words in ((1, "warm and lovely"), (2, "cold and stale"))
]
text = Estimator(
    sagemaker.image_uris.retrieve("blazingtext", region),
    role,
    instance_count=1,
    instance_type="ml.c4.4xlarge",
    volume_size=30,
    max_run=3600,
    input_mode="File",
    output_path=f"s3://{bucket}/lessons/models",
    hyperparameters={"mode": "supervised", "early_stopping": True, "epochs": 8, "word_ngrams": 2, "vector_dim": 10},
)
source = TrainingInput(uploaded("\n".join(reviews), "reviews.txt"), content_type="text/plain", s3_data_type="S3Prefix")
text.fit({"train": source, "validation": source}, logs=True)
predictor = text.deploy(
    1, "ml.m5.large", serializer=JSONSerializer(), deserializer=JSONDeserializer(), wait=False
)  # wait=True polls every 30 seconds
while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
    time.sleep(0.1)
answers = predictor.predict({"instances": ["a warm and lovely scone", "a cold and stale scone"]})
report("reviews", [answer["label"] for answer in answers])
predictor.delete_endpoint()

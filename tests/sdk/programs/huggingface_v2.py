"""Fine-tune a transformer with a script, and serve it without one: SDK v2's HuggingFace and HuggingFaceModel."""

import time
from pathlib import Path

import sagemaker
from results import report
from sagemaker.huggingface import HuggingFace, HuggingFaceModel

TRAIN = """
import argparse
import os
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, set_seed

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--model_dir", default=os.environ["SM_MODEL_DIR"])
args, _ = parser.parse_known_args()
set_seed(0)

texts = [f"this scone was {word}" for word in ("warm", "lovely", "cold", "stale")] * 8
labels = torch.tensor([1, 1, 0, 0] * 8)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({word for text in texts for word in text.split()})]
Path("vocab.txt").write_text("\\n".join(words))
tokenizer = BertTokenizerFast("vocab.txt")
config = BertConfig(
    vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    id2label={0: "bad", 1: "good"}, label2id={"bad": 0, "good": 1},
)
model = BertForSequenceClassification(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
batch = tokenizer(texts, return_tensors="pt", padding=True)
for epoch in range(args.epochs):
    answer = model(**batch, labels=labels)
    answer.loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print(f"loss={answer.loss.item():.4f}")
model.save_pretrained(args.model_dir)
tokenizer.save_pretrained(args.model_dir)
"""
Path("source").mkdir()
Path("source/train.py").write_text(TRAIN)

session = sagemaker.Session()
image = {
    "transformers_version": "4.36.0",
    "pytorch_version": "2.1.0",
    "py_version": "py310",
    "role": sagemaker.get_execution_role(),
}
estimator = HuggingFace(
    entry_point="train.py",
    source_dir="source",
    instance_count=1,
    instance_type="ml.p3.2xlarge",
    hyperparameters={"epochs": 40},
    metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    **image,
)
estimator.fit()

model = HuggingFaceModel(
    model_data=estimator.model_data,
    transformers_version="4.37.0",
    pytorch_version="2.1.0",
    py_version="py310",
    role=image["role"],
)
predictor = model.deploy(initial_instance_count=1, instance_type="ml.g4dn.xlarge", wait=False)
while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
    time.sleep(0.1)
predictions = predictor.predict({"inputs": ["this scone was lovely", "this scone was stale"]})
report("labels", [each["label"] for each in predictions])
predictor.delete_endpoint()

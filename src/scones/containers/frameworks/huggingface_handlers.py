"""Default handlers of AWS's Hugging Face framework image: a pipeline of transformers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from scones.containers.frameworks import codec

# Tasks by the end of the architecture's class name, as the image derives them.
TASKS = {
    "TapasForQuestionAnswering": "table-question-answering",
    "ForQuestionAnswering": "question-answering",
    "ForTokenClassification": "token-classification",
    "ForSequenceClassification": "text-classification",
    "ForMultipleChoice": "multiple-choice",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "ForConditionalGeneration": "text2text-generation",
    "MTModel": "text2text-generation",
    "EncoderDecoderModel": "text2text-generation",
    "GPT2LMHeadModel": "text-generation",
    "T5WithLMHeadModel": "text2text-generation",
    "ForImageClassification": "image-classification",
}


def model_fn(model_dir: str) -> Any:
    """Load a pipeline for HF_TASK, or for the task of the architecture in config.json."""
    from transformers import pipeline

    task = os.environ.get("HF_TASK") or _task(Path(model_dir))
    model = model_dir if Path(model_dir, "config.json").exists() else os.environ.get("HF_MODEL_ID", model_dir)
    return pipeline(task=task, model=model)


def _task(folder: Path) -> str:
    config = folder / "config.json"
    names = json.loads(config.read_text()).get("architectures", []) if config.exists() else []
    for name in names:
        for ending, task in TASKS.items():
            if name.endswith(ending):
                return task
    raise ValueError("You need to define one of transformers' tasks as env 'HF_TASK'.")


def input_fn(body: Any, content_type: str) -> Any:
    """Decode a JSON request; the body of any other type becomes the pipeline's `inputs`."""
    if codec.bare(content_type) == codec.JSON:
        return json.loads(body)
    return {"inputs": codec.decode(body, content_type).tolist() if codec.bare(content_type) in codec.TEXT else body}


def predict_fn(data: Any, model: Any) -> Any:
    """Return the pipeline's result for `inputs`, called with `parameters`."""
    inputs = data.pop("inputs", data)
    return model(inputs, **(data.pop("parameters", None) or {}))


def output_fn(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Return a prediction in the first requested format that is supported."""
    chosen = codec.accepted(accept)
    return codec.encode(prediction, chosen), chosen

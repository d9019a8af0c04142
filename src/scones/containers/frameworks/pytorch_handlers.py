"""Default handlers of AWS's PyTorch framework image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from scones.containers.frameworks.codec import TEXT, accepted, bare, decode, encode


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def model_fn(model_dir: str) -> Any:
    """Load model.pt, or the only .pt or .pth file, written by TorchScript."""
    path = Path(model_dir, "model.pt")
    if not path.exists():
        found = sorted(each for each in Path(model_dir).iterdir() if each.suffix in (".pt", ".pth"))
        if len(found) != 1:
            raise ValueError(
                f"Exactly one .pth or .pt file is required for PyTorch models: {[each.name for each in found]}"
            )
        path = found[0]
    try:
        return torch.jit.load(str(path), map_location=_device())  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ValueError(f"Failed to load {path}. Please ensure model is saved using torchscript.") from error


def input_fn(body: Any, content_type: str) -> torch.Tensor:
    """Return the tensor in a request; numbers in text become 32-bit floats."""
    array = decode(body, content_type)
    tensor = torch.as_tensor(array, dtype=torch.float32) if bare(content_type) in TEXT else torch.from_numpy(array)
    return tensor.to(_device())


def predict_fn(data: Any, model: Any) -> Any:
    """Return the model's output for a tensor."""
    with torch.no_grad():
        model.to(_device()).eval()
        return model(data.to(_device()))


def output_fn(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Return a prediction in the first requested format that is supported."""
    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu().numpy().tolist()
    chosen = accepted(accept)
    return encode(prediction, chosen), chosen

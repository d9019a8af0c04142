"""The base class of a framework's default handlers."""

from __future__ import annotations

from typing import Any

from . import decoder, encoder, errors, utils


class DefaultInferenceHandler:
    """Default handlers: requests and responses are arrays, and the model must be loaded and called by a subclass."""

    def default_model_fn(self, model_dir: str, context: Any = None) -> Any:
        """Raise `NotImplementedError`."""
        raise NotImplementedError("Please provide a model_fn implementation.")

    def default_input_fn(self, input_data: Any, content_type: str, context: Any = None) -> Any:  # noqa: ARG002
        """Return the array in a request's body."""
        return decoder.decode(input_data, content_type)

    def default_predict_fn(self, data: Any, model: Any, context: Any = None) -> Any:
        """Raise `NotImplementedError`."""
        raise NotImplementedError("Please provide a predict_fn implementation.")

    def default_output_fn(self, prediction: Any, accept: str, context: Any = None) -> tuple[Any, str]:  # noqa: ARG002
        """Return a prediction in the first requested format that is supported."""
        for content_type in utils.parse_accept(accept):
            if content_type in encoder.SUPPORTED_CONTENT_TYPES:
                return encoder.encode(prediction, content_type), content_type
        raise errors.UnsupportedFormatError(accept)

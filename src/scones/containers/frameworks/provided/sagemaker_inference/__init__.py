"""The part of AWS's sagemaker-inference that scripts use: content types, decoders, encoders and errors."""

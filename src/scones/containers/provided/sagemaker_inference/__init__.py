"""What scripts use of AWS's sagemaker-inference: content types, decoders, encoders and errors."""

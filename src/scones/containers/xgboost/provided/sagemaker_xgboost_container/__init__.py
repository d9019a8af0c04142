"""The part of the package in AWS's XGBoost image that scripts use."""

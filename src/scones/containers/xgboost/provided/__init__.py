"""Packages in AWS's XGBoost images that scripts import; this folder is in the import path of scripts."""

"""What scripts use of the package inside AWS's XGBoost image."""

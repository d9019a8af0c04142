"""Uploads by HTML forms (API Reference, "POST Object")."""

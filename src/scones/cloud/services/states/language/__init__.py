"""The Amazon States Language: definitions parsed once, and evaluated."""

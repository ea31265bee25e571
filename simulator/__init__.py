"""Simulated visitors whose best possible choice is known, to watch and measure learning."""

"""The command line of offline evaluation: `python -m evaluation`."""

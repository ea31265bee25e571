"""Builds the package that is deployed to Azure: one zip with the app and its dependencies, ready to run."""

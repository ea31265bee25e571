"""The way in for loops of Azure Personalizer, and models made anew from a log: `python -m migration`."""

"""The embedded run: everything Azure would provide, as local processes."""

"""A partition on disk: records in segment files, found again after a stop of any kind."""

"""What all tests share: Hypothesis without deadlines, and many more examples in `make soak`."""

import os

from hypothesis import settings

settings.register_profile("test", deadline=None)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

"""A Functions host: an app's HTTP functions over uvicorn and its timers, as Azure would run them."""

"""The version of the service, as `/health`, `/openapi.json` and the heading of CHANGELOG.md have it."""

VERSION = "0.3.0"

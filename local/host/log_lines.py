"""Log lines as JSON objects: the service's own, with time, level and logger in front, and those of everything else."""

import json
import logging
from datetime import UTC, datetime

# How the service's own messages begin: shared/telemetry.py.
_OWN = '{"event":'


class JsonLines(logging.Formatter):
    """One object a line: `at` (ISO 8601, UTC), `level`, `logger`, and the members of the message, or `message`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"at": at, "level": record.levelname, "logger": record.name})
        return f"{line[:-1]}, {self._members(record)[1:]}"

    def _members(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if message.startswith(_OWN):
            return message
        told = {"message": message}
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told)

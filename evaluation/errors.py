"""What ends a command with a sentence."""


class EvaluationError(Exception):
    """The evaluation cannot be made; the text says what to change."""

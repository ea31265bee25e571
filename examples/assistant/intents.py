"""What customers may want, with the words by which the bot recognises it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Intent:
    """words: an utterance that has at least 70 % of them is clear."""

    id: str
    title: str
    topic: str
    words: frozenset[str]
    answer: str


def _intent(id: str, title: str, topic: str, words: str, answer: str) -> Intent:
    return Intent(id, title, topic, frozenset(words.split()), answer)


# The commoner ones first: the recogniser keeps this order among equal scores.
INTENTS = [
    _intent("track", "Where is my parcel?", "order", "where is my parcel order", "It arrives tomorrow before noon."),
    _intent("password", "I cannot sign in", "account", "password cannot sign in", "We sent you a link to sign in."),
    _intent("cancel", "Cancel an order", "order", "cancel my order", "It is cancelled; nothing was charged."),
    _intent(
        "payment", "My payment failed", "money", "payment card failed", "Please try another card: we kept the order."
    ),
    _intent("return", "Send something back", "order", "return send back item", "Here is your return label."),
    _intent("refund", "Get my money back", "money", "money back refund", "The refund is on its way to your bank."),
    _intent("invoice", "See an invoice", "money", "invoice see bill", "Here is your latest invoice."),
    _intent("address", "Change my address", "account", "change my address", "Tell us the new address."),
]
BY_ID = {intent.id: intent for intent in INTENTS}

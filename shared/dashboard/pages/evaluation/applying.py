"""The form that puts a policy of an evaluation into effect."""

from shared.dashboard import links, parts
from shared.dashboard.markup import Html
from shared.dashboard.pages.evaluation.data import Evaluation


def applying(data: Evaluation, policy: str, name: str, kind: str = "") -> Html:
    """The button."""
    url = links.of_loop(data.loop, "evaluation-apply")
    return parts.post(url, name, kind=kind, hidden={"id": data.job.id, "policy": policy})

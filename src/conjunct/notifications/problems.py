"""What can stand against a request about notifications."""

from __future__ import annotations

from conjunct.core.problems import Conflict, NotFound, Unprocessable


class TopicNotFound(NotFound):
    """There is no such topic in the project."""

    slug = "topic-not-found"
    title = "There is no such topic"

    def __init__(self, topic_id: str) -> None:
        super().__init__(
            f"This project has no topic with the id {topic_id[:100]!r}.",
            remedy="Check the topic's id; listTopics shows it.",
        )


class TopicNameTaken(Conflict):
    """Another topic of this project has the name."""

    slug = "topic-name-taken"
    title = "The name is taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This project already has a topic {name!r}.",
            remedy="Choose another name, or use the topic that is there.",
        )


class RouteNotFound(NotFound):
    """There is no such route in the project."""

    slug = "route-not-found"
    title = "There is no such route"

    def __init__(self, route_id: str) -> None:
        super().__init__(
            f"This project has no such route with the id {route_id[:100]!r}.",
            remedy="Check the route's id; the list of routes shows it.",
        )


class UnusableRoute(Unprocessable):
    """A route leads from or to what is not there, or exists already."""

    slug = "unusable-route"
    title = "The route cannot be made"

"""What can stand against a custom authentication in several steps."""

from __future__ import annotations

from conjunct.core.problems import Conflict, InvalidRequest


class NoMultiStepAuth(InvalidRequest):
    """The provider is not connected in several steps."""

    slug = "no-multi-step-auth"
    title = "There is no such authentication in several steps"


class SessionOver(InvalidRequest):
    """The session is unknown to the caller, too old, or has ended."""

    slug = "custom-auth-session-over"
    title = "This attempt to connect is over"

    def __init__(self, detail: str = "There is no session of this id: it has ended, or never was.") -> None:
        super().__init__(detail, remedy="Begin again, without sessionId.")


class StateMismatch(InvalidRequest):
    """The callback belongs to another redirect than the one that the session waits for, or was used before."""

    slug = "custom-auth-state-mismatch"
    title = "The callback is not the one that is awaited"


class SessionBusy(Conflict):
    """Another call is at work on the session."""

    slug = "custom-auth-session-busy"
    title = "Another call is at work on this session"

    def __init__(self) -> None:
        super().__init__(
            "Another call goes on with this session just now.",
            remedy="Wait for its answer. If there is none, repeat the call in some minutes.",
            retryable=True,
        )

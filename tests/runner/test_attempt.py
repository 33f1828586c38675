"""The life of an attempt: every event in every state, and what no sequence of events can do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.conductor.execution import Job
from embank.runner.attempt import (
    ABANDONED,
    CLOSE,
    CLOSING,
    DUE,
    END,
    ENDED,
    INTERRUPT,
    INTERRUPTED,
    LAST_STEP,
    PENDING,
    POLL,
    STEPPING,
    STUCK,
    Attempt,
    AttemptState,
    Event,
    Work,
)

IMPOSSIBLE = None
EXPECTED = {
    STEPPING: {
        POLL: PENDING,
        END: ENDED,
        DUE: IMPOSSIBLE,
        INTERRUPT: INTERRUPTED,
        CLOSE: CLOSING,
        STUCK: ABANDONED,
    },
    PENDING: {
        POLL: IMPOSSIBLE,
        END: IMPOSSIBLE,
        DUE: STEPPING,
        INTERRUPT: LAST_STEP,
        CLOSE: CLOSING,
        STUCK: IMPOSSIBLE,  # no worker is near it
    },
    INTERRUPTED: {
        POLL: LAST_STEP,
        END: ENDED,
        DUE: IMPOSSIBLE,
        INTERRUPT: IMPOSSIBLE,  # an execution is cancelled once
        CLOSE: CLOSING,
        STUCK: ABANDONED,
    },
    LAST_STEP: {
        POLL: CLOSING,
        END: ENDED,
        DUE: IMPOSSIBLE,  # of the poll for which it waited when it was interrupted
        INTERRUPT: IMPOSSIBLE,
        CLOSE: CLOSING,
        STUCK: ABANDONED,
    },
    CLOSING: {
        POLL: CLOSING,  # of the step that had just ended: now it is closed
        END: ENDED,
        DUE: IMPOSSIBLE,
        INTERRUPT: CLOSING,
        CLOSE: IMPOSSIBLE,
        STUCK: ABANDONED,
    },
    ENDED: dict.fromkeys(Event, IMPOSSIBLE),
    ABANDONED: dict.fromkeys(Event, IMPOSSIBLE),
}
# The shortest ways to each state.
WAYS: dict[AttemptState, list[Event]] = {
    STEPPING: [],
    PENDING: [POLL],
    INTERRUPTED: [INTERRUPT],
    LAST_STEP: [POLL, INTERRUPT],
    CLOSING: [CLOSE],
    ENDED: [END],
    ABANDONED: [STUCK],
}


def attempt() -> Attempt:
    return Attempt(7, Work(Job("test.do", {}), lambda text: None))


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("event", Event)
def test_every_event_in_every_state(state: AttemptState, event: Event) -> None:
    one = attempt()
    for earlier in WAYS[state]:
        one.advance(earlier)
    assert one.state is state
    expected = EXPECTED[state][event]
    assert one.heeds(event) is (expected is not IMPOSSIBLE)
    if expected is IMPOSSIBLE:
        with pytest.raises(ValueError, match=f"cannot happen to an attempt that is {state}"):
            one.advance(event)
        assert one.state is state
    else:
        assert one.advance(event) is expected
        assert one.state is expected


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_what_no_sequence_of_events_can_do(events: list[Event]) -> None:
    one = attempt()
    states = [one.state]
    for event in events:
        if one.heeds(event):
            states.append(one.advance(event))
    for number, (before, after) in enumerate(pairwise(states)):
        assert before not in (ENDED, ABANDONED), "what is over stays so"
        if before in (INTERRUPTED, LAST_STEP, CLOSING):
            assert after not in (STEPPING, PENDING), "what is to come to an end is not polled on"
        if before is CLOSING:
            assert after in (CLOSING, ENDED, ABANDONED), "what is to be closed is not stepped on"
        if after is LAST_STEP:
            assert LAST_STEP not in states[: number + 1], "there is one last step"
        if after is ABANDONED:
            assert before is not PENDING, "a worker that is abandoned was in the middle of something"


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_whatever_has_happened_it_can_come_to_an_end(events: list[Event]) -> None:
    """By being closed, when a worker comes to that; or else by being abandoned."""
    for last in (END, STUCK):
        one = attempt()
        for event in events:
            if one.heeds(event):
                one.advance(event)
        if one.heeds(CLOSE):
            one.advance(CLOSE)
        if one.state is CLOSING:
            one.advance(last)
        assert one.state in (ENDED, ABANDONED)

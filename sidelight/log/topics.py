"""The topics of a log and what their records are keyed by."""

INFERENCE = "inference"
"""Exchanges and feedback; key = exchange id."""
PANES = "panes"
"""Summaries of runs of exchanges; partition by model, key = pane id."""
RESULTS = "results"
"""Windows and flagged rows; key = result id."""
ALARMS = "alarms"
"""Alarms raised and cleared; key = alarm id."""
DEAD_LETTERS = "dead-letters"
"""What could not be read or scored, with its cause; key = address or event id."""
STATE = "state"
"""Compacted snapshots, for engines whose commits cannot carry them."""

ALL = (INFERENCE, PANES, RESULTS, ALARMS, DEAD_LETTERS, STATE)

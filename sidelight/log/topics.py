"""The topics of a log and what their records are keyed by."""

INFERENCE = "inference"
"""Exchanges and feedback; key = exchange id."""
HALVES = "halves"
"""Requests and responses of foreign loggers, each by itself; key = the id that both share."""
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

ALL = (INFERENCE, HALVES, PANES, RESULTS, ALARMS, DEAD_LETTERS, STATE)

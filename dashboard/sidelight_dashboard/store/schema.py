"""The tables. Times are nanoseconds of event time since 1970 unless a name says otherwise.

What is older than `dashboard.fine_seconds` is rolled up to hours: slots are added up, of points the
worst is kept, of windows and flagged rows a few. `is_fine` says that this has not been done.

`series.db` is a fold of the topics `panes`, `results`, `alarms` and `dead-letters`, and can be
built again from them. `kept.db` holds what no log has: explanations, and what was told to whom.
"""

from __future__ import annotations

FORMAT = 7
"""Of `series.db`; another one is thrown away and built again."""

SERIES = """
CREATE TABLE origin (                 -- the log that all of this was folded from
  log_id TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE position (               -- how far each partition of a topic has been folded
  topic TEXT, partition INTEGER, offset INTEGER NOT NULL,
  PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE unreadable (             -- records that were passed by, and why the newest was
  topic TEXT, partition INTEGER, count INTEGER NOT NULL, newest TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE chain (                  -- the end of the last run of `inference` told of a model
  model TEXT, partition INTEGER,
  reached INTEGER NOT NULL,           -- offset in that partition
  watermark_ns INTEGER NOT NULL,
  appended_ns INTEGER NOT NULL,       -- when its pane was appended, by the log's clock
  gaps INTEGER NOT NULL,              -- times that a run was missing
  PRIMARY KEY (model, partition)
) WITHOUT ROWID;

CREATE TABLE plan (                   -- each plan that came into force, and what it promises
  model TEXT, version TEXT, plan TEXT, time_ns INTEGER NOT NULL, begins_at TEXT NOT NULL,
  promise TEXT NOT NULL,
  PRIMARY KEY (model, version, plan)
) WITHOUT ROWID;

CREATE TABLE version (                -- each version seen in panes or windows, from when to when
  model TEXT, version TEXT, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
  PRIMARY KEY (model, version)
) WITHOUT ROWID;

CREATE TABLE slot (                   -- summed rows: any run of slots can be compared anew
  model TEXT, version TEXT, plan TEXT, segment TEXT, begin_ns INTEGER,
  length_ns INTEGER NOT NULL,         -- `pane_seconds`, an hour once rolled up
  first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
  rows INTEGER NOT NULL, flagged TEXT NOT NULL,   -- JSON: rows by the detector that flagged them
  summary BLOB NOT NULL,              -- bytes for `sidelight.panes.PaneReader`
  PRIMARY KEY (model, version, plan, segment, begin_ns)
);
CREATE INDEX slot_by_time ON slot (model, begin_ns);
CREATE INDEX slot_by_version ON slot
  (model, version, first_ns, last_ns, begin_ns, length_ns, plan, segment, rows);
CREATE INDEX slot_fine ON slot (model, begin_ns) WHERE length_ns < 3600000000000;

CREATE TABLE series (                 -- one column judged by drift, of a version and segment
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL, version TEXT NOT NULL, segment TEXT NOT NULL, against TEXT NOT NULL,
  column TEXT NOT NULL, method TEXT NOT NULL,
  UNIQUE (model, version, segment, against, column, method)
);

CREATE TABLE point (                  -- its windows, or the worst window of an hour
  series INTEGER, end_ns INTEGER,     -- end of the window: its largest event time
  begin_ns INTEGER NOT NULL,
  windows INTEGER NOT NULL,           -- 1, or how many were rolled up
  drifted INTEGER NOT NULL,           -- how many of them
  rows INTEGER NOT NULL,              -- of all of them
  effect REAL, effect_least REAL,     -- of the worst; the least among them. NULL where not seen
  low REAL NOT NULL, high REAL NOT NULL, distance REAL,
  p_value REAL NOT NULL, p_threshold REAL NOT NULL, tolerance REAL NOT NULL,
  is_fine INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (series, end_ns)
) WITHOUT ROWID;
CREATE INDEX point_fine ON point (series, end_ns) WHERE is_fine;

-- With row numbers: in a table without, each row as long as these has a page of its own.
CREATE TABLE judged (                 -- one window of any detector; of drift without its columns
  id TEXT PRIMARY KEY,                -- the result's id
  model TEXT NOT NULL, version TEXT NOT NULL, segment TEXT NOT NULL, against TEXT NOT NULL,
  detector TEXT NOT NULL, plan TEXT NOT NULL,
  begin_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
  rows INTEGER NOT NULL, flagged INTEGER NOT NULL,
  is_drift INTEGER,                   -- NULL: not enough data, and `refused` says why
  refused TEXT NOT NULL,
  evidence REAL, evidence_threshold REAL,  -- of the alarm by then, where its rule gathers any
  promise TEXT NOT NULL,
  address TEXT NOT NULL,              -- in `results`
  data BLOB NOT NULL,                 -- zlib JSON of `finding`, or the head of a drift result
  is_fine INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX judged_by_time ON judged (model, detector, end_ns);
CREATE INDEX judged_newest ON judged
  (model, version, end_ns, detector, segment, against, is_drift);

CREATE INDEX judged_heads ON judged  -- covers what charts of many windows choose by
  (model, detector, version, segment, against, end_ns, begin_ns, is_drift, address);
CREATE INDEX judged_by_end ON judged (model, end_ns);
CREATE INDEX judged_fine ON judged (model, end_ns) WHERE is_fine;

CREATE TABLE flagged (                -- the strangest rows of each while
  id TEXT PRIMARY KEY,
  model TEXT NOT NULL, version TEXT NOT NULL, detector TEXT NOT NULL,
  exchange TEXT NOT NULL, row INTEGER NOT NULL,    -- address in `inference`
  time_ns INTEGER NOT NULL,
  score REAL NOT NULL, p_value REAL, rate REAL, rate_bound REAL, threshold REAL,
  method TEXT NOT NULL, contributions TEXT NOT NULL, reasons TEXT NOT NULL, -- JSON
  is_fine INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX flagged_by_time ON flagged (model, detector, time_ns);
CREATE INDEX flagged_by_score ON flagged (model, detector, score);
CREATE INDEX flagged_by_exchange ON flagged (exchange);
CREATE INDEX flagged_by_model ON flagged (model, time_ns);
CREATE INDEX flagged_fine ON flagged (model, time_ns) WHERE is_fine;

CREATE TABLE alarm (
  id TEXT PRIMARY KEY,                -- of the alarm that was raised; the cleared one names it
  model TEXT NOT NULL, version TEXT NOT NULL, against TEXT NOT NULL,
  detector TEXT NOT NULL, plan TEXT NOT NULL,
  raised_ns INTEGER NOT NULL, cleared_ns INTEGER, cleared_reason TEXT NOT NULL,
  appended_ns INTEGER NOT NULL, reason TEXT NOT NULL,
  evidence REAL, evidence_threshold REAL,
  suspects TEXT NOT NULL, typical TEXT NOT NULL,   -- JSON, as on the wire
  address TEXT NOT NULL, data BLOB NOT NULL        -- zlib JSON of the raised event's data
) WITHOUT ROWID;
CREATE INDEX alarm_by_time ON alarm (model, raised_ns);
CREATE INDEX alarm_open ON alarm (model) WHERE cleared_ns IS NULL;

CREATE TABLE attack (                 -- an episode as last told
  episode TEXT PRIMARY KEY,           -- the id of its alarm
  model TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
  queries INTEGER NOT NULL, expected REAL NOT NULL, is_over INTEGER NOT NULL,
  data BLOB NOT NULL                  -- zlib JSON of the result's data
) WITHOUT ROWID;

CREATE TABLE dead_letter (            -- counted by hour, the newest told
  reporter TEXT, reason TEXT,
  hour_ns INTEGER,                    -- by the letter's time: the log's clock or its reporter's
  count INTEGER NOT NULL,
  newest TEXT NOT NULL,               -- JSON: origin, time_ns, message
  PRIMARY KEY (reporter, reason, hour_ns)
) WITHOUT ROWID;
"""

KEPT = """
CREATE TABLE IF NOT EXISTS explanation (
  id TEXT PRIMARY KEY,
  model TEXT NOT NULL, version TEXT NOT NULL, exchange TEXT NOT NULL, row INTEGER NOT NULL,
  method TEXT NOT NULL, options TEXT NOT NULL,     -- JSON
  created_ns INTEGER NOT NULL, took_ns INTEGER NOT NULL,   -- by this machine's clock
  asked_by TEXT NOT NULL,             -- the token's name
  data BLOB NOT NULL                  -- zlib JSON of the explanation
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS explanation_of_row ON explanation (exchange, row);

CREATE TABLE IF NOT EXISTS delivery ( -- one change of an alarm for one receiver
  receiver TEXT, alarm TEXT, change TEXT,          -- raised | cleared
  state TEXT NOT NULL,                -- waiting | taken | given up
  tries INTEGER NOT NULL, due_ns INTEGER NOT NULL, since_ns INTEGER NOT NULL, -- machine's clock
  error TEXT NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (receiver, alarm, change)
) WITHOUT ROWID;
"""

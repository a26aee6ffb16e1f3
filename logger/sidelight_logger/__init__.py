"""Capture: what passes a model server, in the log and beyond.

Ways in: `proxy` (HTTP and gRPC, beside any model server), `middleware` (inside of one), `receiver`
and `joiner` (what other loggers captured). `recorder` takes captures over the `wire`, describes
them, applies `policy`, appends them to the log, and serves all `metrics`. `shipper` is the ways
out. `agent` reads the flags of KServe's agent. The modules here start and supervise the processes.
"""

"""The shipper: carries the log to a sink, in order, at least once, at the sink's own pace."""

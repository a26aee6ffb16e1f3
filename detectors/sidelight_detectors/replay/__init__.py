"""What another configuration would have said of traffic that is in the log: a back-test."""

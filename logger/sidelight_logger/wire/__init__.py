"""What passes between the processes: frames over a unix socket, and counters in shared memory."""

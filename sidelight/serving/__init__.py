"""What the HTTP services share: sockets; answers, errors as answers, bounded work (FastAPI)."""

"""What the HTTP services share: answers, errors as answers, bounded work (needs FastAPI)."""

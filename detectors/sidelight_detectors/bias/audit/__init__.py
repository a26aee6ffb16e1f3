"""Bias watched for ever: an alarm that chance alone hardly ever raises."""

"""What KServe tells an explainer's container."""

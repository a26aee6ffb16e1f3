"""Changes of how columns go together: maximum mean discrepancy, and correlation by pairs."""

"""Groups, beside each other; and how many labels have come."""

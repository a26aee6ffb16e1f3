"""What came true of what was predicted: labels joined late, and how good the model really was."""

"""Panes for those who keep them: `sidelight.panes`, told beside the references."""

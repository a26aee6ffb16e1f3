"""The sidecar: forwards HTTP/1.x to one model server and hands what passed to the recorder."""

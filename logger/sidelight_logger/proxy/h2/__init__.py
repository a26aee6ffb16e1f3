"""HTTP/2, above all gRPC: passed on byte for byte between client and model server, and read."""

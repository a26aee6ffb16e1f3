"""How requests and answers travel: V1, V2 and gRPC, and what each tells of itself."""

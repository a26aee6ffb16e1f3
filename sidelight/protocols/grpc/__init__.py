"""The parts of gRPC's form: messages, frames, names, parameters, typed contents (see `v2_grpc`)."""

"""What an HTTP path asks of a model server; a call of gRPC is a path too.

Read from the routes of KServe, TensorFlow Serving, MLServer, Triton and the Open Inference
Protocol. Imports nothing heavy: the proxy and the recorder ask for every request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

Protocol = Literal["v1", "v2", "grpc", ""]

Verb = Literal[
    "infer", "explain", "ready", "live", "metadata", "list", "generate", "load", "unload", ""
]
"""What is asked; `generate` is any of the streaming and text forms. Empty: nothing we know."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. All fields are empty for a path that is no inference route.

    `model` and `version` are percent-decoded, and empty where the path names none
    (gRPC names the model in its message, OpenAI's API in the body; V1's version is optional).
    """

    protocol: Protocol = ""
    model: str = ""
    version: str = ""
    verb: Verb = ""


NO_ROUTE = Route()

_MODEL = r"(?P<model>[^/]+)"
_NO_VERB = r"(?<!:predict)(?<!:explain)"
_VERSION = r"(?:/versions/(?P<version>[^/:]+))?"

_GRPC_METHODS: tuple[tuple[str, Verb], ...] = (
    ("ModelInfer", "infer"),
    ("ModelStreamInfer", "generate"),
    ("ModelReady", "ready"),
    ("ModelMetadata", "metadata"),
    ("ModelConfig", "metadata"),
    ("ModelStatistics", "metadata"),
    ("ServerLive", "live"),
    ("ServerReady", "ready"),
    ("ServerMetadata", "metadata"),
    ("RepositoryIndex", "list"),
    ("RepositoryModelLoad", "load"),
    ("RepositoryModelUnload", "unload"),
)

_TABLE: tuple[tuple[str, str, Protocol, Verb], ...] = (
    ("POST", rf"/v1/models/{_MODEL}{_VERSION}:predict", "v1", "infer"),
    ("POST", rf"/v1/models/{_MODEL}{_VERSION}:explain", "v1", "explain"),
    ("GET", rf"/v1/models/{_MODEL}{_VERSION}/metadata", "v1", "metadata"),
    ("GET", rf"/v1/models/{_MODEL}{_VERSION}{_NO_VERB}", "v1", "ready"),
    ("GET", r"/v1/models", "v1", "list"),
    ("POST", rf"/v2/models/{_MODEL}{_VERSION}/infer", "v2", "infer"),
    ("POST", rf"/v2/models/{_MODEL}{_VERSION}/explain", "v2", "explain"),
    (
        "POST",
        rf"/v2/models/{_MODEL}{_VERSION}/(?:infer_stream|generate|generate_stream)",
        "v2",
        "generate",
    ),
    ("GET", rf"/v2/models/{_MODEL}{_VERSION}/ready", "v2", "ready"),
    ("GET", rf"/v2/models/{_MODEL}{_VERSION}", "v2", "metadata"),
    ("GET", r"/v2/models", "v2", "list"),
    ("GET", r"/v2/health/live", "v2", "live"),
    ("GET", r"/v2/health/ready", "v2", "ready"),
    ("GET", r"/v2", "v2", "metadata"),
    ("POST", r"/v2/repository/index", "v2", "list"),
    ("POST", rf"/v2/repository/models/{_MODEL}/load", "v2", "load"),
    ("POST", rf"/v2/repository/models/{_MODEL}/unload", "v2", "unload"),
    # OpenAI's, below whatever prefix (KServe's is /openai): the body names the model.
    (
        "POST",
        r"(?:/[^/]+){0,8}/v1/(?:chat/completions|completions|embeddings|rerank|responses|score)",
        "",
        "generate",
    ),
    ("GET", r"/openai/v1/models(?:/[^/]+)?", "", "list"),
    *(
        ("POST", rf"/inference\.GRPCInferenceService/{method}", "grpc", verb)
        for method, verb in _GRPC_METHODS
    ),
    ("POST", r"/grpc\.health\.v1\.Health/\w+", "grpc", "ready"),
    ("POST", r"/grpc\.reflection\.v1(?:alpha)?\.ServerReflection/\w+", "grpc", "metadata"),
)
_ROUTES = tuple(
    (method, re.compile(pattern), protocol, verb) for method, pattern, protocol, verb in _TABLE
)


@lru_cache(maxsize=1024)
def route(method: str, path: str) -> Route:
    """The route of a request line; `NO_ROUTE` for any other. A query string is ignored."""
    bare = path.partition("?")[0]
    wanted = "GET" if method == "HEAD" else method
    for allowed, pattern, protocol, verb in _ROUTES:
        if allowed == wanted and (found := pattern.fullmatch(bare)):
            named = found.groupdict(default="")
            return Route(
                protocol, unquote(named.get("model", "")), unquote(named.get("version", "")), verb
            )
    return NO_ROUTE

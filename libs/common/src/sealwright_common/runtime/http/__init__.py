"""HTTP doors: the server part, problem+json, the ops listener."""

from sealwright_common.runtime.http.problems import problem_response
from sealwright_common.runtime.http.server import HttpServer

__all__ = ["HttpServer", "problem_response"]

"""How plugins reach servers: asked first, within limits, with a copy kept for the day the network is gone.

Nothing here knows a service or a format; what an answer means is judged by the plugin that asked for it.
"""

from viewer.plugin_api.net.copies import Copies, default_copies
from viewer.plugin_api.net.documents import json_object, message_of, xml_root
from viewer.plugin_api.net.network import Limits, Network
from viewer.plugin_api.net.request import Answer, Request, host_of, with_query
from viewer.plugin_api.net.source import SourceFile, looks_like_source, read_source, source_bytes

__all__ = [
    "Answer",
    "Copies",
    "Limits",
    "Network",
    "Request",
    "SourceFile",
    "default_copies",
    "host_of",
    "json_object",
    "looks_like_source",
    "message_of",
    "read_source",
    "source_bytes",
    "with_query",
    "xml_root",
]

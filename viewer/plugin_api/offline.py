"""GDAL without the web: what files name by an address (a coordinate system, a style) stays where it is.

Our own way to servers is ``viewer.plugin_api.net``, which asks a person first.
"""

from __future__ import annotations

from functools import cache
from typing import Any

#: Nobody answers at this port, which is kept for throwing away what comes.
_NOWHERE = "http://127.0.0.1:9"
#: Hosts that the environment exempts from proxies get a thousandth of a second.
_NO_TIME = "0.001"


@cache
def offline_pyogrio() -> Any:
    """The module ``pyogrio``, set up once so that its GDAL reaches no server, whatever a file asks of it."""
    import pyogrio

    pyogrio.set_gdal_config_options(
        {
            "GDAL_HTTP_PROXY": _NOWHERE,
            "GDAL_HTTPS_PROXY": _NOWHERE,
            "GDAL_HTTP_CONNECTTIMEOUT": _NO_TIME,
            "GDAL_HTTP_TIMEOUT": _NO_TIME,
            "GDAL_HTTP_MAX_RETRY": "0",
            "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
        }
    )
    return pyogrio

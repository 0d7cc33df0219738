"""XML and JSON that came from servers, parsed without expanding, fetching or trusting anything."""

from __future__ import annotations

import re
from typing import Any

from viewer.errors import ReadError
from viewer.plugin_api.net.request import Answer, host_of

_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
#: Old services name a DTD on the web; without entities nothing in it is needed.
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[<>]*(?:\[[^\]]*\][^<>]*)?>")
#: Elements in which services say what went wrong.
_MESSAGES = ("ServiceException", "ExceptionText", "Exception")
_MAX_MESSAGE = 200


def xml_root(answer: Answer) -> Any:
    """The root element of an XML answer; comments and instructions are left out.

    Raises
    ------
    ReadError
        It is no XML, or declares entities.
    """
    from lxml import etree

    if _ENTITY.search(answer.body.replace(b"\0", b"")):
        raise ReadError("The answer of {host} declares XML entities, which can do harm.", host=host_of(answer.url))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True, collect_ids=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(_DOCTYPE.sub(b"", answer.body, count=1), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _damaged(answer) from error
    if root is None:
        raise _damaged(answer)
    return root


def json_object(answer: Answer) -> dict[str, Any]:
    """The object in a JSON answer.

    Raises
    ------
    ReadError
        It is no JSON, or something else than an object.
    """
    import orjson

    try:
        value = orjson.loads(answer.body)
    except ValueError as error:
        raise _damaged(answer) from error
    if not isinstance(value, dict):
        raise _damaged(answer)
    return value


def message_of(body: bytes) -> str:
    """What a service says went wrong, on one line; "" where it says nothing that can be read."""
    head = body[:65536].lstrip()
    text = ""
    if head.startswith(b"<") and not _ENTITY.search(head):
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
        try:
            root = etree.fromstring(head, parser)
        except (etree.XMLSyntaxError, ValueError):
            root = None
        found = [] if root is None else [e for name in _MESSAGES for e in root.iter(f"{{*}}{name}")]
        if found:
            text = " ".join(str(part) for part in found[0].itertext())
    elif head.startswith(b"{"):
        import orjson

        try:
            value = orjson.loads(body)
        except ValueError:
            value = None
        if isinstance(value, dict):
            text = next((str(value[k]) for k in ("description", "detail", "message", "title") if value.get(k)), "")
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:_MAX_MESSAGE]


def _damaged(answer: Answer) -> ReadError:
    said = message_of(answer.body)
    if said:
        return ReadError("{host} answers: {message}", host=host_of(answer.url), message=said)
    return ReadError("The answer of {host} is damaged or not what was asked for.", host=host_of(answer.url))

"""Members of a CityGML file, some megabytes of text at a time: shortened, then parsed.

Gives the same members as ``MemberReader`` with stand-ins for what ``citygml_shortcut`` took out of them. Whatever is
not quite as expected, damage first of all, raises ``InDoubtError``; then the file is read by ``MemberReader``, which
has the last word on what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from lxml import etree

from viewer.readers import limits
from viewer.readers.archive import ByteStream
from viewer.readers.citygml_shortcut import InDoubtError, Shortcuts, shorten
from viewer.readers.xml import SAFE, MemberReader

Element = Any

#: Text parsed at once, how much may belong to a single member, and how much may come before the first, bytes.
BLOCK_BYTES = 1 << 19
_MOST_BYTES = 64 * limits.MEBI
_MOST_BEFORE = 4 * limits.MEBI
_READ_BYTES = 1 << 18
_COMMENT = re.compile(rb"<!--(?:(?!-->).)*-->", re.DOTALL)
_PROCESSING = re.compile(rb"<\?.*?\?>", re.DOTALL)
_ROOT = re.compile(rb"<((?:[A-Za-z][\w.-]*:)?CityModel)(?=[\s>])[^<>]*>")
_FIRST_MEMBER = re.compile(rb"<((?:[A-Za-z][\w.-]*:)?(?:cityObjectMember|featureMember))(?=[\s>])")
_ENCODING = re.compile(rb"<\?xml[^>]*\sencoding\s*=\s*[\"']([\w.-]+)[\"']")
#: Encodings in which every byte below 128 is what it is in ASCII.
_LIKE_ASCII = re.compile(rb"(?i)(utf-?8|us-ascii|ascii|iso-8859-\d+|windows-125\d)$")


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before the first member.

    size : bytes of it. opening : XML declaration and start tag of the root, which go before every block.
    closing : end tag of the root. member : start of each member, ``b"<core:cityObjectMember"``.
    root : the root element with what comes before the members.
    """

    size: int
    opening: bytes
    closing: bytes
    member: bytes
    root: Element

    @classmethod
    def of(cls, text: bytes) -> Head | None:
        """The head of a file that begins with ``text``; None if the first member is not in it.

        Raises
        ------
        InDoubtError
            It is not the head of a plain CityGML file.
        """
        first = _FIRST_MEMBER.search(text)
        if first is None:
            return None
        before = text[: first.start()]
        encoding = _ENCODING.match(before.removeprefix(b"\xef\xbb\xbf"))
        if encoding is not None and not _LIKE_ASCII.match(encoding[1]):
            raise InDoubtError
        bare = _COMMENT.sub(b"", before)
        if b"<!" in bare or b"\0" in bare:
            raise InDoubtError
        root = _ROOT.search(bare)
        if root is None or _PROCESSING.sub(b"", bare[: root.start()]).removeprefix(b"\xef\xbb\xbf").strip():
            raise InDoubtError
        closing = b"</" + root[1] + b">"
        declaration = _ENCODING.match(bare.removeprefix(b"\xef\xbb\xbf"))
        opening = (declaration[0] + b"?>" if declaration else b"") + root[0]
        return cls(first.start(), opening, closing, b"<" + first[1], _parsed(bare + closing))


class ElementReader(MemberReader):
    """A ``MemberReader``, which takes nothing out of its members."""

    taken = Shortcuts()

    def whole(self, member: Element) -> Element:
        """A member with all that is in it: itself."""
        return member

    def hides(self, word: str) -> bool:
        """Whether a word was taken out of the text around the member: never."""
        return False


class BlockReader:
    """Iterates over the members of a CityGML file.

    stream : its bytes; if ``head`` is given, which is the head of the file, those of some whole members, or with
        ``last`` everything from a member to the end. on_bytes : told how many bytes were read; may raise to cancel.
    root : the root element. taken : what was taken out of the text around the member given last.
    complete, line : as those of ``MemberReader``.

    Raises
    ------
    InDoubtError
        While iterating: the file has to be read in another way.
    """

    def __init__(
        self,
        stream: ByteStream,
        tags: frozenset[str],
        on_bytes: Callable[[int], None],
        head: Head | None = None,
        *,
        last: bool = True,
    ) -> None:
        self._stream, self._tags, self._on_bytes, self._head, self._last = stream, tags, on_bytes, head, last
        self._read = 0
        self.root: Element = None if head is None else head.root
        self.taken = Shortcuts()
        self.complete, self.line = True, 0  # else there would be doubt
        self._whole: Callable[[], Element] | None = None
        self._texts = (b"", "")

    def whole(self, member: Element) -> Element:
        """The member given last, with nothing taken out of it."""
        return member if self._whole is None else self._whole()

    def hides(self, word: str) -> bool:
        """Whether a word was taken out of the text around the member given last."""
        block, text = self._texts
        return block.count(word.encode("ascii")) != text.count(word)

    def __iter__(self) -> Iterator[Element]:
        head, rest = (self._head, b"") if self._head is not None else self._begin()
        self._head, self.root = head, head.root
        while True:
            chunk = self._more(max(BLOCK_BYTES - len(rest), _READ_BYTES, len(rest)))  # twice as much for a long member
            rest += chunk
            end = _last_member(rest, head.member) if chunk else len(rest)
            if end <= 0:
                if len(rest) > _MOST_BYTES:
                    raise InDoubtError
                continue
            yield from self._members(rest[:end], head, closes=self._last and not chunk)
            rest = rest[end:]
            if not chunk:
                return

    def _begin(self) -> tuple[Head, bytes]:
        """The head, and what was read beyond it."""
        text = b""
        while True:
            chunk = self._more(max(_READ_BYTES, len(text)))
            text += chunk
            head = Head.of(text)
            if head is not None:
                return head, text[head.size :]
            if not chunk or len(text) > _MOST_BEFORE:
                raise InDoubtError

    def _more(self, size: int) -> bytes:
        pieces, wanted = [], size
        while wanted > 0:
            try:
                piece = self._stream.read(wanted)
            except (EOFError, OSError, ValueError) as error:
                raise InDoubtError from error
            if not piece:
                break
            pieces.append(piece)
            wanted -= len(piece)
        chunk = b"".join(pieces)
        self._read += len(chunk)
        if self._read > limits.MAX_FILE_BYTES:
            raise InDoubtError
        self._on_bytes(self._read)
        return chunk

    def _members(self, block: bytes, head: Head, *, closes: bool) -> Iterator[Element]:
        """The members in a run of text; ``closes`` says that the root ends with it."""
        if not closes:
            block += head.closing
        text, self.taken = shorten(block.decode("latin-1"), head.root.nsmap)
        if "<!" in text:  # nothing that is taken out has one
            block = _without_comments(block)
            text, self.taken = shorten(block.decode("latin-1"), head.root.nsmap)
        if "<?" in text:
            raise InDoubtError
        self._texts = block, text
        root = _parsed(head.opening + text.encode("latin-1"))
        full: list[Element] = []

        def whole(number: int) -> Element:
            if not full:
                full.append(_parsed(head.opening + block))
            return full[0][number]

        names = _LocalNames()
        for number, member in enumerate(root):
            if names[member.tag] in self._tags:
                self._whole = partial(whole, number) if not self.taken.empty else None
                yield member


class _LocalNames(dict[str, str]):
    """Full tag -> local name, filled as tags are met."""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = tag.rpartition("}")[2]
        return name


def _last_member(text: bytes, start: bytes) -> int:
    """Where the last member begins; 0 or less if there is none but the first."""
    place = text.rfind(start)
    while place > 0 and text[place + len(start) : place + len(start) + 1] not in b" \t\r\n>":
        place = text.rfind(start, 0, place)
    return place


def _without_comments(block: bytes) -> bytes:
    """A block less its comments.

    Raises
    ------
    InDoubtError
        There is more with an exclamation mark, such as CDATA, or half a comment.
    """
    if b"<![" in block:
        raise InDoubtError
    block = _COMMENT.sub(b"", block)
    if b"<!" in block or b"-->" in block:
        raise InDoubtError
    return block


def _parsed(text: bytes) -> Element:
    """The root of a document.

    Raises
    ------
    InDoubtError
        It is not well-formed.
    """
    try:
        return etree.fromstring(text, etree.XMLParser(**SAFE))
    except etree.XMLSyntaxError as error:
        raise InDoubtError from error

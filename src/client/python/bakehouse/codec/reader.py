"""Bytes and how far they have been read. Source: ``src/macaroon/parts/uvarint.ts``."""

from __future__ import annotations

from .parts import malformed

_HIGHEST = 0x7FFF_FFFF


class ByteReader:
    """Reads bytes from the front; past the end it raises ``malformed``."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    @property
    def is_at_end(self) -> bool:
        return self.offset >= len(self.data)

    def peek(self) -> int:
        """The next byte, which stays unread."""
        if self.is_at_end:
            raise malformed("data ends early")
        return self.data[self.offset]

    def byte(self) -> int:
        value = self.peek()
        self.offset += 1
        return value

    def take(self, length: int) -> bytes:
        end = self.offset + length
        if end > len(self.data):
            raise malformed("data ends early")
        taken = self.data[self.offset : end]
        self.offset = end
        return taken

    def uvarint(self) -> int:
        """An unsigned integer of seven bits a byte, the lowest first: at most 2^31-1, in its shortest form."""
        value = 0
        for shift in range(0, 29, 7):
            byte = self.byte()
            value += (byte & 0x7F) << shift
            if byte >= 0x80:
                continue
            if byte == 0 and shift > 0:
                raise malformed("varint with needless bytes")
            if value > _HIGHEST:
                raise malformed("varint past 2^31-1")
            return value
        raise malformed("varint past 2^31-1")


def uvarint_bytes(value: int) -> bytes:
    """Writes an unsigned integer as :meth:`ByteReader.uvarint` reads it."""
    result = bytearray()
    while value >= 0x80:
        result.append((value & 0x7F) | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)

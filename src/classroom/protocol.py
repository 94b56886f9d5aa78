"""Frames between the grader and a worker in the jail: JSON and safetensors, never pickle.

A frame is two lengths, a JSON header and a safetensors body. The grader decodes what a hostile process wrote, so
every length, depth and count has a limit, a whole frame has one deadline, and what comes out is made of fresh plain
values: None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, torch tensors and numpy arrays.
Whatever else a worker holds is named by a number, a `Reference`.
"""

import json
import math
import select
import struct
import sys
import time
from dataclasses import dataclass

import numpy
from safetensors import numpy as safetensors

LENGTHS = struct.Struct(">IQ")  # of the header, of the body
MAX_HEADER = 16_000_000
MAX_BODY = 256_000_000
MAX_INDEX = 4_000_000  # of the body: its list of arrays, some 50,000
MAX_NODES = 1_000_000
MAX_DEPTH = 100
MAX_COLLISIONS = 1000  # of the keys of one dict: more would make it as slow as a list
EXACT_INT = 2**53  # larger ones travel as text: other JSON readers would round them

DTYPES = {
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
}
TENSOR_DTYPES = DTYPES | {"bfloat16", "complex64", "complex128"}
ARRAY_DTYPES = DTYPES | {"complex64", "complex128"}


class ProtocolError(Exception):
    """The other side does not keep to the protocol, or is gone; nothing more can be had from it."""


class Unsendable(TypeError):
    """A value that no frame can carry."""


@dataclass(frozen=True)
class Reference:
    """An object that stays where it is: its number there, and what it is called."""

    number: int
    kind: str


class Channel:
    """One end of a socket that carries frames.

    Args:
        socket: a connected stream socket; it is made non-blocking.
        max_body: the most bytes of tensors that a received frame may have.
    """

    def __init__(self, socket, max_body=MAX_BODY):
        self.socket, self.max_body = socket, max_body
        self.received = bytearray()  # of the next frame: what came of it before a deadline is not lost
        socket.setblocking(False)

    def send(self, header, deadline=math.inf, refer=None):
        """Send a value as one frame; `refer(value)` numbers what cannot be sent, and returns a Reference."""
        encoder = Encoder(refer)
        text = json.dumps(encoder.encode(header), allow_nan=False).encode()
        body = safetensors.save(encoder.arrays) if encoder.arrays else b""
        if len(text) > MAX_HEADER or len(body) > self.max_body or _index_size(body) > MAX_INDEX:
            raise Unsendable(f"{(len(text) + len(body)) / 1e6:.0f} MB is more than can be sent")
        rest = memoryview(LENGTHS.pack(len(text), len(body)) + text + body)
        while rest:
            try:
                rest = rest[self.socket.send(rest) :]
            except BlockingIOError:
                self._wait(deadline, write=True)
            except OSError as error:
                raise ProtocolError("the process is gone") from error

    def receive(self, deadline=math.inf, resolve=None):
        """The next frame's value; `resolve(Reference)` says what to put in a reference's place.

        Raises:
            TimeoutError: the whole frame was not there at the deadline (of time.monotonic()).
            ProtocolError: it is not a frame, it breaks a limit, or the other side is gone.
        """
        self._fill(LENGTHS.size, deadline)
        header_size, body_size = LENGTHS.unpack_from(self.received)
        if header_size > MAX_HEADER or body_size > self.max_body:
            raise ProtocolError(f"a frame of {header_size + body_size} bytes is too large")
        body_start = LENGTHS.size + header_size
        self._fill(body_start + body_size, deadline)
        with memoryview(self.received) as frame:
            text, body = bytes(frame[LENGTHS.size : body_start]), bytes(frame[body_start:])
        self.received = bytearray()
        return decode(text, body, resolve)

    def _fill(self, size, deadline):
        """Receive until there are so many bytes of the frame."""
        while len(self.received) < size:
            if time.monotonic() > deadline:  # even if there is more: a little may come as fast as it is read
                raise TimeoutError("no answer in time")
            try:
                part = self.socket.recv(min(size - len(self.received), 1 << 20))
            except BlockingIOError:
                self._wait(deadline)
                continue
            except OSError as error:
                raise ProtocolError("the process is gone") from error
            if not part:
                raise ProtocolError("the process is gone")
            self.received += part

    def _wait(self, deadline, write=False):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        sockets = [self.socket]
        timeout = None if left == math.inf else left
        select.select([] if write else sockets, sockets if write else [], [], timeout)

    def close(self):
        self.socket.close()


class Encoder:
    """Values to a JSON tree, with their arrays beside it. Everything that is not JSON's own is {kind: content}."""

    def __init__(self, refer=None):
        self.refer = refer
        self.arrays = {}
        self.nodes = 0

    def encode(self, value, depth=0):
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Unsendable(f"a value of more than {MAX_NODES} parts, or {MAX_DEPTH} levels, cannot be sent")
        deeper = depth + 1
        if value is None or type(value) in (bool, str) or (type(value) is int and abs(value) < EXACT_INT):
            return value
        if isinstance(value, Reference):
            return {"reference": [value.number, value.kind]}
        if _is_tensor(value):
            return self._encode_tensor(value)
        if _is_array(value):
            return self._encode_array(numpy.asarray(value))
        if isinstance(value, int):
            value = int(value)
            return value if abs(value) < EXACT_INT else {"int": hex(value)}
        if isinstance(value, float):
            value = float(value)
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, complex):
            return {"complex": [self.encode(value.real), self.encode(value.imag)]}
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bytes | bytearray):
            return {"bytes": self._store(numpy.frombuffer(value, "uint8"))}
        if isinstance(value, list):
            return [self.encode(item, deeper) for item in list.__iter__(value)]
        if isinstance(value, tuple):
            return {"tuple": [self.encode(item, deeper) for item in tuple.__iter__(value)]}
        if isinstance(value, set | frozenset):
            kind = "set" if isinstance(value, set) else "frozenset"
            return {kind: [self.encode(item, deeper) for item in value]}
        if isinstance(value, dict):
            return {"dict": [[self.encode(k, deeper), self.encode(v, deeper)] for k, v in dict.items(value)]}
        torch = sys.modules.get("torch")
        if torch and isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if torch and isinstance(value, torch.device):
            return {"device": str(value)}
        if self.refer is None:
            raise Unsendable(f"a {type(value).__name__} cannot be sent to a learner's code")
        return self.encode(self.refer(value), deeper)

    def _encode_tensor(self, value):
        torch = sys.modules["torch"]
        tensor = value.detach().cpu().resolve_conj().resolve_neg()
        if tensor.is_complex():
            return {"complex tensor": self._store(torch.view_as_real(tensor).numpy())}
        if tensor.dtype is torch.bfloat16:  # which numpy lacks
            return {"bfloat16": self._store(tensor.contiguous().view(torch.int16).numpy())}
        return {"tensor": self._store(tensor.numpy())}

    def _encode_array(self, array):
        if array.dtype.kind == "c":
            return {"complex array": self._store(numpy.stack([array.real, array.imag], -1))}
        return {"array": self._store(array)}

    def _store(self, array):
        number = len(self.arrays)
        self.arrays[str(number)] = numpy.ascontiguousarray(array).reshape(array.shape)
        return number


def _is_tensor(value):
    """A dense torch tensor that lies in memory (torch need not be there at all)."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return False
    dense = value.layout is torch.strided and not value.is_meta and not value.is_nested
    return dense and str(value.dtype).removeprefix("torch.") in TENSOR_DTYPES


def _is_array(value):
    return (type(value) is numpy.ndarray or isinstance(value, numpy.generic)) and value.dtype.name in ARRAY_DTYPES


def _index_size(body):
    """How long safetensors' own header is: the JSON text that a body begins with."""
    return int.from_bytes(body[:8], "little")


def decode(text, body=b"", resolve=None):
    """The value of a frame's header and body; raises ProtocolError for whatever is wrong with them."""
    try:
        if _index_size(body) > MAX_INDEX:
            raise ProtocolError("a frame of too many arrays")
        tree = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
        arrays = safetensors.load(body) if body else {}
        return _Decoder(arrays, resolve).decode(tree, 0)
    except ProtocolError:
        raise
    except Exception as error:
        raise ProtocolError(f"not a frame: {type(error).__name__}: {str(error)[:200]}") from error


def _no_constant(name):
    raise ProtocolError(f"{name} is not JSON")


class _Decoder:
    def __init__(self, arrays, resolve):
        self.arrays, self.resolve, self.nodes = arrays, resolve, 0

    def decode(self, tree, depth):
        self.nodes += 1
        if depth > 2 * MAX_DEPTH or self.nodes > MAX_NODES:
            raise ProtocolError("a value is nested too deep or has too many parts")
        if tree is None or isinstance(tree, bool | int | float | str):
            return tree
        if isinstance(tree, list):
            return [self.decode(item, depth + 1) for item in tree]
        if len(tree) != 1:
            raise ProtocolError("a value should have one kind")
        ((kind, content),) = tree.items()
        reader = self.KINDS.get(kind)
        if reader is None:
            raise ProtocolError(f"{kind[:40]!r} is no kind of value")
        return reader(self, content, depth + 1)

    def _tuple(self, items, depth):
        return tuple(self.decode(item, depth) for item in items)

    def _dict(self, pairs, depth):
        keys = self._keys([key for key, _ in pairs], depth)
        return dict(zip(keys, [self.decode(value, depth) for _, value in pairs], strict=True))

    def _set(self, items, depth):
        return set(self._keys(items, depth))

    def _frozenset(self, items, depth):
        return frozenset(self._keys(items, depth))

    def _keys(self, items, depth):
        keys = [self.decode(item, depth) for item in items]
        if len(keys) - len({hash(key) for key in keys}) > MAX_COLLISIONS:
            raise ProtocolError("too many keys of the same hash")
        return keys

    def _float(self, text, depth):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]

    def _complex(self, parts, depth):
        real, imaginary = (self.decode(part, depth) for part in parts)
        return complex(real, imaginary)

    def _int(self, text, depth):
        return int(text, 16)

    def _reference(self, content, depth):
        number, kind = content
        if type(number) is not int or type(kind) is not str or self.resolve is None:
            raise ProtocolError("a reference was not expected")
        return self.resolve(Reference(number, kind[:100]))

    def _dtype(self, name, depth):
        torch = sys.modules["torch"]
        value = vars(torch).get(name)  # getattr would import what torch loads only when asked for
        if not isinstance(value, torch.dtype):
            raise ProtocolError("not a dtype")
        return value

    def _device(self, name, depth):
        return sys.modules["torch"].device(name)

    def _stored(self, number):
        if type(number) is not int:
            raise ProtocolError("an array is named by its number")
        array = self.arrays.pop(str(number))  # but once: a thousand copies of one would be a bomb
        return array.copy()  # what safetensors gives cannot be written to

    def _tensor(self, number, depth):
        import torch  # what sent a tensor has it, and so does what reads one

        tensor = torch.from_numpy(self._stored(number))
        return tensor if tensor.numel() else tensor.new_empty(tensor.shape)  # numpy's strides would be 0

    def _bfloat16(self, number, depth):
        import torch

        return self._tensor(number, depth).view(torch.bfloat16)

    def _complex_tensor(self, number, depth):
        import torch

        return torch.view_as_complex(self._tensor(number, depth))

    def _array(self, number, depth):
        return self._stored(number)[()]  # [()] makes a scalar of what has no axes

    def _complex_array(self, number, depth):
        parts = self._stored(number)
        return parts.view(numpy.result_type(parts.dtype, numpy.complex64))[..., 0][()]

    def _bytes(self, number, depth):
        return self._stored(number).tobytes()

    KINDS = {  # noqa: RUF012
        "tuple": _tuple, "dict": _dict, "set": _set, "frozenset": _frozenset, "float": _float, "complex": _complex,
        "int": _int, "reference": _reference, "dtype": _dtype, "device": _device, "tensor": _tensor, "array": _array,
        "bfloat16": _bfloat16, "complex tensor": _complex_tensor, "complex array": _complex_array, "bytes": _bytes,
    }  # fmt: skip

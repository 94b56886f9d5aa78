"""Frames carry every plain value unchanged, and whatever a hostile process writes is a value or a ProtocolError."""

import json
import math
import pickle
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter, OrderedDict, defaultdict, namedtuple
from enum import IntEnum

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom import protocol
from classroom.protocol import (
    DTYPES,
    LENGTHS,
    MAX_DEPTH,
    MAX_HEADER,
    Channel,
    Encoder,
    ProtocolError,
    Reference,
    Unsendable,
    decode,
)

unhurried = settings(deadline=None, max_examples=300)
KINDS = sorted(protocol._Decoder.KINDS)


def frame(value, refer=None):
    """(header, body) of a value."""
    encoder = Encoder(refer)
    text = json.dumps(encoder.encode(value), allow_nan=False).encode()
    return text, protocol.safetensors.save(encoder.arrays) if encoder.arrays else b""


def round_trip(value):
    return decode(*frame(value))


def tensors_body(index, data=b""):
    """A safetensors file with whatever index."""
    text = index if isinstance(index, bytes) else json.dumps(index).encode()
    return struct.pack("<Q", len(text)) + text + data


def told(value):
    """A value as something that == compares exactly: types, signs of zero, payloads of NaN, and elements."""
    if isinstance(value, torch.Tensor):
        raw = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
        return "tensor", str(value.dtype), tuple(value.shape), bytes(raw.tolist())
    if isinstance(value, numpy.ndarray | numpy.generic):
        native = value.astype(value.dtype.newbyteorder("="))
        return type(value), native.dtype.str, value.shape, native.tobytes()
    if isinstance(value, float):
        return float, "nan" if math.isnan(value) else value.hex()
    if isinstance(value, complex):
        return complex, told(value.real), told(value.imag)
    if isinstance(value, list | tuple):
        return type(value), [told(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(map(repr, map(told, value)))
    if isinstance(value, dict):
        return dict, [(told(key), told(item)) for key, item in value.items()]
    return type(value), value


def is_plain(value):
    if isinstance(value, list | tuple | set | frozenset | dict):
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return type(value) in (list, tuple, set, frozenset, dict) and all(map(is_plain, items))
    allowed = (bool, int, float, complex, str, bytes, torch.Tensor, numpy.ndarray, torch.dtype, torch.device)
    return value is None or type(value) in allowed or isinstance(value, numpy.generic)


def survives(text, body=b""):
    """Decode what anybody may have written: it is plain values, or a ProtocolError; all else ends the test."""
    try:
        value = decode(text, body)
    except ProtocolError:
        return
    assert is_plain(value)


# Honest values --------------------------------------------------------------------------------------------------------

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
text = st.text(st.characters(), max_size=20) | st.sampled_from(["\ud800", "\0", "\u202e", "nan", "é" * 40])
integers = st.integers() | st.integers(-(2**200), 2**200) | st.sampled_from([2**53, -(2**53), 2**53 - 1, 2**4000])
numbers = st.booleans() | integers | st.floats() | st.complex_numbers(allow_nan=True)


@st.composite
def tensors(draw):
    dtype = getattr(torch, draw(st.sampled_from(sorted(protocol.TENSOR_DTYPES))))
    shape = draw(shapes)
    size = math.prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    if dtype is torch.bool:
        raw = bytes(byte % 2 for byte in raw)
    return (
        torch.tensor(list(raw), dtype=torch.uint8).view(dtype).reshape(shape)
        if size
        else torch.empty(shape, dtype=dtype)
    )


@st.composite
def arrays(draw):
    dtype = numpy.dtype(draw(st.sampled_from(sorted(protocol.ARRAY_DTYPES))))
    shape = draw(shapes)
    size = math.prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    if dtype.kind == "b":
        raw = bytes(byte % 2 for byte in raw)
    return numpy.frombuffer(raw, dtype).reshape(shape)[()] if size else numpy.empty(shape, dtype)


keys = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False) | text | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
kinds_of_torch = st.sampled_from([torch.float32, torch.bfloat16, torch.device("cpu"), torch.device("cuda:1")])
plain_values = st.recursive(
    st.none() | numbers | text | st.binary(max_size=20) | tensors() | arrays() | kinds_of_torch,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=20,
)


@unhurried
@given(plain_values)
def test_every_plain_value_comes_back_as_it_was(value):
    before = told(value)
    assert told(round_trip(value)) == before
    assert told(value) == before  # and sending it did not change it


@pytest.mark.parametrize("dtype", sorted(protocol.TENSOR_DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (3, 2)])
def test_tensors_of_every_type_and_shape(dtype, shape):
    tensor = torch.ones(shape).to(getattr(torch, dtype))
    assert told(round_trip(tensor)) == told(tensor)
    if dtype in protocol.ARRAY_DTYPES:
        array = numpy.ones(shape, dtype)
        assert told(round_trip(array)) == told(array[()])


def test_what_comes_back_is_fresh():
    tensor, array = torch.zeros(3), numpy.zeros(3)
    array.setflags(write=False)
    one, other, copy = round_trip([tensor, tensor, array])
    one += 1
    copy += 1
    assert (tensor == 0).all()
    assert (other == 0).all()
    assert (array == 0).all()


class Colour(IntEnum):
    RED = 3


class Loud(str):
    def __str__(self):
        raise AssertionError("nobody asked")


class Odd(list):
    def __iter__(self):
        raise AssertionError("nobody asked")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (Colour.RED, 3),
        (namedtuple("Pair", "a b")(1, 2), (1, 2)),
        (torch.Size([2, 3]), (2, 3)),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (bytearray(b"ab"), b"ab"),
        (Loud("a"), "a"),
        (Odd([1]), [1]),
        (numpy.str_("é"), "é"),
        (numpy.bytes_(b"a"), b"a"),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2)),
        (torch.ones(2, requires_grad=True) * 2, torch.full((2,), 2.0)),
        (torch.arange(6).reshape(2, 3).T[1:], torch.tensor([[1, 4], [2, 5]])),
        (torch.ones(2, dtype=torch.complex64).conj() * 1j, torch.full((2,), 1j)),
        (torch.zeros(1).expand(3), torch.zeros(3)),
        (numpy.arange(6).reshape(2, 3).T[1:], numpy.array([[1, 4], [2, 5]])),
        (numpy.arange(3, dtype=">f4"), numpy.arange(3, dtype="f4")),
        (numpy.asfortranarray(numpy.ones((2, 2))), numpy.ones((2, 2))),
        (numpy.array(2.5), numpy.float64(2.5)),
    ],
)
def test_relatives_of_plain_values_come_back_plain(given, plain):
    assert told(round_trip(given)) == told(plain)


def cyclic():
    value = []
    value.append(value)
    return value


UNSENDABLE = {
    "object": object,
    "function": lambda: len,
    "lambda": lambda: lambda: 0,
    "class": lambda: int,
    "module": lambda: math,
    "range": lambda: range(3),
    "generator": lambda: (i for i in ()),
    "view": lambda: memoryview(b"a"),
    "ellipsis": lambda: ...,
    "exception": ValueError,
    "cyclic": cyclic,
    "text array": lambda: numpy.array(["a"]),
    "object array": lambda: numpy.array([object()]),
    "date": lambda: numpy.datetime64("2020-01-01"),
    "long double": lambda: numpy.longdouble(1),
    "record": lambda: numpy.zeros(1, "i4,f4"),
    "masked array": lambda: numpy.ma.array([1]),
    "model": lambda: torch.nn.Linear(1, 1),
    "sparse tensor": lambda: torch.ones(2).to_sparse(),
    "meta tensor": lambda: torch.ones(2, device="meta"),
    "float8 tensor": lambda: torch.ones(2).to(torch.float8_e4m3fn),
    "nested tensor": lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)], layout=torch.strided),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", UNSENDABLE)
def test_everything_else_is_refused_or_stays_where_it_is(name):
    value = UNSENDABLE[name]()
    with pytest.raises(Unsendable, match="cannot be sent"):
        frame([value])
    if name == "cyclic":
        return
    header, body = frame([value, 1], refer=lambda thing: Reference(7, type(thing).__name__))
    assert decode(header, body, resolve=lambda reference: reference) == [Reference(7, type(value).__name__), 1]


def test_what_is_too_large_is_refused_before_it_is_sent(monkeypatch):
    ours, theirs = socket.socketpair()
    channel = Channel(ours, max_body=1000)
    for value in (torch.ones(1000), "a" * MAX_HEADER, [numpy.float64(1)] * 20_000, [0] * (protocol.MAX_NODES + 1)):
        monkeypatch.setattr(protocol, "MAX_INDEX", 1_000_000)
        with pytest.raises(Unsendable):
            channel.send(value)
    deep = 0
    for _ in range(MAX_DEPTH):
        deep = {"a": (deep,)} if isinstance(deep, tuple) else (deep,)
    with pytest.raises(Unsendable):
        channel.send({"a": {"b": deep}})
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)  # not a byte went out


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {"a": x}, lambda x: {(1,): x}])
def test_as_deep_as_may_be_sent_can_be_read(wrap):
    value = 1
    for _ in range(MAX_DEPTH - 1):  # one less, for the key
        value = wrap(value)
    assert round_trip(value) == value


# Hostile frames -------------------------------------------------------------------------------------------------------


@unhurried
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_arbitrary_bytes(header, body):
    survives(header, body)


json_leaves = st.none() | st.booleans() | st.integers(-2, 3) | st.integers() | st.floats() | st.text(max_size=6)
json_trees = st.recursive(
    json_leaves | st.sampled_from(["nan", "float32", "cpu", "nn", "0x1f", "-inf", "Tensor", "_dynamo"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KINDS), inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=30,
)
HONEST_BODY = frame([torch.ones(2, 2), numpy.arange(3), b"abc", torch.ones(1, dtype=torch.bfloat16)])[1]


@unhurried
@given(json_trees, st.sampled_from([b"", HONEST_BODY]))
def test_trees_of_wrong_kinds(tree, body):
    survives(json.dumps(tree).encode(), body)


@unhurried
@given(plain_values, st.data())
def test_mutated_frames(value, data):
    parts = [bytearray(part) for part in frame(value)]
    for _ in range(data.draw(st.integers(1, 4))):
        part = data.draw(st.sampled_from(parts))
        place = data.draw(st.integers(0, len(part)))
        cut = data.draw(st.integers(0, 3))
        part[place : place + cut] = data.draw(st.binary(max_size=3) | st.sampled_from([b"[", b"]", b"{", b'"', b"9"]))
    survives(*map(bytes, parts))


indexes = st.dictionaries(
    st.sampled_from(["0", "1", "2", "-1", "__metadata__", ""]),
    st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F32", "BF16", "U8", "BOOL", "I64", "F8_E4M3", "C64", "F4", "F6_E2M3", "", 3]),
            "shape": st.lists(st.integers(-1, 4) | st.integers(0, 2**64), max_size=3) | st.none(),
            "data_offsets": st.lists(st.integers(-1, 40) | st.integers(0, 2**64), min_size=1, max_size=3),
        }
    )
    | json_leaves,
    max_size=3,
)
array_trees = st.lists(st.dictionaries(st.sampled_from(KINDS), st.integers(-1, 2), min_size=1, max_size=1), max_size=4)


@unhurried
@given(indexes, st.binary(max_size=40), array_trees)
def test_bad_safetensors(index, data, tree):
    survives(json.dumps(tree).encode(), tensors_body(index, data))


ONE = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
BYTE = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}


@pytest.mark.parametrize(
    ("header", "body"),
    {
        "nothing": (b"", b""),
        "NaN": (b"NaN", b""),
        "infinity": (b"[-Infinity]", b""),
        "pickle": (pickle.dumps({"a": 1}), b""),
        "pickle as body": (b'{"tensor": 0}', pickle.dumps(numpy.ones(3))),
        "UTF-16": ("[1]".encode("utf-16"), b""),
        "BOM": (b"\xef\xbb\xbf[1]", b""),
        "two values": (b"1 2", b""),
        "cut": (b'{"tuple": [1, 2', b""),
        "two kinds": (b'{"tuple": [], "set": []}', b""),
        "no kind": (b"{}", b""),
        "unknown kind": (b'{"__reduce__": []}', b""),
        "long unknown kind": (b'{"' + b"a" * 10**6 + b'": 0}', b""),
        "reference": (b'{"reference": [0, "f"]}', b""),
        "reference to no number": (b'{"reference": ["0", "f"]}', b""),
        "reference inside": (b'{"tuple": [[{"reference": [0, "f"]}]]}', b""),
        "digits": (b"1" * 5000, b""),
        "hex of no text": (b'{"int": 3}', b""),
        "float of no number": (b'{"float": "1.5"}', b""),
        "complex of text": (b'{"complex": ["1", "2"]}', b""),
        "complex of three": (b'{"complex": [1, 2, 3]}', b""),
        "key that cannot be one": (b'{"dict": [[[1], 2]]}', b""),
        "pair of three": (b'{"dict": [[1, 2, 3]]}', b""),
        "set of lists": (b'{"set": [[1]]}', b""),
        "tuple of a number": (b'{"tuple": 3}', b""),
        "deep": (b"[" * 100_000 + b"]" * 100_000, b""),
        "deep enough": (b"[" * 300 + b"]" * 300, b""),
        "dtype that torch would import": (b'{"dtype": "_dynamo"}', b""),
        "dtype of torch's that is none": (b'{"dtype": "load"}', b""),
        "no device": (b'{"device": "floor"}', b""),
        "device number": (b'{"device": 0}', b""),
        "array that is not there": (b'{"array": 0}', b""),
        "array by name": (b'{"array": "0"}', tensors_body({"0": ONE}, b"abcd")),
        "array by truth": (b'{"array": true}', tensors_body({"1": ONE}, b"abcd")),
        "array twice": (b'[{"array": 0}, {"array": 0}]', tensors_body({"0": ONE}, b"abcd")),
        "overlap": (b"0", tensors_body({"0": ONE, "1": {**ONE, "data_offsets": [2, 6]}}, b"abcdef")),
        "gap": (b"0", tensors_body({"0": {**ONE, "data_offsets": [2, 6]}}, b"abcdef")),
        "rest": (b"0", tensors_body({"0": ONE}, b"abcdefgh")),
        "too short": (b"0", tensors_body({"0": ONE}, b"ab")),
        "shape beyond": (b"0", tensors_body({"0": {**ONE, "shape": [2**40]}}, b"abcd")),
        "shape that overflows": (b"0", tensors_body({"0": {**ONE, "shape": [2**32, 2**32 + 1]}}, b"abcd")),
        "negative shape": (b"0", tensors_body({"0": {**ONE, "shape": [-4]}}, b"abcd")),
        "unknown type": (b"0", tensors_body({"0": {**ONE, "dtype": "O"}}, b"abcd")),
        "type that numpy lacks": (b"0", tensors_body({"0": {**ONE, "dtype": "BF16", "shape": [2]}}, b"abcd")),
        "bfloat16 of a byte": (b'{"bfloat16": 0}', tensors_body({"0": BYTE}, b"a")),
        "complex of bytes": (b'{"complex tensor": 0}', tensors_body({"0": ONE}, b"abcd")),
        "complex of a byte": (b'{"complex array": 0}', tensors_body({"0": BYTE}, b"a")),
        "65 axes": (b'{"array": 0}', tensors_body({"0": {**BYTE, "shape": [1] * 65}}, b"a")),
        "index beyond": (b"0", struct.pack("<Q", 2**63) + b"{}"),
        "index of arrays": (b"0", tensors_body(b"[" * 1000)),
        "stub": (b"0", b"\x01"),
    }.values(),
)  # fmt: skip
def test_bad_frames(header, body):
    with pytest.raises(ProtocolError):
        decode(header, body)


def test_the_last_of_two_equal_names_counts():
    assert decode(b'{"tuple": [1], "tuple": [2]}') == (2,)


def test_torch_is_not_asked_for_what_it_would_have_to_import(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "__getattr__", asked.append)
    for name in ("_dynamo", "onnx", "no_such_thing"):
        with pytest.raises(ProtocolError):
            decode(json.dumps({"dtype": name}).encode())
    assert asked == []


def test_a_reference_is_what_the_receiver_makes_of_it():
    long = json.dumps({"tuple": [{"reference": [3, "f" * 1000]}]}).encode()
    assert decode(long, resolve=lambda reference: reference) == (Reference(3, "f" * 100),)
    for content in ([3], [3, 4], ["3", "f"], [True, "f"], [3.0, "f"], "ab", {}, None):
        with pytest.raises(ProtocolError):
            decode(json.dumps({"reference": content}).encode(), resolve=lambda reference: reference)


BOMBS = r"""
import json, os, struct, time
from classroom.protocol import MAX_HEADER as N, ProtocolError, decode

def listed(item):
    return b"[" + item * (N // len(item) - 2) + b"0]"

def index(text, data=b""):
    return struct.pack("<Q", len(text)) + text + data

def encoded(value):
    return json.dumps(value).encode()

P = 2**61 - 1  # Python's hash of an integer is its rest by this
tensor = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
large = index(b'{"0":{"dtype":"U8","shape":[50000000],"data_offsets":[0,50000000]}}', bytes(50_000_000))
BOMBS = {
    "brackets": lambda: (b"[" * N, b""),
    "braces": lambda: (b'{"a":' * (N // 5), b""),
    "lists": lambda: (listed(b"[],"), b""),
    "dicts": lambda: (listed(b"{},"), b""),
    "long number": lambda: (b"0." + b"1" * (N - 2), b""),
    "long hex": lambda: (b'{"int": "0x' + b"f" * (N - 20) + b'"}', b""),
    "equal hashes": lambda: (encoded({"set": [k * P for k in range(200_000)]}), b""),
    "keys of equal hashes": lambda: (encoded({"dict": [[k * P, 0] for k in range(100_000)]}), b""),
    "similar hashes": lambda: (encoded({"set": [{"int": hex(k << 40)} for k in range(100_000)]}), b""),
    "one array often": lambda: (encoded([{"array": 0}] * 100_000), large),
    "many arrays": lambda: (b"0", index(b"{" + b",".join(tensor % i for i in range(200_000)) + b"}")),
    "long index": lambda: (b"0", index(b'{"__metadata__":{' + b'"a":"",' * 5_000_000 + b'"":""}}')),
}

def memory(name):
    return int(open("/proc/self/status").read().split(name)[1].split()[0]) // 1024

for name, make in BOMBS.items():
    if os.fork() == 0:
        header, body = make()
        open("/proc/self/clear_refs", "w").write("5")  # the peak, from here on
        before, started = memory("VmRSS:"), time.process_time()
        try:
            decode(header, body)
            said = "decoded"
        except ProtocolError:
            said = "refused"
        except BaseException as error:
            said = repr(error)
        print(json.dumps([name, said, time.process_time() - started, memory("VmHWM:") - before]), flush=True)
        os._exit(0)
    os.wait()
"""


def test_bombs_take_little_time_and_memory():
    ran = subprocess.run([sys.executable, "-c", BOMBS], capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(found) == 12
    for name, said, seconds, megabytes in found:
        assert said in ("refused", "decoded"), name
        assert seconds < 15, name  # of the processor; most take less than one
        assert megabytes < 700, name
    refused = {name for name, said, *_ in found if said == "refused"}
    assert refused >= {"equal hashes", "keys of equal hashes", "one array often", "many arrays", "long index"}


# The channel ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends():
    """(a channel, the raw socket at its other end)."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), theirs


def packed(value):
    header, body = frame(value)
    return LENGTHS.pack(len(header), len(body)) + header + body


def test_frames_follow_one_another(ends):
    channel, theirs = ends
    theirs.sendall(packed([1]) + packed(torch.ones(2)) + packed("three"))
    assert channel.receive() == [1]
    assert channel.receive().tolist() == [1, 1]
    assert channel.receive(time.monotonic() + 5) == "three"


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (0, 2**64 - 1), (MAX_HEADER + 1, 0), (1, protocol.MAX_BODY + 1)])
def test_length_bombs_are_refused_before_anything_is_allocated(ends, lengths):
    channel, theirs = ends
    theirs.sendall(LENGTHS.pack(*lengths))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="too large"):
            channel.receive(time.monotonic() + 5)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_memory_grows_with_what_comes_not_with_what_is_announced(ends):
    channel, theirs = ends
    theirs.sendall(LENGTHS.pack(MAX_HEADER, protocol.MAX_BODY) + bytes(1000))
    tracemalloc.start()
    try:
        with pytest.raises(TimeoutError):
            channel.receive(time.monotonic() + 0.2)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000  # what one reading may take
    finally:
        tracemalloc.stop()


def test_a_slow_drip_ends_at_the_deadline(ends):
    channel, theirs = ends
    stop = threading.Event()

    def drip():
        for byte in LENGTHS.pack(10_000, 0) + b" " * 10_000:
            if stop.wait(0.01):
                return
            theirs.send(bytes([byte]))

    thread = threading.Thread(target=drip)
    thread.start()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.receive(started + 0.5)
    assert 0.5 <= time.monotonic() - started < 5
    stop.set()
    thread.join()


def test_so_does_a_drip_that_never_pauses():
    class Endless:
        """A socket that always has one byte more."""

        first = LENGTHS.pack(MAX_HEADER, 0)

        def setblocking(self, flag):
            pass

        def recv(self, size):
            data, self.first = self.first or b" ", b""
            return data

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        Channel(Endless()).receive(started + 0.3)
    assert time.monotonic() - started < 5


def test_a_deadline_does_not_lose_what_had_come(ends):
    channel, theirs = ends
    whole = packed(["late", torch.ones(3)])
    for cut in (5, LENGTHS.size, LENGTHS.size + 4, len(whole) - 1):
        theirs.sendall(whole[:cut])
        with pytest.raises(TimeoutError):
            channel.receive(time.monotonic() + 0.05)
        theirs.sendall(whole[cut:])
        assert channel.receive(time.monotonic() + 5)[0] == "late"


@pytest.mark.parametrize("cut", [0, 5, LENGTHS.size, LENGTHS.size + 3])
def test_the_other_side_is_gone(ends, cut):
    channel, theirs = ends
    theirs.sendall(packed([1, 2, 3])[:cut])
    theirs.close()
    with pytest.raises(ProtocolError, match="the process is gone"):
        channel.receive(time.monotonic() + 5)
    with pytest.raises(ProtocolError, match="the process is gone"):
        channel.send("anybody there?")


def test_sending_to_one_who_does_not_read_ends_at_the_deadline(ends):
    channel, _ = ends
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.send(bytes(10_000_000), started + 0.3)
    assert time.monotonic() - started < 5


def test_dtypes_are_those_of_both_libraries():
    assert {name for name in DTYPES if hasattr(torch, name) and numpy.dtype(name)} == DTYPES

"""A reader of Python pickles that admits what a CIFAR batch is made of, within a budget, and runs nothing."""

from __future__ import annotations

import pickle
import re
import struct
import sys
from collections import Counter
from collections.abc import Callable
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive
from backend.staging.tar_members import Member
from backend.staging.unpacking import UnpackingError

MAX_IMAGES = 50_000  # the original's train split
_UINT8_CODES = ("u1", b"u1", "|u1", b"|u1")
_LONGEST_REASON = 200  # characters; a pickle chooses some of them
MAX_ENCODED = MAX_IMAGES * (3072 + 255)  # characters: pixels and names
_LONGEST_LINE = 64 << 20  # bytes of an array's content, which is text in the oldest protocol
_TYPE = re.compile(r"[|<>=]?([iu][1248]|[SU][0-9]{1,4})")
"""Numbers and texts of NumPy: what labels, pixels and names are."""


class PickledType:
    """Stands for a NumPy data type inside a pickle; `code` is its type string, such as `u1`."""

    def __init__(self, code: object, *_align_and_copy: object) -> None:
        self.code = code
        self._order: object = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Of the state only the byte order matters: numbers and texts have no fields."""
        self._order = state[1]

    def as_numpy(self) -> np.dtype[Any]:
        """The type itself; raises TypeError unless it is one of whole numbers or of texts."""
        code, order = _text(self.code), _text(self._order)
        if not _TYPE.fullmatch(code) or order not in tuple("|<>="):
            raise TypeError("the array is neither of numbers nor of texts")
        return np.dtype(code).newbyteorder(cast("Any", order))


class PickledArray:
    """Stands for a NumPy array inside a pickle: keeps its parts, and calls nothing of NumPy."""

    def __init__(self, kind: object, shape: object, type_code: object) -> None:
        """Takes what NumPy's `_reconstruct` takes: placeholders, all replaced by the state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, self._shape, self._type, self._is_fortran, self._data = state

    @classmethod
    def from_buffer(
        cls, data: object, kind: object, shape: object, order: object, axis_order: object = None
    ) -> PickledArray:
        """Takes what NumPy's `_frombuffer` takes, which pickle's protocol 5 has in the place of `_reconstruct`."""
        if order not in ("C", "F") or axis_order is not None:
            raise pickle.UnpicklingError("it has an array whose axes are neither in C's order nor in Fortran's")
        array = cls(None, None, None)
        array.__setstate__((1, shape, kind, order == "F", data))
        return array

    def as_uint8(self) -> npt.NDArray[np.uint8]:
        """The array, read-only; raises TypeError, ValueError, AttributeError or OverflowError unless it is of bytes."""
        if not isinstance(self._type, PickledType) or self._type.code not in _UINT8_CODES:
            raise TypeError("the array is not of type uint8")
        return self._as_numpy(np.dtype(np.uint8))

    def as_list(self) -> list[Any]:
        """The numbers or texts, one an image; raises what `as_uint8` does unless the array is of one dimension."""
        if not isinstance(self._type, PickledType) or not isinstance(self._shape, tuple):
            raise TypeError("the array has no type or no shape")
        [length] = self._shape
        if not isinstance(length, int) or not 0 <= length <= MAX_IMAGES:
            raise ValueError(f"the array is not of one value for each of at most {MAX_IMAGES:,} images")
        return _values(self._as_numpy(self._type.as_numpy()))

    def _as_numpy(self, kind: np.dtype[Any]) -> npt.NDArray[Any]:
        if not isinstance(self._shape, tuple) or not all(isinstance(length, int) for length in self._shape):
            raise TypeError("the array's shape is no tuple of numbers")
        order: Any = "F" if self._is_fortran else "C"
        return np.frombuffer(self._data, dtype=kind).reshape(self._shape, order=order)


class PickledScalar:
    """Stands for a NumPy number or text inside a pickle."""

    def __init__(self, kind: object, data: object) -> None:
        self._kind, self._data = kind, data

    def value(self) -> Any:
        """As Python has it; raises TypeError or ValueError when it is neither a number nor a text."""
        if not isinstance(self._kind, PickledType) or not isinstance(self._data, bytes):
            raise TypeError("it is neither a number nor a text")
        kind = self._kind.as_numpy()
        if len(self._data) != kind.itemsize:
            raise ValueError("it is not as long as its type says")
        return _values(np.frombuffer(self._data, dtype=kind))[0]


def _values(array: npt.NDArray[Any]) -> list[Any]:
    if array.dtype.kind == "U":
        letters = array.view(np.dtype(np.uint32).newbyteorder(cast("Any", array.dtype.byteorder)))
        if (letters > sys.maxunicode).any():
            raise ValueError("it has a letter that is none")
    values: list[Any] = array.tolist()
    return values


def plain(value: Any) -> Any:
    """Python's own value in place of a stand-in for one of NumPy's; raises TypeError or ValueError when it has none."""
    return value.value() if isinstance(value, PickledScalar) else value


def _text(value: object) -> str:
    return (
        value.decode("ascii", "replace") if isinstance(value, bytes) else str(value) if isinstance(value, str) else ""
    )


def _no_bytes(*arguments: object) -> bytes:
    """What Python 3 writes in the place of `b""` for Python 2."""
    if arguments:
        raise pickle.UnpicklingError("it makes bytes of something, which no CIFAR batch needs")
    return b""


_ADMITTED: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): object(),  # only ever named, as an argument of `_reconstruct`
    ("numpy", "dtype"): PickledType,
    ("__builtin__", "bytes"): _no_bytes,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")  # before NumPy 2, and since
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", PickledArray),
            ("multiarray", "scalar", PickledScalar),
            ("numeric", "_frombuffer", PickledArray.from_buffer),
        )
    },
}
_ENCODE = ("_codecs", "encode")
"""How Python 3 writes bytes for Python 2: as text, to be encoded as Latin-1."""

_OPCODES = {
    "values": "NONE NEWTRUE NEWFALSE INT LONG LONG1 BININT BININT1 BININT2 STRING BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BYTEARRAY8",
    "remembered values": "PUT BINPUT LONG_BINPUT MEMOIZE",
    "references": "GET BINGET LONG_BINGET",
    "containers": "EMPTY_LIST LIST EMPTY_DICT DICT",
    "tuples": "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3",
    "marks": "MARK",
    "list items": "APPEND",
    "groups of items": "APPENDS SETITEM SETITEMS",
    "calls": "GLOBAL STACK_GLOBAL REDUCE BUILD",
    "parts": "PROTO FRAME STOP",
}
"""The opcodes of CIFAR batches, by the names that the pickle module has for them. Left out are above all those that
make much of little (sets, LONG4), and other calls."""
_CALLS = 5 * MAX_IMAGES
"""Where Python 3 wrote for Python 2, an image's name is a call, and each of its two labels is two if it is NumPy's."""
_BUDGET = {
    "values": 4 * MAX_IMAGES,  # an image has a file name and two labels
    "remembered values": 4 * MAX_IMAGES + 2 * _CALLS,  # a call's arguments and its result
    "references": 4 * MAX_IMAGES + 2 * _CALLS,  # to what is called, and to an argument that all calls have
    "containers": 2000,  # pickle fills lists by the thousand; a batch has about a dozen more
    "tuples": 2000 + _CALLS,
    "marks": 2000 + _CALLS,  # in the oldest protocol
    "list items": 4 * MAX_IMAGES,  # one by one in the oldest protocol
    "groups of items": 2000,
    "calls": 100 + _CALLS,
    "parts": 2000,
}
_KEYS: dict[int, Callable[[list[Any]], list[Any]]] = {  # of a dictionary, on the stack before the opcode runs
    pickle.SETITEM[0]: lambda stack: stack[-2:-1],
    pickle.SETITEMS[0]: lambda stack: stack[::2],
    pickle.DICT[0]: lambda stack: stack[::2],
}

_Load = Callable[["_CifarUnpickler"], None]


def _within_budget(kind: str, code: int) -> _Load:
    """The unpickler's own step for an opcode, as often as there is a budget for it."""
    load = cast("_Load", _OWN_STEPS.get(code) or pickle._Unpickler.dispatch[code])
    keys = _KEYS.get(code)

    def step(unpickler: _CifarUnpickler) -> None:
        unpickler.used[kind] += 1
        if unpickler.used[kind] > _BUDGET[kind]:
            raise pickle.UnpicklingError(f"it has more than {_BUDGET[kind]:,} {kind}, which no CIFAR batch needs")
        if keys and not all(isinstance(key, bytes | str) for key in keys(unpickler.stack)):
            raise pickle.UnpicklingError("it has a key that is no text")  # the hash of nested tuples may never end
        load(unpickler)

    return step


def _skip_frame(unpickler: _CifarUnpickler) -> None:
    """Pass over a frame's length: what is in the frame follows, and is not read ahead however long it claims to be."""
    unpickler.read(8)


def _load_bytearray(unpickler: _CifarUnpickler) -> None:
    """Bytes that could be changed come as those that cannot, and no room is made for what is only announced."""
    [length] = struct.unpack("<Q", unpickler.read(8))
    unpickler.append(unpickler.read(min(length, sys.maxsize)))


def _load_text_line(unpickler: _CifarUnpickler) -> None:
    """Text up to the end of its line, which may be long: an array's content is text in the oldest protocol."""
    line = unpickler.whole_line()
    unpickler.append(str(memoryview(line)[:-1], "raw-unicode-escape"))


def _build(unpickler: _CifarUnpickler) -> None:
    """Give a stand-in its state; nothing else that is admitted takes any, and none gets an attribute."""
    state, stand_in = unpickler.stack.pop(), unpickler.stack[-1]
    if not isinstance(stand_in, PickledArray | PickledType):
        raise pickle.UnpicklingError("it gives a state to what has none, which no CIFAR batch needs")
    stand_in.__setstate__(state)


_OWN_STEPS: dict[int, _Load] = {
    pickle.BUILD[0]: _build,
    pickle.FRAME[0]: _skip_frame,
    pickle.BYTEARRAY8[0]: _load_bytearray,
    pickle.UNICODE[0]: _load_text_line,
}


class _Steps(dict[int, Any]):
    """What to do for each opcode."""

    def __missing__(self, code: int) -> Any:
        raise pickle.UnpicklingError(f"it has opcode {code:#04x}, which no CIFAR batch needs")


class _CifarUnpickler(pickle._Unpickler):
    # The one in Python: that in C sizes its memo by the largest index a pickle names, so five bytes can ask for 64 GB.
    dispatch = _Steps(
        (code, _within_budget(kind, code))
        for kind, names in _OPCODES.items()
        for code in (getattr(pickle, name)[0] for name in names.split())
    )
    stack: list[Any]  # since the last mark
    read: Callable[[int], bytes]
    append: Callable[[object], None]

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="bytes")
        self._file = file
        self._encoded = 0
        self.used: Counter[str] = Counter()

    def whole_line(self) -> bytes:
        """The next line with its end, in memory once; raises UnpicklingError for one that has no end."""
        line = self._file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise pickle.UnpicklingError(f"it has a line of more than {_LONGEST_LINE >> 20} MB, or without an end")
        return line

    def encode(self, text: object, encoding: object) -> bytes:
        """Bytes that Python 3 wrote for Python 2; no more in all than there may be, however often a text is named."""
        if not isinstance(text, str) or encoding != "latin1":
            raise pickle.UnpicklingError("it encodes what is no text of Latin-1, which no CIFAR batch needs")
        self._encoded += len(text)
        if self._encoded > MAX_ENCODED:
            raise pickle.UnpicklingError(f"it encodes more than {MAX_ENCODED:,} characters, which no CIFAR batch needs")
        return text.encode("latin-1")

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) == _ENCODE:
            return self.encode
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module_name}.{global_name}, which no CIFAR batch needs; it was not run"
            ) from None


def load_pickle(file: IO[bytes] | Member, name: str) -> Any:
    """Unpickle a CIFAR member written by Python 2 or 3; text of Python 2 comes as bytes, arrays as PickledArray.

    Raises InvalidArchive, naming the member, when the pickle is damaged, asks for anything but a plain array, or has
    more parts than a batch of 50,000 images. How much it holds in bytes is for the file to bound.
    """
    try:
        return _CifarUnpickler(cast("IO[bytes]", file)).load()
    except (InvalidArchive, OSError, UnpackingError):
        raise
    except Exception as error:  # "including but not limited to", says the pickle module of what damage raises
        reason = _printable(str(error) or type(error).__name__)
        raise InvalidArchive(f"{name} cannot be read: {reason}. Use CIFAR-100's Python version, unchanged.") from error


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST_REASON])

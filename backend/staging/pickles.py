"""A reader of Python pickles that admits what a CIFAR batch is made of, within a budget, and runs nothing."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive
from backend.staging.tar_members import Member

MAX_IMAGES = 50_000  # the original's train split
_UINT8_CODES = ("u1", b"u1", "|u1", b"|u1")
_LONGEST_REASON = 200  # characters; a pickle chooses some of them


class PickledArray:
    """Stands for a NumPy array inside a pickle: keeps its parts, and calls nothing of NumPy."""

    def __init__(self, kind: object, shape: object, type_code: object) -> None:
        """Takes what NumPy's `_reconstruct` takes: placeholders, all replaced by the state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, self._shape, self._type, self._is_fortran, self._data = state

    def as_uint8(self) -> npt.NDArray[np.uint8]:
        """The array, read-only; raises TypeError, ValueError, AttributeError or OverflowError unless it is of bytes."""
        if not isinstance(self._type, PickledType) or self._type.code not in _UINT8_CODES:
            raise TypeError("the array is not of type uint8")
        if not isinstance(self._shape, tuple) or not all(isinstance(length, int) for length in self._shape):
            raise TypeError("the array's shape is no tuple of numbers")
        order: Any = "F" if self._is_fortran else "C"
        return np.frombuffer(self._data, dtype=np.uint8).reshape(self._shape, order=order)


class PickledType:
    """Stands for a NumPy data type inside a pickle; `code` is its type string, such as `u1`."""

    def __init__(self, code: object, *_align_and_copy: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Byte order and fields: a uint8 has neither."""


_ADMITTED: dict[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy._core.multiarray", "_reconstruct"): PickledArray,
    ("numpy", "ndarray"): object(),  # only ever named, as an argument of `_reconstruct`
    ("numpy", "dtype"): PickledType,
}

_OPCODES = {
    "values": "NONE NEWTRUE NEWFALSE INT LONG LONG1 BININT BININT1 BININT2 STRING BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8",
    "remembered values": "PUT BINPUT LONG_BINPUT MEMOIZE",
    "references": "GET BINGET LONG_BINGET",
    "containers": "EMPTY_LIST LIST EMPTY_DICT DICT EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 MARK",
    "list items": "APPEND",
    "groups of items": "APPENDS SETITEM SETITEMS",
    "calls": "GLOBAL STACK_GLOBAL REDUCE BUILD",
    "parts": "PROTO FRAME STOP",
}
"""The opcodes of CIFAR batches, by the names that the pickle module has for them. Left out are above all those whose
length is believed before anything is read (BYTEARRAY8), those that make much of little (sets, LONG4), and calls."""
_BUDGET = {
    "values": 4 * MAX_IMAGES,  # an image has a file name and two labels
    "remembered values": 4 * MAX_IMAGES,
    "references": 4 * MAX_IMAGES,
    "containers": 2000,  # pickle fills lists by the thousand; a batch has about a dozen more
    "list items": 4 * MAX_IMAGES,  # one by one in the oldest protocol
    "groups of items": 2000,
    "calls": 100,
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
    load = cast("_Load", _skip_frame if code == pickle.FRAME[0] else pickle._Unpickler.dispatch[code])
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

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="bytes")
        self.used: Counter[str] = Counter()

    def find_class(self, module_name: str, global_name: str, /) -> Any:
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
    except (InvalidArchive, OSError):
        raise
    except Exception as error:  # "including but not limited to", says the pickle module of what damage raises
        reason = _printable(str(error) or type(error).__name__)
        raise InvalidArchive(f"{name} cannot be read: {reason}. Use CIFAR-100's Python version, unchanged.") from error


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST_REASON])

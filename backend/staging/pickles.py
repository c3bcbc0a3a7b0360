"""A reader of Python pickles that admits what a CIFAR batch is made of, and runs nothing."""

from __future__ import annotations

import pickle
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt

from backend.errors import InvalidArchive

_UINT8_CODES = ("u1", b"u1", "|u1", b"|u1")


class PickledArray:
    """Stands for a NumPy array inside a pickle: keeps its parts, and calls nothing of NumPy."""

    def __init__(self, kind: object, shape: object, type_code: object) -> None:
        """Takes what NumPy's `_reconstruct` takes: placeholders, all replaced by the state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, self._shape, self._type, self._is_fortran, self._data = state

    def as_uint8(self) -> npt.NDArray[np.uint8]:
        """The array, read-only; raises TypeError or ValueError when it is not one of bytes."""
        if not isinstance(self._type, PickledType) or self._type.code not in _UINT8_CODES:
            raise TypeError("the array is not of type uint8")
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


class _CifarUnpickler(pickle._Unpickler):
    # The one in Python: that in C sizes its memo by the largest index a pickle names, so five bytes can ask for 64 GB.
    # No CIFAR batch holds a bytearray, whose length is believed before anything is read.
    dispatch: ClassVar = {
        code: load for code, load in pickle._Unpickler.dispatch.items() if code != pickle.BYTEARRAY8[0]
    }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module_name}.{global_name}, which no CIFAR batch needs; it was not run"
            ) from None


def load_pickle(file: IO[bytes], name: str) -> Any:
    """Unpickle a CIFAR member written by Python 2 or 3; text of Python 2 comes as bytes, arrays as PickledArray.

    Raises InvalidArchive, naming the member, when the pickle is damaged or asks for anything but a plain array.
    """
    try:
        return _CifarUnpickler(file, encoding="bytes").load()
    except InvalidArchive:
        raise
    except Exception as error:  # "including but not limited to", says the pickle module of what damage raises
        reason = str(error) or type(error).__name__
        raise InvalidArchive(f"{name} cannot be read: {reason}. Use CIFAR-100's Python version, unchanged.") from error

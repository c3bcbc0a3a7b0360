"""The reader of pickles alone: what it admits, and where its budgets end. Oracles are pickle and NumPy."""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any

import numpy as np
import pytest

from backend.errors import InvalidArchive
from backend.staging.pickles import PickledArray, PickledScalar, PickledType, load_pickle, plain


def load(content: bytes) -> Any:
    return load_pickle(io.BytesIO(content), "Member train")


def reason(content: bytes) -> str:
    """Why a pickle is refused."""
    with pytest.raises(InvalidArchive) as caught:
        load(content)
    text = str(caught.value)
    before, after = "Member train cannot be read: ", ". Use CIFAR-100's Python version, unchanged."
    assert (text.startswith(before), text.endswith(after)) == (True, True)
    return text.removeprefix(before).removesuffix(after)


@pytest.mark.parametrize("protocol", range(6))
def test_what_a_batch_is_made_of_comes_as_it_was(protocol: int) -> None:
    content = {
        "text": "a", "numbers": [0, 1, 255, 256, 65_536, -1], "nothing": [None], "nested": [{}, {"a": {"b": []}}],
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    }  # fmt: skip
    assert load(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_bytes_come_as_they_were_where_the_protocol_has_them(protocol: int) -> None:
    content = {b"short": b"b" * 255, b"long": b"b" * 256, b"truth": [True, False]}
    assert load(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("content", [b"", b"a", bytes(range(256)) * 3, {b"key": [b"\n\\", b"\r\x1a\0"]}])
def test_bytes_that_python_3_wrote_for_python_2_come_as_they_were(protocol: int, content: object) -> None:
    assert load(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize(
    "call",
    [
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8tR.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00hextR.",
        b"c_codecs\nencode\n(U\x01aX\x06\x00\x00\x00latin1tR.",
        b"c_codecs\nencode\n(K\x01X\x06\x00\x00\x00latin1tR.",
        b"c__builtin__\nbytes\n(K\x09tR.",
    ],
)
def test_what_makes_bytes_of_anything_else_is_not_run(call: bytes) -> None:
    assert "no CIFAR batch needs" in reason(b"\x80\x02" + call)


def test_a_text_that_is_encoded_often_is_not_copied_without_end() -> None:
    text = b"X" + (1 << 20).to_bytes(4, "little") + b"a" * (1 << 20) + b"q\x00"
    encode = b"c_codecs\nencode\nq\x01X\x06\x00\x00\x00latin1q\x02"
    content = b"\x80\x02" + text + encode + b"h\x01h\x00h\x02\x86R" * 200 + b"."
    assert "encodes more than" in reason(content)


@pytest.mark.parametrize(
    "admitted",
    [
        b"c_codecs\nencode\n",
        b"c__builtin__\nbytes\n",
        b"cnumpy._core.numeric\n_frombuffer\n",
        b"cnumpy\nndarray\n",
        b"]",
    ],
)
@pytest.mark.parametrize("state", [b"}U\x01aK\x01s", b"N}U\x0c__defaults__)s\x86"])
def test_what_is_admitted_gets_no_attribute(admitted: bytes, state: bytes) -> None:
    assert "gives a state to what has none" in reason(b"\x80\x02" + admitted + state + b"b.")


def test_python_2s_text_comes_as_bytes() -> None:
    assert load(b"\x80\x02U\x03\xff\x00a.") == b"\xff\x00a"
    assert load(b"S'text'\n.") == b"text"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(6, 4), (24,), (2, 3, 4), (0, 3072)])
def test_an_array_of_bytes_comes_as_numpy_has_it(protocol: int, order: Any, shape: tuple[int, ...]) -> None:
    original = np.asarray(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), order=order)
    array = load(pickle.dumps(original, protocol))
    assert isinstance(array, PickledArray)
    np.testing.assert_array_equal(array.as_uint8(), original, strict=True)
    assert not array.as_uint8().flags.writeable


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 8, 48, 99]),
        np.array([8, 48], dtype=np.uint8),
        np.array([8, -48], dtype=">i4"),
        np.array([b"bike_1.png", b"b"]),
        np.array(["bike_1.png", "\u00fcber"]),
        np.arange(20)[::3],
        np.array([], dtype=np.int64),
    ],
    ids=lambda values: str(values.dtype),
)
def test_numbers_and_texts_of_numpy_come_as_they_were(protocol: int, values: Any) -> None:
    array = load(pickle.dumps(values, protocol))
    assert isinstance(array, PickledArray)
    assert array.as_list() == values.tolist()
    scalars = load(pickle.dumps(list(values), protocol))
    assert [plain(scalar) for scalar in scalars] == values.tolist()


@pytest.mark.parametrize(
    ("code", "shape", "data"),
    [
        ("i1", (50_001,), bytes(50_001)),
        ("i1", (-1,), b"12"),
        ("i1", (2, 1), b"12"),
        ("S1", (), b"1"),
        ("O", (2,), b"12"),
        ("f8", (1,), bytes(8)),
        ("S0", (2,), b""),
        ("i8", (1 << 80,), bytes(8)),
        ("M8[ns]", (1,), bytes(8)),
        ("U1", (1,), b"\xff" * 4),
    ],
)
def test_no_other_array_is_made_a_list(code: str, shape: Any, data: bytes) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        array_of(code, shape, data).as_list()


@pytest.mark.parametrize("data", [b"", b"1", bytes(100), "8", None])
def test_a_scalar_of_another_length_has_no_value(data: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        PickledScalar(PickledType("i8"), data).value()


def test_an_array_whose_axes_are_in_no_order_is_refused() -> None:
    cube = np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(1, 0, 2)
    with_order = pickle.dumps(cube, 5)
    if b"K" in with_order and b"_frombuffer" in with_order:
        assert "neither in C's order nor in Fortran's" in reason(with_order)


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_arrays_of_either_numpy_are_read(module: str) -> None:
    written = pickle.dumps(np.arange(5, dtype=np.uint8), 3)
    old = written.replace(b"cnumpy._core.multiarray\n", f"c{module}\n".encode())
    assert load(old).as_uint8().tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("code", ["u1", b"u1", "|u1", b"|u1"])
def test_the_type_of_a_byte_has_four_spellings(code: str | bytes) -> None:
    assert array_of(code=code).as_uint8().tolist() == [1, 2]


@pytest.mark.parametrize("code", ["i1", "u2", "<u1", "O", None, 1])
def test_no_other_type_is_read(code: object) -> None:
    with pytest.raises(TypeError, match="not of type uint8"):
        array_of(code=code).as_uint8()


@pytest.mark.parametrize("shape", [[2], 2, None, (2.0,), ("2",), ((2,),)])
def test_a_shape_that_is_none_is_refused(shape: object) -> None:
    with pytest.raises(TypeError, match="shape is no tuple of numbers"):
        array_of(shape=shape).as_uint8()


@pytest.mark.parametrize(("shape", "data"), [((3,), b"12"), ((2,), "12"), ((2,), None), ((2,), [1, 2])])
def test_data_that_does_not_fit_is_refused(shape: object, data: object) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        array_of(shape=shape, data=data).as_uint8()


def array_of(code: object = "u1", shape: object = (2,), data: object = b"\x01\x02") -> PickledArray:
    """An array as its state in a pickle says it is."""
    array = PickledArray(None, (0,), b"b")
    array.__setstate__((1, shape, PickledType(code, False, True), False, data))
    return array


def test_a_type_that_is_none_is_refused() -> None:
    array = PickledArray(None, (0,), b"b")
    array.__setstate__((1, (2,), "u1", False, b"12"))
    with pytest.raises(TypeError, match="not of type uint8"):
        array.as_uint8()


def test_an_array_in_another_order_than_those_of_c_and_fortran_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"^it has an array whose axes"):
        PickledArray.from_buffer(b"12", PickledType("u1"), (2,), "A")


def test_an_array_has_as_many_values_as_a_split_may_have_images_and_no_more() -> None:
    assert array_of(shape=(50_000,), data=bytes(50_000)).as_list() == [0] * 50_000
    with pytest.raises(ValueError, match=r"^the array is not of one value for each of at most 50,000 images"):
        array_of(shape=(50_001,), data=bytes(50_001)).as_list()


def test_a_list_of_another_type_than_numbers_and_texts_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^the array is neither of numbers nor of texts"):
        array_of(code="f8", shape=(1,), data=bytes(8)).as_list()
    array = PickledArray(None, (0,), b"b")
    array.__setstate__((1, (2,), "u1", False, b"12"))
    with pytest.raises(TypeError, match=r"^the array has no type or no shape"):
        array.as_list()


# Budgets


@pytest.mark.parametrize(
    ("start", "opcodes", "limit", "kind"),
    [
        (b"", b"K\x01", 200_000 - 1, "200,000 values"),  # one more stands at the end
        (b"N", b"\x94", 700_000, "700,000 remembered values"),
        (b"Nq\x00", b"h\x00", 700_000, "700,000 references"),
        (b"", b"]", 2000, "2,000 containers"),
        (b"", b")", 252_000, "252,000 tuples"),
        (b"", b"(", 252_000, "252,000 marks"),
        (b"Nq\x00]" + b"K\x01a" * 100_000, b"h\x00a", 100_000, "200,000 list items"),
        (b"}", b"U\x01aNs", 2000, "2,000 groups of items"),
        (b"", b"cnumpy\ndtype\n", 250_100, "250,100 calls"),
        (b"", b"\x80\x04", 2000 - 2, "2,000 parts"),  # one at the start, and the stop
    ],
)
def test_a_budget_can_be_spent_to_the_last_and_no_further(start: bytes, opcodes: bytes, limit: int, kind: str) -> None:
    assert load(b"\x80\x04" + start + opcodes * limit + b"N.") is None
    refusal = reason(b"\x80\x04" + start + opcodes * (limit + 1) + b"N.")
    assert refusal == f"it has more than {kind}, which no CIFAR batch needs"


ADMITTED = {
    "NONE", "NEWTRUE", "NEWFALSE", "INT", "LONG", "LONG1", "BININT", "BININT1", "BININT2", "STRING",
    "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET",
    "LONG_BINGET", "EMPTY_LIST", "LIST", "EMPTY_DICT", "DICT", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2",
    "TUPLE3", "MARK", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD",
    "PROTO", "FRAME", "STOP", "BYTEARRAY8",
}  # fmt: skip


@pytest.mark.parametrize("opcode", [o for o in pickletools.opcodes if o.name not in ADMITTED], ids=lambda o: o.name)
def test_no_other_opcode_is_carried_out(opcode: Any) -> None:
    code = opcode.code.encode("latin-1")
    assert reason(b"\x80\x02" + code) == f"it has opcode {code[0]:#04x}, which no CIFAR batch needs"


# Keys, names and words


@pytest.mark.parametrize(
    "content",
    [
        b"}K\x01K\x02s.",
        b"}(U\x01aK\x02K\x01K\x02u.",
        b"(K\x01K\x02d.",
        b"})K\x02s.",
        b"}NK\x02s.",
        b"}(U\x01aK\x01)K\x02u.",
    ],
)
def test_a_key_that_is_no_text_is_refused(content: bytes) -> None:
    assert reason(b"\x80\x02" + content) == "it has a key that is no text"


def test_keys_may_be_bytes_or_text() -> None:
    assert load(b"\x80\x02}U\x01aK\x02s.") == {b"a": 2}
    assert load(b"\x80\x02}(U\x01aK\x02X\x01\x00\x00\x00bK\x03u.") == {b"a": 2, "b": 3}
    assert load(b"\x80\x02(U\x01aK\x02U\x01bK\x03d.") == {b"a": 2, b"b": 3}


@pytest.mark.parametrize("name", ["os system", "builtins eval", "numpy ndarray2", "numpy.core dtype", "numpy load"])
def test_a_name_that_is_not_needed_is_said_and_not_run(name: str) -> None:
    content = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n)R."
    assert reason(content) == f"it asks for {name.replace(' ', '.')}, which no CIFAR batch needs; it was not run"


def test_what_may_only_be_named_cannot_be_called() -> None:
    assert "not callable" in reason(b"\x80\x02cnumpy\nndarray\n)R.")


def test_the_reason_holds_no_control_character_and_is_short() -> None:
    assert reason(b"\x80\x02cos\n\x1b[31m\x07\n.").startswith("it asks for os.?[31m?, which")
    assert len(reason(b"\x80\x02c" + b"o" * 5000 + b"\nsystem\n.")) == 200


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x80\x02", b"\x80\x04]", b"K"])
def test_a_pickle_that_ends_early_says_something(content: bytes) -> None:
    assert reason(content)


def test_a_frame_may_claim_any_length_and_is_not_read_ahead() -> None:
    class Measured(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.largest = max(self.largest, size)
            return super().read(size)

    file = Measured(b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fK\x05.")
    assert (load_pickle(file, "Member train"), file.largest) == (5, 8)  # the length itself


@pytest.mark.parametrize("error", [OSError("the disk is gone"), InvalidArchive("the archive is too large")])
def test_what_the_file_raises_is_passed_on(error: Exception) -> None:
    class Broken(io.BytesIO):
        def readline(self, *_: Any) -> bytes:
            raise error

        def read(self, *_: Any) -> bytes:
            raise error

    with pytest.raises(type(error)) as caught:
        load_pickle(Broken(), "Member train")
    assert caught.value is error

"""Arithmetic modulo p = 2^255 - 19, compiled: five limbs of 51 bits, products in 128 bits.

An element is a tuple of five uint64. Products take limbs below 2^54 and give limbs below 2^52; sums are not carried, so
at most one addition or subtraction may stand between two products. The multiplication is written as LLVM IR because
numba has no 128-bit integers of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

P = 2**255 - 19
MASK = (1 << 51) - 1
FIELD = types.UniTuple(types.uint64, 5)
_I64, _I128 = ir.IntType(64), ir.IntType(128)


def _carried(context: Any, builder: Any, sums: list[Any]) -> Any:
    """Five 128-bit sums of products as five limbs below 2^52."""
    mask = ir.Constant(_I128, MASK)
    shift = ir.Constant(_I128, 51)
    limbs: list[Any] = []
    carry: Any = None
    for total in sums:
        total = total if carry is None else builder.add(total, carry)
        carry = builder.lshr(total, shift)
        limbs.append(builder.trunc(builder.and_(total, mask), _I64))
    # 2^255 = 19: what is left over comes round, once more from the first limb to the second.
    low = builder.add(limbs[0], builder.mul(builder.trunc(carry, _I64), ir.Constant(_I64, 19)))
    limbs[0] = builder.and_(low, ir.Constant(_I64, MASK))
    limbs[1] = builder.add(limbs[1], builder.lshr(low, ir.Constant(_I64, 51)))
    return context.make_tuple(builder, FIELD, limbs)


def _mul(typing: Any, a: Any, b: Any) -> Any:
    """a · b."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y = ([builder.extract_value(value, i) for i in range(5)] for value in arguments)
        y19 = [builder.mul(limb, ir.Constant(_I64, 19)) for limb in y]
        wide_x = [builder.zext(limb, _I128) for limb in x]
        wide_y = [builder.zext(limb, _I128) for limb in y]
        wide_y19 = [builder.zext(limb, _I128) for limb in y19]
        sums = []
        for k in range(5):
            total: Any = None
            for i in range(5):
                other = wide_y[k - i] if i <= k else wide_y19[5 + k - i]
                product = builder.mul(wide_x[i], other)
                total = product if total is None else builder.add(total, product)
            sums.append(total)
        return _carried(context, builder, sums)

    return FIELD(FIELD, FIELD), codegen


mul: Any = intrinsic(_mul)
"""a · b."""


def _square(typing: Any, a: Any) -> Any:
    """a²."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x = [builder.extract_value(arguments[0], i) for i in range(5)]
        wide = [builder.zext(limb, _I128) for limb in x]
        doubled = [builder.zext(builder.shl(limb, ir.Constant(_I64, 1)), _I128) for limb in x]
        times19 = [builder.zext(builder.mul(limb, ir.Constant(_I64, 19)), _I128) for limb in x]
        terms = (
            ((wide[0], wide[0]), (doubled[1], times19[4]), (doubled[2], times19[3])),
            ((doubled[0], wide[1]), (doubled[2], times19[4]), (wide[3], times19[3])),
            ((doubled[0], wide[2]), (wide[1], wide[1]), (doubled[3], times19[4])),
            ((doubled[0], wide[3]), (doubled[1], wide[2]), (wide[4], times19[4])),
            ((doubled[0], wide[4]), (doubled[1], wide[3]), (wide[2], wide[2])),
        )
        sums = []
        for row in terms:
            products = [builder.mul(left, right) for left, right in row]
            sums.append(builder.add(builder.add(products[0], products[1]), products[2]))
        return _carried(context, builder, sums)

    return FIELD(FIELD), codegen


square: Any = intrinsic(_square)
"""a²."""


def constant(value: int) -> tuple[np.uint64, ...]:
    """An element as a constant of compiled code."""
    return tuple(np.uint64((value % P) >> (51 * i) & MASK) for i in range(5))


ZERO = constant(0)
ONE = constant(1)
# 16 p, limb by limb: added before subtracting, so that no limb goes below zero.
_16P0 = np.uint64(16 * (2**51 - 19))
_16P1 = np.uint64(16 * (2**51 - 1))
_M = np.uint64(MASK)
_51 = np.uint64(51)
_19 = np.uint64(19)
_1 = np.uint64(1)


@njit(inline="always")
def add(a, b):
    """a + b, not carried."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])


@njit(inline="always")
def carry(a):
    """The same element with limbs below 2^52."""
    r0, r1, r2, r3, r4 = a
    c0, c1, c2, c3, c4 = r0 >> _51, r1 >> _51, r2 >> _51, r3 >> _51, r4 >> _51
    return ((r0 & _M) + c4 * _19, (r1 & _M) + c0, (r2 & _M) + c1, (r3 & _M) + c2, (r4 & _M) + c3)


@njit(inline="always")
def sub(a, b):
    """a - b, carried."""
    return carry(
        (
            a[0] + _16P0 - b[0],
            a[1] + _16P1 - b[1],
            a[2] + _16P1 - b[2],
            a[3] + _16P1 - b[3],
            a[4] + _16P1 - b[4],
        )
    )


@njit(inline="always")
def neg(a):
    """-a."""
    return sub(ZERO, a)


@njit(cache=True)
def canonical(a):
    """The same element as the one number below p: limbs below 2^51."""
    r0, r1, r2, r3, r4 = carry(carry(a))
    q = (r0 + _19) >> _51
    q = (r1 + q) >> _51
    q = (r2 + q) >> _51
    q = (r3 + q) >> _51
    q = (r4 + q) >> _51
    r0 += _19 * q
    r1 += r0 >> _51
    r2 += r1 >> _51
    r3 += r2 >> _51
    r4 += r3 >> _51
    return (r0 & _M, r1 & _M, r2 & _M, r3 & _M, r4 & _M)


@njit(cache=True)
def equal(a, b):
    """Whether a = b."""
    x, y = canonical(a), canonical(b)
    return x[0] == y[0] and x[1] == y[1] and x[2] == y[2] and x[3] == y[3] and x[4] == y[4]


@njit(cache=True)
def is_odd(a):
    """Whether a is "negative": its canonical number is odd."""
    return canonical(a)[0] & _1 == _1


@njit(cache=True)
def squares(a, times):
    """a to the power 2^times."""
    for _ in range(times):
        a = square(a)
    return a


@njit(cache=True)
def _power_250(a):
    """a^(2^250 - 1) and a^11, the common beginning of inversion and square root."""
    a2 = square(a)
    a9 = mul(squares(a2, 2), a)
    a11 = mul(a9, a2)
    x5 = mul(square(a11), a9)
    x10 = mul(squares(x5, 5), x5)
    x20 = mul(squares(x10, 10), x10)
    x40 = mul(squares(x20, 20), x20)
    x50 = mul(squares(x40, 10), x10)
    x100 = mul(squares(x50, 50), x50)
    x200 = mul(squares(x100, 100), x100)
    x250 = mul(squares(x200, 50), x50)
    return x250, a11


@njit(cache=True)
def invert(a):
    """1 / a, 0 for 0."""
    x250, a11 = _power_250(a)
    return mul(squares(x250, 5), a11)


@njit(cache=True)
def power_p58(a):
    """a^((p - 5) / 8)."""
    x250, _ = _power_250(a)
    return mul(squares(x250, 2), a)


@njit(cache=True)
def to_limbs(data):
    """32 bytes, little endian, as an element; the top bit is left out."""
    words = np.zeros(4, np.uint64)
    for i in range(32):
        words[i >> 3] |= np.uint64(data[i]) << np.uint64(8 * (i & 7))
    w0, w1, w2, w3 = words[0], words[1], words[2], words[3]
    return (
        w0 & _M,
        ((w0 >> np.uint64(51)) | (w1 << np.uint64(13))) & _M,
        ((w1 >> np.uint64(38)) | (w2 << np.uint64(26))) & _M,
        ((w2 >> np.uint64(25)) | (w3 << np.uint64(39))) & _M,
        (w3 >> np.uint64(12)) & _M,
    )


@njit(cache=True)
def to_bytes(a, out):
    """The canonical 32 bytes, little endian, into ``out``."""
    r0, r1, r2, r3, r4 = canonical(a)
    words = (
        r0 | (r1 << np.uint64(51)),
        (r1 >> np.uint64(13)) | (r2 << np.uint64(38)),
        (r2 >> np.uint64(26)) | (r3 << np.uint64(25)),
        (r3 >> np.uint64(39)) | (r4 << np.uint64(12)),
    )
    for i in range(32):
        out[i] = np.uint8((words[i >> 3] >> np.uint64(8 * (i & 7))) & np.uint64(255))

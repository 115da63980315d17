"""ristretto255 (RFC 9496), compiled: points, their 32 bytes, and sums of multiples.

A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z on the curve -x² + y² = 1 + d·x²y². A table entry is
(y + x, y - x, 2d·xy) of the affine point. Arithmetic takes time that depends on the numbers: the issuer's machine is
trusted with the quantities it certifies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from sealwright_stamp.adapters.proofs import field
from sealwright_stamp.adapters.proofs.field import add, carry, equal, is_odd, mul, neg, square, sub

WINDOW_BITS = 7
"""Width of a digit of a fixed base's scalar. Wider ones need fewer additions and tables that no cache holds."""
WINDOWS = -(-254 // WINDOW_BITS)
ENTRIES = 1 << (WINDOW_BITS - 1)
"""Multiples of each window's base that are in a table; negative digits subtract."""
LIMBS = 16
"""uint64 per table entry: 15, and one to fill two cache lines."""
AHEAD = 6
"""Entries that are fetched before they are needed: the tables are larger than the near caches."""
BYTES = 32
"""Digits of a scalar to the base 256, for points without tables."""
BUCKETS = 128

_D = (-121665 * pow(121666, -1, field.P)) % field.P
_SQRT_M1 = pow(2, (field.P - 1) // 4, field.P)


def _root(value: int) -> int:
    """A square root modulo p, the even one."""
    root = pow(value, (field.P + 3) // 8, field.P)
    if root * root % field.P != value % field.P:
        root = root * _SQRT_M1 % field.P
    if root * root % field.P != value % field.P:
        raise ValueError("no square")
    return root if root % 2 == 0 else field.P - root


D = field.constant(_D)
D2 = field.constant(2 * _D)
SQRT_M1 = field.constant(_SQRT_M1)
INVSQRT_A_MINUS_D = field.constant(pow(_root((-1 - _D) % field.P), -1, field.P))
ZERO, ONE = field.ZERO, field.ONE
IDENTITY = (ZERO, ONE, ONE, ZERO)


@njit(cache=True)
def add_entry(p, e0, e1, e2):
    """p plus the table entry (y + x, y - x, 2d·xy)."""
    x, y, z, t = p
    a = mul(sub(y, x), e1)
    b = mul(add(y, x), e0)
    c = mul(t, e2)
    d = add(z, z)
    e, f, g, h = sub(b, a), sub(d, c), add(d, c), add(b, a)
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@njit(cache=True)
def sub_entry(p, e0, e1, e2):
    """p minus the table entry."""
    x, y, z, t = p
    a = mul(sub(y, x), e0)
    b = mul(add(y, x), e1)
    c = mul(t, e2)
    d = add(z, z)
    e, f, g, h = sub(b, a), add(d, c), sub(d, c), add(b, a)
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@njit(cache=True)
def plus(p, q):
    """p + q."""
    a = mul(sub(p[1], p[0]), sub(q[1], q[0]))
    b = mul(add(p[1], p[0]), add(q[1], q[0]))
    c = mul(mul(p[3], D2), q[3])
    zz = mul(p[2], q[2])
    d = add(zz, zz)
    e, f, g, h = sub(b, a), sub(d, c), add(d, c), add(b, a)
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@njit(cache=True)
def minus(p):
    """-p."""
    return (neg(p[0]), p[1], p[2], neg(p[3]))


@njit(cache=True)
def double(p):
    """2p."""
    a = square(p[0])
    b = square(p[1])
    zz = square(p[2])
    c = add(zz, zz)
    h = add(a, b)
    e = sub(carry(h), square(add(p[0], p[1])))
    g = sub(a, b)
    f = carry(add(c, g))
    return (mul(e, f), mul(g, h), mul(f, g), mul(e, h))


@njit(cache=True)
def _inverse_root(u, v):
    """Whether u/v is a square, and the even root of u/v, or of i·u/v if it is none (RFC 9496, section 4.2)."""
    v3 = mul(square(v), v)
    v7 = mul(square(v3), v)
    r = mul(mul(u, v3), field.power_p58(mul(u, v7)))
    check = mul(v, square(r))
    correct = equal(check, u)
    flipped = equal(check, neg(u))
    flipped_i = equal(check, mul(neg(u), SQRT_M1))
    if flipped or flipped_i:
        r = mul(r, SQRT_M1)
    if is_odd(r):
        r = neg(r)
    return correct or flipped, r


@njit(cache=True)
def encode(p, out):
    """The 32 bytes of a point into ``out`` (RFC 9496, section 4.3.2)."""
    x, y, z, t = p
    u1 = mul(add(z, y), sub(z, y))
    u2 = mul(x, y)
    _, root = _inverse_root(ONE, mul(u1, square(u2)))
    den1 = mul(root, u1)
    den2 = mul(root, u2)
    z_inv = mul(mul(den1, den2), t)
    if is_odd(mul(t, z_inv)):
        x, y = mul(y, SQRT_M1), mul(x, SQRT_M1)
        den_inv = mul(den1, INVSQRT_A_MINUS_D)
    else:
        den_inv = den2
    if is_odd(mul(x, z_inv)):
        y = neg(y)
    s = mul(den_inv, sub(z, y))
    if is_odd(s):
        s = neg(s)
    field.to_bytes(s, out)


@njit(cache=True)
def decode(data):
    """Whether 32 bytes are a point, and the point (RFC 9496, section 4.3.1)."""
    s = field.to_limbs(data)
    back = np.zeros(32, np.uint8)
    field.to_bytes(s, back)
    fine = True
    for i in range(32):
        fine = fine and back[i] == data[i]
    if not fine or is_odd(s):
        return False, (ZERO, ONE, ONE, ZERO)
    ss = square(s)
    u1 = sub(ONE, ss)
    u2 = add(ONE, ss)
    u2_squared = square(u2)
    v = sub(neg(mul(D, square(u1))), u2_squared)
    was_square, root = _inverse_root(ONE, mul(v, u2_squared))
    den_x = mul(root, u2)
    den_y = mul(mul(root, den_x), v)
    x = mul(add(s, s), den_x)
    if is_odd(x):
        x = neg(x)
    y = mul(u1, den_y)
    t = mul(x, y)
    if not was_square or is_odd(t) or equal(y, ZERO):
        return False, (ZERO, ONE, ONE, ZERO)
    return True, (x, y, ONE, t)


@njit(cache=True)
def _load(array):
    return (array[0], array[1], array[2], array[3], array[4])


@njit(cache=True)
def _point(array):
    return (_load(array[0]), _load(array[1]), _load(array[2]), _load(array[3]))


@njit(cache=True)
def _store(array, point):
    for coordinate in range(4):
        for limb in range(5):
            array[coordinate, limb] = point[coordinate][limb]


def _prefetch(typing: Any, array: Any, index: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        # For reading, to be kept in all caches, data.
        builder.call(function, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


prefetch: Any = intrinsic(_prefetch)
"""Begins to fetch ``array[index]``; takes no time and has no result."""


@njit(cache=True)
def build_tables(encoded):
    """Tables for fixed bases given as n × 32 bytes, flat: bases × WINDOWS × ENTRIES × LIMBS."""
    bases = encoded.shape[0]
    tables = np.zeros((bases, WINDOWS, ENTRIES, LIMBS), np.uint64)
    xs = np.empty((ENTRIES, 4, 5), np.uint64)
    products = np.empty((ENTRIES + 1, 5), np.uint64)
    for base in range(bases):
        fine, start = decode(encoded[base])
        if not fine:
            raise ValueError("not a point")
        for window in range(WINDOWS):
            point = start
            for entry in range(ENTRIES):
                _store(xs[entry], point)
                point = plus(point, start)
            _normalise(xs, products, tables[base, window])
            for _ in range(WINDOW_BITS):
                start = double(start)
    return tables.reshape(-1)


@njit(cache=True)
def _normalise(points, products, table):
    """Entries of projective points, with one inversion for all of them (Montgomery's trick)."""
    running = (ONE[0], ONE[1], ONE[2], ONE[3], ONE[4])
    for entry in range(ENTRIES):
        for limb in range(5):
            products[entry, limb] = running[limb]
        running = mul(running, _load(points[entry, 2]))
    inverse = field.invert(running)
    for back in range(ENTRIES):
        entry = ENTRIES - 1 - back
        z_inv = mul(inverse, _load(products[entry]))
        inverse = mul(inverse, _load(points[entry, 2]))
        x = mul(_load(points[entry, 0]), z_inv)
        y = mul(_load(points[entry, 1]), z_inv)
        plus_, minus_, xy2d = carry(add(y, x)), sub(y, x), mul(mul(x, y), D2)
        for limb in range(5):
            table[entry, limb] = plus_[limb]
            table[entry, 5 + limb] = minus_[limb]
            table[entry, 10 + limb] = xy2d[limb]


@njit(cache=True)
def digits(scalar, out):
    """32 bytes, little endian, below 2^253, as 32 signed digits to the base 256 (-127 to 128)."""
    borrow = 0
    for i in range(BYTES):
        value = np.int64(scalar[i]) + borrow
        borrow = 0
        if value > BUCKETS:
            value -= 256
            borrow = 1
        out[i] = value


@njit(cache=True)
def _look_up(scalar, base, entries, signs, count):
    """Appends where the multiples are whose sum is scalar · base, and which are to be subtracted; the new count."""
    borrow = np.int64(0)
    for window in range(WINDOWS):
        bit = window * WINDOW_BITS
        value = np.int64(0)
        for i in range(3):
            if (bit >> 3) + i < BYTES:
                value |= np.int64(scalar[(bit >> 3) + i]) << np.int64(8 * i)
        value = ((value >> np.int64(bit & 7)) & np.int64(2 * ENTRIES - 1)) + borrow
        borrow = np.int64(0)
        if value > ENTRIES:
            value -= 2 * ENTRIES
            borrow = np.int64(1)
        if value != 0:
            signs[count] = value < 0
            entries[count] = ((base * WINDOWS + window) * ENTRIES + abs(value) - 1) * LIMBS
            count += 1
    return count


@njit(cache=True)
def _fixed(tables, bases, scalars):
    """Σ scalars[i] · base of bases[i], by tables."""
    entries = np.empty(bases.shape[0] * WINDOWS, np.int64)
    signs = np.empty(bases.shape[0] * WINDOWS, np.bool_)
    count = 0
    for i in range(bases.shape[0]):
        count = _look_up(scalars[i], bases[i], entries, signs, count)
    point = (ZERO, ONE, ONE, ZERO)
    for i in range(count):
        if i + AHEAD < count:
            prefetch(tables, entries[i + AHEAD])
            prefetch(tables, entries[i + AHEAD] + LIMBS // 2)
        o = entries[i]
        e0 = (tables[o], tables[o + 1], tables[o + 2], tables[o + 3], tables[o + 4])
        e1 = (tables[o + 5], tables[o + 6], tables[o + 7], tables[o + 8], tables[o + 9])
        e2 = (tables[o + 10], tables[o + 11], tables[o + 12], tables[o + 13], tables[o + 14])
        point = sub_entry(point, e0, e1, e2) if signs[i] else add_entry(point, e0, e1, e2)
    return point


@njit(cache=True)
def fixed_sum(tables, bases, scalars, out):
    """Σ scalars[i] · (base of bases[i]), encoded into ``out``; scalars are n × 32 bytes below the group's order."""
    encode(_fixed(tables, bases, scalars), out)


@njit(cache=True)
def vanishes(tables, bases, scalars, points, point_scalars):
    """Whether Σ scalars · fixed bases + Σ point_scalars · points (n × 32 bytes each) is the identity.

    False too if one of the points is none. The variable part is Pippenger's sum in buckets of signed base-256 digits,
    whose cost per point falls as points grow in number.
    """
    total = _fixed(tables, bases, scalars)
    count = points.shape[0]
    decoded = np.empty((count, 4, 5), np.uint64)
    all_digits = np.empty((count, BYTES), np.int64)
    for i in range(count):
        fine, point = decode(points[i])
        if not fine:
            return False
        _store(decoded[i], point)
        digits(point_scalars[i], all_digits[i])
    buckets = np.empty((BUCKETS + 1, 4, 5), np.uint64)
    filled = np.empty(BUCKETS + 1, np.bool_)
    variable = (ZERO, ONE, ONE, ZERO)
    for back in range(BYTES):
        window = BYTES - 1 - back
        for _ in range(8):
            variable = double(variable)
        filled[:] = False
        for i in range(count):
            digit = all_digits[i, window]
            if digit != 0:
                point = _point(decoded[i])
                if digit < 0:
                    digit, point = -digit, minus(point)
                if filled[digit]:
                    point = plus(_point(buckets[digit]), point)
                _store(buckets[digit], point)
                filled[digit] = True
        running = (ZERO, ONE, ONE, ZERO)
        weighted = (ZERO, ONE, ONE, ZERO)
        begun = False
        for down in range(BUCKETS):
            digit = BUCKETS - down
            if filled[digit]:
                running = plus(running, _point(buckets[digit]))
                begun = True
            if begun:
                weighted = plus(weighted, running)
        variable = plus(variable, weighted)
    total = plus(total, variable)
    out = np.empty(32, np.uint8)
    encode(total, out)
    return not out.any()

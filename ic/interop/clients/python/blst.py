"""The part of the blst binding that icp-py-core calls, on py-arkworks-bls12381.

icp-py-core checks certificates with a module of this name, which no package registry
has. Keys are in G2, signatures in G1; points off the curve or outside the subgroup are
refused when they are read.
"""

from py_arkworks_bls12381 import G1Point, G2Point, GT

BLST_SUCCESS = 0
_FAILED = 5

_G2 = G2Point()  # the generator


class P2_Affine:
    def __init__(self, compressed: bytes) -> None:
        self.point = G2Point.from_compressed_bytes(compressed)


class P1_Affine:
    def __init__(self, compressed: bytes) -> None:
        self.point = G1Point.from_compressed_bytes(compressed)

    def core_verify(self, key: P2_Affine, _hash_or_encode: bool, message: bytes, dst: bytes, _aug) -> int:
        hashed = G1Point.hash_to_curve(message, dst)
        if key.point == G2Point.identity():
            return _FAILED
        holds = GT.pairing_check([self.point, -hashed], [_G2, key.point])
        return BLST_SUCCESS if holds else _FAILED


class Pairing:
    """The aggregate form, which icp-py-core falls back to after a failed check."""

    def __init__(self, _hash_or_encode: bool, dst: bytes) -> None:
        self.dst = dst

    def aggregate(self, key: P2_Affine, signature: P1_Affine, message: bytes, _aug) -> None:
        self.holds = signature.core_verify(key, True, message, self.dst, None) == BLST_SUCCESS

    def finalverify(self) -> bool:
        return self.holds

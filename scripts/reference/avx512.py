"""Calls functions of a program on BochsCPU, an emulated processor with AVX-512, and compares memory afterwards.

    python scripts/reference/avx512.py < RECORDS

A record is a letter, an address and a length of eight bytes each, little endian, and that many bytes:
    X    code, or data that only code reads, at the address
    R    the bytes are written to memory at the address
    N    the name of what is called next; the address means nothing
    C    the function at the address is called; the bytes are its arguments as they lie above the return address
    W    memory at the address must hold the bytes
For each W that does not hold it prints a line with the name, and at the end how many held and how many calls there were.
The emulated processor has no VNNI: VPDPBUSD is done here, when it is refused.
"""

import ctypes
import os
import struct
import sys

import bochscpu
import bochscpu.cpu
import bochscpu.memory
import numpy

STACK, RETURN, ROOT, FIRST = 0x7F0000000000, 0x7F0000100000, 0x10000, 0x1000000
PAGE = 4096
GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()


class Memory:
    """Pages of the emulated machine, by their virtual address."""

    def __init__(self):
        self.pages = {}
        self.executable = set()

    def reserve(self, address, size, executable=False):
        for page in range(address & -PAGE, address + max(size, 1), PAGE):
            self.pages.setdefault(page, None)
            if executable:
                self.executable.add(page)

    def commit(self):
        self.table = table = bochscpu.memory.PageMapLevel4Table()  # which owns the pages of the tables
        for number, page in enumerate(sorted(self.pages)):
            host = bochscpu.memory.allocate_host_page()
            ctypes.memset(host, 0, PAGE)
            bochscpu.memory.page_insert(FIRST + number * PAGE, host)
            access = bochscpu.memory.AccessType.Execute if page in self.executable else bochscpu.memory.AccessType.Write
            table.insert(page, FIRST + number * PAGE, int(access.value) if hasattr(access, "value") else int(access))
            self.pages[page] = host
        for host, physical in table.commit(ROOT):
            bochscpu.memory.page_insert(physical, host)

    def pieces(self, address, size):
        while size > 0:
            inside = address % PAGE
            length = min(PAGE - inside, size)
            yield self.pages[address - inside] + inside, length
            address, size = address + length, size - length

    def write(self, address, data):
        at = 0
        for host, length in self.pieces(address, len(data)):
            ctypes.memmove(host, data[at : at + length], length)
            at += length

    def read(self, address, size):
        return b"".join(ctypes.string_at(host, length) for host, length in self.pieces(address, size))


def segment(selector, attributes):
    s = bochscpu.Segment()
    s.present, s.selector, s.base, s.limit, s.attr = True, selector, 0, 0xFFFFFFFF, attributes
    return s


class Machine:
    def __init__(self, memory):
        self.memory = memory
        self.session = bochscpu.Session()
        self.session.missing_page_handler = self.missing
        self.faults = []
        self.hook = bochscpu.Hook()
        self.hook.exception = self.exception
        self.hook.hlt = lambda session, cpu: session.stop()

    def missing(self, address):
        raise RuntimeError(f"no page at {address:#x}")

    def exception(self, session, cpu, vector, error):
        self.faults.append(vector)
        session.stop()

    def state(self, address, stack):
        s = bochscpu.State()
        bochscpu.cpu.set_long_mode(s)
        s.cr0, s.cr4, s.xcr0, s.cr3 = 0x80010033, 0x40620, 0xE7, ROOT  # with SSE, XSAVE and the state of AVX-512
        s.mxcsr, s.mxcsr_mask = 0x1F80, 0xFFFF
        s.cs = segment(8, 0xA09B)
        for name in ("ss", "ds", "es", "fs", "gs"):
            setattr(s, name, segment(16, 0xC093))
        s.rip, s.rsp, s.rflags = address, stack, 2
        return s

    def call(self, address, arguments):
        stack = STACK + 2 * PAGE
        self.memory.write(stack, struct.pack("<Q", RETURN) + arguments)
        state = self.state(address, stack)
        while True:
            self.faults.clear()
            self.session.cpu.state = state
            self.session.run([self.hook])
            if not self.faults:
                return
            state = self.session.cpu.state
            if self.faults != [6]:
                raise RuntimeError(f"exception {self.faults} before {state.rip:#x}")
            self.dot(state)

    def dot(self, state):
        """VPDPBUSD, which ends at rip: sums of four products of an unsigned and a signed byte, added to 32 bits."""
        for length in (6, 7, 8, 10, 11):
            code = self.memory.read(state.rip - length, length)
            mode, rm = code[5] >> 6, code[5] & 7
            size = 6 + (mode != 3 and rm == 4) + (0, 1, 4, 0)[mode]
            if code[0] == 0x62 and code[1] & 7 == 2 and code[4] == 0x50 and size == length:
                break
        else:
            raise RuntimeError(f"instruction refused before {state.rip:#x}")
        p0, p1, p2 = ~code[1], ~code[2], code[3]
        target = code[5] >> 3 & 7 | (p0 >> 7 & 1) << 3 | (p0 >> 4 & 1) << 4
        first = p1 >> 3 & 15 | (~p2 >> 3 & 1) << 4
        registers = state.zmm

        def vector(i):
            return numpy.frombuffer(struct.pack("<8Q", *registers[i].q), dtype=numpy.uint8)

        if mode == 3:
            second = vector(rm | (p0 >> 5 & 1) << 3 | (p0 >> 6 & 1) << 4)
        else:
            broadcast = p2 >> 4 & 1
            second = numpy.frombuffer(self.memory.read(self.operand(state, code, p0, broadcast), 4 if broadcast else 64), dtype=numpy.uint8)
            second = numpy.resize(second, 64)
        products = vector(first).astype(numpy.int64) * second.view(numpy.int8)
        sums = vector(target).view(numpy.uint32) + products.reshape(16, 4).sum(1)
        registers[target].q = list(struct.unpack("<8Q", (sums & 0xFFFFFFFF).astype(numpy.uint32).tobytes()))
        state.zmm = registers

    def operand(self, state, code, p0, broadcast):
        mode, rm, at = code[5] >> 6, code[5] & 7, 6
        base = rm
        address = 0
        if rm == 4:
            base, index = code[6] & 7, code[6] >> 3 & 7 | (p0 >> 6 & 1) << 3
            if index != 4:
                address = getattr(state, GENERAL[index]) << (code[6] >> 6)
            at = 7
        address += getattr(state, GENERAL[base | (p0 >> 5 & 1) << 3])
        if mode == 1:
            address += struct.unpack_from("<b", code, at)[0] * (4 if broadcast else 64)
        elif mode == 2:
            address += struct.unpack_from("<i", code, at)[0]
        return address & (1 << 64) - 1


def records(stream):
    while header := stream.read(17):
        kind, address, length = struct.unpack("<cQQ", header)
        yield kind.decode(), address, stream.read(length)


def main():
    everything = list(records(sys.stdin.buffer))
    memory = Memory()
    memory.reserve(STACK, 4 * PAGE)
    memory.reserve(RETURN, 1, True)
    for kind, address, data in everything:
        if kind in "XRW":
            memory.reserve(address, len(data), kind == "X")
    memory.commit()
    memory.write(RETURN, b"\xf4")
    machine = Machine(memory)
    name, held, calls = "", 0, 0
    for kind, address, data in everything:
        if kind in "XR":
            memory.write(address, data)
        elif kind == "N":
            name = data.decode()
        elif kind == "C":
            machine.call(address, data)
            calls += 1
        elif (got := memory.read(address, len(data))) == data:
            held += 1
        else:
            at = next(i for i in range(len(data)) if got[i] != data[i]) & -4
            print(f"{name}: byte {at} is {got[at:at + 4].hex()}, want {data[at:at + 4].hex()}")
    print(f"held {held}, calls {calls}", flush=True)
    os._exit(0)  # the library does not survive the interpreter's tidying


main()

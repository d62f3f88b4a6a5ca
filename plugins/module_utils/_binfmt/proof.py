# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tiny programs for foreign architectures, made here byte by byte, that prove an emulator works.

Each is a static ELF executable of less than 250 bytes without any library: an ELF header, one program header that
maps the whole file readable and executable at ``LOAD_ADDRESS``, the message, the code. What the code does is the same
everywhere:

1. ``write(1, MESSAGE, 16)``: the architecture's instructions and system calls work;
2. ``read(0, stack, 1)``: it waits until its standard input ends, so that whoever started it can look at ``/proc/PID``;
3. ``exit(42)``: a status that nothing else gives by chance.

The message comes before the code, so its address does not depend on the code's length: ``0x400078`` after 64-bit
headers (64 + 56 bytes), ``0x400054`` after 32-bit ones (52 + 32). The stack pointer serves as the buffer, since the
stack is the one writable piece of memory that every program is given.
"""

from __future__ import annotations

import struct

from ansible_collections.imagefleet.dify.plugins.module_utils._binfmt.architecture import (
    Architecture,
)

LOAD_ADDRESS = 0x400000
MESSAGE = b"foreign code ok\n"
EXIT_STATUS = 42

# Large enough for kernels with 64 KiB pages, as some of arm64 and ppc64le are.
_ALIGNMENT = 0x10000
_READ_AND_EXECUTE = 5
_LOAD = 1

# i386: eax holds the number (write 4, read 3, exit 1); ebx, ecx, edx the arguments; int 0x80 calls.
_CODE_386 = bytes.fromhex(
    "b804000000"  # mov eax, 4
    "bb01000000"  # mov ebx, 1
    "b954004000"  # mov ecx, 0x400054
    "ba10000000"  # mov edx, 16
    "cd80"  # int 0x80
    "b803000000"  # mov eax, 3
    "bb00000000"  # mov ebx, 0
    "89e1"  # mov ecx, esp
    "ba01000000"  # mov edx, 1
    "cd80"  # int 0x80
    "b801000000"  # mov eax, 1
    "bb2a000000"  # mov ebx, 42
    "cd80"  # int 0x80
)
# x86-64: eax holds the number (write 1, read 0, exit 60); rdi, rsi, rdx the arguments; writing esi clears rsi's top.
_CODE_AMD64 = bytes.fromhex(
    "b801000000"  # mov eax, 1
    "bf01000000"  # mov edi, 1
    "be78004000"  # mov esi, 0x400078
    "ba10000000"  # mov edx, 16
    "0f05"  # syscall
    "b800000000"  # mov eax, 0
    "bf00000000"  # mov edi, 0
    "4889e6"  # mov rsi, rsp
    "ba01000000"  # mov edx, 1
    "0f05"  # syscall
    "b83c000000"  # mov eax, 60
    "bf2a000000"  # mov edi, 42
    "0f05"  # syscall
)
# arm, instructions of ARMv5 too: r7 holds the number (write 4, read 3, exit 1); r0, r1, r2 the arguments.
_CODE_ARM = bytes.fromhex(
    "0100a0e3"  # mov r0, #1
    "0115a0e3"  # mov r1, #0x400000
    "541081e2"  # add r1, r1, #0x54
    "1020a0e3"  # mov r2, #16
    "0470a0e3"  # mov r7, #4
    "000000ef"  # svc #0
    "0000a0e3"  # mov r0, #0
    "0d10a0e1"  # mov r1, sp
    "0120a0e3"  # mov r2, #1
    "0370a0e3"  # mov r7, #3
    "000000ef"  # svc #0
    "2a00a0e3"  # mov r0, #42
    "0170a0e3"  # mov r7, #1
    "000000ef"  # svc #0
)
# arm64: x8 holds the number (write 64, read 63, exit 93); x0, x1, x2 the arguments.
_CODE_ARM64 = bytes.fromhex(
    "200080d2"  # mov x0, #1
    "010f80d2"  # mov x1, #0x78
    "0108a0f2"  # movk x1, #0x40, lsl #16
    "020280d2"  # mov x2, #16
    "080880d2"  # mov x8, #64
    "010000d4"  # svc #0
    "000080d2"  # mov x0, #0
    "e1030091"  # mov x1, sp
    "220080d2"  # mov x2, #1
    "e80780d2"  # mov x8, #63
    "010000d4"  # svc #0
    "400580d2"  # mov x0, #42
    "a80b80d2"  # mov x8, #93
    "010000d4"  # svc #0
)
# LoongArch: a7 holds the number (as on arm64); a0, a1, a2 the arguments.
_CODE_LOONG64 = bytes.fromhex(
    "04048003"  # ori a0, zero, 1
    "05800014"  # lu12i.w a1, 0x400
    "a5e08103"  # ori a1, a1, 0x78
    "06408003"  # ori a2, zero, 16
    "0b008103"  # ori a7, zero, 64
    "00002b00"  # syscall 0
    "04008003"  # ori a0, zero, 0
    "65001500"  # or a1, sp, zero
    "06048003"  # ori a2, zero, 1
    "0bfc8003"  # ori a7, zero, 63
    "00002b00"  # syscall 0
    "04a88003"  # ori a0, zero, 42
    "0b748103"  # ori a7, zero, 93
    "00002b00"  # syscall 0
)
# MIPS n64: v0 holds the number (write 5001, read 5000, exit 5058); a0, a1, a2 the arguments. Big-endian words here.
_CODE_MIPS64 = bytes.fromhex(
    "24021389"  # li v0, 5001
    "24040001"  # li a0, 1
    "3c050040"  # lui a1, 0x40
    "34a50078"  # ori a1, a1, 0x78
    "24060010"  # li a2, 16
    "0000000c"  # syscall
    "24021388"  # li v0, 5000
    "24040000"  # li a0, 0
    "03a02825"  # move a1, sp
    "24060001"  # li a2, 1
    "0000000c"  # syscall
    "240213c2"  # li v0, 5058
    "2404002a"  # li a0, 42
    "0000000c"  # syscall
)
# POWER, little-endian: r0 holds the number (write 4, read 3, exit 1); r3, r4, r5 the arguments; r1 is the stack.
_CODE_PPC64LE = bytes.fromhex(
    "01006038"  # li r3, 1
    "4000803c"  # lis r4, 0x40
    "78008460"  # ori r4, r4, 0x78
    "1000a038"  # li r5, 16
    "04000038"  # li r0, 4
    "02000044"  # sc
    "00006038"  # li r3, 0
    "780b247c"  # mr r4, r1
    "0100a038"  # li r5, 1
    "03000038"  # li r0, 3
    "02000044"  # sc
    "2a006038"  # li r3, 42
    "01000038"  # li r0, 1
    "02000044"  # sc
)
# RISC-V, uncompressed: a7 holds the number (as on arm64); a0, a1, a2 the arguments.
_CODE_RISCV64 = bytes.fromhex(
    "13051000"  # li a0, 1
    "b7054000"  # lui a1, 0x400
    "93858507"  # addi a1, a1, 0x78
    "13060001"  # li a2, 16
    "93080004"  # li a7, 64
    "73000000"  # ecall
    "13050000"  # li a0, 0
    "93050100"  # mv a1, sp
    "13061000"  # li a2, 1
    "9308f003"  # li a7, 63
    "73000000"  # ecall
    "1305a002"  # li a0, 42
    "9308d005"  # li a7, 93
    "73000000"  # ecall
)
# z/Architecture, big-endian: the instruction holds the number (write 4, read 3, exit 1); r2, r3, r4 the arguments.
_CODE_S390X = bytes.fromhex(
    "a7290001"  # lghi %r2, 1
    "a53e0040"  # llilh %r3, 0x40
    "a73b0078"  # aghi %r3, 0x78
    "a7490010"  # lghi %r4, 16
    "0a04"  # svc 4
    "a7290000"  # lghi %r2, 0
    "b904003f"  # lgr %r3, %r15
    "a7490001"  # lghi %r4, 1
    "0a03"  # svc 3
    "a729002a"  # lghi %r2, 42
    "0a01"  # svc 1
)


def _swap_words(code: bytes) -> bytes:
    return b"".join(code[start : start + 4][::-1] for start in range(0, len(code), 4))


_CODE = {
    "386": _CODE_386,
    "amd64": _CODE_AMD64,
    "arm": _CODE_ARM,
    "arm64": _CODE_ARM64,
    "loong64": _CODE_LOONG64,
    "mips64": _CODE_MIPS64,
    "mips64le": _swap_words(_CODE_MIPS64),
    "ppc64le": _CODE_PPC64LE,
    "riscv64": _CODE_RISCV64,
    "s390x": _CODE_S390X,
}


def proof_program(architecture: Architecture) -> bytes:
    """The whole executable file for ``architecture``."""
    wide = architecture.bits == 64
    file_header_size, program_header_size = (64, 56) if wide else (52, 32)
    headers_size = file_header_size + program_header_size
    body = MESSAGE + _CODE[architecture.name]
    size = headers_size + len(body)
    # Addresses and offsets are 8 bytes wide in 64-bit files, and p_flags stands elsewhere for the sake of alignment.
    file_header = architecture.magic + struct.pack(
        f"{architecture.order}{'IQQQIHHHHHH' if wide else 'IIIIIHHHHHH'}",
        1,  # e_version
        LOAD_ADDRESS + headers_size + len(MESSAGE),  # e_entry
        file_header_size,  # e_phoff
        0,  # e_shoff: no sections
        architecture.flags,
        file_header_size,
        program_header_size,
        1,  # e_phnum
        0,
        0,
        0,
    )
    if wide:
        program_header = struct.pack(
            f"{architecture.order}IIQQQQQQ",
            *(_LOAD, _READ_AND_EXECUTE, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, _ALIGNMENT),
        )
    else:
        program_header = struct.pack(
            f"{architecture.order}IIIIIIII",
            *(_LOAD, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, _READ_AND_EXECUTE, _ALIGNMENT),
        )
    return file_header + program_header + body

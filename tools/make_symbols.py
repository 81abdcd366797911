#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn `nm -n` output into the assembly of the kernel's symbol table.

Reads nm's sorted lines from standard input and writes, to standard output, three tables for
kernel/symbols.c: addresses (64 bit), offsets into the names (32 bit) and the names. Only text
symbols are kept: back traces name functions.
"""
import sys


def main() -> int:
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    symbols = []
    for line in sys.stdin:
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tTwW" and not fields[2].startswith("."):
            symbols.append((int(fields[0], 16), fields[2]))
    if not symbols:
        print("make_symbols: no text symbols on standard input; is it `nm -n`?", file=sys.stderr)
        return 1
    out = ['.section .rodata.symbols,"a"', ".balign 8", ".globl symbol_table_addresses",
           "symbol_table_addresses:"]
    out += [f"\t.quad {address:#x}" for address, _ in symbols]
    out += [".globl symbol_table_names", "symbol_table_names:"]
    offset = 0
    for _, name in symbols:
        out.append(f"\t.long {offset}")
        offset += len(name) + 1
    out += [".globl symbol_table_count", "symbol_table_count:", f"\t.long {len(symbols)}",
            ".globl symbol_table_text", "symbol_table_text:"]
    out += [f'\t.asciz "{name}"' for _, name in symbols]
    out.append('.section .note.GNU-stack,"",@progbits')
    print("\n".join(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())

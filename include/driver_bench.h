/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVER_BENCH_H
#define DRIVER_BENCH_H

/*
 * A marker: a place in a program that the counting plugin of the benchmarks knows again. It is an
 * 8-byte no-op, `nopl 0x7A4B4Dnn(%rax,%rax,1)`, whose lowest byte of displacement is the number, a
 * constant. It changes nothing.
 *
 * Counted regions run from a BEGIN to the next END. A CLOSE makes the regions since the last CLOSE
 * one result, which the program names by a line "count NAME OPERATIONS" in its log, in the same
 * order.
 */
#define BENCH_BEGIN 1
#define BENCH_END   2
#define BENCH_CLOSE 3

#define BENCH_MARKER(number)                                                                       \
    __asm__ volatile(".byte 0x0F, 0x1F, 0x84, 0x00, %c0, 0x4D, 0x4B, 0x7A"                         \
                     :                                                                             \
                     : "i"((number)&0xFF)                                                          \
                     : "memory")

#endif

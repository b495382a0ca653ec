/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A plugin for QEMU's TCG, user and system mode: counts the instructions that the guest executes
 * and writes a line "NUMBER TOTAL" for each marker (include/driver_bench.h) that it meets.
 *
 *   -plugin FILE,out=PATH
 *
 * TOTAL is of the processor that met the marker: the instructions before it, markers not counted.
 * A repeated string instruction is one for each iteration and one more, QEMU's look at a count of
 * 0, where it ends. A block is counted where it begins, so an exception in its middle counts the
 * rest of it as well.
 *
 * The prototypes are declared here because no package brings QEMU's header. PLUGIN_API is the
 * version that QEMU offers: 1 (QEMU 7.2), 4 (10.0) or 7 (11.1).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PLUGIN_API
#define PLUGIN_API 1
#endif

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

typedef uint64_t plugin_id;
typedef void (*execution_callback)(unsigned processor, void *data);

#if PLUGIN_API < 7
typedef void (*translation_callback)(plugin_id id, struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translation_callback callback);
#else
typedef void (*translation_callback)(struct qemu_plugin_tb *block, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translation_callback callback, void *data);
#endif

#if PLUGIN_API < 3
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
#else
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction, void *out, size_t length);
#endif

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, execution_callback callback,
                                          int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
                                            execution_callback callback, int flags, void *data);

EXPORT int qemu_plugin_version = PLUGIN_API;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int count, char **words);

enum { NO_REGISTERS = 0, PROCESSORS_MAX = 64, MARKER_LENGTH = 8 };

static uint64_t totals[PROCESSORS_MAX];
static FILE *out;

/* The marker's number; -1: another instruction. */
static int marker_number(const struct qemu_plugin_insn *instruction)
{
    static const uint8_t head[] = {0x0F, 0x1F, 0x84, 0x00}, tail[] = {0x4D, 0x4B, 0x7A};
    uint8_t bytes[MARKER_LENGTH];

    if (qemu_plugin_insn_size(instruction) != MARKER_LENGTH)
        return -1;
#if PLUGIN_API < 3
    memcpy(bytes, qemu_plugin_insn_data(instruction), MARKER_LENGTH);
#else
    if (qemu_plugin_insn_data(instruction, bytes, MARKER_LENGTH) != MARKER_LENGTH)
        return -1;
#endif
    if (memcmp(bytes, head, sizeof head) || memcmp(bytes + 5, tail, sizeof tail))
        return -1;
    return bytes[4];
}

static void count_block(unsigned processor, void *data)
{
    if (processor < PROCESSORS_MAX)
        totals[processor] += (uintptr_t)data;
}

/* The data: how much of the block is still to come, which is counted already, and the number. */
static void meet_marker(unsigned processor, void *data)
{
    uintptr_t rest = (uintptr_t)data >> 8;
    unsigned number = (uintptr_t)data & 0xFF;

    if (processor < PROCESSORS_MAX)
        fprintf(out, "%u %llu\n", number, (unsigned long long)(totals[processor] - rest));
}

static void translate(struct qemu_plugin_tb *block)
{
    uintptr_t counted = 0;

    for (size_t i = qemu_plugin_tb_n_insns(block); i-- > 0;) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        int number = marker_number(instruction);

        if (number < 0)
            counted++;
        else
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, meet_marker, NO_REGISTERS,
                                                   (void *)(counted << 8 | (uintptr_t)number));
    }
    qemu_plugin_register_vcpu_tb_exec_cb(block, count_block, NO_REGISTERS, (void *)counted);
}

#if PLUGIN_API < 7
static void on_translation(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    translate(block);
}
#else
static void on_translation(struct qemu_plugin_tb *block, void *data)
{
    (void)data;
    translate(block);
}
#endif

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int count, char **words)
{
    (void)info;
    for (int i = 0; i < count && !out; i++)
        if (!strncmp(words[i], "out=", 4))
            out = fopen(words[i] + 4, "w");
    if (!out) {
        fputs("plugin: out=PATH is missing or cannot be written\n", stderr);
        return -1;
    }
    setvbuf(out, NULL, _IOLBF, BUFSIZ);
#if PLUGIN_API < 7
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
#else
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation, NULL);
#endif
    return 0;
}

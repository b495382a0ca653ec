/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the UEFI stage gathers, free of UEFI types. Everything here lives in the image's own
 * memory, so it outlives boot services.
 */
#define BOOT_MEMORY_MAX  1024
#define BOOT_OPTIONS_MAX 2048
#define BOOT_PORTS_MAX   8
#define BOOT_RUNTIME_MAX 64

enum boot_memory_kind {
    BOOT_MEMORY_USABLE,   /* conventional, and boot services' once they are left */
    BOOT_MEMORY_FIRMWARE, /* RAM that firmware keeps: runtime services, ACPI tables */
    BOOT_MEMORY_RESERVED, /* not said what for: RAM or registers */
    BOOT_MEMORY_IMAGE,    /* this image */
    BOOT_MEMORY_MMIO,
};

struct boot_memory {
    uint64_t base;
    uint64_t length;
    enum boot_memory_kind kind;
};

struct boot_framebuffer {
    uint64_t base; /* 0: none */
    uint64_t length;
    uint32_t width, height;
    uint32_t stride;                            /* pixels from line to line */
    uint8_t red_shift, green_shift, blue_shift; /* 32-bit pixels */
};

/* A serial port that firmware drives: a PCI function, or one on ISA, which has a number only. */
struct boot_port {
    bool pci;
    uint8_t com; /* not on PCI: 0 for COM1 */
    uint16_t segment;
    uint16_t bdf;
};

struct boot_info {
    struct boot_memory memory[BOOT_MEMORY_MAX];
    unsigned memory_count;
    uint64_t rsdp; /* physical; 0: none */
    struct boot_framebuffer framebuffer;
    struct boot_port ports[BOOT_PORTS_MAX]; /* those of firmware's console first */
    unsigned port_count;
    uint64_t image_base;
    uint64_t image_length;
    char firmware_vendor[64];
    uint32_t firmware_revision;
    bool secure_boot;
    /* "name=value" words, each ended by '\0', the last by a second '\0'. Later ones win. From
     * bulkhead.conf beside the image, then the load options. */
    char options[BOOT_OPTIONS_MAX];
    uint64_t runtime_services; /* physical address of the UEFI runtime services table */
    /* Memory that runtime services need, RAM and MMIO. */
    struct boot_memory runtime[BOOT_RUNTIME_MAX];
    unsigned runtime_count;
};

/* The value of an option, NULL when it was not given ("flag" alone has the value ""). */
const char *boot_option(const struct boot_info *info, const char *name);

/* The option was given, with this value. */
bool boot_option_is(const struct boot_info *info, const char *name, const char *value);

/* Still in boot services, nothing changed yet: looks at units and functions (boot/snapshot.c). A
 * second call looks again. */
void boot_snapshot(const struct boot_info *info);

/* Boot services are left, interrupts are off, the firmware's stack and page tables are still in
 * use. Never returns. */
_Noreturn void boot_main(struct boot_info *info);

/* Resets the machine, or switches it off, by firmware's ResetSystem(). Returns only when that
 * cannot be, with the reason. */
const char *boot_reset(const struct boot_info *info, bool off);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_ACPI_ACPI_H
#define DRIVERS_ACPI_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Static ACPI tables, read by offset with the length checked first. Readers take the table as a
 * parameter, allocate nothing and never trust a length, count or address in it. A bad record is
 * skipped alone, counted, and named in one log line with its offset and the reason.
 */
struct acpi_table {
    const uint8_t *data; /* whole table, header included; NULL: absent */
    size_t length;       /* bytes that may be read: the header's length, clipped to what is there */
};

/* Little-endian fields. The caller has checked offset + width <= table->length. */
uint8_t acpi_u8(const struct acpi_table *table, size_t offset);
uint16_t acpi_u16(const struct acpi_table *table, size_t offset);
uint32_t acpi_u32(const struct acpi_table *table, size_t offset);
uint64_t acpi_u64(const struct acpi_table *table, size_t offset);

/* True when [offset, offset + width) lies inside the table; never overflows. */
bool acpi_has(const struct acpi_table *table, size_t offset, size_t width);

#define ACPI_HEADER_LENGTH 36

/* Reads firmware memory: [physical, physical + length) as bytes, NULL when it cannot be had. */
typedef const void *(*acpi_reader)(uint64_t physical, size_t length);

#define ACPI_TABLES_MAX 128

/* Where the tables are: the result of walking RSDP, then XSDT (or RSDT when there is none). */
struct acpi_tables {
    struct acpi_table tables[ACPI_TABLES_MAX];
    unsigned count;
    unsigned skipped; /* entries that were null, listed twice, unreadable or of a wild length */
    uint8_t revision; /* of the RSDP */
    char oem_id[7];   /* printable characters only */
};

/* False: no RSDP or no root table that can be read; `tables` is empty then. A table with a wrong
 * checksum is kept and logged: real firmware ships them. */
bool acpi_find_tables(uint64_t rsdp, acpi_reader read, struct acpi_tables *tables)
    __attribute__((warn_unused_result));

/* The nth (0, 1, ...) table with this signature; data is NULL when there is none. */
struct acpi_table acpi_table_get(const struct acpi_tables *tables, const char *signature,
                                 unsigned n);

/*
 * DMAR and IVRS have one frame: 48 bytes, then records that begin with a type and have their length
 * in the 16-bit word at offset 2. What a reader of one finds, beside the records themselves:
 */
#define ACPI_RECORDS_START 48
#define ACPI_REASON_LENGTH 80
#define ACPI_UNKNOWN_MAX   128

struct acpi_findings {
    const char *table; /* its signature, for the log; set by the reader */
    unsigned unknown;  /* records of other types, stepped over */
    struct {
        uint32_t offset;
        uint16_t type, length;
    } unknowns[ACPI_UNKNOWN_MAX]; /* the first of them */
    unsigned skipped;             /* records and parts of records that could not be read or kept */
    unsigned flawed;              /* flaws of the records that were kept */
    /* Something that says which unit a device is behind may be missing. DMA state: partial. */
    bool incomplete;
    char reason[ACPI_REASON_LENGTH]; /* of the first skip or flaw; "" when there is none */
};

/* Reads one record whose length is at least 4 and lies within the table. */
typedef void (*acpi_record_reader)(const struct acpi_table *table, size_t at, size_t length,
                                   void *context);

/* Calls `read` for each record, up to the end that the header states or the table's, whichever is
 * first. A length that cannot be stepped by ends the walk: what follows is lost, and said so.
 * False: absent, or either end is below 48 bytes. */
bool acpi_read_records(const struct acpi_table *table, acpi_record_reader read, void *context,
                       struct acpi_findings *found) __attribute__((warn_unused_result));

/* Each counts one, and is one log line; the lines of one table are bounded. */
void acpi_unknown(struct acpi_findings *found, size_t offset, unsigned type, size_t length);
void acpi_skip(struct acpi_findings *found, size_t offset, const char *subject, const char *why);
void acpi_flaw(struct acpi_findings *found, size_t offset, const char *subject, const char *why);

/* A log line about a table. A hostile one cannot flood the log: of each table only the first lines
 * are written, and one more that says so. `earlier`: how many came before this one. */
#define ACPI_LINES_MAX 32
void acpi_say(const char *table, unsigned earlier, const char *text);

/* True when all bytes of the table add up to zero. */
bool acpi_checksum_holds(const struct acpi_table *table);

/* MCFG. ACPI-defined "PCI Express Memory Mapped Configuration", allocation structures. */
#define ACPI_MCFG_MAX 32

struct acpi_mcfg_range {
    uint64_t base; /* of bus 0 of the segment, even when first_bus is not 0 */
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
};

struct acpi_mcfg {
    struct acpi_mcfg_range ranges[ACPI_MCFG_MAX];
    unsigned count;
    unsigned skipped;
};

void acpi_read_mcfg(const struct acpi_table *table, struct acpi_mcfg *mcfg);

/* MADT. ACPI, "Interrupt Controller Structure". */
#define ACPI_MADT_MAX 64

struct acpi_madt {
    uint64_t local_apic; /* after the address override, if any */
    bool legacy_pics;    /* PCAT_COMPAT */
    unsigned processors; /* enabled local APICs and x2APICs */
    struct {
        uint8_t id;
        uint32_t address;
        uint32_t gsi_base;
    } io_apics[ACPI_MADT_MAX];
    unsigned io_apic_count;
    unsigned unknown;
    unsigned skipped;
};

void acpi_read_madt(const struct acpi_table *table, struct acpi_madt *madt);

/* FADT. "Power Management Timer": the I/O port of its register, X_PM_TMR_BLK before PM_TMR_BLK.
 * 0: none, or one that is memory-mapped. */
uint16_t acpi_pm_timer_port(const struct acpi_table *table);

/* Where the registers of a 16550 are: ACPI, "Generic Address Structure". */
struct acpi_uart {
    bool io_port; /* else memory-mapped */
    uint64_t address;
    uint8_t width;  /* of one access, bytes: 1, 2, 4 */
    uint8_t stride; /* bytes from register to register */
};

/* Reads the 12 bytes at `offset`, which are inside the table. NULL, or why it can be none. */
const char *acpi_read_uart(const struct acpi_table *table, size_t offset, struct acpi_uart *uart);

/* SPCR. "Serial Port Console Redirection Table". The interface types are the serial subtypes of
 * DBG2. */
struct acpi_spcr {
    bool valid;
    uint8_t interface_type;
    struct acpi_uart uart;
};

void acpi_read_spcr(const struct acpi_table *table, struct acpi_spcr *spcr);

/* DBG2. Microsoft "Debug Port Table 2": its serial ports that are 16550s. */
#define ACPI_DBG2_MAX 8

struct acpi_dbg2 {
    struct acpi_uart uarts[ACPI_DBG2_MAX];
    unsigned count;
    unsigned skipped; /* 16550s that could not be read or kept */
    unsigned others;  /* ports of other kinds, stepped over */
};

void acpi_read_dbg2(const struct acpi_table *table, struct acpi_dbg2 *dbg2);

/* True for the subtypes "16550 compatible", "16550 subset" and "16550 with parameters in the
 * Generic Address Structure". */
bool acpi_is_16550(unsigned serial_subtype);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_PT_REFERENCE_H
#define MODEL_PT_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Paging structures as the specifications describe them, read from the machine's RAM: the judge of
 * drivers/iommu/paging, with which it shares no line and no constant.
 *
 *   second stage  Intel VT-d, "Second-Stage Paging Entries" (SS-PML5E to SS-PTE)
 *   first stage   Intel VT-d, "First-Stage Paging Entries", which are those of the Intel SDM,
 *                 "4-Level Paging and 5-Level Paging", for a request of user privilege
 *   AMD v1        AMD I/O Virtualization, "I/O Page Tables for Host Translations", figures
 *                 "I/O Page Directory Entry" and "I/O Page Translation Entry"
 *
 * It is as strict as the specification allows: what hardware may fault on, or leaves undefined, is
 * malformed. Snoop control (SNP), transient mappings (TM) and execute disable (XD) are taken as
 * not supported, so that their bits are reserved.
 */
enum reference_kind { REFERENCE_SECOND_STAGE, REFERENCE_FIRST_STAGE, REFERENCE_AMD_V1 };
#define REFERENCE_KINDS 3

struct reference {
    enum reference_kind kind;
    uint64_t root;          /* physical address of the root table */
    uint8_t levels;         /* of the root: 3 to 5, 4 to 5, or AMD's mode 1 to 6 */
    uint8_t physical_width; /* host address width: address bits at and above it are reserved */
    uint8_t leaf_levels;    /* bit n: the unit knows leaves at level n; AMD's knows all */
    bool coherent;          /* reads what the processor stored, else what was written back */
};

enum reference_reason {
    REFERENCE_ALLOWED,
    REFERENCE_BEYOND_WIDTH, /* or not canonical */
    REFERENCE_NOT_PRESENT,
    REFERENCE_NO_PERMISSION,
    REFERENCE_MALFORMED,
    REFERENCE_OUTSIDE_RAM /* a table is where no memory is */
};

struct reference_result {
    enum reference_reason reason;
    const char *rule; /* the rule broken, when malformed */
    uint64_t entry;   /* the last one read */
    uint8_t level;    /* of the table that holds it */
    bool readable;    /* these four hold when the walk ended at a leaf */
    bool writable;
    uint64_t physical;  /* of the address itself */
    uint64_t page_size; /* bytes */
};

/* What one request meets. Returns result->reason. */
enum reference_reason reference_walk(const struct reference *reference, uint64_t address,
                                     bool write, struct reference_result *result);

struct reference_leaf {
    uint64_t address;
    uint64_t physical;
    uint64_t size; /* bytes */
    bool readable;
    bool writable;
    uint8_t level;
};

/* Called for every table, root first, and for every leaf that a request can get through, in order
 * of address. Either may be NULL. */
struct reference_visitor {
    void (*table)(void *context, uint64_t physical, unsigned level);
    void (*leaf)(void *context, const struct reference_leaf *leaf);
    void *context;
};

/* Reads the whole tree. NULL, or the first rule broken: of one entry, or of the copies that an AMD
 * page larger than its level's default consists of. */
const char *reference_visit(const struct reference *reference,
                            const struct reference_visitor *visitor);

#endif

/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_HOST_UNIT_H
#define TESTS_HOST_UNIT_H

#include "drivers/iommu/core/core.h"
#include "ecam.h"
#include "machine.h"
#include "pt_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/*
 * A modelled unit and the driver for it in words of no vendor, so that one test runs on both. Each
 * vendor has a header unit_*.h with the same names in it:
 *
 *   unit_t, unit_config_t, unit_broken_t  the model, how it is made, how it misbehaves
 *   unit_driver_t                         the state of the vendor's driver
 *   UNIT_DEFAULT                          48-bit addresses, tables of 4 levels, pass-through
 *   UNITS_APART                           from one register set to the next
 *   UNIT_FORMAT                           of its page tables, for the second reader
 *   UNIT_ATTACH_FRAMES                    that a requester's table entry may need
 *   UNIT_SPECIALS                         ranges of addresses that are no memory to it
 *   UNIT_ALWAYS_COHERENT                  walks are, whatever is asked
 *   UNIT_EFFORT                           one in so many of the random sequences is made
 *   UNIT_ROW                              how the names of its rows of benchmarks end
 *   UNIT_REGISTERS, UNIT_TAIL             bytes; where the tail of the queue is among them
 *   unit_kinds[]                          units that differ from the default in an offer or two
 *   unit_useless[]                        misbehaviours that keep a unit from being used
 *   UNIT_CAPABILITIES                     sets of offers that unit_capabilities() tells apart
 *   UNIT_TEARS                            ways in which a unit reads an entry in halves
 *
 *   unit_create       powers on unit n of the machine, adds its functions to the inventory
 *   unit_table        writes the vendor's ACPI table, returns its length
 *   unit_discover     is the driver's
 *   unit_dma          asks the unit
 *   unit_translate    asks the tables as they stand in memory
 *   unit_blocks       the requester's table entry is the blocked one
 *   unit_has_faults   that nobody has taken
 *   unit_read, unit_write                 a register
 *   unit_take_told    what it was told since the last time
 *   unit_covered      of a range, how many pages it has been told to forget since then
 *   unit_set_caching  not-present entries are cached
 *   unit_set_coherent walks are coherent, where that can be chosen
 *   unit_set_width    of input addresses
 *   unit_capabilities the nth legal set of offers, n taken from a number that counts choices;
 *                     offers that it does not tell apart are drawn, by n
 *   unit_drains       whether it offers to drain writes
 *   unit_set_tear     in which of the ways above, from 1; so many words of memory change meanwhile
 *   unit_set_delay    commands take this many ticks
 *   unit_stall        no command completes any more
 *   unit_fail         each command is met by an error
 *   unit_vanish       its registers read all ones
 *   unit_revive       is as it was before either, and what waits completes
 *   unit_is_wait      a table store is the driver's command to wait
 *   unit_set_sharing  whether devices of a domain share cached pages, where a unit may choose
 *   unit_caches       what it remembers of tables
 *   unit_entry        one cached entry
 *   unit_requester    a requester's entry in memory, said as a cached one is
 *   unit_settle       all else is as in another unit, which is idle
 *   unit_is_log       a frame to which it writes faults
 *   unit_is_idle      has done all that it was told
 *   unit_frame        one of the frames that serve the unit
 *   unit_frames       how many do, but for page tables
 */

/* Functions of segment 0 that firmware names. */
#define FIRST_ID    PCI_BDF(0, 2, 0)
#define SECOND_ID   PCI_BDF(0, 3, 0)
#define REGION_SIZE UINT64_C(0x2000)

/* What firmware says. */
struct unit_plan {
    bool two_units;  /* one for SECOND_ID alone, named first, and one for all else; or, */
    uint16_t second; /* if this is not 0, that one for all of another segment */
    uint64_t region; /* REGION_SIZE bytes that it demands for FIRST_ID; 0: none */
};

/* 48 bits; 39 or 40; 52 or 57, with tables of 5 levels. */
enum unit_width { UNIT_USUAL, UNIT_NARROW, UNIT_WIDE };

/* Invalidations that a unit carried out. */
struct unit_told {
    unsigned ranges; /* commands that name a range of a domain, */
    uint64_t pages;  /* and how many pages these cover */
    unsigned others; /* commands that name more than a range */
    unsigned waits;
    bool directories; /* more than leaf entries had to go */
};

enum unit_command { UNIT_RANGE, UNIT_WAIT, UNIT_OTHER };

/* Counts one; pages and directories are those of a range. */
static inline void unit_count(struct unit_told *told, enum unit_command command, uint64_t pages,
                              bool directories)
{
    told->ranges += command == UNIT_RANGE;
    told->waits += command == UNIT_WAIT;
    told->others += command == UNIT_OTHER;
    told->pages += command == UNIT_RANGE ? pages : 0;
    told->directories |= command == UNIT_RANGE ? directories : command == UNIT_OTHER;
}

/* Takes the next digit, of base `radix`, from a number that counts choices. */
static inline unsigned unit_choice(unsigned *number, unsigned radix)
{
    unsigned choice = *number % radix;

    *number /= radix;
    return choice;
}

/* Choices that go with a number and follow no digit of it. */
static inline unsigned unit_draw(unsigned number)
{
    uint64_t mixed = (number + UINT64_C(1)) * UINT64_C(0x9E3779B97F4A7C15);

    return (unsigned)(mixed >> 32);
}

/* Entries that a unit has cached: each of `size` bytes begins with bool valid. */
enum { UNIT_REQUESTERS, UNIT_LEAVES, UNIT_DIRECTORIES, UNIT_CACHES };

struct unit_cache {
    void *entries;
    unsigned *count; /* slots in use */
    size_t size;
};

/* What such an entry says; `rights` is all that is no address and no name. `refused`: nothing is
 * present, and `address` is of no account. */
struct unit_entry {
    uint16_t source, domain;
    uint8_t shift;
    bool refused;
    uint64_t input, address, rights;
};

#define UNIT_TABLE_MAX 256u

/* Pages that two inclusive ranges have in common. */
static inline uint64_t common_pages(uint64_t first, uint64_t last, uint64_t from, uint64_t to)
{
    uint64_t begin = first > from ? first : from, end = last < to ? last : to;

    return begin > end ? 0 : (end - begin + 1) >> 12;
}

static inline size_t put_bytes(uint8_t *table, size_t at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        table[at + i] = (uint8_t)(value >> 8 * i);
    return at + width;
}

#endif
